//! A backend in a process of its own, whose instructions are not counted: a port for each case, with one answer.

use std::{
    env,
    error::Error,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::case::Case;

/// How long an answer takes. Whoever waits for it is sure to find nothing there when it looks the first time, and all of it
/// when it is woken: without that the count would depend on who was faster.
const PAUSE: Duration = Duration::from_millis(3);

/// The started process, which ends when this is dropped.
pub struct Child {
    process: std::process::Child,
    ports: Vec<u16>,
}

impl Child {
    /// Starts this program again, as a backend.
    pub fn start(folder: &Path, cases: usize) -> Result<Child, Box<dyn Error>> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("backend").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let said = process.stdout.take().ok_or("the backend says nothing")?;
        let mut child = Child { process, ports: Vec::new() };
        for line in BufReader::new(said).lines().take(cases) {
            child.ports.push(line?.parse()?);
        }
        Ok(child)
    }

    /// The port with the answer of the case of that number.
    pub fn port(&self, case: usize) -> u16 {
        self.ports[case]
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Its standard input ends, and it does. Nobody is left to tell if it does not.
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

/// Answers on a port for each case, and prints which they are, until standard input ends.
pub fn serve(cases: &[Case]) -> Result<(), Box<dyn Error>> {
    for case in cases {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let answer = answer(case);
        writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = answer.clone();
                // A connection ends when its other side wants it to.
                thread::spawn(move || drop(answer_all(stream, &answer)));
            }
        });
    }
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn answer(case: &Case) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        case.backend_status,
        case.backend_body.len()
    );
    [head.as_bytes(), &case.backend_body].concat()
}

fn answer_all(stream: TcpStream, answer: &[u8]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let Some((name, value)) = line.split_once(':') else {
                if line.trim_end().is_empty() {
                    break;
                }
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        thread::sleep(PAUSE);
        writer.write_all(answer)?;
    }
}

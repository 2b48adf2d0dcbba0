//! The backend: bytes in, bytes out. It writes down every complete request, knows by its credential which case it
//! belongs to, and says what that case wants said. What is not a plain, well-formed request is a fault of whoever sent it.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use socket2::SockRef;

use super::{
    PATIENCE,
    answers::Answers,
    case::Line,
    request::{self, Rules},
    text::Piece,
};

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) case: Option<usize>,
    /// Method and target.
    pub(super) line: String,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Call {
    /// All of it.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

#[derive(Default)]
struct State {
    scripts: HashMap<usize, Script>,
    calls: Vec<Call>,
    /// What came and should not have, with the case it belongs to if that can be told.
    faults: Vec<(Option<usize>, String)>,
}

#[derive(Default)]
struct Script {
    lines: Vec<Line>,
    /// How often the client has let the backend go on.
    released: usize,
    ended: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    answers: Answers,
    rules: Rules,
}

/// Listens until the test ends.
#[derive(Clone)]
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Backend {
    pub(super) fn start(rules: Rules) -> Backend {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Answers::new(rules);
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), answers, rules });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (shared, stream) = (Arc::clone(&accepting), stream.unwrap());
                thread::spawn(move || Connection::new(stream, shared).serve());
            }
        });
        Backend { address, shared }
    }

    pub(super) fn begin(&self, case: usize, lines: &[Line]) {
        let script = Script { lines: lines.to_vec(), ..Script::default() };
        self.shared.lock().scripts.insert(case, script);
    }

    /// Whoever waits for the case to go on, goes.
    pub(super) fn release(&self, case: usize) {
        self.shared.change(|state| state.scripts.entry(case).or_default().released += 1);
    }

    pub(super) fn end(&self, case: usize) {
        self.shared.change(|state| state.scripts.entry(case).or_default().ended = true);
    }

    /// Waits until so many calls of the case were heard; false if that takes too long.
    pub(super) fn wait_for(&self, case: usize, calls: usize) -> bool {
        self.shared.wait(|state| state.calls.iter().filter(|call| call.case == Some(case)).count() >= calls)
    }

    /// The calls of a case, and what was wrong with them.
    pub(super) fn heard(&self, case: usize) -> (Vec<Call>, Vec<String>) {
        let state = self.shared.lock();
        let calls = state.calls.iter().filter(|call| call.case == Some(case)).cloned().collect();
        let faults = state.faults.iter().filter(|fault| fault.0 == Some(case));
        (calls, faults.map(|fault| fault.1.clone()).collect())
    }

    /// What came that belongs to no case at all.
    pub(super) fn strays(&self) -> Vec<String> {
        let state = self.shared.lock();
        let calls = state.calls.iter().filter(|call| call.case.is_none()).map(Call::text);
        let faults = state.faults.iter().filter(|fault| fault.0.is_none()).map(|fault| fault.1.clone());
        calls.chain(faults).collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> bool {
        let waiting = self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| !until(state));
        !waiting.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// What becomes of a connection after an answer.
enum Next {
    Listen,
    Leave,
}

struct Connection {
    stream: BufReader<TcpStream>,
    shared: Arc<Shared>,
}

impl Connection {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Connection {
        stream.set_nodelay(true).unwrap();
        Connection { stream: BufReader::new(stream), shared }
    }

    fn serve(mut self) {
        while let Some(Next::Listen) = self.exchange() {}
        let socket = self.stream.get_ref();
        socket.shutdown(Shutdown::Both).ok();
    }

    /// One request and what is said to it; none at the end of the connection or of all sense.
    fn exchange(&mut self) -> Option<Next> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read_until(b'\n', &mut head) {
                Ok(0) | Err(_) if head.is_empty() => return None,
                Ok(0) | Err(_) => return self.fault(&head, "a head that breaks off"),
                Ok(_) => {}
            }
        }
        let read = match request::read(&head, self.shared.rules) {
            Ok(read) => read,
            Err(why) => return self.fault(&head, &why),
        };
        let case = request::case_of(&head);
        let mut call = Call { case, line: read.line.clone(), head: lossy(&head), body: Vec::new() };
        if !self.answers_early(case) {
            match request::body(&mut self.stream, &read.framing) {
                Ok(body) => call.body = body,
                Err(why) => return self.fault(&head, &why),
            }
            if let Err(why) = request::check_body(&call.body, self.shared.rules) {
                return self.fault(&head, &why);
            }
        }
        let line = self.line_for(&call);
        let default = self.shared.answers.to(&call);
        self.shared.change(|state| state.calls.push(call));
        if line.is_empty() {
            return self.stream.get_mut().write_all(&default).ok().map(|()| Next::Listen);
        }
        self.say(case.unwrap_or_default(), &line).ok()
    }

    fn fault(&self, head: &[u8], why: &str) -> Option<Next> {
        let fault = (request::case_of(head), format!("{why}: {:?}", lossy(head)));
        self.shared.change(|state| state.faults.push(fault));
        None
    }

    /// Whether the case wants an answer before the body was read.
    fn answers_early(&self, case: Option<usize>) -> bool {
        let state = self.shared.lock();
        let script = case.and_then(|case| state.scripts.get(&case));
        let early = Piece::Do("early".to_owned());
        script.is_some_and(|script| script.lines.iter().any(|line| line.say.first() == Some(&early)))
    }

    /// What is to be said to a call; nothing if the case does not care.
    fn line_for(&self, call: &Call) -> Vec<Piece> {
        let mut state = self.shared.lock();
        let Some(script) = call.case.and_then(|case| state.scripts.get_mut(&case)) else { return Vec::new() };
        let fits = |line: &Line| line.on.as_ref().is_none_or(|on| call.text().contains(on.as_str()));
        let Some(at) = script.lines.iter().position(fits) else { return Vec::new() };
        let line = &script.lines[at];
        if line.always || line.on.is_some() { line.say.clone() } else { script.lines.remove(at).say }
    }

    fn say(&mut self, case: usize, pieces: &[Piece]) -> io::Result<Next> {
        let mut slowly = None;
        let socket = self.stream.get_ref().try_clone()?;
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => match slowly {
                    None => self.stream.get_mut().write_all(bytes)?,
                    Some(pause) => trickle(&socket, bytes, pause)?,
                },
                Piece::Do(what) => match what.split_once(' ').unwrap_or((what, "")) {
                    ("early", _) => {}
                    ("close", _) => return Ok(Next::Leave),
                    ("reset", _) => {
                        SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
                        return Ok(Next::Leave);
                    }
                    ("finish", _) => socket.shutdown(Shutdown::Write)?,
                    ("hang", _) => {
                        self.shared.wait(|state| state.scripts.get(&case).is_none_or(|script| script.ended));
                        return Ok(Next::Leave);
                    }
                    ("wait", _) => {
                        self.shared.wait(|state| {
                            let script = state.scripts.get(&case);
                            script.is_none_or(|script| script.released > 0 || script.ended)
                        });
                    }
                    ("until", "gone") => {
                        io::copy(&mut self.stream, &mut io::sink())?;
                        return Ok(Next::Leave);
                    }
                    ("slowly", pause) => {
                        let pause = Duration::from_millis(pause.parse().expect("milliseconds"));
                        slowly = Some(pause).filter(|pause| !pause.is_zero());
                    }
                    _ => panic!("the backend cannot `{what}`"),
                },
            }
        }
        Ok(Next::Listen)
    }
}

/// Writes byte by byte. The time between two is spent listening, and whoever leaves is sent no more.
fn trickle(mut socket: &TcpStream, bytes: &[u8], pause: Duration) -> io::Result<()> {
    socket.set_read_timeout(Some(pause))?;
    for byte in bytes {
        socket.write_all(&[*byte])?;
        match socket.read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
    socket.set_read_timeout(None)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

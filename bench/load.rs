//! Asks one thing at a steady rate, however slow the answers are, and says how long they took.
//!
//! ```sh
//! load ADDRESS CASES NAME RATE SECONDS CONNECTIONS [waits]    # CASES is what workloads.py writes
//! ```
//!
//! With `waits` it tells how long each answer took, for whoever puts several runs together.
//!
//! Each connection has its own thread and its own moments, evenly spread. What is measured runs from the moment a request was
//! due, not from when it could be sent: an answer that is late makes those behind it late, and that counts. Threads
//! wake to within 60 us or so, for every contender alike; timers of an event loop would to within a millisecond.

use std::{
    env,
    error::Error,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (given, tells_all): (Result<&[String; 6], _>, bool) = match arguments.as_slice() {
        [all @ .., last] if last == "waits" => (all.try_into(), true),
        all => (all.try_into(), false),
    };
    let Ok([address, cases, name, rate, seconds, connections]) = given else {
        return Err("usage: load ADDRESS CASES NAME RATE SECONDS CONNECTIONS [waits]".into());
    };
    let (rate, seconds, connections): (f64, f64, u32) =
        (rate.parse()?, seconds.parse()?, connections.parse()?);
    let cases: Value = serde_json::from_slice(&fs::read(cases)?)?;
    let case = cases.as_array().and_then(|all| all.iter().find(|one| one["name"] == name.as_str()));
    let request = Arc::new(request(case.ok_or("there is no such case")?, address)?);

    let every = Duration::from_secs_f64(f64::from(connections) / rate);
    let ready = Arc::new(Barrier::new(connections as usize));
    let mut threads = Vec::new();
    for number in 0..connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let (request, ready) = (Arc::clone(&request), Arc::clone(&ready));
        let first = every.mul_f64(f64::from(number) / f64::from(connections));
        threads.push(thread::spawn(move || {
            ready.wait();
            asked(stream, &request, first, every, Duration::from_secs_f64(seconds))
        }));
    }
    let mut waited = Vec::new();
    for thread in threads {
        waited.extend(thread.join().map_err(|_| "a connection's thread ended early")??);
    }
    waited.sort_unstable();
    let expected = case.and_then(|case| case["status"].as_u64());
    let others =
        waited.iter().filter(|(_, status)| expected.is_some_and(|expected| expected != u64::from(*status)));
    let others = others.count();
    let waits: Vec<u64> =
        waited.iter().map(|(waited, _)| u64::try_from(waited.as_micros()).unwrap_or(u64::MAX)).collect();
    let at = |part: usize| waits.get(waits.len().saturating_sub(1) * part / 1000).copied().unwrap_or(0);
    let mut figures = json!({
        "requests": waits.len(), "other_status": others, "rate": rate, "p50": at(500), "p99": at(990), "p999": at(999),
    });
    if tells_all {
        figures["waits"] = waits.into();
    }
    writeln!(io::stdout(), "figures {figures}")?;
    Ok(())
}

/// How long each answer took after its request was due, and its status.
fn asked(
    stream: TcpStream,
    request: &[u8],
    first: Duration,
    every: Duration,
    length: Duration,
) -> Result<Vec<(Duration, u16)>, Failure> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let (start, mut due, mut waited) = (Instant::now(), first, Vec::new());
    let (mut line, mut body) = (String::new(), Vec::new());
    while due < length {
        thread::sleep(due.saturating_sub(start.elapsed()));
        writer.write_all(request)?;
        let status = read(&mut reader, &mut line, &mut body)?;
        waited.push((start.elapsed().saturating_sub(due), status));
        due += every;
    }
    Ok(waited)
}

/// Reads one answer; gives its status.
fn read(reader: &mut BufReader<TcpStream>, line: &mut String, body: &mut Vec<u8>) -> Result<u16, Failure> {
    let (mut length, mut status) = (0, None);
    loop {
        line.clear();
        if reader.read_line(line)? == 0 {
            return Err("the connection was closed".into());
        }
        if line.trim_end().is_empty() {
            break;
        }
        status = status.or_else(|| line.split(' ').nth(1)?.parse().ok());
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    body.resize(length, 0);
    reader.read_exact(body)?;
    Ok(status.ok_or("an answer without a status")?)
}

fn request(case: &Value, address: &str) -> Result<Vec<u8>, Failure> {
    let text = |name: &str| case[name].as_str().ok_or_else(|| format!("a case without `{name}`"));
    let body = text("body")?;
    let mut head =
        vec![format!("{} {} HTTP/1.1", text("method")?, text("target")?), format!("host: {address}")];
    let headers = case["headers"].as_object().into_iter().flatten();
    head.extend(headers.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default())));
    if !body.is_empty() {
        head.push(format!("content-length: {}", body.len()));
    }
    Ok(format!("{}\r\n\r\n{body}", head.join("\r\n")).into_bytes())
}

//! HTTP/2, frame by frame: what a case writes, one frame a line, and what is heard of its streams.
//!
//! | line | sends |
//! | --- | --- |
//! | `preface` | the 24 bytes a connection begins with |
//! | `settings [ack] [4=100 …]` | SETTINGS |
//! | `headers 1 [end] [more] [pad=3] [after=5] \| :method GET \| name value \| =\x82` | HEADERS: `end` of the stream, `more` to continue, fields as they are, or as bytes of a block behind `=` |
//! | `continuation 1 [more] \| name value` | CONTINUATION |
//! | `data 1 [end] [pad=3] \| text` | DATA |
//! | `rst 1 8`, `window 0 100`, `priority 1 3`, `ping [ack]`, `goaway` | these |
//! | `raw 9 4 1 \| text` | a frame of that type, flags and stream |
//! | `bytes \| text` | bytes |
//! | `open 1 \| :method GET` | HEADERS of a stream nobody asks about |
//! | `rapid 100 \| :method GET` | so many streams, each reset at once |
//! | `times 100 line` | a line so often, with the streams 1, 3, 5 … for `$` |
//! | `answer 1` | nothing, until the stream has an answer or was reset |
//! | `reset 1` | nothing, until the stream was reset, whatever came before |
//! | `unanswered 1` | nothing; the stream must not have been answered by now |
//! | `alive` | a PING, and waits for the answer to it |
//! | `heard 3`, `go` | nothing, until the backend heard so many calls; lets the backend go on |
//! | `finish` | the end of what is sent |

mod heard;
mod hpack;

use std::{
    io::Write,
    net::{Shutdown, TcpStream},
    sync::{Arc, PoisonError},
    thread,
};

use heard::{Heard, Shared, listen};

use super::{
    PATIENCE,
    case::{After, Case},
    client::Answer,
    run::{Seen, Stage},
    text::{self, Parts},
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct Connection<'a> {
    stage: &'a Stage,
    case: usize,
    stream: TcpStream,
    shared: Arc<Shared>,
    pings: usize,
    /// The streams the client has opened.
    opened: Vec<u32>,
}

/// Plays the frames of a case.
pub(super) fn play(stage: &Stage, case: &Case, lines: &[String], parts: &Parts) -> Seen {
    let stream = TcpStream::connect(stage.http2).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let shared = Arc::<Shared>::default();
    let (ear, memory) = (stream.try_clone().unwrap(), Arc::clone(&shared));
    let listener = thread::spawn(move || listen(ear, &memory));
    let mut connection =
        Connection { stage, case: case.number, stream, shared, pings: 0, opened: Vec::new() };
    let mut seen = Seen::default();
    for line in lines {
        if let Err(why) = connection.line(&expanded(line, parts), parts) {
            seen.faults.push(why);
        }
    }
    connection.end(case, &mut seen);
    connection.stream.shutdown(Shutdown::Both).ok();
    listener.join().unwrap();
    let heard = connection.shared.lock();
    let outcome = |id: &u32| heard.streams.get(id).cloned().unwrap_or_else(|| "-".to_owned());
    seen.goaway = heard.goaway;
    let answer = |(id, status): (&u32, &String)| {
        let body = heard.bodies.get(id).cloned().unwrap_or_default();
        Some(Answer { status: status.parse().ok()?, head: String::new(), body })
    };
    seen.answers = heard.streams.iter().filter_map(answer).collect();
    seen.outcomes = connection.opened.iter().map(outcome).collect();
    seen
}

/// A line with its parts in it, so that several fields can be one part.
fn expanded(line: &str, parts: &Parts) -> String {
    let with = |line: String, (name, part): (&String, &String)| line.replace(&format!("\\<{name}>"), part);
    (0..3).fold(line.to_owned(), |line, _| parts.iter().fold(line, with))
}

impl Connection<'_> {
    fn line(&mut self, line: &str, parts: &Parts) -> Result<(), String> {
        if let Some(rest) = line.strip_prefix("times ") {
            let (count, what) = rest.split_once(' ').expect("a number and a line");
            return (0..count.parse::<u32>().expect("a number"))
                .try_for_each(|at| self.line(&what.replace('$', &(2 * at + 1).to_string()), parts));
        }
        let (head, rest) = line.split_once(" | ").map_or((line, ""), |(head, rest)| (head, rest));
        let words: Vec<_> = head.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u32>().ok()).expect("a number");
        let has = |word: &str| words.contains(&word);
        let named = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.parse::<u32>().ok());
        let bytes = || text::bytes(rest, parts).unwrap_or_else(|why| panic!("{line}: {why}"));
        let flag = |word: &str, bit: u8| if has(word) { bit } else { 0 };
        match words[0] {
            "preface" => self.send(PREFACE),
            "bytes" => self.send(&bytes()),
            "settings" => {
                let pair = |word: &&str| {
                    let (id, value) = word.split_once('=')?;
                    let id: u16 = id.parse().expect("an id");
                    let value: u32 = value.parse().expect("a value");
                    Some([&id.to_be_bytes()[..], &value.to_be_bytes()[..]].concat())
                };
                let payload = words.iter().filter_map(pair).collect::<Vec<_>>().concat();
                self.frame(4, flag("ack", 1), 0, &payload);
            }
            "headers" => {
                let id = number(1);
                if !self.opened.contains(&id) {
                    self.opened.push(id);
                }
                let end_of_head = if has("more") { 0 } else { 4 };
                let priority = named("after=");
                let mut payload = Vec::new();
                payload.extend(named("pad=").map(|pad| u8::try_from(pad).expect("a byte")));
                payload.extend(priority.iter().flat_map(|other| [&other.to_be_bytes()[..], &[15]].concat()));
                payload.extend(hpack::block(rest, parts));
                let pad = named("pad=").unwrap_or(0) as usize;
                payload.extend(vec![0; pad]);
                let flags = flag("end", 1)
                    | end_of_head
                    | named("pad=").map_or(0, |_| 8)
                    | priority.map_or(0, |_| 32);
                self.frame(1, flags, id, &payload);
            }
            "open" => self.frame(1, 4, number(1), &hpack::block(rest, parts)),
            "rapid" => {
                let block = hpack::block(rest, parts);
                for stream in (1..2 * number(1)).step_by(2) {
                    self.frame(1, 5, stream, &block);
                    self.frame(3, 0, stream, &8_u32.to_be_bytes());
                }
            }
            "continuation" => {
                let flags = if has("more") { 0 } else { 4 };
                self.frame(9, flags, number(1), &hpack::block(rest, parts));
            }
            "data" => {
                let pad = named("pad=");
                let mut payload: Vec<u8> =
                    pad.map(|pad| u8::try_from(pad).expect("a byte")).into_iter().collect();
                payload.extend(bytes());
                payload.extend(vec![0; pad.unwrap_or(0) as usize]);
                self.frame(0, flag("end", 1) | pad.map_or(0, |_| 8), number(1), &payload);
            }
            "rst" => self.frame(3, 0, number(1), &number(2).to_be_bytes()),
            "window" => self.frame(8, 0, number(1), &number(2).to_be_bytes()),
            "priority" => self.frame(2, 0, number(1), &[&number(2).to_be_bytes()[..], &[15]].concat()),
            "ping" => self.frame(6, flag("ack", 1), 0, b"hazard!!"),
            "goaway" => self.frame(7, 0, 0, &[0; 8]),
            "raw" => {
                let byte = |at| u8::try_from(number(at)).expect("a byte");
                self.frame(byte(1), byte(2), number(3), &bytes());
            }
            "answer" => return self.wait("an answer", |heard| heard.streams.contains_key(&number(1))),
            "unanswered" => {
                return match self.shared.lock().streams.get(&number(1)) {
                    Some(how) => Err(format!("stream {} has {how} already", number(1))),
                    None => Ok(()),
                };
            }
            "reset" => return self.wait("a reset", |heard| heard.resets.contains(&number(1))),
            "alive" => return self.alive(),
            "heard" if !self.stage.backend.wait_for(self.case, number(1) as usize) => {
                return Err("the backend did not hear as many calls".to_owned());
            }
            "heard" => {}
            "go" => self.stage.backend.release(self.case),
            "finish" => {
                self.stream.shutdown(Shutdown::Write).ok();
            }
            other => panic!("there is no frame `{other}`"),
        }
        Ok(())
    }

    fn alive(&mut self) -> Result<(), String> {
        self.frame(6, 0, 0, b"alive???");
        self.pings += 1;
        let pings = self.pings;
        self.wait("an answer to a ping", |heard| heard.pongs >= pings)?;
        if self.shared.lock().pongs < pings { Err("the connection is closed".to_owned()) } else { Ok(()) }
    }

    /// Waits for all streams, and for what the case wants of the connection.
    fn end(&mut self, case: &Case, seen: &mut Seen) {
        let wanted = case.status.len().min(self.opened.len());
        let all = self.opened[..wanted].to_vec();
        let mut result =
            self.wait("the answers", |heard| all.iter().all(|id| heard.streams.contains_key(id)));
        match case.after {
            After::Open => result = result.and_then(|()| self.alive()),
            After::Closed => {}
            After::Any => {
                self.frame(7, 0, 0, &[0; 8]);
                self.stream.shutdown(Shutdown::Write).ok();
            }
        }
        if case.after != After::Open {
            result = result.and_then(|()| self.wait("the end", |_| false));
        }
        seen.faults.extend(result.err());
    }

    /// Waits until something was heard, or the connection is closed.
    fn wait(&self, what: &str, until: impl Fn(&Heard) -> bool) -> Result<(), String> {
        let waiting = |heard: &mut Heard| !heard.closed && !until(heard);
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), PATIENCE, waiting);
        let timed_out = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        if timed_out { Err(format!("{what} did not come")) } else { Ok(()) }
    }

    /// Whether anybody listens is seen by what is answered.
    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).ok();
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a frame is small").to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.send(&[&head, payload].concat());
    }
}

//! A client of HTTP/2, frame by frame (RFC 9113): it keeps its connection as long as it may, has one stream at a time, and sends
//! nothing again that the other side may have looked at.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::client::Answer;

/// Longer than anything takes; who waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a server may leave before it has looked at a request.
const LEAVES_MAX: usize = 10;

/// Types of frames, and flags (sections 6 and 6.1).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200`, `:method: POST` and `:scheme: http`, and names with a value behind them (RFC 7541, appendix A).
const OK: u8 = 0x88;
const POST: u8 = 0x83;
const HTTP: u8 = 0x86;
const AUTHORITY: u8 = 0x01;
const PATH: u8 = 0x04;

pub(super) struct Http2 {
    address: SocketAddr,
    connection: Option<Connection>,
}

struct Connection {
    stream: TcpStream,
    /// The stream that is opened next.
    next: u32,
    /// The last one that the server will look at, once it leaves.
    last: Option<u32>,
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Http2 {
    pub(super) fn new(address: SocketAddr) -> Http2 {
        Http2 { address, connection: None }
    }

    /// The answer; of its head there is the status alone, 0 for any that is not 200.
    pub(super) fn post(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
        for _ in 0..LEAVES_MAX {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => Connection::open(self.address)?,
            };
            // Who leaves says of which streams nobody has heard (section 6.8): they belong on another connection.
            let Some(answer) = connection.post(path, headers, body)? else { continue };
            if connection.last.is_none() {
                self.connection = Some(connection);
            }
            return Ok(answer);
        }
        Err(io::Error::other("everybody leaves"))
    }
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Connection> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut first = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        first.extend(frame(SETTINGS, 0, 0, &[]));
        // There is room for all that is ever answered on it.
        let room = (i32::MAX.cast_unsigned() - 65_535).to_be_bytes();
        first.extend(frame(WINDOW_UPDATE, 0, 0, &room));
        stream.write_all(&first)?;
        Ok(Connection { stream, next: 1, last: None })
    }

    /// The answer; none if the server leaves and has not heard of the request.
    fn post(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Option<Answer>> {
        let id = self.next;
        self.next += 2;
        let mut block = vec![POST, HTTP, PATH];
        block.extend(text(path));
        block.push(AUTHORITY);
        block.extend(text("test"));
        for (name, value) in headers.lines().filter_map(|line| line.split_once(": ")) {
            // A literal with a name of its own that nobody need remember (RFC 7541, section 6.2.2).
            block.push(0);
            block.extend(text(name).into_iter().chain(text(value)));
        }
        let mut request = frame(HEADERS, END_HEADERS, id, &block);
        request.extend(frame(DATA, END_STREAM, id, body.as_bytes()));
        self.stream.write_all(&request)?;
        let mut answer = Answer { status: 0, head: String::new(), body: String::new() };
        loop {
            let Frame { kind, flags, stream, payload } = self.read()?;
            match kind {
                HEADERS if stream == id && payload.first() == Some(&OK) => answer.status = 200,
                DATA if stream == id => answer.body.push_str(&String::from_utf8_lossy(&payload)),
                RESET if stream == id => return Err(io::Error::other(format!("reset: {payload:?}"))),
                GO_AWAY => self.last = payload.first_chunk().map(|last| u32::from_be_bytes(*last)),
                SETTINGS if flags & ACK == 0 => self.stream.write_all(&frame(SETTINGS, ACK, 0, &[]))?,
                PING if flags & ACK == 0 => self.stream.write_all(&frame(PING, ACK, 0, &payload))?,
                _ => {}
            }
            if self.last.is_some_and(|last| id > last) {
                return Ok(None);
            }
            if stream == id && [HEADERS, DATA].contains(&kind) && flags & END_STREAM != 0 {
                return Ok(Some(answer));
            }
        }
    }

    fn read(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload)?;
        Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream) & i32::MAX.cast_unsigned(), payload })
    }
}

/// The bytes of a frame (section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A text with its length in front, as it is (RFC 7541, section 5.2).
fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("short");
    [&[length], text.as_bytes()].concat()
}

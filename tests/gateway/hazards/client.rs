//! A client that writes what it is told, in the pieces it is told, and reads answers as strictly as they come.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use socket2::SockRef;

use super::PATIENCE;

/// One side of a connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    /// Whether answers have no body, whatever their length says.
    asks_heads: bool,
    /// Whether the other side has said that nothing more will come.
    pub(super) closed: bool,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Status line and headers.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body))
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The connection was closed.
    Closed,
    /// Nothing came for as long as anybody would wait.
    Hangs,
    /// What came is no answer, or not all of one.
    Broken,
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream: BufReader::new(stream), asks_heads: false, closed: false }
    }

    pub(super) fn asks_heads(&mut self) {
        self.asks_heads = true;
    }

    /// Writes. Whether anybody listens is seen when the answer is read.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).ok();
    }

    /// Writes byte by byte until the other side has something to say. The time between two bytes is spent listening.
    pub(super) fn send_slowly(&mut self, bytes: &[u8], pause: Duration) {
        self.stream.get_ref().set_read_timeout(Some(pause)).unwrap();
        for byte in bytes {
            if self.stream.get_mut().write_all(&[*byte]).is_err() {
                break;
            }
            match self.stream.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
        self.stream.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    }

    /// Writes the same again and again, and reads nothing; false if nobody puts an end to it.
    pub(super) fn flood(&mut self, bytes: &[u8]) -> bool {
        loop {
            match self.stream.get_mut().write_all(bytes) {
                Ok(()) => {}
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
    }

    /// Says that nothing more will come.
    pub(super) fn finish(&mut self) {
        self.stream.get_ref().shutdown(Shutdown::Write).ok();
    }

    /// Leaves, without a goodbye if `abruptly`.
    pub(super) fn leave(self, abruptly: bool) {
        if abruptly {
            SockRef::from(self.stream.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
        }
    }

    /// Reads one answer.
    pub(super) fn answer(&mut self) -> Result<Answer, Silence> {
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match self.stream.read_until(b'\n', &mut head) {
                    Ok(0) => {
                        self.closed = true;
                        return Err(if head.is_empty() { Silence::Closed } else { Silence::Broken });
                    }
                    Ok(_) => {}
                    Err(error) => return Err(self.silence(&error)),
                }
            }
            let head = String::from_utf8(head).map_err(|_| Silence::Broken)?;
            let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
            let mut answer = Answer { status: status.ok_or(Silence::Broken)?, head, body: Vec::new() };
            if (100..200).contains(&answer.status) && answer.status != 101 {
                continue;
            }
            answer.body = self.body(&answer)?;
            return Ok(answer);
        }
    }

    fn body(&mut self, answer: &Answer) -> Result<Vec<u8>, Silence> {
        let mut body = Vec::new();
        if self.asks_heads || matches!(answer.status, 101 | 204 | 304) {
            return Ok(body);
        }
        if let Some(length) = answer.header("content-length") {
            body.resize(length.parse().map_err(|_| Silence::Broken)?, 0);
            self.stream.read_exact(&mut body).map_err(|_| Silence::Broken)?;
        } else {
            self.stream.read_to_end(&mut body).map_err(|error| self.silence(&error))?;
            self.closed = true;
        }
        Ok(body)
    }

    fn silence(&mut self, error: &io::Error) -> Silence {
        if error.kind() == io::ErrorKind::WouldBlock {
            return Silence::Hangs;
        }
        // A reset is an end, too.
        self.closed = true;
        Silence::Closed
    }
}

//! Clients that mean no good, many at once: each takes one small step at a time, as slowly as it may or with as many frames.
//!
//! One thread leads a crowd of thousands, with sockets that never block. The test of attacks uses this file too.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

/// What a crowd does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Connects, and says nothing.
    Silent,
    /// Sends a head byte by byte.
    SlowHead,
    /// Sends a body byte by byte.
    SlowBody,
    /// Asks several times at once, and reads a byte of the answers now and then.
    SlowRead,
    /// Asks over HTTP/2, and resets each stream at once.
    Resets,
    /// Sends a head of HTTP/2 that never ends.
    Continuations,
    /// Sends SETTINGS, each of which wants an answer.
    Settings,
    /// Sends PINGs, each of which wants an answer.
    Pings,
}

impl Kind {
    /// All of them, by their names.
    pub(crate) const ALL: [(&'static str, Kind); 8] = [
        ("silent", Kind::Silent),
        ("slow-head", Kind::SlowHead),
        ("slow-body", Kind::SlowBody),
        ("slow-read", Kind::SlowRead),
        ("resets", Kind::Resets),
        ("continuations", Kind::Continuations),
        ("settings", Kind::Settings),
        ("pings", Kind::Pings),
    ];

    /// Whether it is no sin as long as all of it is taken.
    #[allow(dead_code, reason = "the bench asks the program itself")]
    pub(crate) fn is_flood(self) -> bool {
        matches!(self, Kind::Resets | Kind::Settings | Kind::Pings)
    }

    /// Whether it speaks HTTP/2.
    #[allow(dead_code, reason = "the bench has it from its documentation")]
    pub(crate) fn is_http2(self) -> bool {
        self.is_flood() || self == Kind::Continuations
    }

    /// What each says when it has connected.
    fn opening(self, request: &Request) -> Vec<u8> {
        let head = format!("POST {} HTTP/1.1\r\nhost: test\r\n{}", request.target, request.headers);
        match self {
            Kind::Silent => Vec::new(),
            Kind::SlowHead => head.into_bytes(),
            Kind::SlowBody => format!("{head}content-length: 100000\r\n\r\n").into_bytes(),
            Kind::SlowRead => request.whole().repeat(ANSWERS),
            Kind::Resets | Kind::Settings | Kind::Pings => [PREFACE, &frame(4, 0, 0, &[])].concat(),
            // HEADERS of a stream without END_HEADERS.
            Kind::Continuations => {
                [PREFACE, &frame(4, 0, 0, &[]), &frame(1, 1, 1, &request.block())].concat()
            }
        }
    }

    /// What each says from then on, at the step of that number.
    fn step(self, number: u32, request: &Request) -> Vec<u8> {
        match self {
            Kind::SlowHead | Kind::SlowBody => b"a".to_vec(),
            // Each is a request that the backend may hear: many more would be a flood of those, which quotas are for.
            Kind::Resets if number.is_multiple_of(STEPS_OF_A_RESET) => {
                let stream = 2 * (number / STEPS_OF_A_RESET) + 1;
                [frame(1, 5, stream, &request.block()), frame(3, 0, stream, &8_u32.to_be_bytes())].concat()
            }
            Kind::Silent | Kind::SlowRead | Kind::Resets => Vec::new(),
            Kind::Continuations => many(&frame(9, 0, 1, b"\x40\x01x\x01y")),
            Kind::Settings => many(&frame(4, 0, 0, &[0, 3, 0, 0, 0, 100])),
            Kind::Pings => many(&frame(6, 0, 0, b"attacked")),
        }
    }
}

/// What those ask who ask anything.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The path.
    pub(crate) target: String,
    /// Lines of headers, the credential among them.
    pub(crate) headers: String,
}

impl Request {
    fn whole(&self) -> Vec<u8> {
        format!("GET {} HTTP/1.1\r\nhost: test\r\n{}\r\n", self.target, self.headers).into_bytes()
    }

    /// The same as a block of HPACK in which nothing is compressed (RFC 7541, section 6.2.2).
    fn block(&self) -> Vec<u8> {
        let text = |text: &str| {
            let length = u8::try_from(text.len()).ok().filter(|length| *length < 0x7f).expect("a short text");
            [&[length], text.as_bytes()].concat()
        };
        // `:method GET` and `:scheme http` are in the static table, `:authority` and `:path` are by their names.
        let mut block = [&b"\x82\x86\x01"[..], &text("test"), b"\x04", &text(&self.target)].concat();
        for (name, value) in self.headers.lines().filter_map(|line| line.split_once(": ")) {
            block.extend([&b"\0"[..], &text(&name.to_ascii_lowercase()), &text(value)].concat());
        }
        block
    }
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Where they come from: one address alone may not have as many requests in flight as there are of them.
const ATTACKERS: [Ipv4Addr; 4] = [
    Ipv4Addr::new(127, 0, 0, 2),
    Ipv4Addr::new(127, 0, 0, 3),
    Ipv4Addr::new(127, 0, 0, 4),
    Ipv4Addr::new(127, 0, 0, 5),
];

/// How many answers are asked for by whoever reads next to nothing: more than the systems on both ends keep.
const ANSWERS: usize = 64;

/// Frames in a step.
const FRAMES: usize = 4;

/// How many steps there are from one stream that is reset to the next.
const STEPS_OF_A_RESET: u32 = 10;

/// What one keeps of what the other side does not take; more than that it does not go on saying.
const UNSENT_MAX: usize = 1 << 14;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn many(frame: &[u8]) -> Vec<u8> {
    frame.repeat(FRAMES)
}

/// A crowd of attackers.
#[derive(Debug)]
pub(crate) struct Crowd {
    address: SocketAddr,
    kind: Kind,
    request: Request,
    attackers: Vec<Attacker>,
    /// How many were shut out.
    pub(crate) shut_out: usize,
    /// How many connections were opened.
    pub(crate) opened: usize,
}

#[derive(Debug)]
struct Attacker {
    stream: TcpStream,
    unsent: Vec<u8>,
    steps: u32,
    /// In which part of the crowd it is.
    part: u32,
}

/// Into how many parts a crowd may be divided, so that not all take their steps at one moment.
pub(crate) const PARTS: u32 = 50;

impl Crowd {
    /// Nobody is there yet.
    pub(crate) fn new(address: SocketAddr, kind: Kind, request: Request) -> Crowd {
        Crowd { address, kind, request, attackers: Vec::new(), shut_out: 0, opened: 0 }
    }

    /// Lets as many come as are wanting to that number.
    pub(crate) fn fill(&mut self, count: usize) -> io::Result<()> {
        while self.attackers.len() < count {
            let stream = self.connected()?;
            let unsent = self.kind.opening(&self.request);
            self.attackers.push(Attacker {
                stream,
                unsent,
                steps: 0,
                part: u32::try_from(self.opened).expect("fewer") % PARTS,
            });
            self.opened += 1;
        }
        Ok(())
    }

    /// A connection as it would be between machines: on the loopback interface both systems take megabytes that nobody reads.
    /// It comes from other addresses than that of whoever does nothing wrong, who would share their limits.
    fn connected(&self) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM, None)?;
        socket.set_recv_buffer_size(4096)?;
        socket.set_tcp_mss(1000)?;
        socket.bind(&SocketAddr::from((ATTACKERS[self.opened % ATTACKERS.len()], 0)).into())?;
        socket.connect(&self.address.into())?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        Ok(socket.into())
    }

    /// Everybody takes a step; gives how many were not shut out.
    #[allow(dead_code, reason = "the bench has them step in parts")]
    pub(crate) fn step(&mut self) -> usize {
        self.step_of(|_| true)
    }

    /// Those of one part take a step; gives how many of all were not shut out.
    #[allow(dead_code, reason = "the test has all of them step at once")]
    pub(crate) fn step_of_part(&mut self, part: u32) -> usize {
        self.step_of(|of| of == part % PARTS)
    }

    fn step_of(&mut self, steps: impl Fn(u32) -> bool) -> usize {
        let Crowd { kind, request, attackers, .. } = self;
        let before = attackers.len();
        attackers.retain_mut(|attacker| !steps(attacker.part) || attacker.step(*kind, request));
        self.shut_out += before - attackers.len();
        self.attackers.len()
    }

    /// Everybody leaves.
    pub(crate) fn leave(&mut self) {
        self.attackers.clear();
    }
}

impl Attacker {
    /// False if it was shut out.
    fn step(&mut self, kind: Kind, request: &Request) -> bool {
        // Who reads next to nothing would not come to the end that stands behind the answers.
        if !matches!(self.stream.take_error(), Ok(None)) {
            return false;
        }
        if self.unsent.len() < UNSENT_MAX {
            self.unsent.append(&mut kind.step(self.steps, request));
            self.steps += 1;
        }
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        let mut heard = [0; 4096];
        let heard = if kind == Kind::SlowRead { &mut heard[..1] } else { &mut heard[..] };
        loop {
            match self.stream.read(heard) {
                Ok(0) => return false,
                Ok(_) if kind == Kind::SlowRead => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }
}

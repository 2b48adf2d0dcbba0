//! A backend that does what a test tells it to, byte by byte.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use http::Method;

use crate::{
    time::Deadline,
    upstream::{Answer, Config, Request, Upstream, UpstreamError},
};

/// Listens on a port of its own; remembers every request.
pub(super) struct Backend {
    pub(super) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    /// Serves each connection, numbered from one, with `serve` in a thread of its own.
    pub(super) fn start(serve: impl Fn(usize, &mut Connection) + Send + Sync + 'static) -> Backend {
        Backend::start_over(|stream| Box::new(stream), serve)
    }

    /// The same, over whatever `secure` makes of the plain stream.
    pub(super) fn start_over(
        secure: impl Fn(TcpStream) -> Box<dyn Stream> + Send + 'static,
        serve: impl Fn(usize, &mut Connection) + Send + Sync + 'static,
    ) -> Backend {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::default();
        let serve = Arc::new(serve);
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (serve, requests) = (Arc::clone(&serve), Arc::clone(&seen));
                let socket = stream.unwrap();
                let stream = BufReader::new(secure(socket.try_clone().unwrap()));
                let mut connection = Connection { stream, socket, requests, served: 0 };
                thread::spawn(move || serve(number + 1, &mut connection));
            }
        });
        Backend { address, requests }
    }

    /// Answers every request with `answer`.
    pub(super) fn answering(answer: &'static str) -> Backend {
        Backend::start(move |_, connection| while connection.request() && connection.say(answer) {})
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn config(&self) -> Config {
        Config::new(format!("http://{}", self.address).parse().unwrap())
    }

    pub(super) fn upstream(&self) -> Upstream {
        upstream(self.config())
    }
}

/// Plain or encrypted bytes.
pub(super) trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// The backend's side of one connection.
pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    socket: TcpStream,
    requests: Arc<Mutex<Vec<String>>>,
    served: usize,
}

impl Connection {
    /// How many requests have come over this connection.
    pub(super) fn served(&self) -> usize {
        self.served
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        self.socket.shutdown(Shutdown::Both).unwrap();
    }

    /// Reads one request; false when there is none any more.
    pub(super) fn request(&mut self) -> bool {
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut request).unwrap_or(0) == 0 {
                return false;
            }
        }
        request.make_ascii_lowercase();
        let length = request.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body).unwrap();
        request.push_str(std::str::from_utf8(&body).unwrap());
        self.requests.lock().unwrap().push(request);
        self.served += 1;
        true
    }

    /// Reads one line of a request.
    pub(super) fn line(&mut self) {
        self.stream.read_line(&mut String::new()).unwrap();
    }

    /// Writes; false when nobody listens any more.
    pub(super) fn say(&mut self, text: &str) -> bool {
        self.stream.get_mut().write_all(text.as_bytes()).is_ok()
    }

    /// Waits until the other side has closed the connection.
    pub(super) fn until_closed(&mut self) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).ok();
    }
}

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pub(super) fn upstream(config: Config) -> Upstream {
    Upstream::new(Arc::new(config)).unwrap()
}

pub(super) fn get() -> Request<'static> {
    Request {
        method: &Method::GET,
        target: "/v1/members?limit=1",
        headers: &[],
        body: b"",
        safe: true,
        is_keyed: false,
        follows: false,
        share: None,
        passes: false,
    }
}

pub(super) fn post() -> Request<'static> {
    Request { method: &Method::POST, body: b"{}", safe: false, ..get() }
}

/// Sends with a deadline no test reaches.
pub(super) async fn send(upstream: &Upstream, call: Request<'_>) -> Result<Answer, UpstreamError> {
    upstream.send(call, Deadline::after(Duration::from_secs(20))).await
}

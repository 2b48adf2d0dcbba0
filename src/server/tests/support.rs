//! A server on a free port with a handler that can be told to wait, and a client that writes bytes.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, Full};
use tokio::sync::Semaphore;

use crate::{
    server::{
        Body, Config, Drain, Handler, ListenerConfig, MakeHandler, Peer, Refused, RunOutcome, Server,
        TlsConfig, Upload,
    },
    telemetry::Metrics,
};

/// Longer than anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub(super) struct TestServer {
    pub(super) address: SocketAddr,
    pub(super) drain: Drain,
    pub(super) metrics: Metrics,
    /// Hears of each request for `/wait`, first when it comes, then when it is over.
    waiting: Receiver<Step>,
    release: Arc<Semaphore>,
    thread: thread::JoinHandle<RunOutcome>,
}

/// One worker on any port, with no patience for slow clients.
pub(super) fn config() -> Config {
    Config {
        listeners: vec![ListenerConfig { address: ([127, 0, 0, 1], 0).into(), tls: None }],
        workers: Some(1),
        ..Config::default()
    }
}

impl TestServer {
    pub(super) fn start(config: Config) -> TestServer {
        let metrics = Metrics::new();
        let server = Server::bind(config).unwrap().count_into(&metrics);
        let address = server.addresses()[0];
        let drain = Drain::new();
        let (entered, waiting) = channel();
        let release = Arc::new(Semaphore::new(0));
        let make = MakeTestHandler { entered, release: Arc::clone(&release) };
        let watched = drain.clone();
        let thread = thread::spawn(move || server.run(&make, &watched).unwrap());
        TestServer { address, drain, metrics, waiting, release, thread }
    }

    pub(super) fn with_tls(certificate: TlsConfig) -> TestServer {
        let mut config = config();
        config.listeners[0].tls = Some(certificate);
        TestServer::start(config)
    }

    pub(super) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Returns once a handler has begun to wait.
    pub(super) fn wait_until_entered(&self) {
        self.next_step(Step::Entered);
    }

    /// Returns once a handler has stopped waiting, whether it was released or dropped.
    pub(super) fn wait_until_left(&self) {
        self.next_step(Step::Left);
    }

    fn next_step(&self, awaited: Step) {
        while self.waiting.recv_timeout(PATIENCE).expect("nothing happened at /wait") != awaited {}
    }

    /// Lets one waiting handler answer.
    pub(super) fn release(&self) {
        self.release.add_permits(1);
    }

    /// Waits for the server to end.
    pub(super) fn join(self) -> RunOutcome {
        self.thread.join().unwrap()
    }

    /// Drains and waits for the end.
    pub(super) fn stop(self) -> RunOutcome {
        self.drain.begin();
        self.join()
    }
}

/// What happens at `/wait`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Entered,
    Left,
}

/// Says when the handler that holds it is over.
struct Stay(Sender<Step>);

impl Drop for Stay {
    fn drop(&mut self) {
        // At the end of a test nobody may be listening any more.
        self.0.send(Step::Left).ok();
    }
}

struct MakeTestHandler {
    entered: Sender<Step>,
    release: Arc<Semaphore>,
}

impl MakeHandler for MakeTestHandler {
    type Handler = TestHandler;

    fn make(&self, worker: usize) -> TestHandler {
        TestHandler { worker, entered: self.entered.clone(), release: Arc::clone(&self.release) }
    }
}

/// Answers by path.
#[derive(Clone)]
struct TestHandler {
    worker: usize,
    entered: Sender<Step>,
    release: Arc<Semaphore>,
}

impl Handler for TestHandler {
    async fn handle(self, request: Request<Upload>, peer: Peer) -> Response<Body> {
        match request.uri().path() {
            "/client" => {
                let host = peer.host.as_ref().map_or("-", http::uri::Authority::as_str);
                whole(format!("{:?} {} {host}", peer.client, peer.scheme))
            }
            "/echo" => match request.into_body().collect().await {
                Ok(body) => whole(body.to_bytes()),
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    answer(StatusCode::SERVICE_UNAVAILABLE, "all of it, and no place")
                }
                Err(_cut_short) => answer(StatusCode::BAD_REQUEST, "bad body"),
            },
            // More than any socket keeps.
            "/large" => whole(vec![b'x'; 32 << 20]),
            "/panic" => panic!("for the test"),
            "/peer" => whole(format!("{} {}", peer.address, peer.tls)),
            "/refuse" => answer(StatusCode::PAYLOAD_TOO_LARGE, "too large"),
            "/wait" => {
                self.entered.send(Step::Entered).unwrap();
                let _stay = Stay(self.entered.clone());
                self.release.acquire().await.unwrap().forget();
                answer(StatusCode::OK, "waited")
            }
            "/worker" => whole(self.worker.to_string()),
            _ => answer(StatusCode::OK, "hello"),
        }
    }

    fn refuse(&self, head: &Parts, _peer: &Peer, refused: &Refused) -> Option<Response<Body>> {
        match head.uri.path() {
            "/panic" => panic!("for the test"),
            "/told" => Some(answer(refused.status, "in other words")),
            _ => None,
        }
    }
}

fn whole(body: impl Into<Bytes>) -> Response<Body> {
    Response::new(Body::from(Full::new(body.into())))
}

fn answer(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut answer = whole(body);
    *answer.status_mut() = status;
    answer
}

/// A client that writes what it is told and understands just enough of the answers.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Status line and headers, in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn says_close(&self) -> bool {
        self.head.contains("\r\nconnection: close\r\n")
    }
}

impl Client {
    pub(super) fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { stream: BufReader::new(stream) }
    }

    pub(super) fn local_address(&self) -> SocketAddr {
        self.stream.get_ref().local_addr().unwrap()
    }

    pub(super) fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// A request without a body.
    pub(super) fn get(&mut self, path: &str) -> Answer {
        self.send(&get(path));
        self.answer()
    }

    /// Says that nothing more will come.
    pub(super) fn finish(&self) {
        self.stream.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Reads one answer.
    pub(super) fn answer(&mut self) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).unwrap(), 0, "closed after {head:?}");
        }
        head.make_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body).unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// Reads so many bytes.
    pub(super) fn read(&mut self, length: usize) {
        self.stream.read_exact(&mut vec![0; length]).unwrap();
    }

    /// Waits for the server to close the connection, and returns what it said before.
    pub(super) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("not closed: {error}"),
        }
        String::from_utf8(rest).unwrap()
    }

    /// Sends `byte` every few milliseconds until the server closes the connection.
    pub(super) fn trickle(&mut self, byte: &str) {
        self.stream.get_ref().set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        loop {
            match self.stream.fill_buf() {
                Ok([]) => return,
                Ok(said) => panic!("answered {:?}", String::from_utf8_lossy(said)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_reset) => return,
            }
            if self.stream.get_mut().write_all(byte.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// The bytes of a request without a body.
pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")
}

/// The bytes of a request with one.
pub(super) fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

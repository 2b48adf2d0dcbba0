//! Health, readiness and metrics, for those who run the proxy rather than those who use it.
//!
//! It is the same server on a listener of its own, with a handler that knows a few paths. It outlives the drain of the
//! main one: a proxy that is leaving says so, and can be scraped to the end.

use std::{
    io,
    net::SocketAddr,
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;

pub mod modes;
pub mod reload;

use self::reload::Reloads;
use crate::{
    server::{
        self, BindError, Body, Drain, Handler, Inherited, ListenerConfig, MakeHandler, Peer, RunOutcome,
        Server, Upload,
    },
    telemetry::{Explanations, Metrics},
    usage::{keeper::Asker, page::Page},
};

/// Where the admin listener is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// `None` switches it off.
    pub address: Option<SocketAddr>,
}

impl Default for Config {
    fn default() -> Config {
        Config { address: Some(([127, 0, 0, 1], 9464).into()) }
    }
}

/// Connections at once. The next takes the place of the first, so that a probe finds one whoever is there.
const CONNECTIONS_MAX: usize = 64;

/// Time for one answer. A reload proves everything anew before it answers, and may wait for others.
const ANSWER_DEADLINE: Duration = Duration::from_mins(10);

/// The bound listener.
#[derive(Debug)]
pub struct Admin(Server);

impl Admin {
    /// Binds the listener.
    pub fn bind(address: SocketAddr) -> Result<Admin, BindError> {
        Admin::bind_or_take(address, &mut Inherited::default())
    }

    /// The same, with the socket that the program was started with for it, if there is one.
    pub fn bind_or_take(address: SocketAddr, inherited: &mut Inherited) -> Result<Admin, BindError> {
        let (address, mut inherited) =
            inherited.take_admin(address).unwrap_or_else(|| (address, Inherited::default()));
        let config = server::Config {
            listeners: vec![ListenerConfig { address, tls: None }],
            workers: Some(1),
            connections_max: CONNECTIONS_MAX,
            makes_way: true,
            // Whoever probes mostly has the address of others.
            in_flight_per_address_max: usize::MAX,
            request_deadline: ANSWER_DEADLINE,
            ..server::Config::default()
        };
        Server::bind_or_take(config, &mut inherited).map(Admin)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.addresses()[0]
    }

    /// Answers on a thread of its own. The proxy counts as ready until it leaves, as `drain`, the main server's, says.
    /// Explanations of requests are there to be read if any are kept, and `reloads` are there to be asked for if there
    /// are files.
    pub fn start(
        self,
        metrics: Metrics,
        explanations: Option<Explanations>,
        reloads: Option<Reloads>,
        drain: Drain,
    ) -> io::Result<Running> {
        self.start_with(Pages { metrics, explanations, reloads, usage: None, drain })
    }

    /// The same, with these pages.
    pub fn start_with(self, pages: Pages) -> io::Result<Running> {
        let make = MakePages { pages };
        let stop = Drain::new();
        let stopped = stop.clone();
        let run = move || self.0.run(&make, &stopped);
        let thread = thread::Builder::new().name("admin".into()).spawn(run)?;
        Ok(Running { stop, thread: Some(thread) })
    }
}

/// The admin listener at work; it stops when this is dropped.
#[derive(Debug)]
#[must_use = "the admin listener stops when this is dropped"]
pub struct Running {
    stop: Drain,
    thread: Option<JoinHandle<io::Result<RunOutcome>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nobody waits for an admin page long enough for the process to wait for them.
        self.stop.end_now();
        if let Some(Ok(Err(error))) = self.thread.take().map(JoinHandle::join) {
            tracing::warn!(%error, "the admin listener had failed");
        }
    }
}

struct MakePages {
    pages: Pages,
}

impl MakeHandler for MakePages {
    type Handler = Pages;

    fn make(&self, _worker: usize) -> Pages {
        self.pages.clone()
    }
}

/// The pages.
#[derive(Clone, Debug)]
pub struct Pages {
    /// What was counted.
    pub metrics: Metrics,
    /// Why requests were translated as they were, if that is kept.
    pub explanations: Option<Explanations>,
    /// Who reads files anew, if there are any.
    pub reloads: Option<Reloads>,
    /// Who knows who uses what, if that is counted.
    pub usage: Option<Asker>,
    /// The main server's.
    pub drain: Drain,
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where explanations are, by request.
const EXPLANATIONS: &str = "/explain/";
const UNEXPLAINED: &str = "nothing is kept of this request: there is no `[explain] key`, it had no token that was \
taken, or more than are kept have been explained since\n";

const INDEX: &str = "interlingua admin

/healthz  200 while the process runs
/readyz   200 while it accepts requests, 503 once it leaves
/metrics  counters and histograms, in the OpenMetrics text format
/explain/ID  why the request of that id was translated as it was, if it asked for that
/differences  where the canonical side and an old upstream last differed, as shadows show
/modes    who answers the requests of which dialect; PUT and DELETE /modes/DIALECT change it at once
/usage    who uses which parts of which dialect, if that is counted; `interlingua report --from` makes it readable
/reload   POST: reads the files anew; 200 if they are in use now, 422 with what is wrong if not
";

impl Handler for Pages {
    async fn handle(self, request: Request<Upload>, peer: Peer) -> Response<Body> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_read && request.uri().path() == "/usage" {
            return self.usage().await;
        }
        self.answer(request, peer).await.map(Body::from)
    }
}

impl Pages {
    /// What is there as a whole.
    async fn answer(&self, request: Request<Upload>, peer: Peer) -> Response<Full<Bytes>> {
        if request.uri().path() == "/reload" {
            return match &self.reloads {
                Some(reloads) => reloads.answer(&request, peer.address).await,
                None => page(StatusCode::NOT_FOUND, TEXT, "nothing to reload: no file was named\n"),
            };
        }
        if request.uri().path() == "/modes" || request.uri().path().starts_with("/modes/") {
            return match self.reloads.as_ref().and_then(Reloads::modes) {
                Some(modes) => modes.answer(request, peer.address).await,
                None => page(StatusCode::NOT_FOUND, TEXT, "no modes: no file was named\n"),
            };
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match request.uri().path() {
            "/" => page(StatusCode::OK, TEXT, INDEX),
            "/healthz" => page(StatusCode::OK, TEXT, "alive\n"),
            "/metrics" => page(StatusCode::OK, OPEN_METRICS, self.metrics.render()),
            "/differences" => page(StatusCode::OK, JSON, self.metrics.differences()),
            "/readyz" if self.drain.has_begun() => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, "draining\n"),
            "/readyz" if self.drain.is_leaving() => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, "leaving\n"),
            "/readyz" => page(StatusCode::OK, TEXT, "ready\n"),
            path => match self.explanation(path) {
                Some(json) => page(StatusCode::OK, JSON, json),
                None if path.starts_with(EXPLANATIONS) => page(StatusCode::NOT_FOUND, TEXT, UNEXPLAINED),
                None => page(StatusCode::NOT_FOUND, TEXT, "no such page\n"),
            },
        }
    }

    /// Who uses what; all of it is on the disk when it is told. It may be long: it is told piece by piece.
    async fn usage(&self) -> Response<Body> {
        let Some(usage) = &self.usage else {
            let told = page(StatusCode::NOT_FOUND, TEXT, "nobody counts: `[usage] file` names no file\n");
            return told.map(Body::from);
        };
        let failed = |why: String| page(StatusCode::SERVICE_UNAVAILABLE, TEXT, why).map(Body::from);
        let Some(_place) = usage.enter() else {
            return failed("too many ask for this: come back in a moment\n".to_owned());
        };
        match usage.ask().await {
            Some(Ok(Page { length, pieces })) => {
                page(StatusCode::OK, JSON, "").map(|_| Body::in_pieces(length, pieces))
            }
            Some(Err(error)) => failed(format!("{error}\n")),
            None => failed("nobody counts at this moment\n".to_owned()),
        }
    }

    /// The explanation that is kept under the path, if there is one.
    fn explanation(&self, path: &str) -> Option<Bytes> {
        self.explanations.as_ref()?.find(path.strip_prefix(EXPLANATIONS)?)
    }
}

fn page(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };

    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::{BodyExt, Empty, StreamBody};
    use hyper::client::conn::http2;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        diag::Sources,
        telemetry::{LoadResult, RequestId},
    };

    /// Status line and headers in lower case, and the body.
    fn ask(running: SocketAddr, method: &str, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(running).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_lowercase(), body.to_owned())
    }

    fn start() -> (SocketAddr, Metrics, Drain, Running) {
        // An address of its own, so that no other test is given the port when it is free again.
        let admin = Admin::bind(([127, 0, 0, 4], 0).into()).unwrap();
        let (address, metrics, drain) = (admin.address(), Metrics::new(), Drain::new());
        let running = admin.start(metrics.clone(), None, None, drain.clone()).unwrap();
        (address, metrics, drain, running)
    }

    #[test]
    fn the_process_is_healthy_and_ready_until_it_drains() {
        let (address, _, drain, _running) = start();
        assert!(ask(address, "GET", "/healthz").0.starts_with("http/1.1 200"));
        assert!(ask(address, "GET", "/readyz").0.starts_with("http/1.1 200"));
        drain.leave();
        assert_eq!(ask(address, "GET", "/readyz").1, "leaving\n");
        drain.begin();
        assert_eq!(ask(address, "GET", "/readyz").1, "draining\n");
        assert!(ask(address, "GET", "/readyz").0.starts_with("http/1.1 503"));
        assert!(ask(address, "GET", "/healthz").0.starts_with("http/1.1 200"));
    }

    #[test]
    fn metrics_are_served_as_open_metrics() {
        let (address, metrics, _, _running) = start();
        metrics.backend().connections.inc();
        let (head, body) = ask(address, "GET", "/metrics");
        assert!(head.contains("\r\ncontent-type: application/openmetrics-text; version=1.0.0"), "{head}");
        assert!(body.contains("gateway_upstream_connections_total 1\n"), "{body}");
        assert!(body.ends_with("# EOF\n"));
    }

    #[test]
    fn the_index_names_every_page_and_there_are_no_others() {
        let (address, _, _, _running) = start();
        let (_, index) = ask(address, "GET", "/");
        for page in ["/healthz", "/readyz", "/metrics", "/differences"] {
            assert!(index.contains(page));
            assert!(ask(address, "GET", page).0.starts_with("http/1.1 200"), "{page}");
        }
        assert!(ask(address, "GET", "/nowhere").0.starts_with("http/1.1 404"));
        let (none, why) = ask(address, "POST", "/reload");
        assert!(none.starts_with("http/1.1 404") && why.contains("no file was named"), "{none}");
        let (refused, _) = ask(address, "POST", "/metrics");
        assert!(
            refused.starts_with("http/1.1 405") && refused.contains("\r\nallow: get, head\r\n"),
            "{refused}"
        );
        assert_eq!(ask(address, "HEAD", "/healthz").1, "");
    }

    #[test]
    fn explanations_are_served_by_request_if_they_are_kept() {
        let explanations = Explanations::default();
        let id = RequestId::accept(&HeaderValue::from_static("one")).unwrap();
        explanations.keep(id, Bytes::from_static(b"{\"sections\":[]}"));
        let admin = Admin::bind(([127, 0, 0, 4], 0).into()).unwrap();
        let address = admin.address();
        let _running = admin.start(Metrics::new(), Some(explanations), None, Drain::new()).unwrap();

        let (head, body) = ask(address, "GET", "/explain/one");
        assert!(
            head.starts_with("http/1.1 200") && head.contains("\r\ncontent-type: application/json"),
            "{head}"
        );
        assert_eq!(body, "{\"sections\":[]}");
        let (head, body) = ask(address, "GET", "/explain/two");
        assert!(
            head.starts_with("http/1.1 404") && body.contains("it had no token that was taken"),
            "{body}"
        );
        let (other, _, _, _other) = start();
        assert!(ask(other, "GET", "/explain/one").0.starts_with("http/1.1 404"), "none are kept there");
    }

    /// Somebody who says what is to become of a dialect, of which most does not come.
    const HALF: &str = "PUT /modes/acme HTTP/1.1\r\nHost: admin\r\nContent-Length: 100\r\n\r\n{";

    fn half(address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(HALF.as_bytes()).unwrap();
        stream
    }

    /// One where files can be read anew and modes changed, by whoever has what is asked.
    fn start_with_files() -> (SocketAddr, mpsc::Receiver<reload::Ask>, mpsc::Receiver<modes::Ask>, Running) {
        let admin = Admin::bind(([127, 0, 0, 4], 0).into()).unwrap();
        let address = admin.address();
        let ((reloads, asks), (modes, mode_asks)) = (Reloads::channel(), modes::Modes::channel());
        let reloads = reloads.with_modes(modes);
        let running = admin.start(Metrics::new(), None, Some(reloads), Drain::new()).unwrap();
        (address, asks, mode_asks, running)
    }

    #[test]
    fn a_probe_is_answered_however_many_hold_connections_from_the_same_address() {
        let (address, mut asks, _mode_asks, _running) = start_with_files();
        let reload = thread::spawn(move || ask(address, "POST", "/reload"));
        let waits = asks.blocking_recv().unwrap();
        let mut crowd: Vec<_> = (0..3 * CONNECTIONS_MAX).map(|_| half(address)).collect();
        for page in ["/healthz", "/readyz"] {
            assert!(ask(address, "GET", page).0.starts_with("http/1.1 200"), "{page}");
        }
        // Not for it was too slow: who came first had to make way.
        let mut told = Vec::new();
        let closed = crowd[0].read_to_end(&mut told);
        assert!(
            matches!(closed, Ok(0))
                || closed.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
        );
        assert_eq!(told, b"");
        let last = crowd.last_mut().unwrap();
        last.set_nonblocking(true).unwrap();
        assert_eq!(
            last.read(&mut [0]).unwrap_err().kind(),
            io::ErrorKind::WouldBlock,
            "there is a place for it"
        );

        // Who came before all of them, and waits for what was asked for, is kept.
        let outcome = reload::Outcome {
            result: LoadResult::Taken,
            digest: "abc".to_owned(),
            found: Vec::new(),
            sources: Sources::default(),
            cause: None,
            ended: Vec::new(),
        };
        waits.answer.send(outcome).unwrap();
        assert!(reload.join().unwrap().0.starts_with("http/1.1 200"));
    }

    #[tokio::test]
    async fn a_probe_is_answered_however_many_streams_wait_for_their_bodies() {
        let (address, _asks, _mode_asks, _running) = start_with_files();
        let mut held = Vec::new();
        for _ in 0..6 {
            let stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
            let (mut sender, connection) = handshake.await.unwrap();
            tokio::spawn(connection);
            for _ in 0..99 {
                let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, io::Error>>()).boxed();
                let request = Request::put("http://admin/modes/acme").body(body).unwrap();
                sender.ready().await.unwrap();
                held.push(tokio::spawn(sender.send_request(request)));
            }
            // Behind them, so that they have come when it is answered.
            let nothing = Empty::new().map_err(io::Error::other).boxed();
            let probe = Request::get("http://admin/healthz").body(nothing).unwrap();
            sender.ready().await.unwrap();
            assert_eq!(sender.send_request(probe).await.unwrap().status(), StatusCode::OK);
        }
        assert!(held.iter().all(|one| !one.is_finished()), "they wait");
    }

    #[test]
    fn it_stops_when_dropped() {
        let (address, _, _, running) = start();
        drop(running);
        assert!(TcpStream::connect(address).is_err());
    }
}

//! Connections without sockets, in the clear and over TLS, the reading end of which can be made slow.

use std::{
    cell::Cell,
    future::pending,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Once},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body_util::{Empty, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex, split},
    sync::Semaphore,
    task::{JoinHandle, LocalSet, spawn_local},
    time::{sleep, timeout},
};

use super::tls::Pki;
use crate::{
    server::{
        Body, Config, Drain, Handler, Peer, Refused, Shared, Upload,
        addresses::Addresses,
        connection::Connections,
        in_flight::InFlight,
        outlet::{End, Outlet},
        tls::Tls,
    },
    telemetry::Metrics,
};

/// Longer than anything here is kept.
const LONG: Duration = Duration::from_hours(4);

/// Less than a client may take until it reads on, and far from what it may take in all.
pub(super) const PAUSE: Duration = Duration::from_secs(50);

/// How a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Plain,
    Tls,
}

impl Way {
    pub(super) const ALL: [Way; 2] = [Way::Plain, Way::Tls];
}

/// How fast the bytes of the server come to the client, whatever that reads. A client of TLS has to read whole records before it
/// can read a byte of them: so it is here that it is slow.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flow {
    /// As it reads.
    Free,
    /// Some hundred bytes, and then a pause.
    Slow,
    /// Not until it flows again.
    Held,
    /// Not at all any more.
    Shut,
}

/// What it reads and writes.
pub(super) struct ClientEnd(Box<dyn Stream>);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl AsyncRead for ClientEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for ClientEnd {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// One worker of a server, for as many connections as are opened.
pub(super) struct Worker {
    connections: Rc<Connections<Tells>>,
    pub(super) drain: Drain,
    pub(super) metrics: Metrics,
}

/// A connection, and the server behind it.
pub(super) struct Connected {
    pub(super) client: ClientEnd,
    pub(super) flow: Rc<Cell<Flow>>,
    pub(super) drain: Drain,
    pub(super) metrics: Metrics,
    /// How it is to end.
    pub(super) end: End,
    /// Ends with the connection.
    pub(super) served: JoinHandle<()>,
}

impl Worker {
    pub(super) fn new(config: Config) -> Worker {
        let (drain, metrics) = (Drain::new(), Metrics::new());
        let shared = Shared {
            slots: Arc::new(Semaphore::new(1)),
            addresses: Arc::new(Addresses::new(&config)),
            in_flight: Arc::new(InFlight::new(&config)),
            metrics: metrics.clone(),
            drain: drain.clone(),
            config,
            cuts: Once::new(),
        };
        let connections = Rc::new(Connections::new(Tells, Arc::new(shared)));
        Worker { connections, drain, metrics }
    }

    /// How many bytes of answers are not taken.
    pub(super) fn untaken(&self) -> usize {
        self.connections.untaken()
    }

    /// A connection of somebody at the address with that last part; the way has room for that many bytes of what it is sent.
    pub(super) async fn connect(&self, way: Way, host: u8, room: usize) -> Connected {
        let (ours, far) = duplex(room);
        let (near, client) = duplex(1000);
        let flow = Rc::new(Cell::new(Flow::Free));
        spawn_local(carry(far, near, Rc::clone(&flow)));
        let pki = (way == Way::Tls).then(Pki::new);
        let tls = pki.as_ref().map(|pki| Tls::load(&pki.config()).unwrap());
        let connections = Rc::clone(&self.connections);
        let ours = Outlet::new(ours);
        let end = ours.end();
        let served = spawn_local(async move {
            connections.begin(ours, ([192, 0, 2, host], 1).into(), tls, None).await;
        });
        let client = match &pki {
            Some(pki) => ClientEnd(Box::new(pki.shake_hands(client, &[]).await)),
            None => ClientEnd(Box::new(client)),
        };
        let (drain, metrics) = (self.drain.clone(), self.metrics.clone());
        Connected { client, flow, drain, metrics, end, served }
    }
}

/// The only connection of a server.
pub(super) async fn connect(config: Config, way: Way, room: usize) -> Connected {
    Worker::new(config).connect(way, 1, room).await
}

/// Carries bytes both ways, and those to the client as fast as they are to flow.
async fn carry(far: DuplexStream, near: DuplexStream, flow: Rc<Cell<Flow>>) {
    let ((mut from_server, mut to_server), (mut from_client, mut to_client)) = (split(far), split(near));
    let down = async {
        let mut some = [0; 700];
        loop {
            match flow.get() {
                Flow::Free => {}
                Flow::Slow => sleep(PAUSE).await,
                Flow::Held => {
                    sleep(Duration::from_millis(1)).await;
                    continue;
                }
                Flow::Shut => pending().await,
            }
            // The server may have gone without a word.
            let read = from_server.read(&mut some).await.unwrap_or_default();
            if read == 0 || to_client.write_all(&some[..read]).await.is_err() {
                return;
            }
        }
    };
    let up = async {
        let mut some = [0; 4096];
        while let Ok(read @ 1..) = from_client.read(&mut some).await {
            if to_server.write_all(&some[..read]).await.is_err() {
                break;
            }
        }
    };
    // Either end that goes takes the other along.
    tokio::select! {
        () = down => {}
        () = up => {}
    }
}

/// Answers with as many bytes as the path says.
#[derive(Clone)]
pub(super) struct Tells;

impl Handler for Tells {
    async fn handle(self, request: Request<Upload>, _peer: Peer) -> Response<Body> {
        let length = request.uri().path()[1..].parse().unwrap();
        Response::new(Body::from(Full::from(vec![b'x'; length])))
    }

    fn refuse(&self, head: &Parts, _peer: &Peer, refused: &Refused) -> Option<Response<Body>> {
        let mut told = Response::new(Body::from(Full::from("in other words")));
        *told.status_mut() = refused.status;
        head.uri.path().ends_with("0001").then_some(told)
    }
}

/// Opens HTTP/2 with windows of that many bytes.
pub(super) async fn open(client: ClientEnd, window: u32) -> SendRequest<Empty<Bytes>> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (sender, connection) = builder.handshake(TokioIo::new(client)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Asks for so many bytes, and waits for the head of the answer.
pub(super) async fn ask(sender: &mut SendRequest<Empty<Bytes>>, length: usize) -> Response<Incoming> {
    let request = Request::get(format!("http://test/{length}")).body(Empty::new()).unwrap();
    sender.send_request(request).await.unwrap()
}

/// In a place for tasks that stay on this thread, and not for ever.
pub(super) async fn run(test: impl Future<Output = ()>) {
    LocalSet::new().run_until(timeout(LONG, test)).await.expect("it hangs");
}

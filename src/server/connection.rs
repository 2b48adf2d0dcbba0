//! The life of one connection: opening, serving, leaving.
//!
//! ```text
//! Opening ──protocol known──► Serving ──deadline, drain, client gone──► Leaving
//!    └─── too slow, drain ───────────────────────────────────────────────► gone
//! ```
//!
//! *Opening* has one deadline for the TLS handshake and the first bytes together; hyper's own timers would begin only
//! after them. *Serving* is hyper's, minded by a task beside it, with a single timer per connection that is set anew only
//! when it fires. *Leaving* is hyper's graceful shutdown, bounded by the header timeout.

use std::{cell::RefCell, net::SocketAddr, pin::Pin, rc::Rc, sync::Arc};

use hyper::{
    rt::Executor,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::oneshot,
    task::{AbortHandle, spawn_local},
    time::{Duration, Instant, sleep, sleep_until, timeout, timeout_at},
};
use tower::Service;

use crate::{
    server::{
        Config, Drain, Handler, Peer, Shared,
        framing::{Framing, Heads, TwoEnds},
        stack::{Common, stack},
        tls::Tls,
        watch::Watch,
        wire::{Protocol, Wire, sniff},
    },
    telemetry::HandshakeOutcome,
    time::Deadline,
};

/// How long an idle HTTP/1 connection outlives the beginning of a drain. A request that was on its way just then is
/// still answered, and told to go elsewhere for the next one.
const GRACE: Duration = Duration::from_millis(250);

/// HTTP/2 streams per connection.
const STREAMS_MAX: u32 = 100;
/// HTTP/2 bytes a client may send unasked, per stream and per connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// HTTP/2 bytes of a header list.
const HEADER_LIST_MAX: u32 = 16 * 1024;
/// How often an HTTP/2 client must show that it is alive, and how long it may take. Also what ends a header block of
/// which the rest never comes.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What all connections of one worker have in common.
#[derive(Debug)]
pub(super) struct Connections<H> {
    handler: H,
    http1: http1::Builder,
    http2: http2::Builder<LocalExecutor>,
    common: Common,
    shared: Arc<Shared>,
}

impl<H: Handler> Connections<H> {
    pub(super) fn new(handler: H, shared: Arc<Shared>) -> Connections<H> {
        let mut http1 = http1::Builder::new();
        // hyper's timer would also run while a kept connection is idle; `Watch` tells the two apart.
        http1.header_read_timeout(None).max_buf_size(shared.config.header_bytes_max);
        let mut http2 = http2::Builder::new(LocalExecutor);
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST_MAX)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        let common = Common::new(&shared);
        Connections { handler, http1, http2, common, shared }
    }

    /// What they have in common with those of the other workers.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(self: Rc<Self>, stream: TcpStream, address: SocketAddr, tls: Option<Tls>) {
        // Answers are written whole; waiting to fill a segment would only delay them.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let opening = Deadline::after(self.shared.config.first_byte_timeout);
        let Some(tls) = tls else {
            return self.open(stream, opening, Peer::new(address, false)).await;
        };
        let metrics = &self.shared.metrics;
        let failed = || metrics.shook_hands(HandshakeOutcome::Failed);
        match timeout_at(opening.instant(), tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => {
                metrics.shook_hands(match stream.get_ref().1.peer_certificates() {
                    Some(_) => HandshakeOutcome::Authenticated,
                    None => HandshakeOutcome::Anonymous,
                });
                // In a box of its own, so that the tasks of plain connections need not be large enough for both.
                Box::pin(self.open(stream, opening, Peer::new(address, true))).await;
            }
            Ok(Err(error)) => {
                failed();
                tracing::debug!(%error, "TLS handshake failed");
            }
            Err(_too_slow) => {
                failed();
                tracing::debug!("TLS handshake took too long");
            }
        }
    }

    /// Finds out what the client speaks, and speaks it.
    async fn open<S>(&self, mut stream: S, opening: Deadline, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let opened = tokio::select! {
            opened = timeout_at(opening.instant(), sniff(&mut stream)) => opened,
            () = after_grace(&self.shared.drain) => return,
        };
        let Ok(Ok((protocol, seen))) = opened else { return };
        let (watch, heads) = match protocol {
            Protocol::Http1 => (Watch::http1(), Some(Heads::default())),
            // Its frames say where everything ends.
            Protocol::Http2 => (Watch::http2(), None),
        };
        let framing = heads.clone().map(Framing::new);
        let stack = RefCell::new(stack(self.handler.clone(), peer, self.common.clone()));
        let watched = watch.clone();
        let service = service_fn(move |mut request| {
            let guard = watched.request();
            if heads.as_ref().is_some_and(|heads| !heads.next_has_one_end()) {
                request.extensions_mut().insert(TwoEnds);
            }
            // All layers are always ready. So nobody has to ask them first, which would take a copy of them all, and moved the
            // request twice.
            let answer = stack.borrow_mut().call(request);
            async move {
                let answer = answer.await;
                drop(guard);
                answer
            }
        });
        let io = TokioIo::new(Wire::new(stream, seen, watch.clone(), framing));
        match protocol {
            Protocol::Http1 => {
                let connection = self.http1.serve_connection(io, service);
                attend(Box::pin(connection), protocol, watch, &self.shared).await;
            }
            Protocol::Http2 => {
                let connection = self.http2.serve_connection(io, service);
                attend(Box::pin(connection), protocol, watch, &self.shared).await;
            }
        }
    }
}

/// Drives a connection until it ends by itself, or until it is time to leave.
async fn attend<C: GracefulConnection>(
    mut connection: Pin<Box<C>>,
    protocol: Protocol,
    watch: Watch,
    shared: &Arc<Shared>,
) {
    let (minder, mut is_over) = Minder::start(protocol, watch.clone(), Arc::clone(shared));
    tokio::select! {
        biased;
        // How a client's connection broke is the client's affair, and what mattered to a request was logged with it.
        _ended = connection.as_mut() => return,
        _over = &mut is_over => {}
    }
    drop(minder);
    connection.as_mut().graceful_shutdown();
    // A client told to leave may still wait for answers; one that ran out of time may not take more of it.
    let config = &shared.config;
    loop {
        let leaving = timeout(config.header_timeout, connection.as_mut()).await;
        if leaving.is_ok() || watch.deadline(config).is_some() {
            return;
        }
    }
}

/// The task that says when it is time to leave, for as long as this is there.
///
/// It is a task, so that it is polled when it was woken, and not with each of the connection's requests, which was a
/// hundredth of the whole. So was a set of futures that keeps apart which of them were woken: it notes with each request whom
/// to wake.
struct Minder(AbortHandle);

impl Minder {
    fn start(protocol: Protocol, watch: Watch, shared: Arc<Shared>) -> (Minder, oneshot::Receiver<()>) {
        let (tell, told) = oneshot::channel();
        let task = spawn_local(async move {
            let Shared { config, drain, .. } = &*shared;
            tokio::select! {
                () = deadline_passed(&watch, config) => {}
                () = told_to_leave(protocol, drain, &watch) => {}
            }
            // Whoever listens no more has left.
            tell.send(()).ok();
        });
        (Minder(task.abort_handle()), told)
    }
}

impl Drop for Minder {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Completes when the connection has to go because we do.
async fn told_to_leave(protocol: Protocol, drain: &Drain, watch: &Watch) {
    match protocol {
        Protocol::Http1 => after_idle_grace(drain, watch).await,
        // It says goodbye and goes on with what was begun.
        Protocol::Http2 => drain.begun().await,
    }
}

/// Completes when the connection has been in one phase for too long.
async fn deadline_passed(watch: &Watch, config: &Config) {
    // Whatever phase begins while we sleep, it lasts at least this long, so we never wake too late.
    let shortest = config.header_timeout.min(config.idle_timeout);
    loop {
        let now = Instant::now();
        let deadline = watch.deadline(config);
        if deadline.is_some_and(|deadline| deadline <= now) {
            return;
        }
        let latest = now + shortest;
        sleep_until(deadline.map_or(latest, |deadline| deadline.min(latest))).await;
    }
}

/// Completes a moment after the drain has begun.
async fn after_grace(drain: &Drain) {
    drain.begun().await;
    sleep(GRACE).await;
}

/// The same, but only for a connection that is idle by then: a busy one ends with its answer, which says `close`.
async fn after_idle_grace(drain: &Drain, watch: &Watch) {
    after_grace(drain).await;
    if !watch.is_idle() {
        std::future::pending::<()>().await;
    }
}

/// Spawns the tasks of an HTTP/2 connection on the worker's own thread.
#[derive(Clone, Copy, Debug)]
struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, task: F) {
        spawn_local(task);
    }
}

//! The life of one connection: opening, serving, leaving.
//!
//! ```text
//! Opening ──protocol known──► Serving ──deadline, drain──► Leaving
//!    │                           └─── client gone, takes nothing ─┴─► gone
//!    └─── too slow, drain ──────────────────────────────────────────────▲
//! ```
//!
//! *Opening* has one deadline for the TLS handshake and the first bytes together; hyper's own timers would begin only
//! after them. *Serving* is hyper's, minded by a task beside it, with a single timer per connection that is set anew only
//! when it fires. *Leaving* is hyper's graceful shutdown: answers that are on their way are waited for, and what is idle is
//! left after the header timeout. Wherever it is, a client that takes nothing of what it is sent has gone, and is reset.

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
    time::{Duration, Instant, sleep, sleep_until, timeout_at},
};
use tower::Service;

use crate::{
    server::{
        Config, Drain, Handler, Peer, Shared,
        backlog::Backlog,
        delivery::{By, Delivery, Pace},
        frames::Frames,
        framing::{Framing, Heads, TwoEnds},
        outlet::{End, Outlet, Socket, Takes},
        stack::{Common, stack},
        tls::Tls,
        turnover::Stay,
        watch::Watch,
        wire::{Follower, Protocol, Wire, sniff},
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
    next: NextStream,
    backlog: Rc<Backlog>,
    common: Common,
    shared: Arc<Shared>,
}

impl<H: Handler> Connections<H> {
    pub(super) fn new(handler: H, shared: Arc<Shared>) -> Connections<H> {
        let mut http1 = http1::Builder::new();
        // hyper's timer would also run while a kept connection is idle; `Watch` tells the two apart.
        http1.header_read_timeout(None).max_buf_size(shared.config.header_bytes_max);
        let next = NextStream::default();
        let executor = LocalExecutor { next: Rc::clone(&next), patience: shared.config.idle_timeout };
        let mut http2 = http2::Builder::new(executor);
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(HEADER_LIST_MAX)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        let backlog = Backlog::new(&shared.config, &shared.metrics);
        let common = Common::new(&shared, &backlog);
        Connections { handler, http1, http2, next, backlog, common, shared }
    }

    /// What they have in common with those of the other workers.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// How many bytes of answers its clients have not taken.
    #[cfg(test)]
    pub(super) fn untaken(&self) -> usize {
        self.backlog.bytes()
    }

    /// Serves one connection to its end. Its requests know of its place, where that may have to make way.
    pub(super) async fn serve(
        self: Rc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        tls: Option<Tls>,
        stay: Option<Stay>,
    ) {
        // Answers are written whole; waiting to fill a segment would only delay them.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        self.begin(Outlet::new(stream), address, tls, stay).await;
    }

    /// The same of any stream, from its first byte.
    pub(super) async fn begin<S>(
        &self,
        stream: Outlet<S>,
        address: SocketAddr,
        tls: Option<Tls>,
        stay: Option<Stay>,
    ) where
        S: Socket + 'static,
    {
        let opening = Deadline::after(self.shared.config.first_byte_timeout);
        let end = stream.end();
        let Some(tls) = tls else {
            return self.open(stream, end, opening, Peer::new(address, false), stay).await;
        };
        let metrics = &self.shared.metrics;
        let failed = || metrics.shook_hands(HandshakeOutcome::Failed);
        let shaken = tokio::select! {
            shaken = timeout_at(opening.instant(), tls.acceptor().accept(stream)) => shaken,
            // Nothing was asked by then, and nothing failed.
            () = after_grace(&self.shared.drain) => return,
        };
        match shaken {
            Ok(Ok(stream)) => {
                metrics.shook_hands(match stream.get_ref().1.peer_certificates() {
                    Some(_) => HandshakeOutcome::Authenticated,
                    None => HandshakeOutcome::Anonymous,
                });
                // In a box of its own, so that the tasks of plain connections need not be large enough for both.
                Box::pin(self.open(stream, end, opening, Peer::new(address, true), stay)).await;
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
    async fn open<S>(&self, mut stream: S, end: End, opening: Deadline, peer: Peer, stay: Option<Stay>)
    where
        S: AsyncRead + AsyncWrite + Takes + Unpin + 'static,
    {
        let opened = tokio::select! {
            opened = timeout_at(opening.instant(), sniff(&mut stream)) => opened,
            () = after_grace(&self.shared.drain) => return,
        };
        let Ok(Ok((protocol, seen))) = opened else { return };
        let (watch, heads, next) = match protocol {
            Protocol::Http1 => (Watch::http1(&self.backlog), Some(Heads::default()), None),
            // Its frames say where everything ends.
            Protocol::Http2 => {
                (Watch::http2(&self.backlog), None, Some((Rc::clone(&self.next), Rc::clone(&self.backlog))))
            }
        };
        let follower = if let Some(heads) = &heads {
            Follower::Framing(Framing::new(heads.clone()))
        } else {
            let is_hop = self.shared.config.hops.trusts(peer.address.ip());
            Follower::Frames(Frames::new(is_hop, self.shared.metrics.connection_floods()))
        };
        let stack = RefCell::new(stack(self.handler.clone(), peer, self.common.clone()));
        let watched = watch.clone();
        let service = service_fn(move |mut request| {
            let guard = watched.request();
            if heads.as_ref().is_some_and(|heads| !heads.next_has_one_end()) {
                request.extensions_mut().insert(TwoEnds);
            }
            if let Some(stay) = &stay {
                request.extensions_mut().insert(stay.clone());
            }
            // All layers are always ready. So nobody has to ask them first, which would take a copy of them all, and moved the
            // request twice.
            let answer = stack.borrow_mut().call(request);
            let by = match &next {
                None => By::Connection(watched.clone()),
                Some((next, backlog)) => {
                    let pace = Pace::new(watched.clone(), Rc::clone(backlog));
                    next.replace(Some(Rc::clone(&pace)));
                    By::Stream(pace)
                }
            };
            async move { answer.await.map(|answer| answer.map(|body| Delivery::new(body, guard, by))) }
        });
        let io = TokioIo::new(Wire::new(stream, seen, watch.clone(), Some(follower)));
        match protocol {
            Protocol::Http1 => {
                let connection = self.http1.serve_connection(io, service);
                attend(Box::pin(connection), protocol, watch, &end, &self.shared).await;
            }
            Protocol::Http2 => {
                let connection = self.http2.serve_connection(io, service);
                attend(Box::pin(connection), protocol, watch, &end, &self.shared).await;
            }
        }
    }
}

/// Drives a connection until it ends by itself, or until it is time to leave.
async fn attend<C: GracefulConnection>(
    mut connection: Pin<Box<C>>,
    protocol: Protocol,
    watch: Watch,
    end: &End,
    shared: &Arc<Shared>,
) {
    let (minder, mut is_over) = Minder::start(protocol, watch.clone(), Arc::clone(shared));
    tokio::select! {
        biased;
        // How a client's connection broke is the client's affair, and what mattered to a request was logged with it.
        _ended = connection.as_mut() => return,
        over = &mut is_over => if matches!(over, Ok(Over::Untaken)) {
            return end.reset();
        }
    }
    drop(minder);
    connection.as_mut().graceful_shutdown();
    // In a box of its own: most connections end before.
    Box::pin(async {
        let (told, config) = (Instant::now(), &shared.config);
        tokio::select! {
            biased;
            // Not moved in here: it has to be there still when it is said how it is to end.
            _ended = connection.as_mut() => {}
            // A client told to leave may still wait for answers, and read them; one that ran out of time may not take more of it.
            over = outlasted(&watch, config, |watch| watch.last_deadline(told, config)) => if over == Over::Untaken {
                end.reset();
            }
        }
    })
    .await;
}

/// Why a connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// It was in one phase for too long, or we leave.
    Told,
    /// Its client takes nothing of what it is sent.
    Untaken,
}

/// The task that says when it is time to leave, for as long as this is there.
///
/// It is a task, so that it is polled when it was woken, and not with each of the connection's requests, which was a
/// hundredth of the whole. So was a set of futures that keeps apart which of them were woken: it notes with each request whom
/// to wake.
struct Minder(AbortHandle);

impl Minder {
    fn start(protocol: Protocol, watch: Watch, shared: Arc<Shared>) -> (Minder, oneshot::Receiver<Over>) {
        let (tell, told) = oneshot::channel();
        let task = spawn_local(async move {
            let Shared { config, drain, .. } = &*shared;
            let over = tokio::select! {
                over = outlasted(&watch, config, |watch| watch.deadline(config)) => over,
                () = told_to_leave(protocol, drain, &watch) => Over::Told,
            };
            // Whoever listens no more has left.
            tell.send(over).ok();
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
        // A busy one ends with its answer, which says `close`; but not if it was on its way already.
        Protocol::Http1 => {
            after_grace(drain).await;
            watch.idle().await;
        }
        // It says goodbye and goes on with what was begun.
        Protocol::Http2 => drain.begun().await,
    }
}

/// Completes when the connection has been in one phase for too long, as `deadline` has it, or its client has taken nothing for
/// too long, or has to give way to others.
async fn outlasted(watch: &Watch, config: &Config, deadline: impl Fn(&Watch) -> Option<Instant>) -> Over {
    // Whatever phase begins while we sleep, it lasts at least this long, so we never wake too late.
    let shortest = config.header_timeout.min(config.idle_timeout);
    let mut round_ends = Instant::now() + config.idle_timeout;
    loop {
        let now = Instant::now();
        let deadline = deadline(watch);
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Over::Told;
        }
        if round_ends <= now {
            if watch.end_round() {
                tracing::debug!("closed a connection, for its client takes nothing of what it is sent");
                return Over::Untaken;
            }
            round_ends = now + config.idle_timeout;
        }
        let latest = round_ends.min(now + shortest);
        tokio::select! {
            () = sleep_until(deadline.map_or(latest, |deadline| deadline.min(latest))) => {}
            () = watch.given_up() => return Over::Untaken,
        }
    }
}

/// Completes a moment after the drain has begun.
async fn after_grace(drain: &Drain) {
    drain.begun().await;
    sleep(GRACE).await;
}

/// The stream that is spawned next: how its answer is taken. hyper spawns the task of a stream as soon as it has called the
/// service, before it calls it again.
type NextStream = Rc<RefCell<Option<Rc<Pace>>>>;

/// Spawns the tasks of HTTP/2 connections on the worker's own thread.
#[derive(Clone, Debug)]
struct LocalExecutor {
    next: NextStream,
    /// How long a stream may wait for its client.
    patience: Duration,
}

impl<F: Future<Output = ()> + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, task: F) {
        match self.next.take() {
            Some(pace) => spawn_local(pace.keep(task, self.patience)),
            None => spawn_local(task),
        };
    }
}

//! One worker: a thread with a single-threaded runtime, taking connections from its own sockets until the drain.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener as StdListener},
    pin::pin,
    rc::Rc,
    sync::{Arc, mpsc::Sender},
};

use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, LocalOptions},
    sync::mpsc,
    task::spawn_local,
    time::{Duration, sleep},
};

use crate::{
    server::{
        Counted, Handler, MakeHandler, RunOutcome, Shared,
        connection::Connections,
        listen::{Ending, QUEUE_MAX, deafen},
        outlet::Socket as _,
        tls::Tls,
        turnover::Turnover,
    },
    telemetry::names::field,
};

/// How long to wait when the system has no more file handles or memory for a connection.
const BREATHER: Duration = Duration::from_millis(100);

/// How long a deaf socket is kept: whoever had begun to connect is through by then, unless their way takes longer than that.
/// It keeps nobody waiting, for who is not heard tries again only after a second (RFC 6298, section 2).
const HANDSHAKES: Duration = Duration::from_millis(500);

/// A socket to take connections from, how to open them, and how to part with it.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) socket: StdListener,
    pub(super) tls: Option<Tls>,
    pub(super) ending: Ending,
}

/// Nothing is ever sent through it: everything that must end before the worker does holds a sender, and the channel
/// closes behind the last.
type Alive = mpsc::Sender<Infallible>;

/// Serves until the drain is over; blocks the calling thread. Reports once when it takes connections.
pub(super) fn run(
    worker: usize,
    doors: Vec<Door>,
    make: &impl MakeHandler,
    shared: &Arc<Shared>,
    report: Sender<()>,
) -> io::Result<RunOutcome> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let outcome = runtime.block_on(async {
        let connections = Rc::new(Connections::new(make.make(worker), Arc::clone(shared)));
        let (alive, ended) = mpsc::channel(1);
        let open = Gauge::default();
        for Door { socket, tls, ending } in doors {
            let listener = TcpListener::from_std(socket)?;
            let (alive, open) = (alive.clone(), open.clone());
            let turnover = shared.config.makes_way.then(Turnover::default);
            let connections = Rc::clone(&connections);
            let entrance = Entrance { tls, ending, alive, open, turnover, connections };
            spawn_local(entrance.accept(listener));
        }
        drop(alive);
        // Where another worker cannot start, nobody listens.
        report.send(()).ok();
        drop(report);
        shared.drain.begun().await;
        Ok(leave(ended, &open, shared).await)
    });
    // What is in flight is dropped with the runtime: the events of these requests are to say why.
    let is_cut_off = matches!(outcome, Ok(RunOutcome::CutOff { .. }));
    let cut_off = is_cut_off.then(|| tracing::warn_span!("cut_off", { field::CODE } = "cut-off").entered());
    drop(runtime);
    drop(cut_off);
    outcome
}

/// Waits for what is still alive, as long as that is allowed to take.
async fn leave(mut ended: mpsc::Receiver<Infallible>, open: &Gauge, shared: &Shared) -> RunOutcome {
    let (why, is_late) = tokio::select! {
        biased;
        _all = ended.recv() => return RunOutcome::Drained,
        () = sleep(shared.config.drain_timeout) => ("`drain_timeout` has passed", true),
        () = shared.drain.ended() => ("told to end at once", false),
    };
    let requests = shared.metrics.requests_in_flight().get();
    // The admin listener always ends at once, and seldom has anything to answer.
    if is_late || requests > 0 {
        // The first worker speaks for all.
        shared.cuts.call_once(|| {
            let connections = shared.metrics.connections_open().get();
            tracing::warn!(requests, connections, "{why}: cutting off what is open");
        });
    }
    RunOutcome::CutOff { connections: open.get().try_into().unwrap_or_default() }
}

/// Where connections of one listener come in.
struct Entrance<H> {
    tls: Option<Tls>,
    ending: Ending,
    alive: Alive,
    /// This worker's connections.
    open: Gauge,
    /// Who makes way, if anybody does.
    turnover: Option<Turnover>,
    connections: Rc<Connections<H>>,
}

impl<H: Handler> Entrance<H> {
    /// Takes connections until the drain begins.
    async fn accept(self, listener: TcpListener) {
        let drain = &self.connections.shared().drain;
        let mut drained = pin!(drain.begun());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut drained => break,
                accepted = listener.accept() => accepted,
            };
            self.take(accepted).await;
        }
        match self.ending {
            Ending::LetGo => return,
            Ending::Deafen => self.leave_newcomers(&listener).await,
            // Nobody else is there for them: they are refused when they try again.
            Ending::Close => {
                try_to_deafen(&listener);
            }
        }
        if let Err(error) = self.accept_the_rest(listener).await {
            tracing::warn!(%error, "cannot accept the last connections");
        }
    }

    async fn take(&self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((stream, address)) => self.admit(stream, address).await,
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                sleep(BREATHER).await;
            }
        }
    }

    /// Leaves newcomers to others, and takes whoever had begun to connect to us.
    async fn leave_newcomers(&self, listener: &TcpListener) {
        if !try_to_deafen(listener) {
            return;
        }
        let mut over = pin!(sleep(HANDSHAKES));
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut over => return,
                accepted = listener.accept() => accepted,
            };
            self.take(accepted).await;
        }
    }

    /// Connections that the system has completed are ours: closing the socket would reset them. There are at most as many as it
    /// keeps, whoever comes meanwhile.
    async fn accept_the_rest(&self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        for _ in 0..QUEUE_MAX {
            let Ok((stream, address)) = listener.accept() else { break };
            stream.set_nonblocking(true)?;
            self.admit(TcpStream::from_std(stream)?, address).await;
        }
        Ok(())
    }

    /// Serves a connection in a task of its own, once there is a slot for it. Until then no other is accepted: they stay
    /// with the system, which keeps them waiting; or the one that came first makes way. One of an address that has too many is not
    /// kept waiting.
    async fn admit(&self, stream: TcpStream, address: SocketAddr) {
        let shared = self.connections.shared();
        // Behind a hop there are many clients: what it brings is counted instead.
        let is_hop = shared.config.hops.trusts(address.ip());
        let place = if is_hop { None } else { shared.addresses.enter(address.ip()) };
        if place.is_none() && !is_hop {
            shared.metrics.connections_refused().inc();
            reset(stream);
            tracing::debug!("closed a connection, for its address has too many");
            return;
        }
        if let Some(turnover) = &self.turnover
            && shared.slots.available_permits() == 0
        {
            tracing::debug!("closed the connection that came first, for another has come");
            turnover.make_way();
        }
        let slot = Arc::clone(&shared.slots).acquire_owned().await;
        let counted = [Counted::new(&shared.metrics.connections_open()), Counted::new(&self.open)];
        // What is held is given back in this order: who is counted no more has given back the rest.
        let held = (slot, place, self.alive.clone(), counted);
        let connections = Rc::clone(&self.connections);
        let tls = self.tls.clone();
        let seat = self.turnover.as_ref().map(Turnover::seat);
        spawn_local(async move {
            match seat {
                None => connections.serve(stream, address, tls, None).await,
                // In a box of its own, so that the tasks of all others need not be large enough for both.
                Some(seat) => {
                    Box::pin(async {
                        tokio::select! {
                            // Who is to go begins nothing more.
                            biased;
                            () = seat.told_to_go() => {}
                            () = connections.serve(stream, address, tls, Some(seat.stay())) => {}
                        }
                    })
                    .await;
                }
            }
            drop(held);
        });
    }
}

/// Has the socket hear no newcomers; whether that could be done.
fn try_to_deafen(listener: &TcpListener) -> bool {
    let deafened = deafen(listener);
    if let Err(error) = &deafened {
        // A few may be reset; nothing else can be done for them.
        tracing::warn!(%error, "cannot keep new connections from a socket that is to be closed");
    }
    deafened.is_ok()
}

/// Closes a connection so that nothing of it stays with the system either, as it would for a minute after an orderly end.
/// Nothing was said to the client, and before TLS nothing could be.
fn reset(stream: TcpStream) {
    stream.end_with_reset();
    drop(stream);
}

/// Errors of `accept` that concern the connection it would have returned, and no other.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

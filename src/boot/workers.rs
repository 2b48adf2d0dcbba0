//! The gateways of all workers, and how new ones get to them while requests are answered.
//!
//! Each worker answers with a gateway of its own, on a thread that waits for no other to answer. A new one comes as a message
//! to a task on that thread, which puts it in the place of the old one; a request looks once, at its beginning, and keeps
//! what it found to its end. So nothing that processors share is written, or even read, for each request.

use std::{
    cell::RefCell,
    convert::Infallible,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, Request, Response, request, uri::Scheme};
use tokio::{sync::mpsc, task::spawn_local};

use super::{parts::Parts, shadows::ShadowThread};
use crate::{
    gateway::{
        self, Aside, Called, Gateway,
        mode::{Legacies, Modes},
    },
    problem::{ErrorStatus, Problem},
    server::{Body, Handler, MakeHandler, Peer, Refused, Upload},
    upstream::Upstream,
};

/// Gives each worker a gateway with connections of its own, and later others.
#[derive(Debug)]
pub(super) struct Workers {
    in_use: Mutex<InUse>,
    tells_addresses: bool,
}

#[derive(Debug)]
struct InUse {
    shared: Arc<gateway::Shared>,
    upstream: Upstream,
    modes: Arc<Modes>,
    legacies: Legacies,
    /// None where nothing is to be compared.
    aside: Option<Aside>,
    shadows: ShadowThread,
    /// One for each worker that has begun.
    workers: Vec<mpsc::UnboundedSender<Message>>,
}

/// What a worker is told. Who holds one has not done it yet.
#[derive(Debug)]
struct Message {
    /// What to answer requests with from now on; none only asks whether somebody is there.
    serve: Option<Serve>,
    _pending: Pending,
}

#[derive(Clone, Debug)]
struct Serve {
    shared: Arc<gateway::Shared>,
    /// None keeps the worker's connections.
    upstream: Option<Upstream>,
    modes: Arc<Modes>,
    /// The worker's connections to those that stay are kept.
    legacies: Legacies,
    aside: Option<Aside>,
}

/// Nothing is ever sent through it; the channel closes when the last message is heeded, or its worker gone.
type Pending = mpsc::Sender<Infallible>;

/// Closes when every worker has done what it was told.
pub(super) type Done = mpsc::Receiver<Infallible>;

impl Workers {
    pub(super) fn new(parts: &Parts, tells_addresses: bool, shadows: ShadowThread) -> Workers {
        let Parts { shared, upstream, modes, .. } = parts;
        let mut in_use = InUse {
            shared: Arc::clone(shared),
            upstream: upstream.clone(),
            modes: Arc::clone(modes),
            legacies: parts.legacies(),
            aside: None,
            shadows,
            workers: Vec::new(),
        };
        in_use.renew_aside();
        Workers { in_use: Mutex::new(in_use), tells_addresses }
    }

    /// Has all workers answer requests that come from now on with `parts`, over the connections they have unless there
    /// is another backend.
    pub(super) fn serve(&self, parts: &Parts, upstream: Option<Upstream>) -> Done {
        let Parts { shared, modes, .. } = parts;
        let (shared, modes, legacies) = (Arc::clone(shared), Arc::clone(modes), parts.legacies());
        let mut in_use = self.lock();
        in_use.shared = Arc::clone(&shared);
        if !Arc::ptr_eq(&in_use.modes, &modes) {
            std::mem::replace(&mut in_use.modes, Arc::clone(&modes)).supersede(&modes);
        }
        in_use.legacies = legacies.clone();
        if let Some(upstream) = &upstream {
            in_use.upstream = upstream.clone();
        }
        in_use.renew_aside();
        let aside = in_use.aside.clone();
        in_use.tell(Some(&Serve { shared, upstream, modes, legacies, aside }))
    }

    /// Gives up what is still to be compared: nobody is left who answers.
    pub(super) fn end_shadows(&self) {
        self.lock().shadows.end();
    }

    /// Asks all workers whether they are there: none is, that is stuck.
    pub(super) fn ask_all(&self) -> Done {
        self.lock().tell(None)
    }

    /// A panic while the lock was held cannot have left anything half done, so poison is ignored.
    fn lock(&self) -> MutexGuard<'_, InUse> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InUse {
    /// Whoever asks the other side does so by these parts, over the connections there are to those that stay.
    fn renew_aside(&mut self) {
        let InUse { shared, upstream, modes, legacies, aside, shadows, .. } = self;
        let before = aside.take();
        if modes.shadow() {
            let before = before.as_ref().map(|before| &*before.asks);
            let asks = Gateway::for_shadows(Arc::clone(shared), upstream, legacies, before);
            *aside = Some(Aside { shadows: shadows.begin(), asks: Arc::new(asks) });
        }
    }

    fn tell(&mut self, serve: Option<&Serve>) -> Done {
        let (pending, done) = mpsc::channel(1);
        // A worker that has ended needs to be told nothing.
        let message = || Message { serve: serve.cloned(), _pending: pending.clone() };
        self.workers.retain(|worker| worker.send(message()).is_ok());
        done
    }
}

impl MakeHandler for Workers {
    type Handler = Worker;

    fn make(&self, _worker: usize) -> Worker {
        let (sender, messages) = mpsc::unbounded_channel();
        let mut in_use = self.lock();
        let gateway = Gateway::new(Arc::clone(&in_use.shared), in_use.upstream.sibling())
            .with_modes(Arc::clone(&in_use.modes), in_use.legacies.siblings(&Legacies::default()))
            .with_aside(in_use.aside.clone());
        in_use.workers.push(sender);
        drop(in_use);
        let gateway = Rc::new(RefCell::new(Rc::new(gateway)));
        let worker = Worker { gateway, tells_addresses: self.tells_addresses };
        spawn_local(heed(messages, worker.clone()));
        worker
    }
}

async fn heed(mut messages: mpsc::UnboundedReceiver<Message>, worker: Worker) {
    while let Some(Message { serve, _pending }) = messages.recv().await {
        if let Some(Serve { shared, upstream, modes, legacies, aside }) = serve {
            let before = worker.gateway();
            let upstream = match upstream {
                Some(upstream) => upstream.sibling(),
                None => before.upstream().clone(),
            };
            let legacies = legacies.siblings(before.legacies());
            let gateway = Gateway::new(shared, upstream).with_modes(modes, legacies).with_aside(aside);
            *worker.gateway.borrow_mut() = Rc::new(gateway);
        }
    }
}

/// The gateway as the server knows it. It is cloned for each request, and counting those clones must not make processors
/// wait for one another.
#[derive(Clone)]
pub(super) struct Worker {
    gateway: Rc<RefCell<Rc<Gateway>>>,
    /// Whether the log may name the addresses of clients.
    tells_addresses: bool,
}

impl Worker {
    /// The gateway of this moment.
    fn gateway(&self) -> Rc<Gateway> {
        Rc::clone(&self.gateway.borrow())
    }
}

impl Handler for Worker {
    async fn handle(self, mut request: Request<Upload>, peer: Peer) -> Response<Body> {
        let Peer { scheme, host, client, .. } = peer;
        let client = client.filter(|_| self.tells_addresses);
        // Without a word it is a plain request, of which nothing may be said.
        if scheme != Scheme::HTTP || host.is_some() || client.is_some() {
            request.extensions_mut().insert(Called { scheme, host, client });
        }
        let gateway = self.gateway();
        // Whatever comes into use meanwhile, this request is answered with one and the same.
        gateway.answer(request).await.map(Body::from)
    }

    fn refuse(&self, head: &request::Parts, peer: &Peer, refused: &Refused) -> Option<Response<Body>> {
        let called = Called { scheme: peer.scheme.clone(), host: peer.host.clone(), client: None };
        let problem = Problem {
            detail: refused.detail.into(),
            retry_after: refused.retry_after,
            status: ErrorStatus::new(refused.status)?,
            ..Problem::bad_request(refused.code, "")
        };
        self.gateway().refuse_unread(head, called, &problem).map(|answer| answer.map(Body::from))
    }

    fn is_secret(&self, headers: &HeaderMap, text: &str) -> bool {
        self.gateway().is_secret(headers, text)
    }
}

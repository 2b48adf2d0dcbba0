//! The gateways of all workers, and how new ones get to them while requests are answered.
//!
//! Each worker answers with a gateway of its own, on a thread that never waits for another. A new one comes as a message
//! to a task on that thread, which puts it in the place of the old one; a request looks once, at its beginning, and keeps
//! what it found to its end. So nothing that processors share is written, or even read, for each request.

use std::{
    cell::RefCell,
    convert::Infallible,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{Request, Response, uri::Scheme};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::{sync::mpsc, task::spawn_local};

use crate::{
    gateway::{self, Gateway},
    server::{Handler, MakeHandler, Peer},
    upstream::Upstream,
};

/// Gives each worker a gateway with connections of its own, and later others.
#[derive(Debug)]
pub(super) struct Workers(Mutex<Stand>);

#[derive(Debug)]
struct Stand {
    shared: Arc<gateway::Shared>,
    upstream: Upstream,
    /// One for each worker that has begun.
    posts: Vec<mpsc::UnboundedSender<Order>>,
}

/// What a worker is told. Who holds one has not done it yet.
#[derive(Debug)]
struct Order {
    /// What to answer requests with from now on; none only asks whether somebody is there.
    serve: Option<Serve>,
    _undone: Undone,
}

#[derive(Clone, Debug)]
struct Serve {
    shared: Arc<gateway::Shared>,
    /// None keeps the worker's connections.
    upstream: Option<Upstream>,
}

/// Nothing is ever sent through it; the channel closes when the last order is done, or its worker gone.
type Undone = mpsc::Sender<Infallible>;

/// Closes when every worker has done what it was told.
pub(super) type Done = mpsc::Receiver<Infallible>;

impl Workers {
    pub(super) fn new(shared: Arc<gateway::Shared>, upstream: Upstream) -> Workers {
        Workers(Mutex::new(Stand { shared, upstream, posts: Vec::new() }))
    }

    /// Has all workers answer requests that come from now on with `shared`, over the connections they have unless there
    /// is another backend.
    pub(super) fn serve(&self, shared: Arc<gateway::Shared>, upstream: Option<Upstream>) -> Done {
        let mut stand = self.lock();
        stand.shared = Arc::clone(&shared);
        if let Some(upstream) = &upstream {
            stand.upstream = upstream.clone();
        }
        stand.tell(Some(&Serve { shared, upstream }))
    }

    /// Asks all workers whether they are there: none is, that is stuck.
    pub(super) fn call_the_roll(&self) -> Done {
        self.lock().tell(None)
    }

    /// A panic while the lock was held cannot have left anything half done, so poison is ignored.
    fn lock(&self) -> MutexGuard<'_, Stand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stand {
    fn tell(&mut self, serve: Option<&Serve>) -> Done {
        let (undone, done) = mpsc::channel(1);
        // A worker that has ended needs to be told nothing.
        self.posts.retain(|post| post.send(Order { serve: serve.cloned(), _undone: undone.clone() }).is_ok());
        done
    }
}

impl MakeHandler for Workers {
    type Handler = Worker;

    fn make(&self, _worker: usize) -> Worker {
        let (post, orders) = mpsc::unbounded_channel();
        let mut stand = self.lock();
        let gateway = Gateway::new(Arc::clone(&stand.shared), stand.upstream.sibling());
        stand.posts.push(post);
        drop(stand);
        let worker = Worker(Rc::new(RefCell::new(Rc::new(gateway))));
        spawn_local(obey(orders, worker.clone()));
        worker
    }
}

async fn obey(mut orders: mpsc::UnboundedReceiver<Order>, worker: Worker) {
    while let Some(Order { serve, _undone }) = orders.recv().await {
        if let Some(Serve { shared, upstream }) = serve {
            let upstream = match upstream {
                Some(upstream) => upstream.sibling(),
                None => worker.gateway().upstream().clone(),
            };
            *worker.0.borrow_mut() = Rc::new(Gateway::new(shared, upstream));
        }
    }
}

/// The gateway as the server knows it. It is cloned for each request, and counting those clones must not make processors
/// wait for one another.
#[derive(Clone)]
pub(super) struct Worker(Rc<RefCell<Rc<Gateway>>>);

impl Worker {
    /// The gateway of this moment.
    fn gateway(&self) -> Rc<Gateway> {
        Rc::clone(&self.0.borrow())
    }
}

impl Handler for Worker {
    async fn handle(&self, mut request: Request<Incoming>, peer: Peer) -> Response<Full<Bytes>> {
        if peer.tls {
            request.extensions_mut().insert(Scheme::HTTPS);
        }
        // Whatever comes into use meanwhile, this request is answered with one and the same.
        self.gateway().answer(request).await
    }
}

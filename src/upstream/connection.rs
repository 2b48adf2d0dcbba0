//! One HTTP/1.1 connection to the backend, driven by whoever uses it.
//!
//! hyper separates a connection from the handle that sends on it, and expects the connection to run in a task of its
//! own. Here both are polled by the calling task: handing each call and each answer over between tasks would cost more
//! than writing and reading them. An idle connection is therefore polled by nobody; it is looked at when it is taken, and
//! then the system is asked, for what tokio knows of a socket may be some microseconds old.

use std::{
    future::poll_fn,
    io,
    net::TcpStream as StdStream,
    os::fd::AsFd,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{Builder, Connection as Driver, SendRequest},
    },
};
use hyper_util::rt::TokioIo;
use tokio::task::unconstrained;

use crate::upstream::connect::Transport;

/// The largest head of an answer.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// A connection that can carry one call at a time.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Gone once the connection is closed.
    driver: MaybeDriver,
    /// The same socket, to be looked at without reading from it.
    probe: StdStream,
}

type MaybeDriver = Option<Driver<TokioIo<Transport>, Full<Bytes>>>;

impl Connection {
    /// A fresh one; nothing is sent yet.
    pub(super) async fn open(transport: Transport) -> io::Result<Connection> {
        let probe = transport.socket().as_fd().try_clone_to_owned()?.into();
        let io = TokioIo::new(transport);
        let handshake = Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(io);
        let (sender, driver) = handshake.await.map_err(io::Error::other)?;
        Ok(Connection { sender, driver: Some(driver), probe })
    }

    /// Sends a request and waits for the head of its answer. The error has the request in it when nothing was written.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        let answer = self.sender.try_send_request(request);
        drive(&mut self.driver, answer).await
    }

    /// Waits for the next piece of an answer's body; trailers are passed over.
    pub(super) async fn next_piece(&mut self, body: &mut Incoming) -> Option<hyper::Result<Bytes>> {
        loop {
            match drive(&mut self.driver, body.frame()).await? {
                Ok(frame) => {
                    if let Ok(piece) = frame.into_data() {
                        return Some(Ok(piece));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Whether the last call is complete and another may be sent.
    pub(super) fn is_reusable(&mut self) -> bool {
        advance(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Whether nothing has come while the connection was idle, neither its end nor bytes that answer no call.
    ///
    /// A byte on a TLS connection may also be a session ticket. Then the connection is given up for nothing, once.
    pub(super) fn is_quiet(&self) -> bool {
        matches!(self.probe.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Runs the connection until `future`, which waits for something from it, is done.
///
/// The future makes progress only when the connection does, and the connection holds this task's waker. So the future
/// needs none, and is spared waking a task that is just running. It must not be stopped by tokio's budget either, for
/// nobody would wake it then.
async fn drive<F: Future>(driver: &mut MaybeDriver, future: F) -> F::Output {
    let mut future = pin!(unconstrained(future));
    poll_fn(move |cx| {
        let mut unheard = Context::from_waker(Waker::noop());
        if let Poll::Ready(output) = future.as_mut().poll(&mut unheard) {
            return Poll::Ready(output);
        }
        advance(driver, cx);
        future.as_mut().poll(&mut unheard)
    })
    .await
}

/// Lets the connection do what it can. When it ends, dropping it tells whoever waits for something from it.
fn advance(driver: &mut MaybeDriver, cx: &mut Context<'_>) {
    let has_ended = driver.as_mut().is_some_and(|driver| Pin::new(driver).poll(cx).is_ready());
    if has_ended {
        *driver = None;
    }
}

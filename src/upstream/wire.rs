//! HTTP/1.1 over one byte stream: a call is written, and the one answer to it is read, in the task that waits for it.
//!
//! All of RFC 9112 that a client with whole calls and whole answers needs, and no more. What it lets a recipient read in
//! two ways is refused, for something between us and the backend may read it in the other: see [`framing`]. This module
//! knows nothing of sockets, pools or time; a stream in memory will do.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::upstream::{Answer, Broken, Request, Stage, UpstreamError};

mod body;
mod chunked;
mod fault;
mod framing;
mod head;
mod incoming;
mod media;
mod outgoing;

pub(super) use self::outgoing::{Template, is_target};
pub use self::{fault::Fault, media::Media};
use self::{incoming::Incoming, outgoing::Outgoing};

/// A byte stream that carries one call at a time, and the memory that is used for it again and again.
pub(super) struct Wire<S> {
    stream: S,
    input: Vec<u8>,
    output: Vec<u8>,
    is_reusable: bool,
}

/// Shows nothing of what is written and read.
impl<S: std::fmt::Debug> std::fmt::Debug for Wire<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Wire { stream, is_reusable, .. } = self;
        f.debug_struct("Wire")
            .field("stream", stream)
            .field("is_reusable", is_reusable)
            .finish_non_exhaustive()
    }
}

/// How an exchange failed, as far as sending the call again is concerned.
#[derive(Debug)]
pub(super) enum Failure {
    /// As the caller will see it.
    Final(UpstreamError),
    /// The call was written, at least in part, and the connection closed before the head of an answer had come.
    Unanswered {
        /// How it closed.
        fault: Fault,
        /// Whether not a byte had come of any answer, an interim one included.
        was_silent: bool,
    },
    /// The connection took nothing of the call.
    Unsent(Fault),
}

impl Failure {
    /// What the caller is told when the call is not sent again.
    pub(super) fn into_error(self) -> UpstreamError {
        match self {
            Failure::Final(error) => error,
            Failure::Unanswered { fault, .. } | Failure::Unsent(fault) => fault.into(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// A fresh one; nothing is sent yet.
    pub(super) fn new(stream: S) -> Wire<S> {
        Wire { stream, input: Vec::new(), output: Vec::new(), is_reusable: false }
    }

    pub(super) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Whether the last call and its answer are complete and another may be sent: all of the call was taken, the backend
    /// did not say that it closes, and nothing more came than its answer. It is so only once a call has succeeded, so that
    /// one that failed or was given up leaves nothing behind.
    pub(super) fn is_reusable(&self) -> bool {
        self.is_reusable
    }

    /// Sends a call and reads its answer, whatever its status, with a body of at most `limit` bytes.
    pub(super) async fn exchange(
        &mut self,
        template: &Template,
        call: &Request<'_>,
        limit: usize,
        stage: &mut Stage,
    ) -> Result<Answer, Failure> {
        self.is_reusable = false;
        *stage = Stage::Head;
        let body = template.fill(&mut self.output, call);
        let outgoing = Outgoing::new(&self.output, body);
        let mut incoming = Incoming::new(&mut self.stream, outgoing, &mut self.input);
        let head = incoming.head(call.method == http::Method::HEAD).await?;
        *stage = Stage::Body(head.status);
        if head.is_encoded && !call.passes {
            return Err(Failure::Final(UpstreamError::Broken(Broken::Encoded)));
        }
        let headers = call.passes.then(|| Box::new(incoming.headers()));
        let (body, is_last) = body::read(&mut incoming, head.framing, limit).await.map_err(Failure::Final)?;
        self.is_reusable = head.is_kept_alive && is_last && incoming.is_sent();
        let head::Head { status, media, etag, retry_after, .. } = head;
        Ok(Answer { status, media, etag, retry_after, headers, body })
    }
}

#[cfg(test)]
mod tests;

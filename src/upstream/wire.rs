//! HTTP/1.1 over one byte stream: a call is written, and the one answer to it is read, in the task that waits for it.
//!
//! All of RFC 9112 that a client with whole calls and whole answers needs, and no more. What it lets a recipient read in
//! two ways is refused, for something between us and the backend may read it in the other: see [`framing`]. This module
//! knows nothing of sockets, pools or time; a stream in memory will do.

use http::StatusCode;
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
use self::{
    incoming::Incoming,
    outgoing::{Outgoing, Sending},
};

/// A byte stream that carries one call at a time, and the memory that is used for it again and again.
pub(super) struct Wire<S> {
    stream: S,
    input: Vec<u8>,
    output: Vec<u8>,
    sending: Sending,
    /// The head of which answer is waited for.
    awaited: Option<Awaited>,
    is_reusable: bool,
}

/// An answer of which the head has not come.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    /// Whether the call was HEAD, so that no body follows.
    to_head: bool,
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
        Wire {
            stream,
            input: Vec::new(),
            output: Vec::new(),
            sending: Sending::Done,
            awaited: None,
            is_reusable: false,
        }
    }

    pub(super) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Whether the last call and its answer are complete and another may be sent: all of the call was taken, the backend
    /// did not say that it closes, and nothing more came than its answer. It is so only once an answer was read to its end, so
    /// that a call that failed, or was given up and not [finished](Wire::finish), leaves nothing behind.
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
        let to_head = call.method == http::Method::HEAD;
        self.awaited = Some(Awaited { to_head });
        let outgoing = Outgoing::new(&self.output, body, &mut self.sending);
        let mut incoming = Incoming::new(&mut self.stream, outgoing, &mut self.input);
        let head = incoming.head(to_head).await?;
        self.awaited = None;
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

    /// Whether the backend has a whole call, and nothing of its answer was read but what [`finish`](Wire::finish) finds again:
    /// so it is as long as whoever sent it waits for the head, and when they gave up waiting.
    pub(super) fn owes_an_answer(&self) -> bool {
        self.awaited.is_some() && self.sending == Sending::Done
    }

    /// Reads the answer that is [owed](Wire::owes_an_answer) and that nobody waits for any more, with a body of at most `limit`
    /// bytes. Then the wire is [reusable](Wire::is_reusable), if it would be had somebody waited.
    pub(super) async fn finish(&mut self, limit: usize) -> Result<StatusCode, Failure> {
        let owed = self.awaited.take().filter(|_| self.sending == Sending::Done);
        let Some(Awaited { to_head }) = owed else { return Err(Failure::Final(Fault::Closed.into())) };
        let outgoing = Outgoing::written(&mut self.sending);
        let mut incoming = Incoming::taken_over(&mut self.stream, outgoing, &mut self.input);
        let head = incoming.head(to_head).await?;
        let (_body, is_last) =
            body::read(&mut incoming, head.framing, limit).await.map_err(Failure::Final)?;
        self.is_reusable = head.is_kept_alive && is_last;
        Ok(head.status)
    }
}

#[cfg(test)]
mod tests;

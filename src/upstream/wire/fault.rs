//! What can be wrong with the bytes of an answer.

use std::io;

use crate::upstream::wire::{
    chunked::{EXTENSION_BYTES_MAX, TRAILER_BYTES_MAX},
    head::HEAD_BYTES_MAX,
    incoming::INTERIM_MAX,
};

/// Why what came over a connection is no answer, or not all of one.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A chunk's size is no number, or its data does not end where its size says.
    #[error("a chunk is malformed")]
    Chunk,
    /// The extensions of its chunks, which nobody reads, are too long.
    #[error("the chunks have extensions of more than {EXTENSION_BYTES_MAX} bytes")]
    ChunkExtensions,
    /// The backend closed the connection too early.
    #[error("the connection was closed before the answer was complete")]
    Closed,
    /// The connection broke.
    #[error("the connection failed")]
    Connection(#[from] io::Error),
    /// A line of the head is malformed, or there are too many.
    #[error("the head is malformed")]
    Head(#[source] httparse::Error),
    /// The head does not end.
    #[error("the head is larger than {HEAD_BYTES_MAX} bytes")]
    HeadTooLarge,
    /// Too many 1xx answers, one after another.
    #[error("more than {INTERIM_MAX} interim answers came first")]
    Interim,
    /// An announced length is no number, or there are several that differ.
    #[error("the length is announced as no number, or as several")]
    Length,
    /// Both a length and a transfer coding are announced.
    #[error("both a length and a transfer coding are announced")]
    LengthAndCoding,
    /// It does not begin like an answer.
    #[error("it is not HTTP/1")]
    NotHttp,
    /// The status is below 100.
    #[error("the status is none")]
    Status,
    /// The fields after the last chunk are malformed, too many or too long.
    #[error("the trailers are malformed, or larger than {TRAILER_BYTES_MAX} bytes")]
    Trailers,
    /// The transfer coding is another than `chunked` alone, the only one that every recipient knows.
    #[error("the transfer coding is not `chunked` alone")]
    TransferCoding,
}

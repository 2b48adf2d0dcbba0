//! The body of an answer, whole, in memory of its own, whichever way its end is found.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::upstream::{
    UpstreamError,
    wire::{
        chunked::{Chunked, Refusal},
        fault::Fault,
        framing::Framing,
        incoming::{BUFFER_BYTES, Incoming},
    },
};

/// A body, and whether nothing came after it.
pub(super) type Body = (Vec<u8>, bool);

/// Reads it. One that is announced to be larger than `limit` is not read at all.
pub(super) async fn read<S>(
    incoming: &mut Incoming<'_, S>,
    framing: Framing,
    limit: usize,
) -> Result<Body, UpstreamError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match framing {
        Framing::Chunked => chunked(incoming, limit).await,
        Framing::Length(length) => {
            let length = usize::try_from(length).ok().filter(|&length| length <= limit);
            Ok(sized(incoming, length.ok_or(UpstreamError::TooLarge { limit })?).await?)
        }
        Framing::None => Ok((Vec::new(), incoming.rest().is_empty())),
        Framing::UntilClosed => until_closed(incoming, limit).await,
    }
}

async fn sized<S>(incoming: &mut Incoming<'_, S>, length: usize) -> Result<Body, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Some((body, rest)) = incoming.rest().split_at_checked(length) {
        return Ok((body.to_vec(), rest.is_empty()));
    }
    // There is room for one byte more than should come. So a byte too many is seen; and because a read that leaves room
    // tells tokio that the socket is empty, nobody asks the system again before the next call.
    let mut body = Vec::with_capacity(length + 1);
    body.extend_from_slice(incoming.rest());
    while body.len() < length {
        let room = length + 1 - body.len();
        if incoming.more_into(&mut body, room).await? == 0 {
            return Err(Fault::Closed);
        }
    }
    let is_last = body.len() == length;
    body.truncate(length);
    Ok((body, is_last))
}

async fn chunked<S>(incoming: &mut Incoming<'_, S>, limit: usize) -> Result<Body, UpstreamError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut body = Vec::new();
    let mut chunks = Chunked::new();
    let mut rest = incoming.rest();
    loop {
        chunks.feed(&mut rest, &mut body, limit).map_err(|refusal| match refusal {
            Refusal::Fault(fault) => fault.into(),
            Refusal::TooLarge => UpstreamError::TooLarge { limit },
        })?;
        if chunks.is_complete() {
            return Ok((body, rest.is_empty()));
        }
        // A chunk that is larger than the buffer does not go through it.
        while chunks.data_left() > BUFFER_BYTES {
            let left = chunks.data_left();
            body.reserve(left);
            match incoming.more_into(&mut body, left).await? {
                0 => return Err(Fault::Closed.into()),
                read => chunks.skip(read),
            }
        }
        rest = incoming.more().await?;
    }
}

async fn until_closed<S>(incoming: &mut Incoming<'_, S>, limit: usize) -> Result<Body, UpstreamError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut body = incoming.rest().to_vec();
    loop {
        if body.len() > limit {
            return Err(UpstreamError::TooLarge { limit });
        }
        if body.len() == body.capacity() {
            body.reserve(BUFFER_BYTES);
        }
        let room = limit - body.len() + 1;
        if incoming.more_into(&mut body, room).await? == 0 {
            return Ok((body, false));
        }
    }
}

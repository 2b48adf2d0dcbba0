//! What answers have for bodies: one that is there as a whole, or, of the admin pages alone, one that is still being made.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::Full;
use tokio::sync::mpsc;

use crate::server::in_flight::Place;

/// The body of an answer.
#[derive(Debug)]
pub struct Body {
    made: Made,
    /// What its request has taken of the requests in flight of an address: it is given back when the answer was taken.
    place: Option<Place>,
}

#[derive(Debug)]
enum Made {
    Whole(Full<Bytes>),
    InPieces { left: u64, pieces: mpsc::Receiver<Bytes> },
}

impl Body {
    /// A body of that many bytes, which come in pieces. If they end before, the connection does.
    pub fn in_pieces(length: u64, pieces: mpsc::Receiver<Bytes>) -> Body {
        Body { made: Made::InPieces { left: length, pieces }, place: None }
    }

    /// Has it hold the place of its request.
    pub(super) fn hold(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// How many bytes of it are there now. Of one that is still being made there are few at any time.
    pub(super) fn kept(&self) -> usize {
        match &self.made {
            Made::Whole(whole) => {
                whole.size_hint().exact().and_then(|length| usize::try_from(length).ok()).unwrap_or_default()
            }
            Made::InPieces { .. } => 0,
        }
    }

    /// What it holds, for somebody else to hold.
    pub(super) fn take_place(&mut self) -> Option<Place> {
        self.place.take()
    }
}

/// An empty one.
impl Default for Body {
    fn default() -> Body {
        Body::from(Full::default())
    }
}

impl From<Full<Bytes>> for Body {
    fn from(whole: Full<Bytes>) -> Body {
        Body { made: Made::Whole(whole), place: None }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut self.made {
            Made::Whole(whole) => Pin::new(whole).poll_frame(cx).map_err(|never| match never {}),
            Made::InPieces { left: 0, .. } => Poll::Ready(None),
            Made::InPieces { left, pieces } => match ready!(pieces.poll_recv(cx)) {
                Some(piece) => {
                    *left = left.saturating_sub(piece.len() as u64);
                    Poll::Ready(Some(Ok(Frame::data(piece))))
                }
                None => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.made {
            Made::Whole(whole) => whole.is_end_stream(),
            Made::InPieces { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.made {
            Made::Whole(whole) => whole.size_hint(),
            Made::InPieces { left, .. } => SizeHint::with_exact(*left),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn pieces_are_whole_only_if_all_of_them_come() {
        for (length, is_whole) in [(5, true), (6, false)] {
            let (sender, pieces) = mpsc::channel(2);
            let body = Body::in_pieces(length, pieces);
            assert_eq!(body.size_hint().exact(), Some(length));
            sender.send(Bytes::from_static(b"abc")).await.unwrap();
            sender.send(Bytes::from_static(b"de")).await.unwrap();
            drop(sender);
            let told = body.collect().await.map(http_body_util::Collected::to_bytes).ok();
            assert_eq!(told, is_whole.then(|| Bytes::from_static(b"abcde")));
        }
    }
}

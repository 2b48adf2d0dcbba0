//! The body of a request, as a handler reads it: what of it is waited for is noted with its [`Arrival`], and it breaks off where
//! that has to give way, or where it ends and there is no place for it among the requests in flight. Of HTTP/2 it breaks off, too,
//! where its frames are that small that to read them costs far more than what they hold, as one of HTTP/1 does by its chunks
//! (`framing.rs`): that ends one request, and not all those of a connection.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tower::BoxError;

use crate::server::{arrivals::Arrival, framing::Chunks, in_flight::Counter};

/// The body of a request. Where the server waits no longer for it, because others need the room, it ends with an error of the
/// kind [`TimedOut`](io::ErrorKind::TimedOut). Where all of it came, and too many requests are in flight for this to be one, with
/// one of the kind [`ResourceBusy`](io::ErrorKind::ResourceBusy). However else it breaks off, with one of another kind.
#[derive(Debug)]
pub struct Upload<B = Incoming> {
    body: B,
    /// Until its end came; none of a request without a body.
    arrival: Option<Rc<Arrival>>,
    /// Its frames so far, where it comes in frames.
    frames: Option<Chunks>,
}

impl<B> Upload<B> {
    /// One of which nothing is to come.
    pub(super) fn ended(body: B) -> Upload<B> {
        Upload { body, arrival: None, frames: None }
    }

    /// One that is on its way by that version of HTTP, of which that is noted.
    pub(super) fn arriving(body: B, version: Version, arrival: Rc<Arrival>) -> Upload<B> {
        let frames = (version == Version::HTTP_2).then(Chunks::default);
        Upload { body, arrival: Some(arrival), frames }
    }

    /// Says whose it is.
    pub(super) fn is_of(&self, whose: Option<Counter>) {
        if let Some(arrival) = &self.arrival {
            arrival.is_of(whose);
        }
    }
}

impl<B> Body for Upload<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Upload { body, arrival, frames } = &mut *self;
        let Some(awaited) = arrival else { return Poll::Ready(None) };
        let polled = Pin::new(&mut *body).poll_frame(cx);
        let ended = match polled {
            Poll::Ready(None) => None,
            Poll::Ready(Some(Ok(frame))) if body.is_end_stream() => Some(Ok(frame)),
            // What is not all there gives way.
            _ if awaited.is_given_up() => Some(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => {
                awaited.wait(cx.waker());
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                if !frames.as_mut().is_some_and(|frames| frames.add(length as u64)) {
                    awaited.came(length);
                    return Poll::Ready(Some(Ok(frame)));
                }
                Some(Err(io::Error::other("too many frames for what they hold")))
            }
            Poll::Ready(Some(Err(broken))) => Some(Err(io::Error::other(broken))),
        };
        let is_whole = !matches!(ended, Some(Err(_)));
        let has_place = !is_whole || awaited.place().take();
        awaited.end();
        *arrival = None;
        Poll::Ready(if has_place { ended } else { Some(Err(io::ErrorKind::ResourceBusy.into())) })
    }

    fn is_end_stream(&self) -> bool {
        self.arrival.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Upload<B> {
    /// Nobody wants what is left of it.
    fn drop(&mut self) {
        if let Some(arrival) = &self.arrival {
            arrival.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, convert::Infallible, task::Waker};

    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    use prometheus_client::metrics::gauge::Gauge;

    use super::*;
    use crate::{
        server::{
            Config,
            arrivals::{Arrivals, BESIDES},
            load::{Load, Place},
        },
        telemetry::Metrics,
    };

    /// A body of which it is known, as of one with a length, which piece is the last. Before each it is waited once.
    struct Sized {
        pieces: VecDeque<Bytes>,
        is_next_there: bool,
    }

    impl Body for Sized {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.is_next_there = !self.is_next_there;
            if self.is_next_there {
                return Poll::Pending;
            }
            Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
        }

        fn is_end_stream(&self) -> bool {
            self.pieces.is_empty()
        }
    }

    struct World {
        arrivals: Rc<Arrivals>,
        load: Rc<Load>,
    }

    impl World {
        /// Room for one that has sent a little.
        fn new() -> World {
            let config = Config { arriving_bytes_max: 2 * BESIDES, ..Config::default() };
            let load = Rc::new(Load::new(Gauge::default(), 1));
            World { arrivals: Arrivals::new(&config, &Metrics::new()), load }
        }

        fn arrival(&self) -> Rc<Arrival> {
            Arrival::new(&self.arrivals, Place::new(&self.load))
        }

        fn upload(&self, pieces: &[usize]) -> Upload<Sized> {
            self.upload_by(Version::HTTP_11, pieces)
        }

        fn upload_by(&self, version: Version, pieces: &[usize]) -> Upload<Sized> {
            let pieces = pieces.iter().map(|length| vec![0; *length].into()).collect();
            Upload::arriving(Sized { pieces, is_next_there: false }, version, self.arrival())
        }
    }

    /// What comes next, where something does: how many bytes, or of which kind the error is.
    fn next(upload: &mut Upload<Sized>) -> Poll<Option<Result<usize, io::ErrorKind>>> {
        let Some(frame) = upload.frame().now_or_never() else { return Poll::Pending };
        let length = |frame: Frame<Bytes>| frame.into_data().unwrap().len();
        Poll::Ready(frame.map(|frame| frame.map(length).map_err(|error| error.kind())))
    }

    #[test]
    fn the_piece_that_completes_a_body_does_not_make_it_give_way() {
        let world = World::new();
        let other = world.arrival();
        other.wait(Waker::noop());
        let mut upload = world.upload(&[2 * BESIDES]);
        assert_eq!(next(&mut upload), Poll::Pending);
        assert_eq!(next(&mut upload), Poll::Ready(Some(Ok(2 * BESIDES))));
        assert_eq!(next(&mut upload), Poll::Ready(None));
        assert!(!other.is_given_up(), "nor another");
    }

    #[test]
    fn a_body_gives_way_unless_what_comes_next_is_its_end() {
        for (pieces, expected) in [(&[1][..], Ok(1)), (&[1, 1], Err(io::ErrorKind::TimedOut))] {
            let world = World::new();
            let mut upload = world.upload(pieces);
            assert_eq!(next(&mut upload), Poll::Pending);
            let others = [(); 2].map(|()| world.arrival());
            for other in &others {
                other.wait(Waker::noop());
            }
            assert_eq!(next(&mut upload), Poll::Ready(Some(expected)));
            assert_eq!(next(&mut upload), Poll::Ready(None));
        }
    }

    #[test]
    fn a_body_breaks_off_where_its_frames_are_too_many_for_what_they_hold() {
        // 4,096 for nothing, and with each 32 bytes one more.
        for (version, length, expected) in
            [(Version::HTTP_2, 1, 4228), (Version::HTTP_2, 32, 8000), (Version::HTTP_11, 1, 8000)]
        {
            let world = World::new();
            let mut upload = world.upload_by(version, &vec![length; 8000]);
            let mut came = 0;
            let end = loop {
                match next(&mut upload) {
                    Poll::Pending => {}
                    Poll::Ready(Some(Ok(_))) => came += 1,
                    Poll::Ready(end) => break end,
                }
            };
            assert_eq!((came, end.is_none()), (expected, expected == 8000), "{version:?} {length}");
        }
    }

    #[test]
    fn only_the_end_of_a_body_needs_a_place() {
        let world = World::new();
        let busy = Place::new(&world.load);
        assert!(busy.take());
        let mut upload = world.upload(&[1, 1]);
        assert_eq!([next(&mut upload), next(&mut upload)], [Poll::Pending, Poll::Ready(Some(Ok(1)))]);
        assert_eq!(
            [next(&mut upload), next(&mut upload)],
            [Poll::Pending, Poll::Ready(Some(Err(io::ErrorKind::ResourceBusy)))]
        );
        assert_eq!(next(&mut upload), Poll::Ready(None));
        busy.give_back();
        let mut upload = world.upload(&[1]);
        assert_eq!([next(&mut upload), next(&mut upload)], [Poll::Pending, Poll::Ready(Some(Ok(1)))]);
        assert!(!world.load.is_full(), "what took it is dropped");
    }
}

//! What becomes of a call, its slot and its connection when whoever asked does not wait for the answer.

use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    backend::{Backend, Connection, OK, get, post, send, upstream},
    reuse::oneshot_from_thread,
};
use crate::{
    time::Deadline,
    upstream::{Config, Request, Upstream, UpstreamError, breaker},
};

/// One that answers its first call when it is told to, and any other at once; and what says that the first has come.
fn answering_late() -> (Backend, Sender<()>, oneshot::Receiver<()>) {
    answering(|connection, _| {
        connection.say(OK);
    })
}

/// The same with other answers, to the first call and to others.
fn answering(answer: fn(&mut Connection, bool)) -> (Backend, Sender<()>, oneshot::Receiver<()>) {
    let (answers, may_answer): (_, Receiver<()>) = channel();
    let may_answer = Mutex::new(may_answer);
    let (came, has_come) = oneshot_from_thread();
    let backend = Backend::start(move |number, connection| {
        while connection.request() {
            let is_first = number == 1 && connection.served() == 1;
            if is_first {
                came.send(()).unwrap();
                may_answer.lock().unwrap().recv().ok();
            }
            answer(connection, is_first);
        }
    });
    (backend, answers, has_come)
}

/// With room for one call, so that who comes next waits for its slot.
fn narrow(backend: &Backend) -> Upstream {
    upstream(Config { connections_max: 1, ..backend.config() })
}

fn begin(upstream: &Upstream, call: Request<'static>, deadline: Deadline) -> JoinHandle<()> {
    let upstream = upstream.clone();
    tokio::spawn(async move { drop(upstream.send(call, deadline).await) })
}

async fn give_up(call: JoinHandle<()>) {
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
}

/// Lets others go on for a while, in which it must not end.
async fn still_waits(call: &mut (impl Future + Unpin)) {
    for _ in 0..100 {
        assert!((&mut *call).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
}

const LATE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_call_that_is_given_up_keeps_its_slot_until_it_is_answered_and_its_connection_is_used_again() {
    for call in [get(), post()] {
        let (backend, answers, has_come) = answering_late();
        let upstream = narrow(&backend);
        let given_up = begin(&upstream, call, Deadline::after(LATE));
        has_come.await.unwrap();
        give_up(given_up).await;
        let mut next = Box::pin(send(&upstream, post()));
        still_waits(&mut next).await;
        assert_eq!(backend.requests().len(), 1, "the backend has its work with one, and gets no other");
        answers.send(()).unwrap();
        assert_eq!(next.await.unwrap().body, b"ok");
        assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (1, 1));
    }
}

#[tokio::test]
async fn a_call_that_is_given_up_keeps_its_share_too() {
    let (backend, answers, has_come) = answering_late();
    let upstream = upstream(Config { connections_max: 2, ..backend.config() });
    let of = |share| Request { share: Some(share), ..post() };
    let given_up = begin(&upstream, of(1), Deadline::after(LATE));
    has_come.await.unwrap();
    give_up(given_up).await;
    assert_eq!(
        send(&upstream, of(2)).await.unwrap().body,
        b"ok",
        "half of the connections are left to others"
    );
    let mut next = Box::pin(send(&upstream, of(1)));
    still_waits(&mut next).await;
    answers.send(()).unwrap();
    next.await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_long_is_not_read_for_nobody() {
    let (backend, answers, has_come) = answering(|connection, first| {
        if first {
            connection.say("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
            connection.until_closed();
        } else {
            connection.say(OK);
        }
    });
    let upstream = narrow(&backend);
    let given_up = begin(&upstream, get(), Deadline::after(LATE));
    has_come.await.unwrap();
    give_up(given_up).await;
    answers.send(()).unwrap();
    assert_eq!(send(&upstream, post()).await.unwrap().body, b"ok");
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (2, 0));
}

#[tokio::test]
async fn a_backend_that_never_answers_those_who_gave_up_is_left_alone() {
    let backend = Backend::start(|_, connection| connection.until_closed());
    let breaker = Some(breaker::Config { calls_min: 1, ..breaker::Config::default() });
    // So long that nothing but the backend's silence takes half of it.
    let timeout = Duration::from_secs(1);
    let upstream = upstream(Config { breaker, timeout, connections_max: 1, ..backend.config() });
    let given_up = begin(&upstream, post(), Deadline::after(LATE));
    while upstream.metrics.connections.get() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    given_up.abort();
    given_up.await.ok();
    // Nobody else finds a place, until it is held against the backend that nothing came.
    let told = loop {
        match send(&upstream, post()).await.unwrap_err() {
            UpstreamError::Overloaded => {}
            other => break other,
        }
    };
    assert!(matches!(told, UpstreamError::Refused { .. }), "{told:?}");
}

#[tokio::test]
async fn a_call_that_is_given_up_and_never_answered_gives_its_slot_back_when_its_time_is_over() {
    let (backend, _answers, has_come) = answering_late();
    let upstream = narrow(&backend);
    // Long enough for a call to come to the backend, and over before who waits for its slot gives up.
    let (begun, time) = (Instant::now(), Duration::from_millis(500));
    let given_up = begin(&upstream, post(), Deadline::after(time));
    has_come.await.unwrap();
    given_up.abort();
    given_up.await.ok();
    assert_eq!(send(&upstream, post()).await.unwrap().body, b"ok");
    assert!(begun.elapsed() >= time, "not before");
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (2, 0));
}

#[tokio::test]
async fn a_call_that_is_given_up_half_written_closes_its_connection_at_once() {
    let large: &[u8] = Box::leak(vec![b'x'; 32 << 20].into_boxed_slice());
    let (closed, is_closed) = oneshot_from_thread();
    let (came, has_come) = oneshot_from_thread();
    let (reads_on, may_read) = channel();
    let may_read = Mutex::new(may_read);
    let backend = Backend::start(move |number, connection| {
        if number == 1 {
            connection.line();
            came.send(()).unwrap();
            may_read.lock().unwrap().recv().ok();
            connection.until_closed();
            closed.send(()).unwrap();
        } else if connection.request() {
            connection.say(OK);
        }
    });
    let upstream = narrow(&backend);
    let given_up = begin(&upstream, Request { body: large, ..post() }, Deadline::after(LATE));
    has_come.await.unwrap();
    give_up(given_up).await;
    reads_on.send(()).unwrap();
    is_closed.await.unwrap();
    assert_eq!(send(&upstream, post()).await.unwrap().body, b"ok");
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (2, 0));
}

//! Which connection a call takes, and when it is sent again.

use std::{
    sync::mpsc::{Sender, channel},
    time::Duration,
};

use futures_util::future::{join, join_all};
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::oneshot,
};

use super::backend::{Backend, OK, get, post, send, upstream};
use crate::upstream::{Config, Request, UpstreamError};

#[tokio::test]
async fn one_call_after_another_shares_a_connection() {
    let backend = Backend::answering(OK);
    let upstream = backend.upstream();
    for _ in 0..5 {
        send(&upstream, post()).await.unwrap();
    }
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (1, 4));
}

#[test]
fn connections_are_shared_on_the_runtime_of_a_worker_too() {
    let backend = Backend::answering(OK);
    let upstream = backend.upstream();
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
    runtime.block_on(async {
        send(&upstream, post()).await.unwrap();
        send(&upstream, post()).await.unwrap();
    });
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (1, 1));
}

#[tokio::test]
async fn siblings_do_not_share_connections() {
    let backend = Backend::answering(OK);
    let one = backend.upstream();
    let other = one.sibling();
    send(&one, get()).await.unwrap();
    send(&other, get()).await.unwrap();
    assert_eq!(
        (one.metrics.connections.get(), one.metrics.reuses.get()),
        (2, 0),
        "counted together, opened apart"
    );
}

#[tokio::test]
async fn no_more_connections_are_opened_than_allowed() {
    let backend = Backend::answering(OK);
    let upstream = upstream(Config { connections_max: 3, ..backend.config() });
    let answers = join_all((0..30).map(|_| send(&upstream, post()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(upstream.metrics.connections.get() <= 3, "{}", upstream.metrics.connections.get());
}

#[tokio::test]
async fn hundreds_of_calls_from_one_task_do_not_stall() {
    // More than tokio lets a task do before it makes others' turn; a lost wake-up would end in a timeout.
    let backend = Backend::answering(OK);
    let upstream = upstream(Config { connections_max: 8, ..backend.config() });
    let answers = join_all((0..500).map(|_| send(&upstream, post()))).await;
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_call_that_finds_no_free_connection_in_time_is_overload() {
    let backend = Backend::start(|_, connection| connection.until_closed());
    let config =
        Config { connections_max: 1, connect_timeout: Duration::from_millis(50), ..backend.config() };
    let upstream = upstream(config);
    let stuck = upstream.clone();
    let stuck = tokio::spawn(async move { send(&stuck, get()).await });
    tokio::task::yield_now().await;
    let error = send(&upstream, get()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Overloaded), "{error:?}");
    stuck.abort();
}

#[tokio::test]
async fn who_has_all_of_a_share_waits_and_others_do_not() {
    let backend = Backend::start(|number, connection| {
        // The first two are kept by whoever they are answered.
        while number > 2 && connection.request() {
            connection.say(OK);
        }
        connection.until_closed();
    });
    let config =
        Config { connections_max: 4, connect_timeout: Duration::from_millis(50), ..backend.config() };
    let upstream = upstream(config);
    let call = |share| Request { share: Some(share), ..get() };
    let stuck = [(); 2].map(|()| {
        let upstream = upstream.clone();
        tokio::spawn(async move { send(&upstream, call(1)).await })
    });
    while upstream.metrics.connections.get() < 2 {
        tokio::task::yield_now().await;
    }
    let waiting = join_all((0..9).map(|_| send(&upstream, call(1))));
    let others = join_all([2, 3, 2, 3].map(|share| send(&upstream, call(share))));
    let (waited, others) = join(waiting, others).await;
    assert!(waited.iter().all(|outcome| matches!(outcome, Err(UpstreamError::Overloaded))), "{waited:?}");
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    assert_eq!(upstream.metrics.connections.get(), 4);
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_connection_idle_for_too_long_is_not_used() {
    let backend = Backend::answering(OK);
    let upstream = upstream(Config { idle_timeout: Duration::ZERO, ..backend.config() });
    for _ in 0..3 {
        send(&upstream, post()).await.unwrap();
    }
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (3, 0));
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_time_without_any_further_call() {
    let (closed, is_closed) = oneshot_from_thread();
    let backend = Backend::start(move |_, connection| {
        connection.request();
        connection.say(OK);
        connection.until_closed();
        closed.send(()).unwrap();
    });
    let upstream = upstream(Config { idle_timeout: Duration::from_millis(20), ..backend.config() });
    send(&upstream, get()).await.unwrap();
    is_closed.await.unwrap();
}

/// Closes the first connection when its second request has come, without an answer.
fn closing_on_reuse() -> Backend {
    Backend::start(|number, connection| {
        while connection.request() {
            if number == 1 && connection.served() == 2 {
                return;
            }
            connection.say(OK);
        }
    })
}

#[tokio::test]
async fn a_post_is_never_sent_twice_once_it_was_written() {
    let backend = closing_on_reuse();
    let upstream = backend.upstream();
    send(&upstream, post()).await.unwrap();
    let error = send(&upstream, post()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Broken(_)), "{error:?}");
    assert_eq!(backend.requests().len(), 2);
    assert_eq!(upstream.metrics.connections.get(), 1);
}

#[tokio::test]
async fn a_safe_call_is_sent_once_more_when_a_reused_connection_breaks() {
    let backend = closing_on_reuse();
    let upstream = backend.upstream();
    send(&upstream, get()).await.unwrap();
    assert_eq!(send(&upstream, get()).await.unwrap().body, b"ok");
    assert_eq!(backend.requests().len(), 3);
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (2, 1));
}

#[tokio::test]
async fn a_safe_call_is_sent_once_more_and_no_more_when_fresh_connections_break() {
    let backend = Backend::start(|_, connection| {
        connection.request();
    });
    let error = send(&backend.upstream(), get()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Broken(_)), "{error:?}");
    assert_eq!(backend.requests().len(), 2);
}

#[tokio::test]
async fn a_connection_the_backend_says_it_closes_is_not_used_again() {
    let backend = Backend::answering("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let upstream = backend.upstream();
    for _ in 0..2 {
        send(&upstream, post()).await.unwrap();
    }
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (2, 0));
}

/// Tells a task what a thread has to say, once.
pub(super) fn oneshot_from_thread() -> (Sender<()>, oneshot::Receiver<()>) {
    let (sender, from_thread) = channel();
    let (forward, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        if from_thread.recv().is_ok() {
            forward.send(()).ok();
        }
        // Whatever else is said is heard, so that nobody fails to say it.
        from_thread.iter().for_each(drop);
    });
    (sender, receiver)
}

//! Connections that went idle, and what comes over them although nobody asked.

use std::time::Duration;

use tokio::{
    task::yield_now,
    time::{advance, pause, resume},
};

use super::{
    backend::{Backend, OK, post, send},
    reuse::oneshot_from_thread,
};

#[tokio::test]
async fn a_connection_with_a_byte_too_many_is_not_used_again() {
    let extra = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let backend = Backend::start(move |number, connection| {
        while connection.request() {
            let answer = if number == 1 { [OK, extra].concat() } else { OK.to_owned() };
            connection.say(&answer);
        }
    });
    let upstream = backend.upstream();
    for _ in 0..3 {
        assert_eq!(send(&upstream, post()).await.unwrap().body, b"ok");
    }
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (2, 1));
}

#[tokio::test]
async fn a_connection_the_backend_closed_while_idle_is_not_used() {
    let (closed, is_closed) = oneshot_from_thread();
    let backend = Backend::start(move |number, connection| {
        connection.request();
        connection.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        if number == 1 {
            connection.close();
            closed.send(()).unwrap();
        }
    });
    let upstream = backend.upstream();
    send(&upstream, post()).await.unwrap();
    is_closed.await.unwrap();
    // Long enough that the system is asked.
    pause();
    advance(Duration::from_millis(10)).await;
    resume();
    send(&upstream, post()).await.unwrap();
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (2, 0));
    assert_eq!(backend.requests().len(), 2);
}

#[tokio::test]
async fn a_connection_the_backend_closed_just_now_is_not_used_once_tokio_has_heard_of_it() {
    let (closed, is_closed) = oneshot_from_thread();
    let backend = Backend::start(move |number, connection| {
        connection.request();
        connection.say(OK);
        if number == 1 {
            connection.close();
            closed.send(()).unwrap();
        }
    });
    let upstream = backend.upstream();
    send(&upstream, post()).await.unwrap();
    is_closed.await.unwrap();
    // With nothing else to do, the thread asks the system what has come for all sockets.
    yield_now().await;
    send(&upstream, post()).await.unwrap();
    assert_eq!((upstream.metrics.connections.get(), upstream.metrics.reuses.get()), (2, 0));
}

#[tokio::test]
async fn an_answer_nobody_asked_for_is_found_although_the_answer_before_it_filled_the_buffer() {
    let answer = filling_the_buffer() + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let backend = Backend::start(move |number, connection| {
        while connection.request() {
            connection.say(if number == 1 { &answer } else { OK });
        }
    });
    let upstream = backend.upstream();
    assert_eq!(send(&upstream, post()).await.unwrap().body.len(), 8000);
    assert_eq!(send(&upstream, post()).await.unwrap().body, b"ok");
    assert_eq!(upstream.metrics.connections.get(), 2);
}

/// An answer of just as many bytes as are read at once.
pub(super) fn filling_the_buffer() -> String {
    let rest = 8192 - 8000 - "HTTP/1.1 200 OK\r\nContent-Length: 8000\r\nX: \r\n\r\n".len();
    let (line, body) = ("x".repeat(rest), "y".repeat(8000));
    format!("HTTP/1.1 200 OK\r\nContent-Length: 8000\r\nX: {line}\r\n\r\n{body}")
}

//! A backend that fails so often that it is left alone, until it was tried.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::future::join;
use http::{HeaderName, HeaderValue};
use tokio::task::yield_now;

use super::{
    backend::{Backend, OK, get, post, send, upstream},
    outage::{AWAY, is_refused, nobody, over, recovering, status},
};
use crate::{
    telemetry::Metrics,
    time::Deadline,
    upstream::{Config, Request, Upstream, UpstreamError, breaker, retry},
};

/// An upstream that breaks soon and never tries again.
fn breaking(backend: &Backend) -> Upstream {
    let breaker = breaker::Config {
        calls_min: 4,
        window_calls: 4,
        open_for: Duration::from_mins(1),
        probes: 2,
        ..breaker::Config::default()
    };
    let retry = retry::Config { retries_max: 0, ..retry::Config::default() };
    upstream(Config { breaker: Some(breaker), retry, ..backend.config() })
}

#[tokio::test]
async fn a_backend_that_fails_is_left_alone_until_it_was_tried() {
    let backend = recovering(6, AWAY);
    let metrics = Metrics::new();
    let upstream = breaking(&backend).count_into(metrics.backend());
    for _ in 0..4 {
        assert_eq!(status(send(&upstream, post()).await), 503);
    }
    let Err(UpstreamError::Refused { retry_after }) = send(&upstream, post()).await else {
        panic!("it is open")
    };
    assert!((Duration::from_secs(50)..=Duration::from_mins(1)).contains(&retry_after));
    assert_eq!(backend.requests().len(), 4);
    assert!(metrics.render().contains("gateway_upstream_breakers{state=\"open\"} 1"));
    // What follows a change that was made is let through all the same.
    assert_eq!(status(send(&upstream, Request { follows: true, ..get() }).await), 503);
    // The first probe fails, and all is as before.
    over(Duration::from_mins(1)).await;
    assert_eq!(status(send(&upstream, post()).await), 503);
    assert!(is_refused(&upstream).await);
    // Two that end well close it.
    over(Duration::from_mins(1)).await;
    for _ in 0..3 {
        assert_eq!(status(send(&upstream, post()).await), 200);
    }
    assert_eq!(backend.requests().len(), 9);
    let page = metrics.render();
    for line in [
        "gateway_upstream_breakers{state=\"open\"} 0",
        "gateway_upstream_breakers{state=\"half_open\"} 0",
        "gateway_upstream_breaker_transitions_total{to=\"open\"} 2",
        "gateway_upstream_breaker_transitions_total{to=\"half_open\"} 2",
        "gateway_upstream_breaker_transitions_total{to=\"closed\"} 1",
        "gateway_upstream_breaker_refusals_total 2",
    ] {
        assert!(page.lines().any(|written| written == line), "{line}\n{page}");
    }
}

#[tokio::test]
async fn a_worker_decides_for_itself_and_a_breaker_that_is_gone_is_not_counted() {
    let backend = recovering(usize::MAX, AWAY);
    let metrics = Metrics::new();
    let one = breaking(&backend).count_into(metrics.backend());
    let other = one.sibling();
    for _ in 0..4 {
        send(&one, post()).await.unwrap();
    }
    assert!(is_refused(&one).await);
    assert_eq!(status(send(&other, post()).await), 503);
    drop(one);
    assert!(metrics.render().contains("gateway_upstream_breakers{state=\"open\"} 0"));
}

#[tokio::test]
async fn what_says_nothing_about_the_backend_does_not_open_it() {
    let problem = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";
    let refusal = "HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\n\r\n";
    for text in [problem, refusal, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"] {
        let upstream = breaking(&Backend::answering(text));
        for _ in 0..20 {
            assert_eq!(status(send(&upstream, post()).await).to_string(), text[9..12]);
        }
    }
    // Answers that are larger than allowed.
    let backend = Backend::answering(OK);
    let breaker = Some(breaker::Config { calls_min: 1, ..breaker::Config::default() });
    let small = upstream(Config { answer_bytes_max: 1, breaker: breaker.clone(), ..backend.config() });
    // Calls whose client went away, or left them no time.
    let silent = Backend::start(|_, connection| connection.until_closed());
    let left = upstream(Config { breaker, ..silent.config() });
    for _ in 0..3 {
        let large = send(&small, get()).await.unwrap_err();
        assert!(matches!(large.root(), UpstreamError::TooLarge { .. }), "{large:?}");
        let given_up = tokio::time::timeout(Duration::from_millis(5), send(&left, get()));
        assert!(given_up.await.is_err());
        let late = left.send(get(), Deadline::after(Duration::from_millis(5))).await;
        assert!(matches!(late, Err(UpstreamError::TimedOut { .. })));
    }
}

#[tokio::test]
async fn what_does_is_no_connection_no_answer_in_time_and_a_broken_one() {
    let nonsense = Backend::answering("nonsense\r\n\r\n");
    let silent = Backend::start(|_, connection| connection.until_closed());
    let closing = Backend::start(|_, connection| {
        connection.request();
    });
    let gateway = Backend::answering("HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n");
    let (_socket, away) = nobody();
    let there = [&nonsense, &silent, &closing, &gateway].map(Backend::config);
    for config in there.into_iter().chain([away]) {
        let breaker = Some(breaker::Config { calls_min: 1, ..breaker::Config::default() });
        let upstream = upstream(Config { breaker, timeout: Duration::from_millis(30), ..config });
        send(&upstream, post()).await.ok();
        assert!(is_refused(&upstream).await);
    }
}

#[tokio::test]
async fn one_that_many_servers_break_over_says_nothing_about_the_backend() {
    let closing = Backend::start(|_, connection| {
        connection.request();
    });
    let breaker = Some(breaker::Config { calls_min: 1, ..breaker::Config::default() });
    let upstream = upstream(Config { breaker, ..closing.config() });
    let (target, body) = (format!("/{}", "a".repeat(4 * 1024)), vec![b' '; 64 * 1024 + 1]);
    let value = HeaderValue::from_str(&target).unwrap();
    let headers = [(HeaderName::from_static("x"), Some(&value))];
    let calls = [
        Request { target: &target, ..get() },
        Request { headers: &headers, ..get() },
        Request { body: &body, ..post() },
    ];
    for call in calls {
        for _ in 0..2 {
            let outcome = send(&upstream, call).await;
            assert!(matches!(outcome, Err(UpstreamError::Broken(_))), "{outcome:?}");
        }
    }
    send(&upstream, Request { body: &body[1..], ..post() }).await.unwrap_err();
    assert!(is_refused(&upstream).await, "what is not as large does");
}

#[tokio::test]
async fn what_breaks_over_no_call_counts_however_large_it_is() {
    let silent = Backend::start(|_, connection| connection.until_closed());
    let gateway = Backend::answering("HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n");
    let (_socket, away) = nobody();
    let target = format!("/{}", "a".repeat(4 * 1024));
    for config in [silent.config(), gateway.config(), away] {
        let breaker = Some(breaker::Config { calls_min: 1, ..breaker::Config::default() });
        let upstream = upstream(Config { breaker, timeout: Duration::from_millis(30), ..config });
        send(&upstream, Request { target: &target, ..post() }).await.ok();
        assert!(is_refused(&upstream).await);
    }
}

#[tokio::test]
async fn a_probe_is_made_by_whoever_need_not_wait_for_a_connection() {
    let asked = AtomicUsize::new(0);
    let backend = Backend::start(move |number, connection| {
        if number == 1 {
            connection.request();
            return connection.until_closed();
        }
        while connection.request() {
            connection.say(if asked.fetch_add(1, Ordering::SeqCst) < 4 { AWAY } else { OK });
        }
    });
    let breaker = breaker::Config {
        calls_min: 4,
        window_calls: 4,
        open_for: Duration::from_secs(1),
        probes: 1,
        ..breaker::Config::default()
    };
    let upstream = upstream(Config {
        breaker: Some(breaker),
        retry: retry::Config { retries_max: 0, ..retry::Config::default() },
        // One for each share.
        connections_max: 2,
        connect_timeout: Duration::from_millis(100),
        ..backend.config()
    });
    let call = |share| Request { share: Some(share), ..post() };
    let rest = async {
        while backend.requests().is_empty() {
            yield_now().await;
        }
        for _ in 0..4 {
            assert_eq!(status(send(&upstream, call(2)).await), 503);
        }
        let refused = send(&upstream, call(1)).await;
        assert!(matches!(refused, Err(UpstreamError::Refused { .. })), "who is refused does not wait first");
        over(Duration::from_secs(1)).await;
        // The first has to wait for the call that takes long.
        let (waited, probe) = join(send(&upstream, call(1)), send(&upstream, call(2))).await;
        assert_eq!(status(probe), 200);
        assert!(matches!(waited, Err(UpstreamError::Overloaded)), "{waited:?}");
        assert_eq!(status(send(&upstream, call(2)).await), 200);
    };
    tokio::select! {
        ended = send(&upstream, call(1)) => panic!("{ended:?}"),
        () = rest => {}
    }
}

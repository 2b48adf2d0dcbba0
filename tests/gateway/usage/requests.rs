//! Which requests are counted for whom, whatever becomes of them, and of which it is said that nobody has read them.
//!
//! The dialect is `tests/fixtures/retiring`, whose credentials are words of four to sixteen letters.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::TcpListener;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use http_body_util::StreamBody;
use hyper::body::Frame;
use interlingua::boot::DataFiles;
use interlingua::gateway::{self, Gateway};
use interlingua::limit::{self, Principal};
use interlingua::telemetry::Metrics;
use interlingua::time::Clock;
use interlingua::upstream::{self, Upstream};
use interlingua::usage::store::Store;
use interlingua::usage::{Book, Config};

use crate::support::client::Ask;
use crate::support::load;

const QUIET: &str = "Mon, 01 Jun 2026 12:00:00 GMT";
const BROWN_OUT: &str = "Thu, 01 Oct 2026 09:30:00 GMT";
const GONE: &str = "Tue, 01 Jun 2027 12:00:00 GMT";

/// What counts, and where.
struct Counting {
    store: Store,
    book: Arc<Book>,
    gateway: Gateway,
    /// A backend that takes every connection, and never answers.
    _silent: TcpListener,
    _folder: tempfile::TempDir,
}

impl Counting {
    /// On that date, where a principal may ask three times a minute.
    fn on(date: &str) -> Counting {
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retiring");
        let dialects =
            load(&DataFiles { mappings: Some(files.join("mappings")), schemas: Some(files.join("schemas")) });
        let folder = tempfile::tempdir().unwrap();
        let (store, book) =
            Store::open(&folder.path().join("usage.sqlite"), Config::default(), SystemTime::now()).unwrap();
        let book = Arc::new(book);
        let limit = limit::Config { windows: vec!["3/minute".parse().unwrap()], ..limit::Config::default() };
        let (config, patience) = (gateway::Config::default(), Duration::from_secs(30));
        let shared =
            gateway::Shared::new(Arc::clone(&dialects.registry), config, &limit, patience, Metrics::new());
        let shared = shared.with_usage(Arc::clone(&book));
        let shared = shared.with_clock(Clock::set_to(httpdate::parse_http_date(date).unwrap()));
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        let upstream = Upstream::new(Arc::new(upstream::Config::new(base))).unwrap();
        let gateway = Gateway::new(Arc::new(shared), upstream);
        Counting { store, book, gateway, _silent: silent, _folder: folder }
    }

    /// Sends a body with these credentials; gives the status.
    async fn send(&self, credentials: &[&str], body: &str) -> u16 {
        let headers = credentials.iter().map(|one| ("authorization".to_owned(), format!("Bearer {one}")));
        let ask = Ask {
            line: "POST http://bureau.example/api/people".to_owned(),
            headers: headers.collect(),
            body: Some(body.as_bytes().to_vec()),
        };
        ask.of(&self.gateway).await.status.as_u16()
    }

    /// What was counted by now for a credential: kinds and fields, with how often.
    fn of(&mut self, credential: &str) -> BTreeMap<String, u64> {
        self.store.write(&self.book, SystemTime::now()).unwrap();
        let told = self.store.read().unwrap();
        let own = told.uses.uses().filter(|((who, _), _)| *who == Principal::of(credential.as_bytes()));
        own.map(|((_, part), known)| (format!("{} {}", part.kind.name(), part.field), known.count)).collect()
    }
}

fn counts<const N: usize>(expected: [(&str, u64); N]) -> BTreeMap<String, u64> {
    expected.map(|(what, count)| (what.to_owned(), count)).into()
}

#[tokio::test]
async fn who_asks_for_what_goes_is_found_and_told_no_more_than_others() {
    for (date, status) in [(BROWN_OUT, 503), (GONE, 410)] {
        let mut counting = Counting::on(date);
        // More often than there is a quota for, which is not charged.
        for _ in 0..5 {
            assert_eq!(counting.send(&["canary"], "{}").await, status);
        }
        // Of these nobody knows whose they are.
        for credentials in [&[][..], &["canary", "canary"], &["not4letters!"]] {
            assert_eq!(counting.send(credentials, "{}").await, status);
        }
        assert_eq!(counting.of("canary"), counts([("operation ", 5), ("unread ", 5)]), "{date}");
        assert_eq!(counting.of("not4letters!"), counts([]));
    }
}

#[tokio::test]
async fn what_was_refused_before_it_was_read_is_told_apart() {
    let mut counting = Counting::on(QUIET);
    assert_eq!(counting.send(&["reads"], r#"{"hours": "none"}"#).await, 422);
    assert_eq!(
        counting.of("reads"),
        counts([("operation ", 1), ("field hours", 1), ("value hours", 1)]),
        "refused for what was read"
    );
    assert_eq!(counting.send(&["breaks"], "{").await, 400);
    assert_eq!(counting.of("breaks"), counts([("operation ", 1), ("unread ", 1)]));
    for status in [422, 422, 422, 429, 429] {
        assert_eq!(counting.send(&["hurries"], "{}").await, status);
    }
    assert_eq!(counting.of("hurries"), counts([("operation ", 5), ("unread ", 2)]));
}

/// A client that goes away: once while it sends, once while the backend is asked.
#[tokio::test]
async fn what_was_never_answered_is_counted_all_the_same() {
    let mut counting = Counting::on(QUIET);
    let request = || {
        let request = Request::post("/api/people").header("host", "bureau.example");
        request.header("authorization", "Bearer leaves").header("content-type", "application/json")
    };
    let mut once = Context::from_waker(Waker::noop());
    let nothing = futures_util::stream::pending::<Result<Frame<Bytes>, std::io::Error>>();
    {
        let sending = counting.gateway.answer(request().body(StreamBody::new(nothing)).unwrap());
        assert!(matches!(pin!(sending).poll(&mut once), Poll::Pending));
    }
    assert_eq!(counting.of("leaves"), counts([("operation ", 1), ("unread ", 1)]));
    {
        let whole = http_body_util::Full::from(r#"{"mail": "a@b.example"}"#);
        let waiting = counting.gateway.answer(request().body(whole).unwrap());
        assert!(matches!(pin!(waiting).poll(&mut once), Poll::Pending));
    }
    let found = counts([("operation ", 2), ("unread ", 1), ("field mail", 1)]);
    assert_eq!(counting.of("leaves"), found);
}

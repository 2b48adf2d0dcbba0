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
use interlingua::usage::{Book, Client, Config, Counter, Part, Snapshot, UNCONFIRMED};

use crate::support::backend::{Backend, Line, Reply};
use crate::support::client::Ask;
use crate::support::load;

const QUIET: &str = "Mon, 01 Jun 2026 12:00:00 GMT";
const BROWN_OUT: &str = "Thu, 01 Oct 2026 09:30:00 GMT";
/// The dialect in which callers are known.
const ELSEWHERE: &str = "elsewhere";
const GONE: &str = "Tue, 01 Jun 2027 12:00:00 GMT";

/// What counts, and where.
struct Counting {
    store: Store,
    book: Arc<Book>,
    shared: Arc<gateway::Shared>,
    gateway: Gateway,
    /// A backend that takes every connection, and never answers.
    _silent: TcpListener,
    _folder: tempfile::TempDir,
}

impl Counting {
    /// On that date, where a principal may ask three times a minute.
    fn on(date: &str) -> Counting {
        Counting::with(date, Config::default())
    }

    fn with(date: &str, usage: Config) -> Counting {
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retiring");
        let dialects =
            load(&DataFiles { mappings: Some(files.join("mappings")), schemas: Some(files.join("schemas")) });
        let folder = tempfile::tempdir().unwrap();
        let (store, book) =
            Store::open(&folder.path().join("usage.sqlite"), usage, SystemTime::now()).unwrap();
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
        let shared = Arc::new(shared);
        let gateway = Gateway::new(Arc::clone(&shared), upstream);
        Counting { store, book, shared, gateway, _silent: silent, _folder: folder }
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

    /// The same, with a backend there.
    fn asking(self, base: http::Uri) -> Counting {
        let upstream = Upstream::new(Arc::new(upstream::Config::new(base))).unwrap();
        Counting { gateway: Gateway::new(Arc::clone(&self.shared), upstream), ..self }
    }

    /// Has a backend have answered this caller before, in another dialect.
    fn knows(self, credential: &str) -> Counting {
        let part = self.book.parts().number(&Part::operation(ELSEWHERE, "get"));
        let counter = Counter::new(Arc::clone(&self.book));
        counter.count_parts(
            Principal::of(credential.as_bytes()),
            Client::UNKNOWN,
            &[part],
            SystemTime::now(),
        );
        drop(counter);
        let mut counting = self;
        counting.told();
        counting
    }

    fn told(&mut self) -> Snapshot {
        self.store.write(&self.book, SystemTime::now()).unwrap();
        self.store.read().unwrap()
    }

    /// What was counted by now for a credential: kinds and fields, with how often.
    fn of(&mut self, credential: &str) -> BTreeMap<String, u64> {
        self.of_principal(Principal::of(credential.as_bytes()))
    }

    fn of_principal(&mut self, principal: Principal) -> BTreeMap<String, u64> {
        let told = self.told();
        let own = told.uses.uses().filter(|((who, part), _)| *who == principal && part.dialect != ELSEWHERE);
        own.map(|((_, part), known)| (format!("{} {}", part.kind.name(), part.field), known.count)).collect()
    }
}

fn counts<const N: usize>(expected: [(&str, u64); N]) -> BTreeMap<String, u64> {
    expected.map(|(what, count)| (what.to_owned(), count)).into()
}

#[tokio::test]
async fn who_asks_for_what_goes_is_found_and_told_no_more_than_others() {
    for (date, status) in [(BROWN_OUT, 503), (GONE, 410)] {
        let mut counting = Counting::on(date).knows("canary");
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
        assert_eq!(counting.of_principal(UNCONFIRMED), counts([]));
    }
}

/// More credentials of the right form than there are rows, of which the backend has never heard.
#[tokio::test]
async fn whoever_makes_up_credentials_pushes_nobody_out() {
    for (date, status) in [(BROWN_OUT, 503), (GONE, 410)] {
        let mut counting = Counting::with(date, Config { entries: 40, ..Config::default() }).knows("canary");
        assert_eq!(counting.send(&["canary"], "{}").await, status);
        for number in 0..100_u8 {
            let made_up = [b'a' + number / 26, b'a' + number % 26].repeat(3);
            assert_eq!(counting.send(&[std::str::from_utf8(&made_up).unwrap()], "{}").await, status);
        }
        assert_eq!(counting.of("canary"), counts([("operation ", 1), ("unread ", 1)]), "{date}");
        assert_eq!(
            counting.of_principal(UNCONFIRMED),
            counts([("operation ", 100), ("unread ", 100)]),
            "{date}"
        );
        let told = counting.told();
        assert!(told.uses.is_exact() && told.clients.is_exact());
    }
}

/// What a backend may answer to whom it has never seen, and whose the request is then.
#[tokio::test]
async fn who_is_known_a_backend_says() {
    const PERSON: &str = "10000000-0000-4000-8000-000000000001";
    let asked = counts([("operation ", 1)]);
    for (answered, own, others) in [
        (Some(204), &asked, &counts([])),
        (Some(304), &asked, &counts([])),
        // By whoever stands before the backend, or by the backend before it looks at the credential.
        (Some(301), &counts([]), &asked),
        (Some(400), &counts([]), &asked),
        (Some(403), &counts([]), &asked),
        (Some(404), &counts([]), &asked),
        (Some(409), &counts([]), &asked),
        (Some(429), &counts([]), &asked),
        (Some(500), &counts([]), &asked),
        (None, &counts([]), &asked),
        // Who is known not to be anybody uses nothing.
        (Some(401), &counts([]), &counts([])),
    ] {
        let reply = answered.map(|status| Reply::Answer { status, headers: Vec::new(), body: Vec::new() });
        let (call, reply) = (format!("DELETE /v1/people/{PERSON}"), reply.unwrap_or(Reply::HangUp));
        // It may be asked again where it failed.
        let backend = Backend::start(vec![Line { call, body: None, reply }; 9]).await;
        let mut counting = Counting::on(QUIET).asking(backend.base());
        let headers = vec![("authorization".to_owned(), "Bearer caller".to_owned())];
        let line = format!("DELETE http://bureau.example/api/people/{PERSON}");
        Ask { line, headers, body: None }.of(&counting.gateway).await;
        assert!(!backend.heard().is_empty() && backend.unplayed().len() < 9, "{:?}", backend.heard());
        assert_eq!(&counting.of("caller"), own, "{answered:?}");
        assert_eq!(&counting.of_principal(UNCONFIRMED), others, "{answered:?}");
    }
}

#[tokio::test]
async fn what_was_refused_before_it_was_read_is_told_apart() {
    let mut counting = Counting::on(QUIET).knows("reads").knows("breaks").knows("hurries");
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
    let mut counting = Counting::on(QUIET).knows("leaves");
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

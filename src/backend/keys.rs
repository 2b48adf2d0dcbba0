//! Calls that are to be done once (`Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header): what was answered is
//! kept, in the transaction in which it was done, and told again to whoever asks again.
//!
//! Refusals are not kept: nothing was done, and what was wrong may be right by now.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{HeaderName, HeaderValue, IF_MATCH};
use http::request::Parts;
use rusqlite::{OptionalExtension, Transaction};
use sha2::{Digest, Sha256};

use super::access::{Caller, Credential};
use super::answer::Answer;
use super::moment::Moment;
use super::problem::{Code, Problem};

/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);

/// Longer than any key of 255 characters in quotes and with backslashes.
const LENGTH_MAX: usize = 600;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// A call's key, and what it asks for. People put addresses into keys, so debug output shows none.
#[derive(Clone)]
pub(super) struct Key {
    text: String,
    fingerprint: [u8; 32],
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

impl Key {
    /// The key of a call that changes something, if it has one. Whatever is in the header is the key, quotes included.
    pub(super) fn of(head: &Parts, body: &[u8]) -> Result<Option<Key>, Problem> {
        let mut values = head.headers.get_all(HEADER).iter();
        let Some(first) = values.next().filter(|_| !head.method.is_safe()) else { return Ok(None) };
        let text = first.to_str().ok().filter(|text| (1..=LENGTH_MAX).contains(&text.len()));
        let (Some(text), None) = (text, values.next()) else {
            return Err(Problem::new(
                Code::InvalidIdempotencyKey,
                "there must be one key, of bearable length",
            ));
        };
        let mut digest = Sha256::new();
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let only_if = head.headers.get(IF_MATCH).map_or(&b""[..], HeaderValue::as_bytes);
        for part in [head.method.as_str().as_bytes(), target.as_bytes(), only_if, body] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Ok(Some(Key { text: text.to_owned(), fingerprint: digest.finalize().into() }))
    }

    /// Does `work` unless it was done for this key before; gives what was answered then.
    pub(super) fn once(
        &self,
        tx: &Transaction<'_>,
        caller: &Caller,
        now: Moment,
        work: impl FnOnce() -> Result<Answer, Problem>,
    ) -> Result<Answer, Problem> {
        tx.prepare_cached("DELETE FROM answers_by_key WHERE answered_at <= ?1")?
            .execute([now.before(KEPT)])?;
        let kept = tx
            .prepare_cached(
                "SELECT fingerprint, status, headers, document FROM answers_by_key
                 WHERE user_id = ?1 AND key = ?2",
            )?
            .query_row((caller.user_id, &self.text), |row| {
                let answer = (row.get(1)?, row.get::<_, String>(2)?, row.get::<_, Option<String>>(3)?);
                Ok((row.get::<_, Vec<u8>>(0)?, answer))
            })
            .optional()?;
        match kept {
            Some((fingerprint, _)) if fingerprint != self.fingerprint => {
                Err(Problem::new(Code::IdempotencyKeyReused, "the key was used for another call"))
            }
            Some((_, (status, headers, document))) => {
                let answer = Answer::from_parts(status, &headers, document.as_deref());
                answer.ok_or_else(|| Problem::internal(io::Error::other("a kept answer cannot be read")))
            }
            None => {
                let answer = work()?;
                let (status, headers, document) = answer.to_parts();
                tx.prepare_cached("INSERT INTO answers_by_key VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                    .execute((
                        caller.user_id,
                        &self.text,
                        &self.fingerprint[..],
                        status,
                        headers,
                        document,
                        now,
                    ))?;
                Ok(answer)
            }
        }
    }
}

/// The keys of calls that are being made; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct InUse(Arc<Mutex<HashSet<Entry>>>);

type Entry = ([u8; 32], String);

impl InUse {
    /// Notes that a call is made; refuses if one with this key is.
    pub(super) fn begin(&self, credential: &Credential, key: &Key) -> Result<Use, Problem> {
        let entry = (*credential.digest(), key.text.clone());
        if self.lock().insert(entry.clone()) {
            return Ok(Use { of: self.clone(), entry });
        }
        Err(Problem::new(Code::IdempotencyKeyInUse, "a call with this key is being made"))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is being made.
#[derive(Debug)]
pub(super) struct Use {
    of: InUse,
    entry: Entry,
}

impl Drop for Use {
    fn drop(&mut self) {
        self.of.lock().remove(&self.entry);
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;
    use crate::backend::testing::{self, ADA_OWNER, BORIS_ADMIN, Fixture, NORTHWIND, Reply};

    fn request(token: &str, method: &str, path: &str, key: &str, body: &Value) -> Request<Body> {
        testing::request(method, token, &format!("{NORTHWIND}{path}"))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(body.to_string().into())
            .unwrap()
    }

    async fn add(fixture: &Fixture, token: &str, key: &str, email: &str) -> Reply {
        let body = json!({ "email": email, "role": "viewer" });
        fixture.send(request(token, "POST", "/members", key, &body)).await
    }

    async fn members(fixture: &Fixture) -> u32 {
        fixture.sql(|tx| tx.query_row("SELECT count(*) FROM members", [], |row| row.get(0))).await
    }

    #[tokio::test]
    async fn what_is_asked_again_is_done_once_and_answered_alike() {
        let fixture = Fixture::new();
        let before = members(&fixture).await;
        let first = add(&fixture, ADA_OWNER, "\"k\"", "new@example.com").await;
        let second = add(&fixture, ADA_OWNER, "\"k\"", "new@example.com").await;
        assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
        assert_eq!(first.body, second.body);
        for name in ["etag", "location", "content-type"] {
            assert_eq!(first.header(name), second.header(name));
        }
        assert_eq!(members(&fixture).await, before + 1);
    }

    #[tokio::test]
    async fn an_answer_without_a_body_is_kept_too() {
        let fixture = Fixture::new();
        let link = json!({ "role": "viewer" });
        let made = fixture.send(request(ADA_OWNER, "POST", "/invite-links", "a", &link)).await;
        let path = format!("/invite-links/{}", made.body["id"].as_str().unwrap());
        for _ in 0..2 {
            let removed = fixture.send(request(ADA_OWNER, "DELETE", &path, "b", &Value::Null)).await;
            assert_eq!((removed.status.as_u16(), removed.body), (204, Value::Null));
        }
    }

    #[tokio::test]
    async fn a_key_belongs_to_one_caller_and_one_call() {
        let fixture = Fixture::new();
        add(&fixture, ADA_OWNER, "k", "one@example.com").await;
        let reused = add(&fixture, ADA_OWNER, "k", "two@example.com").await;
        assert_eq!(reused.problem(), (422, "idempotency-key-reused"));
        let elsewhere = fixture.send(request(ADA_OWNER, "PATCH", "", "k", &json!({ "name": "N" }))).await;
        assert_eq!(elsewhere.problem(), (422, "idempotency-key-reused"));
        assert_eq!(add(&fixture, BORIS_ADMIN, "k", "two@example.com").await.status, 201);
    }

    #[tokio::test]
    async fn a_condition_is_part_of_the_call_and_a_key_of_what_reads_is_none() {
        let fixture = Fixture::new();
        let named = |tag: &str| {
            let mut request = request(ADA_OWNER, "PATCH", "", "k", &json!({ "name": "N" }));
            request.headers_mut().insert(IF_MATCH, tag.parse().unwrap());
            request
        };
        assert_eq!(fixture.send(named("*")).await.status, 200);
        assert_eq!(fixture.send(named("\"other\"")).await.problem(), (422, "idempotency-key-reused"));
        for method in ["GET", "HEAD"] {
            // Past what looks at bodies: of HEAD there is none.
            let read = request(ADA_OWNER, method, "/members", "k2", &Value::Null);
            assert_eq!(fixture.backend.router().oneshot(read).await.unwrap().status(), 200);
        }
        assert_eq!(add(&fixture, ADA_OWNER, "k2", "one@example.com").await.status, 201);
    }

    #[tokio::test]
    async fn what_was_refused_may_be_tried_again_with_its_key() {
        let fixture = Fixture::new();
        assert_eq!(add(&fixture, ADA_OWNER, "k", "nobody").await.problem().0, 422);
        assert_eq!(add(&fixture, ADA_OWNER, "k", "new@example.com").await.status, 201);
    }

    #[tokio::test]
    async fn an_answer_is_kept_for_a_day() {
        let fixture = Fixture::new();
        add(&fixture, ADA_OWNER, "k", "one@example.com").await;
        fixture.pass(24 * 60 * 60 - 1);
        assert_eq!(add(&fixture, ADA_OWNER, "k", "two@example.com").await.problem().0, 422);
        fixture.pass(1);
        assert_eq!(add(&fixture, ADA_OWNER, "k", "two@example.com").await.status, 201);
        let count = "SELECT count(*) FROM answers_by_key";
        let kept: u32 = fixture.sql(move |tx| tx.query_row(count, [], |row| row.get(0))).await;
        assert_eq!(kept, 1);
    }

    #[tokio::test]
    async fn a_call_whose_key_is_in_use_is_refused() {
        let fixture = Fixture::new();
        let key = Key { text: "k".to_owned(), fingerprint: [0; 32] };
        let used = fixture.backend.shared.in_use.begin(&Credential::of(ADA_OWNER), &key).ok().unwrap();
        let refused = add(&fixture, ADA_OWNER, "k", "one@example.com").await;
        assert_eq!(refused.problem(), (409, "idempotency-key-in-use"));
        assert_eq!(add(&fixture, BORIS_ADMIN, "k", "one@example.com").await.status, 201);
        drop(used);
        assert_eq!(add(&fixture, ADA_OWNER, "k", "two@example.com").await.status, 201);
        // Whose token is none learns nothing of keys.
        let nobody = &ADA_OWNER[..ADA_OWNER.len() - 1];
        let _used = fixture.backend.shared.in_use.begin(&Credential::of(nobody), &key).ok().unwrap();
        assert_eq!(add(&fixture, nobody, "k", "one@example.com").await.problem(), (401, "unauthorized"));
    }

    #[tokio::test]
    async fn two_keys_and_long_ones_are_refused() {
        let fixture = Fixture::new();
        let long = add(&fixture, ADA_OWNER, &"x".repeat(601), "one@example.com").await;
        assert_eq!(long.problem(), (400, "invalid-idempotency-key"));
        let mut two = request(ADA_OWNER, "POST", "/members", "a", &json!({}));
        two.headers_mut().append("idempotency-key", "a".parse().unwrap());
        assert_eq!(fixture.send(two).await.problem(), (400, "invalid-idempotency-key"));
    }
}

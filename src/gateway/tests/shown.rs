//! What the phases pass on shows nothing of a client's in its debug output, whatever somebody may log by accident.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http_body_util::Full;

use super::acme;
use crate::gateway::select::Selection;
use crate::gateway::{Config, Exchange, admit, check, decode, quota::Quotas, select};
use crate::lens::{Found, Resolutions};
use crate::limit;
use crate::time::Clock;
use crate::translate::{Step, lift};

/// In the credential, the path, another header, the body, and what was looked up.
const CANARY: &str = "canary";

#[tokio::test]
async fn no_phase_shows_what_the_client_wrote() {
    let registry = acme::registry();
    let request = Request::post(format!("/acme/api/orgs/{CANARY}/things"))
        .header(HOST, "localhost")
        .header(AUTHORIZATION, format!("Bearer {CANARY}"))
        .header(CONTENT_TYPE, "application/json")
        .header("x-other", CANARY)
        .header("idempotency-key", CANARY)
        .body(Full::<Bytes>::from(format!("{{\"name\":\"{CANARY}\"}}")))
        .unwrap();
    let mut exchange = Exchange::of(&request, Duration::from_secs(30));
    let Selection::Operation(selected) = select::select(&registry, request, &mut exchange).unwrap() else {
        panic!("it is for an operation")
    };
    let mut shown = vec![format!("{selected:?}")];
    let quotas = Quotas::new(std::iter::empty(), &limit::Config::default());
    let admitted = admit::admit(&Clock::default(), &quotas, selected, &mut exchange).unwrap();
    shown.push(format!("{admitted:?}"));
    let decoded = decode::decode(&Config::default(), admitted).await.unwrap();
    shown.push(format!("{decoded:?}"));
    let checked = check::check(&Clock::default(), decoded, &mut exchange).unwrap();
    shown.push(format!("{checked:?}"));
    let decoded = checked.decoded();
    let mut resolutions = Resolutions::default();
    let lifted = loop {
        match lift::lift(registry.api(), &decoded.request, &resolutions).unwrap() {
            Step::Done(lifted) => break lifted,
            Step::Needs(needs) => {
                shown.push(format!("{needs:?}"));
                for need in needs {
                    resolutions.insert(need, Found::Value(CANARY.to_owned()));
                }
            }
        }
    };
    shown.push(format!("{lifted:?} {resolutions:?} {exchange:?}"));
    assert_eq!(lifted.calls.len(), 1);
    for text in shown {
        assert!(!text.contains(CANARY), "{text}");
    }
}

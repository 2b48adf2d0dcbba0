//! Requests that are handed on to the old upstream with ids that only the canonical side gives.

use super::ids::{NORTH, ids, thing};
use super::support::{TestGateway, backend};
use crate::canonical::id::{CanonicalId, IdForm};
use crate::gateway::mode::{Config, Mode};
use crate::ids::map::IdMap;

fn nothing(_line: &str, _body: &str) -> (u16, String) {
    (200, "[]".to_owned())
}

fn short(number: u128) -> String {
    let mut spelling = String::new();
    IdForm::ShortUuid.write(&CanonicalId::Uuid(thing(number)), &mut spelling).unwrap();
    spelling
}

/// What the old upstream is asked for these paths.
async fn heard(ids: Option<IdMap>, paths: &[String]) -> Vec<String> {
    let (old, asked) = backend(nothing).await;
    let legacy = Config { mode: Mode::Legacy, ..Config::default() };
    let gateway = TestGateway::start_with(ids, nothing).await.moving(&old, legacy);
    for path in paths {
        let (status, _, told) = gateway.read(path).await;
        assert_eq!((status, told.as_str()), (200, "[]"), "{path}");
    }
    assert_eq!(gateway.lines(), [""; 0], "the canonical side hears nothing");
    let asked = asked.lock().unwrap();
    asked.iter().map(|call| call.line.strip_prefix("GET /api").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_id_that_the_map_knows_is_put_as_the_old_upstream_gave_it_and_nothing_else_changes() {
    let (_folder, ids) = ids();
    let cases = [
        (format!("/lists/{NORTH}/things"), "/lists/org-7/things".to_owned()),
        ("/lists/CnEqURgZ3swzj528KMLvX5/things?".to_owned(), "/lists/org-7/things?".to_owned()),
        ("/lists/org-7/things?a=%20&b".to_owned(), "/lists/org-7/things?a=%20&b".to_owned()),
        // In the organization, whichever way it is named; and each time it is said.
        (
            format!("/lists/org-7/things?x=1&aft%65r={}&after={}&y", short(3), thing(4)),
            "/lists/org-7/things?x=1&aft%65r=t-3&after=t-4&y".to_owned(),
        ),
        (format!("/lists/{NORTH}/things?after={}", short(49)), "/lists/org-7/things?after=t-49".to_owned()),
        // That one has another name in another organization, and none in this.
        (
            format!("/lists/{NORTH}/things?after={}", short(50)),
            format!("/lists/org-7/things?after={}", short(50)),
        ),
        // Nobody imported these.
        (format!("/lists/{}/things", thing(9)), format!("/lists/{}/things", thing(9))),
        ("/lists/org-8/things?other=1".to_owned(), "/lists/org-8/things?other=1".to_owned()),
        (format!("/lists/org-8/things?other={NORTH}"), format!("/lists/org-8/things?other={NORTH}")),
    ];
    let (asked, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    assert_eq!(heard(Some(ids), &asked).await, expected);
}

#[tokio::test]
async fn an_imported_id_that_looks_computed_stays_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::ids::embedded::Store::open(&folder.path().join("ids.sqlite")).unwrap();
    // The old upstream gave one id that spells the number of another record of ours, which it calls something else.
    let pairs = [(short(1), thing(2), None), (short(3), thing(1), None)];
    super::ids::import(&store, "organization", pairs);
    let asked = [format!("/lists/{}/things", short(1)), format!("/lists/{}/things", short(2))];
    let expected = [format!("/lists/{}/things", short(1)), format!("/lists/{}/things", short(1))];
    assert_eq!(heard(Some(IdMap::new(store)), &asked).await, expected);
}

#[tokio::test]
async fn an_id_that_would_move_the_path_is_not_put_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::ids::embedded::Store::open(&folder.path().join("ids.sqlite")).unwrap();
    // No import takes these; a map may have come another way.
    let pairs = [("..".to_owned(), thing(1), None), ("a/b".to_owned(), thing(2), None)];
    super::ids::import(&store, "organization", pairs);
    let asked = [format!("/lists/{}/things", short(1)), format!("/lists/{}/things", short(2))];
    assert_eq!(heard(Some(IdMap::new(store)), &asked).await, asked);
}

#[tokio::test]
async fn without_a_map_everything_goes_on_as_it_is() {
    let asked = [format!("/lists/{NORTH}/things?after={}", short(3))];
    assert_eq!(heard(None, &asked).await, asked);
}

#[tokio::test]
async fn what_is_looked_up_is_remembered() {
    let (_folder, ids) = ids();
    let asked = [format!("/lists/{NORTH}/things"), format!("/lists/{NORTH}/things")];
    heard(Some(ids.clone()), &asked).await;
    assert_eq!(ids.trips(), 1);
}

#[tokio::test]
async fn a_map_that_cannot_be_read_keeps_a_request_from_being_misunderstood() {
    let (folder, ids) = ids();
    let other = rusqlite::Connection::open(folder.path().join("ids.sqlite")).unwrap();
    other.execute_batch("DROP TABLE by_external").unwrap();
    let (old, asked) = backend(nothing).await;
    let legacy = Config { mode: Mode::Legacy, ..Config::default() };
    let gateway = TestGateway::start_with(Some(ids), nothing).await.moving(&old, legacy);
    assert_eq!(gateway.read(&format!("/lists/{NORTH}/things")).await.0, 503);
    assert_eq!(
        asked.lock().unwrap().len(),
        0,
        "an upstream that says there is no such thing would be believed"
    );
}

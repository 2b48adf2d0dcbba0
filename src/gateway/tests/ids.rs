//! Requests that name what an older system named, and answers that do.

use http::header::RETRY_AFTER;
use tempfile::TempDir;
use uuid::Uuid;

use super::support::{TestGateway, backend_problem};
use crate::ids::embedded::{Pair, Position, Store};
use crate::ids::map::IdMap;

/// What the backend calls the organization of these tests.
pub(super) const NORTH: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052a";

/// Things of the organization, a hundred of them.
pub(super) fn thing(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn backend(line: &str, _body: &str) -> (u16, String) {
    if line != format!("GET /v1/organizations/{NORTH}/things") {
        return backend_problem(404, "not-found");
    }
    let items = (0..100).map(|number| format!(r#"{{"id":"{}","title":"T"}}"#, thing(number)));
    let items = items.collect::<Vec<_>>().join(",");
    (200, format!(r#"{{"items":[{items}],"total":100}}"#))
}

pub(super) fn import(
    store: &Store,
    kind: &str,
    pairs: impl IntoIterator<Item = (String, Uuid, Option<Uuid>)>,
) {
    let mut import = store.import("acme", kind).unwrap();
    for (external, canonical, organization) in pairs {
        let at = Position { file: 0, row: 1 };
        import.stage(at, &Pair { external, canonical, organization }).unwrap();
    }
    import.finish().unwrap();
}

/// A map with the organization, the first half of the things, and what another organization calls the rest.
pub(super) fn ids() -> (TempDir, IdMap) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("ids.sqlite")).unwrap();
    let north = Uuid::try_parse(NORTH).unwrap();
    import(&store, "organization", [("org-7".to_owned(), north, None)]);
    import(&store, "thing", (0..50).map(|number| (format!("t-{number}"), thing(number), Some(north))));
    let elsewhere = Some(Uuid::from_u128(7));
    import(&store, "thing", (50..100).map(|number| (format!("t-{number}"), thing(number), elsewhere)));
    (folder, IdMap::new(store))
}

#[tokio::test]
async fn a_page_of_a_hundred_is_one_trip_and_imported_ids_win_in_it() {
    let (_folder, ids) = ids();
    let gateway = TestGateway::start_with(Some(ids.clone()), backend).await;

    let (status, _, body) = gateway.read("/lists/org-7/things").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(ids.trips(), 2, "one for the request, one for the hundred of its answer");
    for (number, key) in
        [(0, "t-0"), (49, "t-49"), (50, "222222222222222222222t"), (99, "222222222222222222223k")]
    {
        let things: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(things[number]["key"], key);
    }

    let (_, _, again) = gateway.read("/lists/org-7/things").await;
    assert_eq!((again, ids.trips()), (body, 2), "it is remembered");
}

#[tokio::test]
async fn old_and_new_ids_name_the_same() {
    let (_folder, ids) = ids();
    let gateway = TestGateway::start_with(Some(ids), backend).await;
    let (_, _, expected) = gateway.read("/lists/org-7/things").await;
    for id in [NORTH, "CnEqURgZ3swzj528KMLvX5"] {
        let (status, _, body) = gateway.read(&format!("/lists/{id}/things")).await;
        assert_eq!((status, &body), (200, &expected), "{id}");
    }
    assert_eq!(gateway.read("/lists/org-8/things").await.0, 422, "nobody imported this one");
}

#[tokio::test]
async fn without_a_map_ids_are_computed_only() {
    let gateway = TestGateway::start(backend).await;
    assert_eq!(gateway.read("/lists/org-7/things").await.0, 422);
    let (status, _, body) = gateway.read(&format!("/lists/{NORTH}/things")).await;
    assert_eq!(status, 200);
    assert!(body.starts_with(r#"[{"key":"2222222222222222222222","name":"T"}"#), "{body}");
}

#[tokio::test]
async fn a_map_that_cannot_be_read_is_our_fault_and_no_id_is_guessed() {
    let (folder, ids) = ids();
    let other = rusqlite::Connection::open(folder.path().join("ids.sqlite")).unwrap();
    other.execute_batch("DROP TABLE by_external").unwrap();
    let gateway = TestGateway::start_with(Some(ids), backend).await;
    let (status, headers, body) = gateway.read("/lists/org-7/things").await;
    assert_eq!((status, body.contains("id-map-away")), (503, true), "{body}");
    assert_eq!(headers[RETRY_AFTER], "1", "it may be there again in a moment");
    assert_eq!(gateway.calls().len(), 0);
}

//! What an answer only shows: a value planted in a golden answer is found at its place, and nothing else is.

use http::StatusCode;
use interlingua::translate::compare::Masks;
use interlingua::translate::reverse::told::{Asked, Heard, Reader};

use super::*;
use crate::support;

/// A golden answer, what is put into it, and where it shows something else then, and how.
struct Planted {
    case: &'static str,
    /// A JSON Pointer, and the value that is put there; null takes the member out.
    at: &'static str,
    is: Value,
    found: &'static [&'static str],
}

fn planted() -> Vec<Planted> {
    let one = |case, at, is, found| Planted { case, at, is, found };
    let (organization, members) =
        ("gitbook/getOrganizationById/organization", "gitbook/listMembersInOrganizationById/admins");
    let page = "closient/list_members/first-page";
    let invitation = "apexscore/update_organization_invitation/collaborator";
    vec![
        // Constants, labels and views.
        one(organization, "/object", json!("organisation"), &["dialect:/object value"]),
        one(organization, "/trial/count", json!(7), &["dialect:/trial/count value"]),
        one(organization, "/trial/count", json!("0"), &["dialect:/trial/count value"]),
        one(
            organization,
            "/urls/location",
            json!("https://old.example/1"),
            &["dialect:/urls/location value"],
        ),
        one(members, "/items/0/spaces", json!(7), &["dialect:/items/*/spaces value"]),
        one(members, "/items/0/user/object", json!("person"), &["dialect:/items/*/user/object value"]),
        one(page, "/data/0/role_display", json!("Boss"), &["dialect:/data/*/role_display value"]),
        // Nothing where the mapping shows something, and a number that is only written otherwise.
        one(organization, "/type", Value::Null, &["dialect:/type extra"]),
        one(organization, "/trial/count", json!(0.0), &[]),
        // Nothing, or something else, where the mapping shows a whole object or something in one.
        one(organization, "/urls", Value::Null, &["dialect:/urls extra"]),
        one(organization, "/urls", json!("none"), &["dialect:/urls value"]),
        one(organization, "/trial", Value::Null, &["dialect:/trial extra"]),
        one(organization, "/trial", json!("none"), &["dialect:/trial value"]),
        one(organization, "/trial", json!([]), &["dialect:/trial value"]),
        // What nobody has a name for; a name that may be somebody's is not told.
        one(organization, "/phone", json!("0123"), &["dialect:/phone missing"]),
        one(members, "/items/0/phone", json!({"home": 1}), &["dialect:/items/*/phone missing"]),
        one(members, "/items/0/user/urls/app", json!("x"), &["dialect:/items/*/user/urls/app missing"]),
        one(members, "/more", json!(true), &["dialect:/more missing"]),
        one(page, "/pagination/cursor", json!("x"), &["dialect:/pagination/cursor missing"]),
        one(organization, "/ada@example.com", json!(1), &["dialect:/* missing"]),
        one(organization, "/number12345", json!(1), &["dialect:/* missing"]),
        one(
            organization,
            "/trial",
            json!({"jane_doe": 1}),
            &["dialect:/trial/* missing", "dialect:/trial/count extra", "dialect:/trial/status extra"],
        ),
        // A list of which elements are left out has none to be compared with, element by element.
        one(invitation, "/accessible_portfolios/0/colour", json!("red"), &[]),
        one(invitation, "/colour", json!("red"), &["dialect:/colour missing"]),
        // What is read is compared in canonical words; what is made of nothing that is told, and what is lost for a reason,
        // not at all.
        one(organization, "/title", json!("Another"), &[]),
        one(organization, "/permissions/admin", json!(true), &[]),
        one(members, "/items/0/role", json!("read"), &[]),
        one(page, "/data/0/user_name", json!("Somebody else"), &[]),
    ]
}

#[test]
fn what_is_planted_where_an_answer_only_shows_something_is_found() {
    let registry = &support::shipped().registry;
    for Planted { case, at, is, found } in planted() {
        let (dialect, rest) = case.split_once('/').unwrap();
        let name = rest.split_once('/').unwrap().0;
        let dialect = registry.dialect(dialect).unwrap();
        let operation = dialect.operations.iter().find(|operation| operation.name == name).unwrap();
        let mut body = golden(case);
        assert_eq!(shown(dialect, operation, &body), [""; 0], "{case} as it is");
        let (around, member) = at.rsplit_once('/').unwrap();
        let around = body.pointer_mut(around).and_then(Value::as_object_mut).expect(at);
        if is.is_null() {
            around.remove(member);
        } else {
            around.insert(member.to_owned(), is);
        }
        assert_eq!(shown(dialect, operation, &body), found, "{case} with another {at}");
    }
}

/// The body that clients are to get.
fn golden(case: &str) -> Value {
    let path = format!("{}/tests/golden/{case}.json", env!("CARGO_MANIFEST_DIR"));
    let case: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    case["response"]["body"].clone()
}

/// Where an answer shows something else than the mapping would, and how.
fn shown(dialect: &Arc<Dialect>, operation: &Arc<Operation>, body: &Value) -> Vec<String> {
    let reader = Reader::offline(support::shipped().registry.api(), dialect, operation);
    let body = Document::parse(body.to_string().into_bytes(), &Limits::default()).unwrap();
    let heard = Heard { status: StatusCode::OK, retry_after: None, body: Some(body.root()) };
    let told = reader.told(&Asked::default(), &heard, &Resolutions::default()).unwrap();
    let Step::Done(mut told) = told else { panic!("nothing can be looked up") };
    let answer = told.outcomes.remove(0).unwrap().unwrap();
    let found = reader.shown(&answer, body.root(), &Masks::default(), &|_| false);
    let found = found.found.into_iter();
    found.map(|found| format!("{} {}", found.place, found.what.name())).collect()
}

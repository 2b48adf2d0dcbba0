//! What a lens as a whole does, both ways.

use std::sync::Arc;

use super::op::each::{Each, Item};
use super::op::nested::Nested;
use super::op::table::Table;
use super::support::*;
use super::*;
use crate::problem::{Place, Root, Segment};

fn with(field: Field, when: Presence) -> Lens {
    Lens::new("test", Wrap::Object, vec![Field { when, ..field }])
}

#[test]
fn members_are_nested_on_either_side() {
    let fields = vec![
        field("user_name", "user.name", Op::Copy),
        field("where.city", "city", Op::Copy),
        field("user_email", "user.email", Op::Copy),
    ];
    let lens = Lens::new("member", Wrap::Object, fields);
    let left = r#"{"user_name":"Ada","where":{"city":"London"},"user_email":"a@b.example"}"#;
    let right = r#"{"user":{"name":"Ada","email":"a@b.example"},"city":"London"}"#;
    assert_eq!(lift(&lens, left), Became::body(right));
    assert_eq!(lower(&lens, right), Became::body(left));
}

#[test]
fn what_is_missing_stays_missing_and_null_stays_null() {
    let lens = Lens::new("test", Wrap::Object, vec![field("a.b", "c", Op::Copy), field("d", "e", Op::Copy)]);
    assert_eq!(lift(&lens, r#"{"d":null}"#), Became::body(r#"{"e":null}"#));
    assert_eq!(lower(&lens, "{}"), Became::body("{}"), "no empty object is left where `b` would have been");
}

#[test]
fn a_default_is_a_word_of_the_dialect() {
    let table = Op::Table(Arc::new(roles()));
    let when = Presence { default: Some(literal("0")), ..Presence::default() };
    let lens = with(field("role", "role", table), when);
    assert_eq!(lift(&lens, "{}"), Became::body(r#"{"role":"viewer"}"#));
    assert_eq!(lift(&lens, r#"{"role":2}"#), Became::body(r#"{"role":"admin"}"#));
}

#[test]
fn a_default_that_nothing_is_made_of_is_none() {
    // The lens inside has nothing of its own to write, not even an object.
    let inside = Lens::new("inside", Wrap::Object, vec![field("a", "$body", Op::Copy)]);
    let op = Op::Nested(Nested { lens: Arc::new(inside) });
    assert_eq!(op.beforehand(&literal("{}")), None);
    assert_eq!(op.beforehand(&literal(r#"{"a":7}"#)).as_deref(), Some("7"));
    // It refuses this, and has its object begun by then.
    let role = Lens::new("role", Wrap::Object, vec![field("is", "is", Op::Table(Arc::new(roles())))]);
    let role = Op::Nested(Nested { lens: Arc::new(role) });
    assert_eq!(role.beforehand(&literal(r#"{"is":"nobody"}"#)), None);
    let when = Presence { default: Some(literal("{}")), ..Presence::default() };
    let lens = Lens::new(
        "test",
        Wrap::Object,
        vec![Field { when, ..field("b", "b", op) }, field("c", "c", Op::Copy)],
    );
    assert_eq!(lift(&lens, r#"{"c":1}"#), Became::body(r#"{"c":1}"#));
    assert_eq!(lift(&lens, r#"{"b":{},"c":1}"#), Became::body(r#"{"c":1}"#));
    assert_eq!(lift(&lens, r#"{"b":{"a":7}}"#), Became::body(r#"{"b":7}"#));
}

#[test]
fn a_value_that_stands_for_none_is_not_sent_on() {
    let when = Presence { absent: Some(literal("\"\"")), ..Presence::default() };
    let lens = with(field("name", "name", Op::Copy), when);
    assert_eq!(lift(&lens, r#"{"name":""}"#), Became::body("{}"));
    assert_eq!(lower(&lens, "{}"), Became::body(r#"{"name":""}"#));
    assert_eq!(lower(&lens, r#"{"name":null}"#), Became::body(r#"{"name":""}"#));
}

#[test]
fn a_condition_decides_whether_a_field_is_read() {
    let condition = (address("role"), vec![literal("1"), literal("\"1\"")]);
    let when = Presence { lift_when: Some(condition), ..Presence::default() };
    let lens = with(field("ids", "grants", Op::Copy), when);
    assert_eq!(lift(&lens, r#"{"role":"1","ids":[7]}"#), Became::body(r#"{"grants":[7]}"#));
    assert_eq!(lift(&lens, r#"{"role":0,"ids":[7]}"#), Became::body("{}"));
    assert_eq!(lift(&lens, r#"{"ids":[7]}"#), Became::body("{}"));
}

#[test]
fn a_tag_tells_which_field_it_was() {
    let tagged = |name: &str| Field {
        when: Presence {
            tag: Some((address("thing.type"), literal(&format!("\"{name}\"")))),
            ..Presence::default()
        },
        ..field(name, "thing.id", Op::Copy)
    };
    let lens = Lens::new("test", Wrap::Object, vec![tagged("space"), tagged("book")]);
    for (left, right) in [
        (r#"{"space":"s"}"#, r#"{"thing":{"id":"s","type":"space"}}"#),
        (r#"{"book":"b"}"#, r#"{"thing":{"id":"b","type":"book"}}"#),
    ] {
        assert_eq!(lift(&lens, left), Became::body(right));
        assert_eq!(lower(&lens, right), Became::body(left));
    }
    assert_eq!(lower(&lens, r#"{"thing":{"id":"x","type":"other"}}"#), Became::body("{}"));
}

#[test]
fn a_bare_value_is_one_field() {
    let lens = Lens::new(
        "invitee",
        Wrap::Bare(0),
        vec![field("email", "email", Op::Copy), field("role", "role", Op::Copy)],
    );
    assert_eq!(lift(&lens, r#""a@b.example""#), Became::body(r#"{"email":"a@b.example"}"#));
    let object = r#"{"email":"a@b.example","role":1}"#;
    assert_eq!(lift(&lens, object), Became::body(object));
}

#[test]
fn a_scalar_has_no_name_of_its_own() {
    let lens =
        Lens::new("ref", Wrap::Scalar(0), vec![field("id", "resource_id", Op::Table(Arc::new(roles())))]);
    assert_eq!(lift(&lens, "2"), Became::body(r#"{"resource_id":"admin"}"#));
    assert_eq!(lower(&lens, r#"{"resource_id":"admin"}"#), Became::body("2"));
    assert_eq!(lift(&lens, "7").refusal(), (String::new(), "enum"));
    let place = Place::from_pointer("/resource_id").unwrap();
    assert_eq!(lens.backwards(&place, None), Some(Place::body(Vec::new())));
}

#[test]
fn what_is_only_shown_is_not_read() {
    let when = Presence { shown: true, ..Presence::default() };
    let lens = with(field("display", "role", Op::Copy), when);
    assert_eq!(lift(&lens, r#"{"display":"x"}"#), Became::body(""));
    assert_eq!(lower(&lens, r#"{"role":"x"}"#), Became::body(r#"{"display":"x"}"#));
}

#[test]
fn what_holds_nothing_is_left_out_or_told_by_another_field() {
    let when = Presence { optional: true, ..Presence::default() };
    let lens = with(field("seen", "seen_at", Op::Copy), when);
    assert_eq!(lower(&lens, r#"{"seen_at":null}"#), Became::body("{}"));
    assert_eq!(lower(&lens, r#"{"seen_at":"now"}"#), Became::body(r#"{"seen":"now"}"#));
    assert_eq!(lift(&lens, r#"{"seen":null}"#), Became::body(r#"{"seen_at":null}"#));

    let when = Presence { instead: Some(address("mail")), ..Presence::default() };
    let lens = with(field("display", "name", Op::Copy), when);
    for (right, told) in [
        (r#"{"name":"Ada","mail":"a@b.example"}"#, r#"{"display":"Ada"}"#),
        (r#"{"name":null,"mail":"a@b.example"}"#, r#"{"display":"a@b.example"}"#),
        (r#"{"name":null,"mail":null}"#, "{}"),
    ] {
        assert_eq!(lower(&lens, right), Became::body(told), "{right}");
    }
}

#[test]
fn a_field_around_the_items_stands_in_for_one_inside() {
    let when = Presence { fallback: Some(address("$outer.role")), ..Presence::default() };
    let lens = with(field("role", "role", Op::Table(Arc::new(roles()))), when);
    let outer = literal(r#"{"role":7,"items":[]}"#);
    let item = literal("{}");
    let resolutions = Resolutions::default();
    let mut run = Run::new(Direction::Lift, &resolutions).below(vec![Segment::Index(3)]);
    let input = Input { body: Some(item.value()), outer: Some(outer.value()), ..Input::default() };
    lens.run(input, &mut run, Writer::new());
    let refusal = run.refusals().first().unwrap();
    assert_eq!(refusal.place, Place { root: Root::Outer, segments: address("role").segments() });
}

#[test]
fn parameters_move_between_path_query_and_body() {
    let fields = vec![
        field("org", "$path.organization_id", Op::Copy),
        field("$query.q", "$query.search", Op::Copy),
        field("$path.id", "id", Op::Copy),
    ];
    let lens = Lens::new("test", Wrap::Object, fields);
    let body = literal(r#"{"org":"o","rest":1}"#);
    let path = [("id".into(), "7".to_owned())];
    let query = [("q".into(), "x y".to_owned())];
    let resolutions = Resolutions::default();
    let mut run = Run::new(Direction::Lift, &resolutions);
    let input = Input { body: Some(body.value()), path: &path, query: &query, ..Input::default() };
    let output = lens.run(input, &mut run, Writer::new());
    assert_eq!(output.path, [("organization_id".into(), "o".to_owned())]);
    assert_eq!(output.query, [("search".into(), "x y".to_owned())]);
    assert_eq!(output.body.as_bytes(), br#"{"id":"7"}"#);
    assert_eq!(run.ignored(), 1, "nothing was made of `rest`");
}

#[test]
fn places_are_found_backwards() {
    let grant = Lens::new("grant", Wrap::Object, vec![field("id", "resource_id", Op::Copy)]);
    let each = Op::Each(Each { item: Item::Lens(Arc::new(grant)), only: Vec::new() });
    let user = Lens::new("user", Wrap::Object, vec![field("mail", "email", Op::Copy)]);
    let fields = vec![
        field("role_name", "role", Op::Table(Arc::new(roles()))),
        field("portfolios", "grants", each),
        field("person", "user", Op::Nested(Nested { lens: Arc::new(user) })),
        field("$path.org", "$path.organization_id", Op::Copy),
    ];
    let lens = Lens::new("test", Wrap::Object, fields);
    let backwards =
        |pointer| lens.backwards(&Place::from_pointer(pointer).unwrap(), None).map(|place| place.pointer());
    assert_eq!(backwards("/role").as_deref(), Some("/role_name"));
    assert_eq!(backwards("/grants/2/resource_id").as_deref(), Some("/portfolios/2/id"));
    assert_eq!(backwards("/grants/2/level").as_deref(), Some("/portfolios/2"), "as near as it can be told");
    assert_eq!(backwards("/user/email").as_deref(), Some("/person/mail"));
    assert_eq!(backwards("/unheard_of"), None);
    let parameter = Place::parameter(Root::Path, "organization_id");
    assert_eq!(lens.backwards(&parameter, None), Some(Place::parameter(Root::Path, "org")));
}

#[test]
fn places_are_those_of_what_was_sent() {
    let tagged = |name: &str| Field {
        when: Presence {
            tag: Some((address("thing.type"), literal(&format!("\"{name}\"")))),
            ..Presence::default()
        },
        ..field(name, "thing.id", Op::Copy)
    };
    let fallback = Presence { fallback: Some(address("$outer.role")), ..Presence::default() };
    let role = Field { when: fallback, ..field("role", "role", Op::Copy) };
    let fields = vec![field("email", "email", Op::Copy), role, tagged("space"), tagged("book")];
    let lens = Lens::new("test", Wrap::Bare(0), fields);
    let backwards = |pointer: &str, sent: &str| {
        let sent = literal(sent);
        let place = Place::from_pointer(pointer).unwrap();
        lens.backwards(&place, Some(sent.value())).map(|place| (place.root, place.pointer()))
    };
    let body = |pointer: &str| Some((Root::Body, pointer.to_owned()));
    assert_eq!(backwards("/thing/id", r#"{"book":"b"}"#), body("/book"), "no space was sent");
    assert_eq!(backwards("/role", r#"{"role":"x"}"#), body("/role"));
    assert_eq!(backwards("/role", r#"{"email":"a"}"#), Some((Root::Outer, "/role".to_owned())));
    assert_eq!(backwards("/email", r#"{"email":"a"}"#), body("/email"));
    assert_eq!(backwards("/email", "\"a\""), body(""), "the item is the address");
}

#[test]
fn a_bare_value_is_refused_where_it_stands() {
    let table = Op::Table(Arc::new(roles()));
    let lens = Lens::new("test", Wrap::Bare(0), vec![field("role", "role", table)]);
    assert_eq!(lift(&lens, "\"king\"").refusal(), (String::new(), "enum"));
    assert_eq!(lift(&lens, r#"{"role":"king"}"#).refusal(), ("/role".to_owned(), "enum"));
}

#[test]
fn a_condition_looks_at_what_the_other_field_is_read_as() {
    let condition = (address("kind"), vec![literal("1")]);
    let ids = Field {
        when: Presence { lift_when: Some(condition), ..Presence::default() },
        ..field("ids", "grants", Op::Copy)
    };
    let kind = Field {
        when: Presence { default: Some(literal("1")), ..Presence::default() },
        ..field("kind", "kind", Op::Copy)
    };
    let lens = Lens::new("test", Wrap::Object, vec![kind, ids]);
    assert_eq!(lift(&lens, r#"{"ids":[7]}"#), Became::body(r#"{"kind":1,"grants":[7]}"#));
    assert_eq!(lift(&lens, r#"{"kind":0,"ids":[7]}"#), Became::body(r#"{"kind":0}"#));
}

#[test]
fn the_label_is_not_what_the_backend_complains_about() {
    let table: Arc<Table> = Arc::new(roles());
    let label = Op::Label(op::label::Label(Arc::clone(&table)));
    let fields = vec![field("role", "role", Op::Table(table)), field("role_display", "role", label)];
    let place =
        Lens::new("test", Wrap::Object, fields).backwards(&Place::from_pointer("/role").unwrap(), None);
    assert_eq!(place.map(|place| place.dotted()).as_deref(), Some("role"));
}

#[test]
fn whom_a_body_names_is_looked_up_in_the_scope_of_the_path() {
    let resolver = op::resolve::Resolver {
        index: 0,
        scope: vec!["team".to_owned()],
        pattern: None,
        id: None,
        accepted: Vec::new(),
    };
    // The body's fields come first in every operation.
    let fields = vec![
        field("user", "$path.member", Op::Resolve(op::resolve::Resolve(resolver))),
        field("$path.team", "$path.team", Op::Copy),
    ];
    let lens = Lens::new("test", Wrap::Object, fields);
    let body = literal(r#"{"user":"ada"}"#);
    let path = [("team".into(), "t".to_owned())];
    let resolutions = Resolutions::default();
    let mut run = Run::new(Direction::Lift, &resolutions);
    lens.run(Input { body: Some(body.value()), path: &path, ..Input::default() }, &mut run, Writer::new());
    assert_eq!(run.refusals(), []);
    assert_eq!(run.needs()[0].scope, ["t"]);
}

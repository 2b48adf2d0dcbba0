//! Lenses: reversible programs that bring a document to the other side and back.
//!
//! A [`Lens`] is a list of [`Field`]s, each with a place on the dialect's side, one on the canonical side, and an
//! [`Op`] between them. Both directions come from the one list: *lift* reads left and writes right, *lower* reads
//! right and writes left. A lens is compiled to a plan for either direction when it is made.
//!
//! This module never looks anything up itself: a run that needs something says what, and is run again with it. It
//! knows nothing of HTTP, so tools and tests call the same code as a request does.
//!
//! ```
//! use interlingua::json::{Document, Limits, Writer};
//! use interlingua::lens::op::Op;
//! use interlingua::lens::path::Address;
//! use interlingua::lens::{Direction, Field, Input, Lens, Presence, Resolutions, Run, Wrap};
//!
//! let name = Field {
//!     left: Address::parse("user_name"),
//!     right: Address::parse("user.name"),
//!     op: Op::Copy,
//!     when: Presence::default(),
//!     origin: None,
//! };
//! let lens = Lens::new("member", Wrap::Object, vec![name]);
//!
//! let known = Resolutions::default();
//! let document = Document::parse(br#"{"user_name": "Ada"}"#.to_vec(), &Limits::default())?;
//! let input = Input { body: Some(document.root()), ..Input::default() };
//! let output = lens.run(input, &mut Run::new(Direction::Lift, &known), Writer::new());
//! assert_eq!(output.body.as_bytes(), br#"{"user":{"name":"Ada"}}"#);
//! # Ok::<(), interlingua::json::ReadError>(())
//! ```

pub mod op;
pub mod path;
mod plan;
mod run;

use crate::diag::Span;
use crate::json::{Kind, Value, Writer};
use crate::problem::{Place, Root, Segment};

use self::op::Op;
use self::op::each::Item;
use self::path::{Address, Literal};
use self::plan::Plan;
pub use self::run::{Direction, Found, Input, Lookup, Need, Output, Parameters, Refusal, Resolutions, Run};

/// One line of a lens.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its place on the dialect's side.
    pub left: Option<Address>,
    /// Its place on the canonical side.
    pub right: Option<Address>,
    /// The step between them.
    pub op: Op,
    /// What happens when it is not there, or only sometimes.
    pub when: Presence,
    /// Where the mapping says so.
    pub origin: Option<Span>,
}

/// What happens to a field that is not there, or only sometimes.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    /// Lift: read here when the field is missing.
    pub fallback: Option<Address>,
    /// Lift: the dialect's value when the field is missing.
    pub default: Option<Literal>,
    /// Lower: the dialect's value when the canonical field is missing or null; lift: a value that stands for none.
    pub absent: Option<Literal>,
    /// Lower: read here when the canonical field is missing or null.
    pub instead: Option<Address>,
    /// Lower: null is told by leaving the field out.
    pub optional: bool,
    /// Lift: only when another field of the dialect holds one of these values; else the field is ignored.
    pub lift_when: Option<(Address, Vec<Literal>)>,
    /// Lift: written beside the field; lower: the field is only there if this is.
    pub tag: Option<(Address, Literal)>,
    /// Shown to clients and never read back.
    pub shown: bool,
}

/// What the documents on the dialect's side are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    /// Objects.
    Object,
    /// Objects, or the value of the field of this index alone.
    Bare(usize),
    /// The value of the field of this index alone.
    Scalar(usize),
}

/// A reversible program over documents.
#[derive(Debug)]
pub struct Lens {
    name: String,
    wrap: Wrap,
    fields: Vec<Field>,
    lift: Plan,
    lower: Plan,
}

impl Lens {
    /// Compiles the fields for both directions.
    pub fn new(name: impl Into<String>, wrap: Wrap, fields: Vec<Field>) -> Lens {
        let lift = Plan::compile(&fields, wrap, Direction::Lift);
        let lower = Plan::compile(&fields, wrap, Direction::Lower);
        Lens { name: name.into(), wrap, fields, lift, lower }
    }

    /// The same, with canonical fields that give look-ups inside it a parameter of their scope: each item of a list of
    /// organizations is a scope of its own.
    #[must_use]
    pub fn with_scope(mut self, scope: &[(String, Address)]) -> Lens {
        for (name, at) in scope {
            self.lower.add_scope(name, at);
        }
        self
    }

    /// Its name in the mapping.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its fields, in the order of the mapping.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// What the documents on the dialect's side are.
    pub fn wrap(&self) -> Wrap {
        self.wrap
    }

    /// Brings a message to the other side; its body is appended to `body`. The output means nothing if the run has
    /// needs or refusals afterwards.
    pub fn run<'a>(&self, input: Input<'a>, run: &mut Run<'a, '_>, body: Writer) -> Output {
        self.plan(run.direction()).message(input, run, body)
    }

    /// Brings a value within a message to the other side.
    pub(crate) fn value<'a>(&self, value: Value<'a>, run: &mut Run<'a, '_>, out: &mut Writer) {
        self.plan(run.direction()).value(value, run, out);
    }

    fn plan(&self, direction: Direction) -> &Plan {
        match direction {
            Direction::Lift => &self.lift,
            Direction::Lower => &self.lower,
        }
    }

    /// The dialect's name for a canonical place of what became of `sent`: that of the field that reaches furthest
    /// towards it. None if no field has to do with it.
    pub fn backwards(&self, place: &Place, sent: Option<Value<'_>>) -> Option<Place> {
        let is_told = |field: &&Field| field.when.tag.is_none() || sent.is_none_or(|sent| field.is_in(sent));
        let candidates =
            self.fields.iter().filter(is_told).filter_map(|field| field_backwards(field, place, sent));
        // Of equals the first: `role` stands before the label that is made of it.
        let best = candidates.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, place)| self.unwrapped(place, sent))
    }

    /// A value that is all there is has no name of its own.
    fn unwrapped(&self, mut place: Place, sent: Option<Value<'_>>) -> Place {
        let alone = match self.wrap {
            Wrap::Scalar(index) => Some(index),
            Wrap::Bare(index) => sent.filter(|sent| sent.kind() != Kind::Object).map(|_| index),
            Wrap::Object => None,
        };
        if let Some(left) = alone.and_then(|index| self.fields[index].left.as_ref())
            && place.root == left.root
        {
            place.segments.drain(..left.path.len().min(place.segments.len()));
        }
        place
    }
}

impl Field {
    /// Whether what was sent has the field. What lies elsewhere than in the body may have it.
    fn is_in(&self, sent: Value<'_>) -> bool {
        let Some(left) = self.left.as_ref().filter(|left| left.root == Root::Body) else { return true };
        left.path.iter().try_fold(sent, |value, name| value.member(name)).is_some()
    }
}

/// How far the field reaches towards the place, and what its end is called on the left.
fn field_backwards(field: &Field, place: &Place, sent: Option<Value<'_>>) -> Option<(usize, Place)> {
    let (left, right) = (field.left.as_ref()?, field.right.as_ref()?);
    if right.root != place.root {
        return None;
    }
    // What was not sent came from its fallback, if it has one.
    let fallback = field.when.fallback.as_ref().filter(|_| sent.is_some_and(|sent| !field.is_in(sent)));
    let left = fallback.unwrap_or(left);
    let own = right.segments();
    let start = Place { root: left.root, segments: left.segments() };
    if let Some(below) = place.segments.strip_prefix(own.as_slice()) {
        let inside = sent.and_then(|sent| left.path.iter().try_fold(sent, |value, name| value.member(name)));
        let (reach, deeper) = op_backwards(&field.op, below, inside);
        let mut found = start;
        found.segments.extend(deeper);
        return Some((own.len() + reach, found));
    }
    // A place above the field: the backend complains of all of `user`, the dialect knows only `user_name`.
    let above = !place.segments.is_empty() && own.starts_with(&place.segments);
    above.then_some((place.segments.len(), start))
}

/// What a place below the canonical field is called below the dialect's, and how much of it was understood.
fn op_backwards(op: &Op, below: &[Segment], sent: Option<Value<'_>>) -> (usize, Vec<Segment>) {
    let inner = |lens: &Lens, rest: &[Segment], sent: Option<Value<'_>>| {
        let found = lens.backwards(&Place::body(rest.to_vec()), sent);
        found.map_or((0, Vec::new()), |place| (rest.len(), place.segments))
    };
    match (op, below) {
        (Op::Copy, _) => (below.len(), below.to_vec()),
        (Op::Nested(nested), [_, ..]) => inner(&nested.lens, below, sent),
        (Op::Each(each), [index @ Segment::Index(at), rest @ ..]) => {
            let (reach, deeper) = match &each.item {
                Item::Copy => (rest.len(), rest.to_vec()),
                Item::Lens(lens) => inner(lens, rest, sent.and_then(|sent| sent.elements().nth(*at))),
                Item::Id(_) => (0, Vec::new()),
            };
            (reach + 1, std::iter::once(index.clone()).chain(deeper).collect())
        }
        (
            Op::Constant(_)
            | Op::Each(_)
            | Op::Filter(_)
            | Op::Fixed(_)
            | Op::Has(_)
            | Op::Id(_)
            | Op::Label(_)
            | Op::Nested(_)
            | Op::Prefix(_)
            | Op::Resolve(_)
            | Op::Row(_)
            | Op::Table(_),
            _,
        ) => (0, Vec::new()),
    }
}

/// What the tests of this module's files share.
#[cfg(test)]
mod support {
    use super::op::Op;
    use super::op::table::{Landing, Row, Table, Word};
    use super::path::{Address, Literal};
    use super::{Direction, Field, Found, Input, Lens, Need, Presence, Refusal, Resolutions, Run, Wrap};
    use crate::json::{Document, Limits, Writer};

    pub(super) fn literal(json: &str) -> Literal {
        Literal::parse(json).unwrap()
    }

    pub(super) fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    pub(super) fn field(left: &str, right: &str, op: Op) -> Field {
        let side = |text: &str| (!text.is_empty()).then(|| address(text));
        Field { left: side(left), right: side(right), op, when: Presence::default(), origin: None }
    }

    pub(super) fn word(json: &str) -> Word {
        Word::new(literal(json)).unwrap()
    }

    /// `2` is an admin, `0` or `"0"` a viewer and null a guest; a manager is told as a viewer, an owner not at all.
    pub(super) fn roles() -> Table {
        let row = |text: &str, also: &[&str], is: &str, label: &str| Row {
            word: word(text),
            also: also.iter().map(|json| word(json)).collect(),
            is: word(is),
            label: Some(label.to_owned()),
        };
        Table {
            noun: "role",
            rows: vec![
                row("2", &[], "\"admin\"", "Boss"),
                row("0", &["\"0\""], "\"viewer\"", "Reader"),
                row("null", &[], "\"guest\"", "Nobody"),
            ],
            lands: vec![
                (word("\"manager\""), Landing::Row(1)),
                (word("\"owner\""), Landing::Refuse("no word is as strong".to_owned())),
            ],
        }
    }

    /// What became of a body: the other side's, or what was refused or is needed.
    #[derive(Debug, PartialEq)]
    pub(super) enum Became {
        Body(String),
        Refused(Vec<Refusal>),
        Awaits(Vec<Need>),
    }

    impl Became {
        pub(super) fn body(json: &str) -> Became {
            Became::Body(json.to_owned())
        }

        /// The only refusal: where, and which rule.
        pub(super) fn refusal(&self) -> (String, &'static str) {
            match self {
                Became::Refused(refusals) if refusals.len() == 1 => {
                    (refusals[0].place.pointer(), refusals[0].kind)
                }
                other => panic!("one refusal expected: {other:?}"),
            }
        }
    }

    pub(super) fn run_with(lens: &Lens, direction: Direction, body: &str, known: &[(&Need, &str)]) -> Became {
        let mut resolutions = Resolutions::default();
        for (need, found) in known {
            resolutions.insert((*need).clone(), Found::Value((*found).to_owned()));
        }
        let document = Document::parse(body.into(), &Limits::default()).unwrap();
        let mut run = Run::new(direction, &resolutions);
        let input = Input { body: Some(document.root()), ..Input::default() };
        let output = lens.run(input, &mut run, Writer::new());
        if !run.needs().is_empty() {
            return Became::Awaits(run.needs().to_vec());
        }
        match run.into_refusals() {
            refusals if refusals.is_empty() => {
                Became::Body(String::from_utf8(output.body.into_vec()).unwrap())
            }
            refusals => Became::Refused(refusals),
        }
    }

    pub(super) fn lift(lens: &Lens, body: &str) -> Became {
        run_with(lens, Direction::Lift, body, &[])
    }

    pub(super) fn lower(lens: &Lens, body: &str) -> Became {
        run_with(lens, Direction::Lower, body, &[])
    }

    /// A lens of one field, `l` on the left and `r` on the right.
    pub(super) fn only(op: Op) -> Lens {
        Lens::new("only", Wrap::Object, vec![field("l", "r", op)])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::op::each::{Each, Item};
    use super::op::nested::Nested;
    use super::op::table::Table;
    use super::support::*;
    use super::*;

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
        let lens =
            Lens::new("test", Wrap::Object, vec![field("a.b", "c", Op::Copy), field("d", "e", Op::Copy)]);
        assert_eq!(lift(&lens, r#"{"d":null}"#), Became::body(r#"{"e":null}"#));
        assert_eq!(
            lower(&lens, "{}"),
            Became::body("{}"),
            "no empty object is left where `b` would have been"
        );
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
        assert_eq!(
            refusal.place,
            Place { root: crate::problem::Root::Outer, segments: address("role").segments() }
        );
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
        let backwards = |pointer| {
            lens.backwards(&Place::from_pointer(pointer).unwrap(), None).map(|place| place.pointer())
        };
        assert_eq!(backwards("/role").as_deref(), Some("/role_name"));
        assert_eq!(backwards("/grants/2/resource_id").as_deref(), Some("/portfolios/2/id"));
        assert_eq!(
            backwards("/grants/2/level").as_deref(),
            Some("/portfolios/2"),
            "as near as it can be told"
        );
        assert_eq!(backwards("/user/email").as_deref(), Some("/person/mail"));
        assert_eq!(backwards("/unheard_of"), None);
        let parameter = Place::parameter(crate::problem::Root::Path, "organization_id");
        assert_eq!(
            lens.backwards(&parameter, None),
            Some(Place::parameter(crate::problem::Root::Path, "org"))
        );
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
}

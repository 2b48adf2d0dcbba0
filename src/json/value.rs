//! Looking at a document: handles to its values, members and elements.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Number, Value as Tree};

use super::members::{Elements, Inside, Key, Members, are_same};
use super::names::digest;
use super::{Document, Entry, Kind, text};

/// One value of a [`Document`]: two words, free to copy.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: &'a Document,
    index: u32,
}

impl<'a> Value<'a> {
    #[inline]
    pub(super) fn new(document: &'a Document, index: u32) -> Self {
        Value { document, index }
    }

    /// What the value is.
    #[inline]
    pub fn kind(self) -> Kind {
        self.entry().kind()
    }

    /// The text of a string; borrowed unless it holds escapes.
    #[inline]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| self.decoded())
    }

    /// The text of the value as it stood: strings with quotes and escapes, objects with their white space.
    #[inline]
    pub fn raw(self) -> &'a str {
        let entry = self.entry();
        &self.document.text[entry.start as usize..entry.end as usize]
    }

    /// Whether a string holds escapes, so that [`Value::raw`] differs from what it means.
    #[inline]
    pub fn is_escaped(self) -> bool {
        self.entry().is_escaped()
    }

    /// Whether there is white space or an escape in it. What is not loose is written as it stands.
    #[inline]
    pub(super) fn is_loose(self) -> bool {
        self.entry().is_loose()
    }

    /// The bytes of [`Value::raw`]: to take them, nobody has to look where characters begin.
    #[inline]
    pub(super) fn bytes(self) -> &'a [u8] {
        let entry = self.entry();
        &self.document.text.as_bytes()[entry.start as usize..entry.end as usize]
    }

    /// The truth of `true` or `false`.
    pub fn as_bool(self) -> Option<bool> {
        match self.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            Kind::Null | Kind::Integer | Kind::Number | Kind::String | Kind::Array | Kind::Object => None,
        }
    }

    /// The value of an integer that fits. `2.0`, `2e0` and `-0` are not integers.
    pub fn as_i64(self) -> Option<i64> {
        if self.kind() != Kind::Integer {
            return None;
        }
        self.raw().parse().ok()
    }

    /// Whether the value is `null`.
    #[inline]
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The member of that name, if the value is an object and has one.
    pub fn member(self, name: &str) -> Option<Value<'a>> {
        // Of nearly all that have another name, a number on the tape says so.
        let digest = digest(name.as_bytes());
        let is_it = |key: Key<'_>| key.digest() == digest && key.is(name);
        self.members().find(|(key, _)| is_it(*key)).map(|(_, value)| value)
    }

    /// The members of an object in the order of the text; none for any other value.
    #[inline]
    pub fn members(self) -> Members<'a> {
        Members(self.inside(Kind::Object))
    }

    /// The elements of an array; none for any other value.
    #[inline]
    pub fn elements(self) -> Elements<'a> {
        Elements(self.inside(Kind::Array))
    }

    /// Number of members or elements; 0 for values that have neither.
    #[inline]
    pub fn len(self) -> usize {
        self.entry().count()
    }

    /// Number of values and member names in this value, itself included: what a walk over it costs.
    pub fn nodes(self) -> usize {
        (self.next() - self.index) as usize
    }

    /// Whether there are no members or elements.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Follows a JSON Pointer (RFC 6901). Meant for messages and tests; compiled paths are faster.
    pub fn pointer(self, pointer: &str) -> Option<Value<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| {
            if value.kind() == Kind::Array {
                let is_index = token == "0" || !token.starts_with(['0', '+']);
                return if is_index { value.elements().nth(token.parse().ok()?) } else { None };
            }
            value.member(&token.replace("~1", "/").replace("~0", "~"))
        })
    }

    /// Copies the value into a tree. Numbers keep their digits; only the spelling of exponents may change.
    ///
    /// The tree is built member by member, never through a deserializer: `serde_json`'s deserializers give
    /// some member names a meaning of their own, and those names are for clients to use like any other.
    pub fn to_value(self) -> Tree {
        match self.kind() {
            Kind::Null => Tree::Null,
            Kind::False => Tree::Bool(false),
            Kind::True => Tree::Bool(true),
            Kind::Integer | Kind::Number => {
                Tree::Number(Number::from_str(self.raw()).expect("the reader checked the number"))
            }
            Kind::String => Tree::String(self.decoded().into_owned()),
            Kind::Array => Tree::Array(self.elements().map(Value::to_value).collect()),
            Kind::Object => {
                let member =
                    |(key, value): (Key<'_>, Value<'_>)| (key.as_str().into_owned(), value.to_value());
                Tree::Object(self.members().map(member).collect::<Map<_, _>>())
            }
        }
    }

    /// JSON equality: the order of members does not matter, escapes do not matter, the spelling of numbers
    /// does (`1.0` is not `1`).
    pub fn same(self, other: Value<'_>) -> bool {
        if self.kind() != other.kind() || self.len() != other.len() {
            return false;
        }
        match self.kind() {
            Kind::Null | Kind::False | Kind::True => true,
            Kind::String if self.is_escaped() || other.is_escaped() => self.as_str() == other.as_str(),
            Kind::Integer | Kind::Number | Kind::String => are_same(self.bytes(), other.bytes()),
            Kind::Array | Kind::Object => self.same_inside(other),
        }
    }

    /// The same, of two arrays or two objects: kept apart, as nearly all that is compared is a word.
    #[inline(never)]
    fn same_inside(self, other: Value<'_>) -> bool {
        if self.kind() == Kind::Object {
            return self.same_members(other);
        }
        self.elements().zip(other.elements()).all(|(own, others)| own.same(others))
    }

    /// Pairs members as they come while both objects agree on the order, and by sorting otherwise.
    fn same_members(self, other: Value<'_>) -> bool {
        let in_step =
            self.members().zip(other.members()).all(|((own, _), (others, _))| own.is(&others.as_str()));
        if in_step {
            return self.members().zip(other.members()).all(|((_, own), (_, others))| own.same(others));
        }
        let (own, others) = (self.sorted_members(), other.sorted_members());
        own.iter().zip(&others).all(|(own, others)| own.0 == others.0 && own.1.same(others.1))
    }

    fn sorted_members(self) -> Vec<(Cow<'a, str>, Value<'a>)> {
        let mut members: Vec<_> = self.members().map(|(key, value)| (key.as_str(), value)).collect();
        members.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        members
    }

    /// Byte offset of the value in the text. No two values of a document share one.
    pub fn offset(self) -> usize {
        self.entry().start as usize
    }

    /// Byte offset in the text of what means the byte `decoded` of a string: where a place in a document stands that is
    /// written inside a string. Past the end of the string it is its closing quote.
    pub fn offset_within(self, decoded: usize) -> usize {
        let raw = if self.is_escaped() { text::raw_offset(self.content(), decoded) } else { decoded };
        self.offset() + 1 + raw.min(self.content().len())
    }

    /// The document the value belongs to.
    pub fn document(self) -> &'a Document {
        self.document
    }

    /// The bytes of a string, if it holds no escapes: to take them, nobody has to look where characters begin.
    #[inline]
    pub(crate) fn plain_bytes(self) -> Option<&'a [u8]> {
        let entry = self.entry();
        let is_plain = entry.kind() == Kind::String && !entry.is_escaped();
        is_plain.then(|| self.document.within(entry))
    }

    /// The sixteen bytes behind the opening quote of a string, its own and what follows it, if the text has as many.
    #[inline]
    pub(super) fn behind_quote(self) -> Option<&'a [u8; 16]> {
        let begin = self.entry().start as usize + 1;
        self.document.text.as_bytes().get(begin..begin + 16)?.first_chunk()
    }

    /// What stands between the quotes of a string.
    #[inline]
    pub(super) fn content(self) -> &'a str {
        let entry = self.entry();
        &self.document.text[entry.start as usize + 1..entry.end as usize - 1]
    }

    /// What a string means.
    #[inline]
    pub(super) fn decoded(self) -> Cow<'a, str> {
        let content = self.content();
        if self.is_escaped() { Cow::Owned(text::unescape(content)) } else { Cow::Borrowed(content) }
    }

    /// Index of the first entry after this value and all inside it.
    #[inline]
    pub(super) fn next(self) -> u32 {
        self.entry().next
    }

    /// The entries directly inside this value if it is of that kind, else none.
    #[inline]
    fn inside(self, kind: Kind) -> Inside<'a> {
        let first = self.index + 1;
        Inside::new(self.document, first, if self.kind() == kind { self.next() } else { first })
    }

    #[inline]
    pub(super) fn entry(self) -> Entry {
        self.document.tape[self.index as usize]
    }
}

/// Shows kind and place, never content.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at byte {}", self.kind(), self.offset())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(text.into(), &Limits::default()).unwrap()
    }

    #[test]
    fn only_plain_decimal_tokens_are_integers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("2.0", None),
            ("2e0", None),
            ("20E-1", None),
            ("-0", None),
            ("1.9999999999999999", None),
            ("\"2\"", None),
            ("true", None),
        ] {
            assert_eq!(document(text).root().as_i64(), expected, "{text}");
        }
        assert_eq!(document("99999999999999999999").root().kind(), Kind::Integer);
        assert_eq!(document("-0").root().kind(), Kind::Number);
    }

    #[test]
    fn members_are_found_by_what_their_names_mean() {
        let document = document(r#"{"plain": 1, "r\u006fle": 2, "": 3}"#);
        let root = document.root();
        assert_eq!(root.member("role").and_then(Value::as_i64), Some(2));
        assert_eq!(root.member("").and_then(Value::as_i64), Some(3));
        assert!(root.member(r"r\u006fle").is_none());
        assert!(root.member("plai").is_none());
        let names: Vec<_> = root.members().map(|(key, _)| key.as_str()).collect();
        assert_eq!(names, ["plain", "role", ""]);
    }

    #[test]
    fn strings_are_borrowed_unless_they_hold_escapes() {
        let document = document(r#"["né", "n\u00e9"]"#);
        let strings: Vec<_> = document.root().elements().map(|element| element.as_str().unwrap()).collect();
        assert!(matches!(strings[..], [Cow::Borrowed("né"), Cow::Owned(_)]));
        assert_eq!(strings[0], strings[1]);
    }

    #[test]
    fn walking_skips_whole_subtrees() {
        let document = document(r#"[{"a":[1,[2]],"b":{}},[],"end"]"#);
        let kinds: Vec<_> = document.root().elements().map(Value::kind).collect();
        assert_eq!(kinds, [Kind::Object, Kind::Array, Kind::String]);
        let lengths: Vec<_> = document.root().elements().map(Value::len).collect();
        assert_eq!(lengths, [2, 0, 0]);
        let nodes: Vec<_> = document.root().elements().map(Value::nodes).collect();
        assert_eq!(nodes, [8, 1, 1]);
    }

    #[test]
    fn values_that_hold_nothing_have_no_members_and_no_elements() {
        let document = document(r#"["text", 1, {"a": 1}]"#);
        for element in document.root().elements().take(2) {
            assert_eq!((element.members().count(), element.elements().count(), element.len()), (0, 0, 0));
        }
        assert_eq!(document.root().members().count(), 0);
    }

    #[test]
    fn pointers_are_followed_as_rfc_6901_says() {
        // The document and the pointers of section 5.
        let document = document(
            r#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}"#,
        );
        let number = |pointer: &str| document.root().pointer(pointer).and_then(Value::as_i64);
        let expected = [
            ("/", 0),
            ("/a~1b", 1),
            ("/c%d", 2),
            ("/e^f", 3),
            ("/g|h", 4),
            ("/i\\j", 5),
            ("/k\"l", 6),
            ("/ ", 7),
            ("/m~0n", 8),
        ];
        for (pointer, value) in expected {
            assert_eq!(number(pointer), Some(value), "{pointer}");
        }
        assert_eq!(document.root().pointer("").map(Value::kind), Some(Kind::Object));
        assert_eq!(document.root().pointer("/foo/0").map(Value::raw), Some("\"bar\""));
        for nothing in ["foo", "/foo/00", "/foo/+1", "/foo/2", "/foo/-", "/nope", "/foo/0/x"] {
            assert!(document.root().pointer(nothing).is_none(), "{nothing}");
        }
    }

    #[test]
    fn sameness_ignores_order_and_escapes_but_not_the_spelling_of_numbers() {
        let same = |left: &str, right: &str| document(left).root().same(document(right).root());
        assert!(same(r#"{"a":[1,{"b":null}],"c":"é"}"#, r#"{ "c":"\u00e9", "\u0061":[1, {"b":null}] }"#));
        assert!(!same("1", "1.0"));
        assert!(!same(r#"{"a":1,"b":2}"#, r#"{"a":1,"c":2}"#));
        assert!(!same(r#"{"a":1,"b":2}"#, r#"{"b":1,"a":2}"#));
        assert!(!same("[1,2]", "[2,1]"));
        assert!(!same("[1]", "[1,1]"));
        assert!(!same("true", "false"));
        assert!(!same("[]", "{}"));
    }

    #[test]
    fn trees_keep_every_digit() {
        let tree = document("[123456789012345678901234567890, 1.10, 1e400]").root().to_value();
        assert_eq!(tree.to_string(), "[123456789012345678901234567890,1.10,1e+400]");
    }

    #[test]
    fn trees_give_no_member_name_a_meaning_of_its_own() {
        let text = r#"{"$serde_json::private::Number":"1"}"#;
        let tree = document(text).root().to_value();
        assert!(tree.is_object());
        assert_eq!(tree.to_string(), text);
        let text = r#"{"$serde_json::private::RawValue":"{\"admin\":true}"}"#;
        assert_eq!(document(text).root().to_value().to_string(), text);
    }
}

//! The writer: JSON put together piece by piece into one buffer of bytes.
//!
//! Commas are not the caller's business. Whether one is due can be read off the last byte written: only
//! `{`, `[`, `:` and the beginning of the buffer are followed by a value directly. So the writer has no
//! state besides its bytes, and cutting it back with [`Writer::truncate`] needs no bookkeeping.

use super::{Key, Kind, Value, text};

/// Builds one JSON text. Calls must make sense in their order; the writer places commas and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    /// Where the JSON begins in `out`.
    start: usize,
}

impl Writer {
    /// A writer with an empty buffer.
    pub fn new() -> Self {
        Writer::default()
    }

    /// A writer that appends to `out`, whatever is in there already.
    pub fn with(out: Vec<u8>) -> Self {
        Writer { start: out.len(), out }
    }

    /// A writer whose buffer grows only beyond so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Writer::with(Vec::with_capacity(bytes))
    }

    /// Begins an object.
    #[inline]
    pub fn object_begin(&mut self) {
        self.comma();
        self.out.push(b'{');
    }

    /// Ends the innermost object.
    #[inline]
    pub fn object_end(&mut self) {
        self.out.push(b'}');
    }

    /// Begins an array.
    pub fn array_begin(&mut self) {
        self.comma();
        self.out.push(b'[');
    }

    /// Ends the innermost array.
    pub fn array_end(&mut self) {
        self.out.push(b']');
    }

    /// Writes a member's name; its value comes next.
    pub fn key(&mut self, name: &str) {
        self.comma();
        text::write_quoted(&mut self.out, name);
        self.out.push(b':');
    }

    /// Writes a member's name that was quoted beforehand, colon included: `"name":`.
    #[inline]
    pub fn key_raw(&mut self, quoted: &str) {
        debug_assert!(
            quoted.starts_with('"') && quoted.ends_with("\":"),
            "a key is quoted and has its colon"
        );
        self.comma();
        self.out.extend_from_slice(quoted.as_bytes());
    }

    /// Writes a string.
    pub fn string(&mut self, text: &str) {
        self.comma();
        text::write_quoted(&mut self.out, text);
    }

    /// Writes a string in which nothing has to be escaped, such as an id.
    #[inline]
    pub(crate) fn plain_string(&mut self, text: &str) {
        debug_assert!(text::plain_len(text.as_bytes()) == text.len(), "nothing has to be escaped");
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }

    /// Writes JSON that was written before, as it is. It must be one whole value.
    #[inline]
    pub fn raw(&mut self, json: &str) {
        self.raw_bytes(json.as_bytes());
    }

    #[inline]
    fn raw_bytes(&mut self, json: &[u8]) {
        self.comma();
        self.out.extend_from_slice(json);
    }

    /// Writes an integer.
    pub fn integer(&mut self, number: i64) {
        self.comma();
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Writes `true` or `false`.
    pub fn bool(&mut self, truth: bool) {
        self.raw(if truth { "true" } else { "false" });
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.raw("null");
    }

    /// Copies a value without its white space.
    ///
    /// Numbers keep their spelling. Escapes are written anew, so that whoever reads the copy sees names
    /// and strings spelt in one way only.
    pub fn value(&mut self, value: Value<'_>) {
        if !value.is_loose() {
            return self.raw_bytes(value.bytes());
        }
        match value.kind() {
            Kind::Null | Kind::False | Kind::True | Kind::Integer | Kind::Number => {
                self.raw_bytes(value.bytes());
            }
            Kind::String => self.string(&value.as_str().unwrap_or_default()),
            Kind::Array => {
                self.array_begin();
                value.elements().for_each(|element| self.value(element));
                self.array_end();
            }
            Kind::Object => {
                self.object_begin();
                for (key, member) in value.members() {
                    self.key_of(key);
                    self.value(member);
                }
                self.object_end();
            }
        }
    }

    fn key_of(&mut self, key: Key<'_>) {
        if key.is_escaped() {
            return self.key(&key.as_str());
        }
        self.comma();
        self.out.extend_from_slice(key.raw().as_bytes());
        self.out.push(b':');
    }

    /// Number of bytes in the buffer, those it began with included.
    #[inline]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether no JSON was written yet.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.out.len() == self.start
    }

    /// Takes back everything written since the buffer had `len` bytes.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        self.out.truncate(len.max(self.start));
    }

    /// The buffer so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    /// What was written since the buffer had `len` bytes, without the comma that parts it from what stands before.
    pub(crate) fn written_since(&self, len: usize) -> &[u8] {
        let written = self.out.get(len..).unwrap_or_default();
        written.strip_prefix(b",").unwrap_or(written)
    }

    /// The finished buffer.
    pub fn into_vec(self) -> Vec<u8> {
        self.out
    }

    #[inline]
    fn comma(&mut self) {
        let after_value = |last: &u8| !matches!(last, b'{' | b'[' | b':');
        if self.out.last().is_some_and(after_value) && !self.is_empty() {
            self.out.push(b',');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Tree, json};

    use super::super::{Document, Limits};
    use super::*;

    fn text(writer: &Writer) -> &str {
        std::str::from_utf8(writer.as_bytes()).unwrap()
    }

    #[test]
    fn commas_stand_between_values_and_nowhere_else() {
        let mut out = Writer::new();
        out.object_begin();
        out.key("a");
        out.array_begin();
        out.integer(1);
        out.array_begin();
        out.array_end();
        out.object_begin();
        out.object_end();
        out.null();
        out.array_end();
        out.key_raw("\"b\":");
        out.bool(true);
        out.key("c{[:");
        out.string("d{[:");
        out.raw("2.50");
        out.object_end();
        assert_eq!(text(&out), r#"{"a":[1,[],{},null],"b":true,"c{[:":"d{[:",2.50}"#);
    }

    #[test]
    fn what_was_cut_off_leaves_no_comma_behind() {
        let mut out = Writer::new();
        out.array_begin();
        out.integer(1);
        let before = out.len();
        out.string("withdrawn");
        out.truncate(before);
        out.integer(2);
        out.array_end();
        assert_eq!(text(&out), "[1,2]");
    }

    #[test]
    fn a_buffer_with_something_in_it_is_appended_to() {
        let mut out = Writer::with(b"head\r\n".to_vec());
        assert!(out.is_empty());
        out.array_begin();
        out.null();
        out.array_end();
        out.truncate(0);
        assert_eq!(text(&out), "head\r\n");
        out.null();
        assert_eq!(text(&out), "head\r\nnull");
    }

    #[test]
    fn copies_are_compact_and_keep_numbers_as_they_were() {
        let document = Document::parse(
            br#" { "n" : [ 1.10 , -0 , 1E2 , 12345678901234567890 ] , "s\u002f" : "\u00e9\/\n" } "#.to_vec(),
            &Limits::default(),
        )
        .unwrap();
        let mut out = Writer::new();
        out.value(document.root());
        assert_eq!(text(&out), r#"{"n":[1.10,-0,1E2,12345678901234567890],"s/":"é/\n"}"#);
    }

    /// Arbitrary trees, with strings that need escaping and numbers of every sort.
    pub(super) fn trees() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Null),
            any::<bool>().prop_map(Tree::from),
            any::<i64>().prop_map(Tree::from),
            any::<u64>().prop_map(Tree::from),
            prop::num::f64::NORMAL.prop_map(Tree::from),
            any::<String>().prop_map(Tree::from),
        ];
        leaf.prop_recursive(4, 40, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Tree::from),
                prop::collection::btree_map(any::<String>(), inner, 0..20)
                    .prop_map(|members| Tree::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn integers_are_written_as_rust_writes_them(number: i64) {
            let mut out = Writer::new();
            out.integer(number);
            prop_assert_eq!(text(&out), number.to_string());
        }

        #[test]
        fn what_was_read_is_written_as_serde_json_would(tree in trees()) {
            let spaced = serde_json::to_vec_pretty(&tree).unwrap();
            let document = Document::parse(spaced, &Limits::default()).unwrap();
            let mut out = Writer::new();
            out.value(document.root());
            prop_assert_eq!(text(&out), tree.to_string());
            prop_assert_eq!(document.root().to_value(), tree);
        }

        #[test]
        fn a_copy_is_the_same_as_its_original(tree in trees(), other in trees()) {
            let document = |tree: &Tree| Document::parse(tree.to_string().into(), &Limits::default()).unwrap();
            let (left, right) = (document(&tree), document(&other));
            let mut out = Writer::new();
            out.value(left.root());
            let copy = Document::parse(out.into_vec(), &Limits::default()).unwrap();
            prop_assert!(copy.root().same(left.root()));
            prop_assert_eq!(left.root().same(right.root()), tree == other);
        }
    }

    #[test]
    fn extreme_integers_are_written_whole() {
        let mut out = Writer::new();
        out.array_begin();
        out.integer(i64::MIN);
        out.integer(i64::MAX);
        out.integer(0);
        out.array_end();
        assert_eq!(text(&out), json!([i64::MIN, i64::MAX, 0]).to_string());
    }
}

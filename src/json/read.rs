//! The strict reader: checks a text and writes its tape, in one pass, without allocating per value.
//!
//! The grammar is RFC 8259's. On top of it the reader refuses a byte order mark, member names that occur
//! twice in one object, surrogates without their partner, and whatever exceeds the [`Limits`].

use std::borrow::Cow;
use std::cmp::Ordering;
use std::error::Error;
use std::fmt;

use super::{Entry, Kind, Limits, TEXT_BYTES_CEILING, text};

/// Nesting the reader will never follow, whatever [`Limits::depth_max`] says: it calls itself once per level.
const DEPTH_CEILING: u16 = 512;

/// Longest number taken. Beyond it, comparing two numbers costs more than reading a whole ordinary body.
const NUMBER_BYTES_MAX: usize = 1024;

/// Objects up to this size have their names compared pair by pair, larger ones after sorting.
const PAIRWISE_MAX: usize = 16;

/// Why a text was refused, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// What is wrong.
    pub kind: ReadErrorKind,
    /// Byte offset of the offence in the text.
    pub offset: usize,
}

/// What can be wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadErrorKind {
    /// The text begins with a byte order mark.
    Bom,
    /// A string holds a control character that should have been escaped.
    Control,
    /// Objects and arrays are nested too deeply.
    Depth,
    /// An object has two members of the same name.
    DuplicateKey,
    /// There is no value at all.
    Empty,
    /// A backslash is followed by something that is no escape.
    Escape,
    /// A number is longer than anyone needs.
    LongNumber,
    /// A number is not spelt as the grammar wants it.
    Number,
    /// Half of a surrogate pair stands alone.
    Surrogate,
    /// A character that cannot stand where it does.
    Syntax,
    /// The text is longer than allowed.
    TooLong,
    /// There are more values than allowed.
    TooMany,
    /// Something follows the value.
    Trailing,
    /// The text ends in the middle of the value.
    Unfinished,
    /// The bytes are not UTF-8.
    Utf8,
}

impl ReadError {
    /// Line and column, both from 1, columns in characters; `text` is the text that was refused.
    pub fn line_column(&self, text: &[u8]) -> (usize, usize) {
        let before = &text[..self.offset.min(text.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let is_first_byte = |byte: &&u8| **byte & 0xc0 != 0x80;
        let line = before.split(|&byte| byte == b'\n').count();
        let column = before[line_start..].iter().filter(is_first_byte).count() + 1;
        (line, column)
    }
}

impl ReadErrorKind {
    /// Says what is wrong without quoting the text, for clients and logs alike.
    pub fn message(self) -> &'static str {
        match self {
            ReadErrorKind::Bom => "byte order mark before the value",
            ReadErrorKind::Control => "control character in a string",
            ReadErrorKind::Depth => "nested too deeply",
            ReadErrorKind::DuplicateKey => "duplicate member name",
            ReadErrorKind::Empty => "no value",
            ReadErrorKind::Escape => "invalid escape in a string",
            ReadErrorKind::LongNumber => "number too long",
            ReadErrorKind::Number => "invalid number",
            ReadErrorKind::Surrogate => "lone surrogate in a string",
            ReadErrorKind::Syntax => "unexpected character",
            ReadErrorKind::TooLong => "text too long",
            ReadErrorKind::TooMany => "too many values",
            ReadErrorKind::Trailing => "text after the value",
            ReadErrorKind::Unfinished => "unexpected end of text",
            ReadErrorKind::Utf8 => "invalid UTF-8",
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind.message(), self.offset)
    }
}

impl Error for ReadError {}

/// A member name of an object that is still being read.
#[derive(Clone, Copy)]
pub(super) struct Name {
    /// A digest that equal names share; most unequal ones do not.
    digest: u32,
    /// Index of the name's entry.
    entry: u32,
}

/// Reads `bytes` onto `tape`, which must be empty, as must `names`; returns the text.
pub(super) fn read(
    bytes: Vec<u8>,
    limits: &Limits,
    tape: &mut Vec<Entry>,
    names: &mut Vec<Name>,
) -> Result<String, ReadError> {
    let bytes_max = limits.bytes_max.min(TEXT_BYTES_CEILING);
    if bytes.len() > bytes_max {
        return Err(ReadError { kind: ReadErrorKind::TooLong, offset: bytes_max });
    }
    let text = String::from_utf8(bytes).map_err(|refused| ReadError {
        kind: ReadErrorKind::Utf8,
        offset: refused.utf8_error().valid_up_to(),
    })?;
    if text.starts_with('\u{feff}') {
        return Err(ReadError { kind: ReadErrorKind::Bom, offset: 0 });
    }
    let mut reader = Reader {
        text: &text,
        bytes: text.as_bytes(),
        at: 0,
        depth_left: limits.depth_max.min(DEPTH_CEILING),
        nodes_max: limits.nodes_max,
        tape,
        names,
    };
    reader.document()?;
    Ok(text)
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// Offset of the next byte.
    at: usize,
    depth_left: u16,
    nodes_max: usize,
    tape: &'t mut Vec<Entry>,
    /// Names of all objects that are open, innermost last.
    names: &'t mut Vec<Name>,
}

type Step = Result<(), ReadError>;

impl Reader<'_> {
    fn document(&mut self) -> Step {
        self.skip_space();
        if self.peek().is_none() {
            return self.refuse(ReadErrorKind::Empty);
        }
        self.value()?;
        self.skip_space();
        match self.peek() {
            Some(_) => self.refuse(ReadErrorKind::Trailing),
            None => Ok(()),
        }
    }

    fn value(&mut self) -> Step {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Kind::True),
            Some(b'f') => self.word("false", Kind::False),
            Some(b'n') => self.word("null", Kind::Null),
            Some(_) => self.refuse(ReadErrorKind::Syntax),
            None => self.refuse(ReadErrorKind::Unfinished),
        }
    }

    fn object(&mut self) -> Step {
        let object = self.open(Kind::Object)?;
        let first_name = self.names.len();
        self.skip_space();
        if self.take(b'}') {
            self.close(object, 0);
            return Ok(());
        }
        loop {
            self.name()?;
            self.skip_space();
            self.expect(b':')?;
            self.skip_space();
            self.value()?;
            self.skip_space();
            if self.take(b'}') {
                break;
            }
            self.expect(b',')?;
            self.skip_space();
        }
        let count = self.names.len() - first_name;
        self.check_names(first_name)?;
        self.names.truncate(first_name);
        self.close(object, count);
        Ok(())
    }

    fn array(&mut self) -> Step {
        let array = self.open(Kind::Array)?;
        let mut count = 0;
        self.skip_space();
        if self.take(b']') {
            self.close(array, 0);
            return Ok(());
        }
        loop {
            self.value()?;
            count += 1;
            self.skip_space();
            if self.take(b']') {
                break;
            }
            self.expect(b',')?;
            self.skip_space();
        }
        self.close(array, count);
        Ok(())
    }

    fn name(&mut self) -> Step {
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return self.refuse(ReadErrorKind::Syntax),
            None => return self.refuse(ReadErrorKind::Unfinished),
        }
        let entry = offset(self.tape.len());
        self.string()?;
        let digest = digest(&self.decoded(entry));
        self.names.push(Name { digest, entry });
        Ok(())
    }

    fn string(&mut self) -> Step {
        let start = self.at;
        let mut escaped = 0;
        self.at += 1;
        loop {
            self.at += text::plain_len(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let (_, taken) =
                        text::unescape_one(&self.bytes[self.at..]).or_else(|kind| self.refuse(kind))?;
                    self.at += taken;
                    escaped = Entry::ESCAPED;
                }
                Some(_) => return self.refuse(ReadErrorKind::Control),
                None => return self.refuse(ReadErrorKind::Unfinished),
            }
        }
        self.at += 1;
        self.push(Kind::String as u32 | escaped, start)
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        let mut kind = Kind::Integer;
        let negative = self.take(b'-');
        if self.take(b'0') {
            // No digit may follow. Minus zero is no integer: whoever reads it as one loses its sign.
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.refuse(ReadErrorKind::Number);
            }
            if negative {
                kind = Kind::Number;
            }
        } else {
            self.digits()?;
        }
        if self.take(b'.') {
            kind = Kind::Number;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            kind = Kind::Number;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        if self.at - start > NUMBER_BYTES_MAX {
            return Err(ReadError { kind: ReadErrorKind::LongNumber, offset: start });
        }
        self.push(kind as u32, start)
    }

    /// One digit or more.
    fn digits(&mut self) -> Step {
        let length = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        match (length, self.peek()) {
            (0, Some(_)) => self.refuse(ReadErrorKind::Number),
            (0, None) => self.refuse(ReadErrorKind::Unfinished),
            _ => Ok(()),
        }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Step {
        let start = self.at;
        for &letter in word.as_bytes() {
            self.expect(letter)?;
        }
        self.push(kind as u32, start)
    }

    /// Begins an object or array; its entry is completed by `close`.
    fn open(&mut self, kind: Kind) -> Result<usize, ReadError> {
        if self.depth_left == 0 {
            return self.refuse(ReadErrorKind::Depth);
        }
        self.depth_left -= 1;
        let start = self.at;
        self.at += 1;
        self.push(kind as u32, start)?;
        Ok(self.tape.len() - 1)
    }

    fn close(&mut self, container: usize, count: usize) {
        self.depth_left += 1;
        let next = offset(self.tape.len());
        let entry = &mut self.tape[container];
        entry.head |= offset(count) << Entry::COUNT_SHIFT;
        entry.end = offset(self.at);
        entry.next = next;
    }

    /// Puts the value that ends here onto the tape.
    fn push(&mut self, head: u32, start: usize) -> Step {
        if self.tape.len() >= self.nodes_max {
            return Err(ReadError { kind: ReadErrorKind::TooMany, offset: start });
        }
        let next = offset(self.tape.len() + 1);
        self.tape.push(Entry { head, start: offset(start), end: offset(self.at), next });
        Ok(())
    }

    /// Refuses an object whose names, from `first` on, are not all different.
    ///
    /// Small objects are compared pair by pair, which beats any table. Large ones are sorted, because
    /// whoever sends the text also chooses the names: pairs would be quadratic, and a hash table could be
    /// filled with collisions.
    fn check_names(&self, first: usize) -> Step {
        let names = &self.names[first..];
        let duplicate = if names.len() <= PAIRWISE_MAX {
            (1..names.len())
                .find(|&later| {
                    names[..later].iter().any(|earlier| {
                        earlier.digest == names[later].digest
                            && self.decoded(earlier.entry) == self.decoded(names[later].entry)
                    })
                })
                .map(|later| names[later].entry)
        } else {
            let mut sorted: Vec<_> =
                names.iter().map(|name| (self.decoded(name.entry), name.entry)).collect();
            sorted.sort_unstable();
            let repeated = |pair: &[(Cow<'_, str>, u32)]| {
                (pair[0].0.cmp(&pair[1].0) == Ordering::Equal).then_some(pair[1].1)
            };
            sorted.windows(2).filter_map(repeated).min()
        };
        match duplicate {
            Some(entry) => {
                let offset = self.tape[entry as usize].start as usize;
                Err(ReadError { kind: ReadErrorKind::DuplicateKey, offset })
            }
            None => Ok(()),
        }
    }

    /// The string at `entry`, as it is meant.
    fn decoded(&self, entry: u32) -> Cow<'_, str> {
        let entry = self.tape[entry as usize];
        let content = &self.text[entry.start as usize + 1..entry.end as usize - 1];
        if entry.is_escaped() { Cow::Owned(text::unescape(content)) } else { Cow::Borrowed(content) }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Step {
        if self.take(byte) {
            return Ok(());
        }
        let at_end = self.peek().is_none();
        self.refuse(if at_end { ReadErrorKind::Unfinished } else { ReadErrorKind::Syntax })
    }

    fn refuse<T>(&self, kind: ReadErrorKind) -> Result<T, ReadError> {
        Err(ReadError { kind, offset: self.at })
    }
}

/// An offset, index or count as the tape stores it; the limit on the text keeps all of them small.
#[expect(clippy::cast_possible_truncation, reason = "nothing counted exceeds TEXT_BYTES_CEILING")]
fn offset(number: usize) -> u32 {
    number as u32
}

/// A digest made of a name's length, its first and its last bytes.
fn digest(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let word = |four: Option<&[u8; 4]>| four.map_or(0, |four| u32::from_le_bytes(*four));
    let edges = word(bytes.first_chunk()) ^ word(bytes.last_chunk()).rotate_left(13);
    edges ^ (offset(bytes.len()) << 24)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Document;
    use super::*;

    fn refusal(text: &str) -> (ReadErrorKind, usize) {
        let error = Document::parse(text.into(), &Limits::default()).unwrap_err();
        (error.kind, error.offset)
    }

    #[test]
    fn a_refusal_says_what_and_where() {
        use ReadErrorKind as Is;
        for (text, expected) in [
            ("", (Is::Empty, 0)),
            (" \n", (Is::Empty, 2)),
            ("\u{feff}1", (Is::Bom, 0)),
            ("1 2", (Is::Trailing, 2)),
            ("[1,]", (Is::Syntax, 3)),
            ("[1", (Is::Unfinished, 2)),
            ("{\"a\":1,\"b\":2,\"a\":3}", (Is::DuplicateKey, 13)),
            ("\"a\tb\"", (Is::Control, 2)),
            ("\"\\q\"", (Is::Escape, 1)),
            ("\"\\ud800\"", (Is::Surrogate, 1)),
            ("01", (Is::Number, 1)),
            ("tru", (Is::Unfinished, 3)),
            ("nul]", (Is::Syntax, 3)),
        ] {
            assert_eq!(refusal(text), expected, "{text}");
        }
        let error = Document::parse(b"\"\xff\"".to_vec(), &Limits::default()).unwrap_err();
        assert_eq!(error, ReadError { kind: Is::Utf8, offset: 1 });
    }

    #[test]
    fn names_are_compared_by_meaning_in_small_and_large_objects() {
        let filler =
            (0..PAIRWISE_MAX).map(|number| format!(r#""n{number}":0,"#)).collect::<Vec<_>>().concat();
        for filler in ["", &filler] {
            let (kind, offset) = refusal(&format!(r#"{{{filler}"role":0,"r\u006fle":2}}"#));
            assert_eq!((kind, offset), (ReadErrorKind::DuplicateKey, filler.len() + 10));
        }
    }

    #[test]
    fn the_same_name_may_occur_in_different_objects() {
        let text = br#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}"#;
        assert!(Document::parse(text.to_vec(), &Limits::default()).is_ok());
    }

    #[test]
    fn the_first_duplicate_of_a_large_object_is_reported() {
        let names = (0..40).chain([7, 3]).map(|number| format!(r#""{number:02}":0"#)).collect::<Vec<_>>();
        let (kind, offset) = refusal(&format!("{{{}}}", names.join(",")));
        assert_eq!((kind, offset), (ReadErrorKind::DuplicateKey, 1 + 40 * 7));
    }

    #[test]
    fn limits_hold_at_their_value_and_not_one_above() {
        let kind = |text: &str, limits: &Limits| {
            Document::parse(text.into(), limits).map_err(|error| error.kind).err()
        };
        let limits = Limits { depth_max: 2, bytes_max: 8, nodes_max: 4 };
        assert_eq!(kind("[[1]]", &limits), None);
        assert_eq!(kind("[[[]]]", &limits), Some(ReadErrorKind::Depth));
        assert_eq!(kind("[1,2,3]", &limits), None);
        assert_eq!(kind("[1,2,[]]", &limits), None);
        assert_eq!(kind("[[],[],[]]", &Limits { bytes_max: 9, ..limits }), Some(ReadErrorKind::TooLong));
        assert_eq!(kind("[1,2,3,4]", &Limits { bytes_max: 9, ..limits }), Some(ReadErrorKind::TooMany));
        let number = |digits: usize| "1".repeat(digits);
        assert_eq!(kind(&number(NUMBER_BYTES_MAX), &Limits::default()), None);
        assert_eq!(kind(&number(NUMBER_BYTES_MAX + 1), &Limits::default()), Some(ReadErrorKind::LongNumber));
    }

    #[test]
    fn depth_has_a_ceiling_of_its_own() {
        let limits = Limits { depth_max: u16::MAX, ..Limits::default() };
        let nested = |depth: u16| "[".repeat(depth.into()) + &"]".repeat(depth.into());
        assert!(Document::parse(nested(DEPTH_CEILING).into(), &limits).is_ok());
        assert!(Document::parse(nested(DEPTH_CEILING + 1).into(), &limits).is_err());
    }

    #[test]
    fn line_and_column_count_from_one_and_in_characters() {
        let text = "{\n  \"é\": ?}".as_bytes();
        let error = Document::parse(text.to_vec(), &Limits::default()).unwrap_err();
        assert_eq!(error.line_column(text), (2, 8));
        assert_eq!(error.to_string(), "unexpected character at byte 10");
    }

    /// Texts near the grammar: fragments that are valid in some orders and not in others.
    fn fragments() -> impl Strategy<Value = String> {
        let fragment = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"b\"",
            "\"\\u0061\"",
            "\"\\ud834\\udd1e\"",
            "\"\\ud834\"",
            "0",
            "-0",
            "-",
            "12",
            "1.5",
            "1e5",
            "1E-5",
            "1.",
            ".5",
            "01",
            "true",
            "false",
            "null",
            "nul",
            " ",
            "\n",
            "\t",
            "\"",
            "é",
            "\"\u{1}\"",
            "\\",
            "\u{feff}",
            "{}",
            "[]",
            "{\"a\":",
            "[1,",
        ]);
        prop::collection::vec(fragment, 0..12).prop_map(|fragments| fragments.concat())
    }

    /// What may be refused although `serde_json` accepts it.
    fn is_extra_strictness(kind: ReadErrorKind) -> bool {
        matches!(kind, ReadErrorKind::DuplicateKey | ReadErrorKind::Depth | ReadErrorKind::LongNumber)
    }

    fn agrees_with_serde_json(text: &str) -> Result<(), TestCaseError> {
        let theirs = serde_json::from_str::<serde_json::Value>(text);
        match (Document::parse(text.into(), &Limits::default()), theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours.root().to_value(), theirs),
            (Err(ours), Ok(_)) => prop_assert!(is_extra_strictness(ours.kind), "{text}: {ours}"),
            (Ok(_), Err(theirs)) => prop_assert!(false, "{text}: only they refuse it: {theirs}"),
            (Err(_), Err(_)) => {}
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn reader_and_serde_json_agree_near_the_grammar(text in fragments()) {
            agrees_with_serde_json(&text)?;
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            match (Document::parse(bytes.clone(), &Limits::default()), std::str::from_utf8(&bytes)) {
                (Ok(_), Err(_)) => prop_assert!(false, "not UTF-8, yet accepted"),
                (Err(error), Err(utf8)) => {
                    prop_assert_eq!(error, ReadError { kind: ReadErrorKind::Utf8, offset: utf8.valid_up_to() });
                }
                (_, Ok(text)) => agrees_with_serde_json(text)?,
            }
        }
    }
}

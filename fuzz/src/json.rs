//! The JSON gate, against `serde_json` as a second opinion.
//!
//! What must hold of any bytes:
//!
//! - the reader accepts them if and only if `serde_json` does, told to refuse names that occur twice, unless one of our
//!   own bounds is exceeded; what both accept means the same to both;
//! - what is refused is refused at a place inside the text;
//! - what is written of a document is read as the same document, by both, and written the same again;
//! - the elements of an array that is read in pieces are those that are read of it whole, however small the pieces.

use std::fmt;
use std::io::{self, Read};

use interlingua::json::stream::Stream;
use interlingua::json::{Document, Kind, Limits, ReadErrorKind, Value, Writer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Tree;

/// Looks at any bytes as JSON.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let ours = Document::parse(bytes.to_vec(), &Limits::default());
    let theirs = serde_json::from_slice::<Distinct>(bytes);
    match (&ours, &theirs) {
        (Ok(document), Ok(_)) => {
            if !has_private_name(document.root()) {
                assert_eq!(
                    document.root().to_value(),
                    serde_json::from_slice::<Tree>(bytes).expect("it was read once")
                );
            }
            written(document);
        }
        (Err(error), Ok(_)) => {
            let is_bound = matches!(
                error.kind,
                ReadErrorKind::Depth
                    | ReadErrorKind::LongNumber
                    | ReadErrorKind::TooLong
                    | ReadErrorKind::TooMany
            );
            assert!(is_bound, "only we refuse it: {error}");
        }
        (Ok(_), Err(error)) => panic!("only they refuse it: {error}"),
        (Err(_), Err(_)) => {}
    }
    if let Err(error) = &ours {
        assert!(error.offset <= bytes.len(), "{error} at {}", error.offset);
    }
    in_pieces(bytes, ours.as_ref().ok());
}

/// Whether there is a name in it that makes an object a number, or a text of its own, to `serde_json`.
fn has_private_name(value: Value<'_>) -> bool {
    let is_private = |name: &str| name.starts_with("$serde_json::private");
    value.members().any(|(name, value)| is_private(&name.as_str()) || has_private_name(value))
        || value.elements().any(has_private_name)
}

fn written(document: &Document) {
    let text = write(document);
    let again = Document::parse(text.clone(), &Limits::default()).expect("what we write can be read");
    assert!(again.root().same(document.root()), "what was written means something else");
    assert_eq!(write(&again), text, "what was written is written otherwise");
    assert!(serde_json::from_slice::<Distinct>(&text).is_ok(), "they cannot read what we write");
}

fn write(document: &Document) -> Vec<u8> {
    let mut out = Writer::new();
    out.value(document.root());
    out.into_vec()
}

/// What a stream gives of a text: the elements, and whether it came to the end of it.
type Elements = (Vec<Option<Vec<u8>>>, bool);

fn in_pieces(bytes: &[u8], whole: Option<&Document>) {
    // As it is, and as the only element of an array.
    let inside = [&b"{\"a\": ["[..], bytes, b"]}"].concat();
    let (found, is_sound) = elements(&inside, inside.len(), &["a"]);
    assert_eq!(elements(&inside, 1, &["a"]), (found.clone(), is_sound), "in small pieces");
    if let Some(whole) = whole {
        assert!(is_sound && found.len() == 1, "one sound element is {} elements", found.len());
        let raw = found[0].as_deref();
        assert_eq!(raw, Some(whole.root().raw().as_bytes()), "an element is other bytes");
    }
    let all = elements(bytes, bytes.len().max(1), &[]);
    assert_eq!(elements(bytes, 1, &[]), all, "in small pieces");
    if let Some(whole) = whole
        && whole.root().kind() == Kind::Array
    {
        let expected = whole.root().elements().map(|one| Some(one.raw().as_bytes().to_vec()));
        assert_eq!(all, (expected.collect(), true), "an array is read otherwise in pieces");
    }
}

fn elements(bytes: &[u8], piece: usize, way: &[&str]) -> Elements {
    let mut stream = Stream::new(Pieces(bytes, piece), way, 1 << 20);
    let (mut found, mut element) = (Vec::new(), Vec::new());
    loop {
        match stream.next(&mut element) {
            Ok(Some(at)) => found.push(at.is_whole.then(|| element.clone())),
            Ok(None) => return (found, true),
            Err(_) => return (found, false),
        }
    }
}

/// Bytes that come in pieces of one size.
struct Pieces<'b>(&'b [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let (piece, rest) = self.0.split_at(self.1.min(self.0.len()).min(room.len()));
        room[..piece.len()].copy_from_slice(piece);
        self.0 = rest;
        Ok(piece.len())
    }
}

/// Any JSON in whose objects no name occurs twice.
struct Distinct;

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Distinct, D::Error> {
        deserializer.deserialize_any(Distinct)
    }
}

impl<'de> Visitor<'de> for Distinct {
    type Value = Distinct;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_str<E>(self, _: &str) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_unit<E>(self) -> Result<Distinct, E> {
        Ok(Distinct)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Distinct, A::Error> {
        while seq.next_element::<Distinct>()?.is_some() {}
        Ok(Distinct)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Distinct, A::Error> {
        let mut names = std::collections::HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            // A number comes as an object of one member, whose value is its text.
            map.next_value::<Distinct>()?;
            if !names.insert(name) {
                return Err(A::Error::custom("a name twice"));
            }
        }
        Ok(Distinct)
    }
}

//! Cursors: the offset of a page in base64, which a client can only send back as an earlier page gave it.
//!
//! Where another server makes cursors for the same clients, ours have a mark in front, with a word of the deployment: that
//! other server may be one of us, with an old upstream and marked cursors of its own.
//!
//! Law: what is written is read as the offset it was written for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::digits;

/// How cursors of ours are written. All of them are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cursors {
    /// So that they are told from those of another server.
    Marked(Mark),
    /// As short as they can be.
    #[default]
    Plain,
}

/// Who made a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// Another server: it is none that we ever write.
    Another,
    /// It has our mark.
    Ours,
}

/// What marked cursors of one deployment begin with: the same on every replica and after every restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark([u8; WORD]);

/// What all marked cursors begin with. No other server says that, but another of us.
const KIND: &str = "interlingua:";

/// Letters of the word behind it. With them, and with what parts them from the offset, a mark is a number of bytes that base64
/// writes by themselves: whatever follows it, a cursor begins with the same letters.
const WORD: usize = 8;

/// What the digest of each word begins with.
const FORMULA: &str = "interlingua-cursor-1";

impl Mark {
    /// That of the deployment of which all this is so, and of no other.
    pub fn of(parts: &[&str]) -> Mark {
        let mut digest = Sha256::new();
        for part in [FORMULA].iter().chain(parts) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let digest = digest.finalize();
        let letters = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let mut word = [0; WORD];
        for (letter, digit) in word.iter_mut().zip(letters) {
            *letter = b"0123456789abcdef"[usize::from(digit)];
        }
        Mark(word)
    }

    fn text(self) -> String {
        let word = std::str::from_utf8(&self.0).expect("hexadecimal digits are UTF-8");
        format!("{KIND}{word}:")
    }

    /// Who made a cursor; none if nobody can tell. One that begins as ours do is for us to refuse if it is spoilt.
    pub(super) fn maker(self, cursor: &str) -> Option<Maker> {
        if cursor.starts_with(&URL_SAFE_NO_PAD.encode(self.text())) {
            return Some(Maker::Ours);
        }
        let is_plain = matches!(parts(cursor), Some((None, _)));
        (!is_plain).then_some(Maker::Another)
    }
}

impl Cursors {
    /// The cursor of the page that begins after so many items.
    pub(super) fn write(self, offset: u64) -> String {
        let mark = match self {
            Cursors::Marked(mark) => mark.text(),
            Cursors::Plain => String::new(),
        };
        URL_SAFE_NO_PAD.encode(format!("{mark}o{offset}"))
    }
}

/// The offset that a cursor says, whoever's mark it has. Only the spellings that we write are one, so that a page has one name
/// of each sort.
pub(super) fn read(text: &str) -> Option<u64> {
    parts(text).map(|(_, offset)| offset)
}

fn parts(text: &str) -> Option<(Option<Mark>, u64)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let said = std::str::from_utf8(&bytes).ok()?;
    let (mark, said) = match said.strip_prefix(KIND) {
        Some(said) => {
            let (word, said) = said.split_once(':')?;
            (Some(Mark(word.as_bytes().try_into().ok()?)), said)
        }
        None => (None, said),
    };
    let offset = digits(said.strip_prefix('o')?)?;
    (mark.map_or(Cursors::Plain, Cursors::Marked).write(offset) == text).then_some((mark, offset))
}

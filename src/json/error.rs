//! Why a text was refused, and where; never what it said.

use std::error::Error;
use std::fmt;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_and_column_count_from_one_and_in_characters() {
        let text = "{\n  \"é\": ?}".as_bytes();
        let error = ReadError { kind: ReadErrorKind::Syntax, offset: 10 };
        assert_eq!(error.line_column(text), (2, 8));
        assert_eq!(error.to_string(), "unexpected character at byte 10");
        assert_eq!(ReadError { offset: 0, ..error }.line_column(text), (1, 1));
    }

    #[test]
    fn an_offset_past_the_end_is_the_end() {
        let error = ReadError { kind: ReadErrorKind::Unfinished, offset: 99 };
        assert_eq!(error.line_column(b"[\n1"), (2, 2));
    }
}

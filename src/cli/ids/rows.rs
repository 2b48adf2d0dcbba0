//! Rows of a file, one a line: CSV below a header, or JSON objects.
//!
//! A line is never longer than [`LINE_BYTES_MAX`], so a file of any length takes the same memory. An id has no line
//! breaks in it, so neither has a CSV row, quoted or not.

use std::io::{self, BufRead, Read};

use super::Format;
use crate::json::{Document, Kind, Limits, Value};

/// Bytes of a line.
const LINE_BYTES_MAX: u64 = 16 * 1024;

const COLUMNS: [&str; 3] = ["external", "canonical", "organization"];

/// What a row says, unread. A column that is empty or missing is an empty text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) external: String,
    pub(super) canonical: String,
    pub(super) organization: String,
}

/// A reader of rows.
#[derive(Debug)]
pub(super) struct Rows<R> {
    reader: R,
    format: Format,
    line: Vec<u8>,
    number: u64,
    bytes: u64,
    /// Which column of the file is which of ours, once the header was read.
    header: Option<Vec<usize>>,
    is_over: bool,
}

impl<R: BufRead> Rows<R> {
    pub(super) fn new(reader: R, format: Format) -> Rows<R> {
        Rows { reader, format, line: Vec::new(), number: 0, bytes: 0, header: None, is_over: false }
    }

    /// How many bytes were read.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next row with its number, the header of a CSV file being row 1; or what is wrong with it.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Result<Row, String>)>> {
        while !self.is_over {
            self.line.clear();
            let read = self.reader.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut self.line)?;
            self.bytes += read as u64;
            self.number += 1;
            if read == 0 {
                self.is_over = true;
                let has_header = self.format == Format::Jsonl || self.header.is_some();
                return Ok((!has_header).then(|| (1, Err(no_header()))));
            }
            if self.line.len() as u64 > LINE_BYTES_MAX {
                // Where the next row begins is anyone's guess.
                self.is_over = true;
                return Ok(Some((self.number, Err(format!("is longer than {LINE_BYTES_MAX} bytes")))));
            }
            match self.parsed() {
                Ok(None) => {}
                Ok(Some(row)) => return Ok(Some((self.number, Ok(row)))),
                Err(why) => {
                    // Without a header nothing else can be understood.
                    self.is_over = self.format == Format::Csv && self.header.is_none();
                    return Ok(Some((self.number, Err(why))));
                }
            }
        }
        Ok(None)
    }

    /// The row of the line; none if it is a header, or empty.
    fn parsed(&mut self) -> Result<Option<Row>, String> {
        let text = str::from_utf8(&self.line).map_err(|_| "is not UTF-8 text")?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        // Some programs mark the beginning of a text.
        let text = if self.number == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        if text.is_empty() {
            return Ok(None);
        }
        if self.format == Format::Jsonl {
            return object(text).map(Some);
        }
        let fields = fields(text)?;
        let Some(header) = &self.header else {
            self.header = Some(columns(&fields)?);
            return Ok(None);
        };
        if fields.len() != header.len() {
            let own =
                if fields.len() == 1 { "1 field".to_owned() } else { format!("{} fields", fields.len()) };
            return Err(format!("has {own}, and the header has {}", header.len()));
        }
        let mut row = Row::default();
        for (field, column) in fields.into_iter().zip(header) {
            *row.column(*column) = field;
        }
        Ok(Some(row))
    }
}

impl Row {
    fn column(&mut self, index: usize) -> &mut String {
        match index {
            0 => &mut self.external,
            1 => &mut self.canonical,
            _ => &mut self.organization,
        }
    }
}

fn no_header() -> String {
    "the first row has to be `external,canonical` or `external,canonical,organization`".to_owned()
}

/// What the columns hold.
fn columns(names: &[String]) -> Result<Vec<usize>, String> {
    let mut columns = Vec::new();
    for name in names {
        let column = COLUMNS.iter().position(|known| known == name).ok_or_else(no_header)?;
        if columns.contains(&column) {
            return Err(no_header());
        }
        columns.push(column);
    }
    if columns.contains(&0) && columns.contains(&1) { Ok(columns) } else { Err(no_header()) }
}

/// The fields of a CSV row; a quoted field may hold commas, and quotes that are doubled.
fn fields(text: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let mut field = String::new();
        if let Some(mut quoted) = rest.strip_prefix('"') {
            loop {
                let (part, after) = quoted.split_once('"').ok_or("a quoted field does not end on its row")?;
                field.push_str(part);
                let Some(more) = after.strip_prefix('"') else {
                    rest = after;
                    break;
                };
                field.push('"');
                quoted = more;
            }
            if !(rest.is_empty() || rest.starts_with(',')) {
                return Err("something follows a quoted field".to_owned());
            }
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            if rest[..end].contains('"') {
                return Err("a field with quotes in it has to be quoted".to_owned());
            }
            field.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        fields.push(field);
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Ok(fields),
        }
    }
}

/// A JSON object whose members are the columns; ids may be numbers there.
fn object(text: &str) -> Result<Row, String> {
    let limits = Limits { depth_max: 2, ..Limits::default() };
    let document = Document::parse(text.as_bytes().to_vec(), &limits)
        .map_err(|error| format!("is not strict JSON: {}", error.kind.message()))?;
    let root = document.root();
    if root.kind() != Kind::Object {
        return Err("is no JSON object".to_owned());
    }
    let mut row = Row::default();
    for (key, value) in root.members() {
        let index = COLUMNS.iter().position(|known| key.is(known));
        let index = index.ok_or_else(|| format!("only {} may be in an object", COLUMNS.join(", ")))?;
        *row.column(index) = scalar(value).ok_or_else(|| format!("`{}` is no text", COLUMNS[index]))?;
    }
    Ok(row)
}

fn scalar(value: Value<'_>) -> Option<String> {
    match value.kind() {
        Kind::String => value.as_str().map(Into::into),
        Kind::Integer => Some(value.raw().to_owned()),
        Kind::Null => Some(String::new()),
        Kind::False | Kind::True | Kind::Number | Kind::Array | Kind::Object => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row: its number, and its three columns or what is wrong.
    fn read(format: Format, text: &str) -> Vec<(u64, String)> {
        let mut rows = Rows::new(text.as_bytes(), format);
        let mut read = Vec::new();
        while let Some((number, row)) = rows.next().unwrap() {
            let row = row.map(|row| format!("{}|{}|{}", row.external, row.canonical, row.organization));
            read.push((number, row.unwrap_or_else(|why| format!("! {why}"))));
        }
        assert!(rows.bytes() <= text.len() as u64);
        read
    }

    fn told(number: u64, text: &str) -> (u64, String) {
        (number, text.to_owned())
    }

    #[test]
    fn csv_rows_are_numbered_as_spreadsheets_do() {
        let text = "\u{feff}canonical,external\r\nc,e\r\n\r\n\"c,2\",\"e\"\"2\"\"\"\r\n\"\",e";
        assert_eq!(read(Format::Csv, text), [told(2, "e|c|"), told(4, "e\"2\"|c,2|"), told(5, "e||")]);
        let text = "external,canonical,organization\ne,c,o\ne,c,\n";
        assert_eq!(read(Format::Csv, text), [told(2, "e|c|o"), told(3, "e|c|")]);
    }

    #[test]
    fn one_bad_row_does_not_hide_the_next() {
        let text = "external,canonical\ne\ne,c,x\n\"e,c\n\"e\"x,c\ne\"x,c\ne,c\n";
        let read = read(Format::Csv, text);
        let wrong = [
            "has 1 field, and the header has 2",
            "has 3 fields, and the header has 2",
            "a quoted field does not end on its row",
            "something follows a quoted field",
            "a field with quotes in it has to be quoted",
        ];
        let wrong = wrong.iter().zip(2..).map(|(why, number)| told(number, &format!("! {why}")));
        assert_eq!(read, wrong.chain([told(7, "e|c|")]).collect::<Vec<_>>());
    }

    #[test]
    fn without_a_header_nothing_is_understood() {
        for text in
            ["", "e,c\ne,c\n", "external\n", "external,canonical,name\n", "external,external,canonical\n"]
        {
            assert_eq!(read(Format::Csv, text), [told(1, &format!("! {}", no_header()))], "{text:?}");
        }
    }

    #[test]
    fn json_lines_are_objects_with_the_same_columns() {
        let text = "{\"external\": 7, \"canonical\": \"c\"}\n\n{\"canonical\":\"c\",\"organization\":null,\"external\":\"ü\"}\n";
        assert_eq!(read(Format::Jsonl, text), [told(1, "7|c|"), told(3, "ü|c|")]);
        for (text, why) in [
            ("[]", "is no JSON object"),
            ("{\"external\": 7.5}", "`external` is no text"),
            ("{\"extern\": \"e\"}", "only external, canonical, organization may be in an object"),
        ] {
            assert_eq!(read(Format::Jsonl, text), [told(1, &format!("! {why}"))]);
        }
        assert!(
            read(Format::Jsonl, "{\"external\":\"a\",\"external\":\"b\"}")[0].1.contains("not strict JSON")
        );
    }

    #[test]
    fn a_line_without_an_end_takes_no_more_memory_than_another() {
        let text = format!("external,canonical\n{}", "x".repeat(1 << 20));
        let mut rows = Rows::new(text.as_bytes(), Format::Csv);
        assert_eq!(rows.next().unwrap(), Some((2, Err("is longer than 16384 bytes".to_owned()))));
        assert_eq!(rows.next().unwrap(), None);
        assert!(rows.line.capacity() < 1 << 18);
    }
}

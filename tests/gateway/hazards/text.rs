//! How the cases write bytes down: as text, in which a backslash begins whatever is not itself.
//!
//! | written | stands for |
//! | --- | --- |
//! | `\r` `\n` `\t` `\0` `\\` `\xNN` | one byte |
//! | a line break | nothing: it is layout; so are the blanks that the lines of such a text begin with |
//! | `\{70000 a}` | what stands behind the number, that many times |
//! | `\<name>` | a part, from the case, its set or its file |
//! | `\<size name>` | how many bytes that part has |
//! | `\(word …)` | no byte, but something to do at this place |

use std::collections::BTreeMap;

/// What a text becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Bytes(Vec<u8>),
    /// What stands in parentheses.
    Do(String),
}

/// Parts by name.
pub(super) type Parts = BTreeMap<String, String>;

/// Reads a text. `Err` says what is wrong with it.
pub(super) fn pieces(text: &str, parts: &Parts) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    read(text, parts, 0, &mut pieces)?;
    Ok(pieces)
}

/// The same of a text in which there is nothing to do.
pub(super) fn bytes(text: &str, parts: &Parts) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    for piece in pieces(text, parts)? {
        match piece {
            Piece::Bytes(bytes) => all.extend(bytes),
            Piece::Do(what) => return Err(format!("`{what}` stands where only bytes can")),
        }
    }
    Ok(all)
}

/// What a reader would do with it, were it longer.
const DEPTH_MAX: usize = 8;

fn read(text: &str, parts: &Parts, depth: usize, pieces: &mut Vec<Piece>) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err("parts within parts without end".to_owned());
    }
    let is_laid_out = text.contains('\n');
    for line in text.split('\n') {
        let mut rest = if is_laid_out { line.trim_start_matches(' ') } else { line };
        while let Some(at) = rest.find('\\') {
            put(pieces, &rest.as_bytes()[..at]);
            rest = &rest[at + 1..];
            let kind = rest.chars().next().ok_or("a backslash at the end of a line")?;
            rest = match kind {
                'r' => one(pieces, b'\r', rest),
                'n' => one(pieces, b'\n', rest),
                't' => one(pieces, b'\t', rest),
                '0' => one(pieces, 0, rest),
                '\\' => one(pieces, b'\\', rest),
                'x' => {
                    let digits = rest.get(1..3).ok_or("`\\x` without two digits")?;
                    let byte = u8::from_str_radix(digits, 16).map_err(|_| format!("`\\x{digits}`"))?;
                    put(pieces, &[byte]);
                    &rest[3..]
                }
                '{' => {
                    let (inside, rest) = until(rest, '}')?;
                    let (count, what) =
                        inside.split_once(' ').ok_or_else(|| format!("`{inside}` says no number"))?;
                    let count: usize = count.parse().map_err(|_| format!("`{count}` is no number"))?;
                    put(pieces, &bytes(what, parts)?.repeat(count));
                    rest
                }
                '<' => {
                    let (name, rest) = until(rest, '>')?;
                    if let Some(of) = name.strip_prefix("size ") {
                        let size = bytes(part(parts, of)?, parts)?.len();
                        put(pieces, size.to_string().as_bytes());
                    } else {
                        read(part(parts, name)?, parts, depth + 1, pieces)?;
                    }
                    rest
                }
                '(' => {
                    let (what, rest) = until(rest, ')')?;
                    pieces.push(Piece::Do(what.to_owned()));
                    rest
                }
                other => return Err(format!("`\\{other}` means nothing")),
            };
        }
        put(pieces, rest.as_bytes());
    }
    Ok(())
}

fn part<'a>(parts: &'a Parts, name: &str) -> Result<&'a str, String> {
    parts.get(name).map(String::as_str).ok_or_else(|| format!("there is no part `{name}`"))
}

fn until(text: &str, end: char) -> Result<(&str, &str), String> {
    text[1..].split_once(end).ok_or_else(|| format!("`{end}` is missing behind `{}`", &text[..1]))
}

fn one<'a>(pieces: &mut Vec<Piece>, byte: u8, rest: &'a str) -> &'a str {
    put(pieces, &[byte]);
    &rest[1..]
}

fn put(pieces: &mut Vec<Piece>, more: &[u8]) {
    match pieces.last_mut() {
        Some(Piece::Bytes(bytes)) => bytes.extend_from_slice(more),
        _ if more.is_empty() => {}
        _ => pieces.push(Piece::Bytes(more.to_vec())),
    }
}

#[test]
fn a_text_becomes_what_the_table_says() {
    let parts: Parts =
        [("name", "b\\<inner>"), ("inner", "c\\x80")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    let read = |text| pieces(text, &parts);
    let all = |bytes: &[u8]| Ok(vec![Piece::Bytes(bytes.to_vec())]);
    assert_eq!(read("a\\r\\n\n  \\0\\\\"), all(b"a\r\n\0\\"));
    assert_eq!(read("\\{3 a\\n}"), all(b"a\na\na\n"));
    assert_eq!(read(" \\{3  }"), all(b"    "));
    assert_eq!(read("\\<name>\\<size name>"), all(b"bc\x803"));
    let told =
        vec![Piece::Bytes(b"a".to_vec()), Piece::Do("heard 2".to_owned()), Piece::Bytes(b"b".to_vec())];
    assert_eq!(read("a\\(heard 2)b"), Ok(told));
    for wrong in ["\\q", "\\", "\\x1", "\\xzz", "\\{a}", "\\{a b}", "\\<none>", "\\<name", "\\(a"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(bytes("\\(a)", &parts).is_err());
}

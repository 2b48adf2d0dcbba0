//! JSON documents named on the command line, `-` being standard input.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::failure::Failure;
use crate::{
    boot::FileError,
    diag::{Diagnostic, SourceId, Sources, Span, code},
    json::{Document, Limits},
};

/// Reads the bytes of each file, all of them or none.
pub(super) fn read_all<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<Vec<Vec<u8>>, Failure> {
    read_each(paths).collect()
}

/// Reads the bytes of each file, as far as it can be read.
pub(super) fn read_each<'a>(
    paths: impl IntoIterator<Item = &'a PathBuf>,
) -> impl Iterator<Item = Result<Vec<u8>, Failure>> {
    let mut stdin = Some(io::stdin());
    let read = move |path: &PathBuf| match (is_stdin(path), stdin.take_if(|_| is_stdin(path))) {
        (false, _) => file(path),
        (true, Some(mut stdin)) => {
            let mut bytes = Vec::new();
            stdin.read_to_end(&mut bytes).map_err(Failure::io("cannot read standard input"))?;
            Ok(bytes)
        }
        (true, None) => Err(Failure::StdinTwice),
    };
    paths.into_iter().map(read)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn file(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|source| FileError::Read { path: path.to_owned(), source }.into())
}

/// Reads the text as strictly as a request and keeps it among the sources.
pub(super) fn parse(
    path: &Path,
    bytes: Vec<u8>,
    limits: &Limits,
    sources: &mut Sources,
) -> Result<(SourceId, Document), Diagnostic> {
    let name = if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() };
    // Up to the first byte that is no text this is the text, and nothing is said about what comes after.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let source = sources.add(name, text);
    let length = bytes.len();
    match Document::parse(bytes, limits) {
        Ok(document) => Ok((source, document)),
        Err(error) => {
            let start = error.offset.min(length);
            let place = Span::new(source, start..(start + 1).min(length));
            let message = format!("not strict JSON: {}", error.kind.message());
            Err(Diagnostic::error(code::V0101, message).at(place, "here"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::render;

    fn refused(bytes: &[u8]) -> String {
        let mut sources = Sources::default();
        let found = parse(Path::new("a.json"), bytes.to_vec(), &Limits::default(), &mut sources).unwrap_err();
        render::text(&[found], &sources, false)
    }

    #[test]
    fn a_name_given_twice_is_pointed_at() {
        let expected = "\
error[V0101]: not strict JSON: duplicate member name
 --> a.json:2:1
  |
2 | \"role\":2}
  | ^ here

";
        assert_eq!(refused(b"{\"role\":1,\n\"role\":2}"), expected);
    }

    #[test]
    fn what_is_no_text_is_pointed_at_too() {
        let text = refused(b"{\"name\": \"caf\xe9\"}");
        assert!(
            text.starts_with("error[V0101]: not strict JSON: invalid UTF-8\n --> a.json:1:14\n"),
            "{text}"
        );
    }

    #[test]
    fn an_empty_file_holds_no_value() {
        let text = refused(b"");
        assert!(text.starts_with("error[V0101]: not strict JSON: no value\n --> a.json:1:1\n"), "{text}");
    }

    #[test]
    fn standard_input_can_be_read_only_once() {
        // The first of the two is at its end at once: tests have no terminal.
        let error = read_all(&["-".into(), "-".into()]).unwrap_err();
        assert_eq!(error.to_string(), "standard input, `-`, can be read only once");
    }
}

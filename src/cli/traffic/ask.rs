//! What is to be looked at, as it was typed.

use std::path::{Path, PathBuf};

use super::{Input, InputKind};
use crate::cli::Failure;

/// What the words of a command line ask for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Asked {
    pub(in crate::cli) dialect: Option<String>,
    pub(in crate::cli) operation: Option<String>,
    files: Vec<PathBuf>,
}

/// Why nothing can be looked at.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Misasked {
    /// A base of which dialect?
    #[error("of which dialect is the base? say `--base DIALECT=URL`")]
    BaseOfNobody,
    /// Traffic of the backend.
    #[error("of `canonical` there are single bodies only: name an operation, and files of JSON or of lines")]
    CanonicalTraffic,
    /// No file.
    #[error(
        "there is no file to look at{}; a file has an ending such as `.json` or `.har`, or a slash in its name",
        .0.as_ref().map(|word| format!(": `{word}` is taken for a name")).unwrap_or_default()
    )]
    NoFile(Option<String>),
    /// Both sides of what has one.
    #[error("a single body is a request or an answer: say which with `--side`")]
    TwoSides,
    /// A status of requests.
    #[error("`--status` is about answers that are single bodies: name an operation, and say `--side answer`")]
    StatusOfNothing,
}

impl Asked {
    /// Up to two names come first; whatever looks like a file is one, and so is whatever follows.
    pub(in crate::cli) fn of(words: &[PathBuf]) -> Result<Asked, Misasked> {
        let before = words.iter().take(2).take_while(|word| !is_file(word)).count();
        let (names, files) = words.split_at(before);
        if files.is_empty() {
            return Err(Misasked::NoFile(names.last().map(|word| word.to_string_lossy().into_owned())));
        }
        let text = |index: usize| names.get(index).map(|name| name.to_string_lossy().into_owned());
        Ok(Asked { dialect: text(0), operation: text(1), files: files.to_vec() })
    }

    /// The files, of which only one may be standard input.
    pub(in crate::cli) fn inputs(&self, kind: Option<InputKind>) -> Result<Vec<Input>, Failure> {
        let inputs: Vec<_> = self.files.iter().map(|path| Input::new(path, kind)).collect();
        if inputs.iter().filter(|input| input.is_stdin()).count() > 1 {
            return Err(Failure::StdinTwice);
        }
        Ok(inputs)
    }
}

/// Whether a word is a file rather than a name. Names of operations may have dots in them, too.
fn is_file(word: &Path) -> bool {
    let text = word.to_string_lossy();
    text == "-" || text.contains(['/', '\\']) || InputKind::of(word).is_some() || word.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<(Option<String>, Option<String>, usize), String> {
        let words: Vec<_> = words.iter().map(PathBuf::from).collect();
        let asked = Asked::of(&words).map_err(|why| why.to_string())?;
        Ok((asked.dialect, asked.operation, asked.files.len()))
    }

    #[test]
    fn names_come_before_files() {
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(asked(&["a.har", "b.har"]), Ok((None, None, 2)));
        assert_eq!(asked(&["acme", "a.har"]), Ok((name("acme"), None, 1)));
        assert_eq!(asked(&["acme", "members.add", "-", "b"]), Ok((name("acme"), name("members.add"), 2)));
        assert_eq!(asked(&["acme", "add", "body", "x"]), Ok((name("acme"), name("add"), 2)));
        assert_eq!(asked(&["./acme"]), Ok((None, None, 1)));
        assert_eq!(asked(&["acme", "add"]), Err(Misasked::NoFile(Some("add".to_owned())).to_string()));
    }
}

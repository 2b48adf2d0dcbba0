//! What a document says and a mapping cannot: told with its place, once, while everything else goes on.

use std::fmt;

/// How many are told. Whoever needs more has another problem.
const MOST: usize = 200;

/// Something that was left out or guessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The JSON Pointer of the place it is about.
    pub at: String,
    /// What happened to it.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pointer is made of names that somebody else chose.
        let at: String = self.at.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        write!(f, "#{at}: {}", self.text)
    }
}

/// All of them, in the order in which they were found.
#[derive(Default)]
pub(super) struct Notes {
    list: Vec<Note>,
    more: usize,
}

impl Notes {
    pub(super) fn push(&mut self, at: &str, text: impl Into<String>) {
        let note = Note { at: at.to_owned(), text: text.into() };
        if self.list.contains(&note) {
            return;
        }
        if self.list.len() < MOST {
            self.list.push(note);
        } else {
            self.more += 1;
        }
    }

    #[cfg(test)]
    pub(super) fn list(&self) -> &[Note] {
        &self.list
    }

    pub(super) fn into_vec(mut self) -> Vec<Note> {
        if self.more > 0 {
            let text = format!("and {} more of this sort", self.more);
            self.list.push(Note { at: String::new(), text });
        }
        self.list
    }
}

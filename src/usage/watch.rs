//! Which parts of an operation a request uses: compiled once from schemas and lenses, found in one walk over a request.
//!
//! Only names that schemas and mappings declare are ever noted, and only values of sets that they list: words of tables and
//! enumerations. What else a client writes, no part is for.

use crate::canonical::id::IdForm;
use crate::json::{Document, Kind, Value};
use crate::lens::path::Literal;
use crate::translate::Request;

mod making;

/// The places of parts that every operation has: itself, and that a request was not read.
const OPERATION: usize = 0;
const UNREAD: usize = 1;

/// The parts of one operation.
#[derive(Debug)]
pub struct Watch {
    /// The numbers of its parts, those that every operation has first.
    parts: Vec<u32>,
    body: Node,
    /// By parameter.
    path: Vec<(Box<str>, Node)>,
    query: Vec<(Box<str>, Node)>,
}

/// A place in a request. Places in [`Watch::parts`] are what it is noted as.
#[derive(Debug, Default)]
struct Node {
    part: Option<usize>,
    values: Vec<(Literal, usize)>,
    /// The forms of the id that it is, in the order in which they are tried.
    forms: Vec<(IdForm, usize)>,
    members: Vec<(Box<str>, Node)>,
    /// What no object is stands for the object's member of this name.
    bare: Option<Box<str>>,
    elements: Option<Box<Node>>,
}

/// Which parts a request uses: a bit for each; none at all if nobody has read it.
#[derive(Debug, Default)]
pub struct Used(Vec<u64>);

impl Watch {
    /// Which parts a request uses. It need not have been checked: what is not as it should be is not noted.
    pub(super) fn find(&self, request: &Request) -> Used {
        let mut used = Used(vec![0; self.parts.len().div_ceil(64)]);
        used.note(OPERATION);
        if let Some(body) = request.body.as_ref().map(Document::root) {
            self.body.find(body, &mut used);
        }
        for (known, given) in [(&self.path, &request.path), (&self.query, &request.query)] {
            for (name, text) in given {
                if let Some((_, node)) = known.iter().find(|(known, _)| known == name) {
                    node.find_text(text, &mut used);
                }
            }
        }
        used
    }

    /// The numbers of the parts that are used. The operation is in any case; that the request was not read is told where
    /// there was anything to be found.
    pub(super) fn numbers<'w>(&'w self, used: &'w Used) -> impl Iterator<Item = u32> + Clone + 'w {
        let is_unread = used.is_unread() && self.parts.len() > UNREAD + 1;
        let is_used = move |at: &usize| match *at {
            OPERATION => true,
            UNREAD => is_unread,
            at => used.has(at),
        };
        (0..self.parts.len()).filter(is_used).map(move |at| self.parts[at])
    }
}

impl Used {
    /// Notes that there was more to be read than could be.
    pub fn unread(&mut self) {
        if !self.0.is_empty() {
            self.note(UNREAD);
        }
    }

    fn is_unread(&self) -> bool {
        self.0.is_empty() || self.has(UNREAD)
    }

    fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|bits| bits & (1 << (at % 64)) != 0)
    }

    fn note(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }
}

impl Node {
    fn find(&self, value: Value<'_>, used: &mut Used) {
        match (value.kind(), &self.elements) {
            (Kind::Array, Some(elements)) => {
                self.note_itself(used);
                value.elements().for_each(|element| elements.find(element, used));
                return;
            }
            // What is no array is the only element.
            (_, Some(elements)) if !value.is_null() && self.members.is_empty() => elements.find(value, used),
            _ => {}
        }
        if value.kind() == Kind::Object {
            self.note_itself(used);
            for (name, value) in value.members() {
                if let Some((_, node)) = self.members.iter().find(|(known, _)| name.is(known)) {
                    node.find(value, used);
                }
            }
            return;
        }
        if let Some((_, node)) =
            self.bare.as_ref().and_then(|bare| self.members.iter().find(|(name, _)| name == bare))
        {
            node.find(value, used);
        }
        self.note_itself(used);
        if let Some((_, at)) = self.values.iter().find(|(known, _)| known.value().same(value)) {
            used.note(*at);
        }
        if !self.forms.is_empty()
            && let Some(text) = value.as_str()
        {
            self.note_form(&text, used);
        }
    }

    fn find_text(&self, text: &str, used: &mut Used) {
        self.note_itself(used);
        if let Some((_, at)) = self.values.iter().find(|(known, _)| known.is_text(text)) {
            used.note(*at);
        }
        self.note_form(text, used);
    }

    fn note_itself(&self, used: &mut Used) {
        self.part.into_iter().for_each(|at| used.note(at));
    }

    fn note_form(&self, text: &str, used: &mut Used) {
        if let Some((_, at)) = self.forms.iter().find(|(form, _)| form.read(text).is_ok()) {
            used.note(*at);
        }
    }
}

//! Answers of the canonical API that were made for one dialect, for the next one that knows the same of them.
//!
//! Which answers there are depends on the canonical schema, on what a lens knows of its places, and on how long a text has
//! to be to be long. Dialects mostly agree on all three.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::diag::SourceId;
use crate::json::Document;
use crate::schema::Schema;
use crate::schema::instances::{Guide, Untried};

/// How many bytes of answers are kept. Beyond it they are made anew each time.
const BYTES_MAX: usize = 64 << 20;

/// The answers that were made so far, for dialects of one canonical API.
#[derive(Default)]
pub(in crate::mapping) struct Shared(RefCell<Kept>);

#[derive(Default)]
struct Kept {
    known: HashMap<Asked, Vec<Made>>,
    bytes: usize,
    /// What was said to be untried, by where it stands: once for all dialects.
    told: HashSet<(SourceId, u32, &'static str)>,
}

/// Answers, the guides they were made with, and what none of them shows.
struct Made {
    guides: Vec<Guide>,
    documents: Vec<Document>,
    untried: Vec<Untried>,
}

/// A schema, by its address, and the length of a long text.
type Asked = (usize, usize);

impl Shared {
    /// Whether nobody was told of it before.
    pub(super) fn is_news(&self, untried: &Untried) -> bool {
        let Untried { at, what } = untried;
        self.0.borrow_mut().told.insert((at.source, at.start, what))
    }

    /// The answers made of a schema and what none of them shows, or those that were made of it before with the same
    /// guides.
    pub(super) fn documents(
        &self,
        canonical: &Schema,
        guides: &[Guide],
        long: usize,
        make: impl FnOnce() -> (Vec<Document>, Vec<Untried>),
    ) -> (Vec<Document>, Vec<Untried>) {
        let asked = (std::ptr::from_ref(canonical).addr(), long);
        let same = |kept: &Kept| {
            let found = kept.known.get(&asked)?.iter().find(|made| made.guides == guides);
            found.map(|made| (made.documents.clone(), made.untried.clone()))
        };
        if let Some(known) = same(&self.0.borrow()) {
            return known;
        }
        let (documents, untried) = make();
        let mut kept = self.0.borrow_mut();
        kept.bytes += documents.iter().map(|document| document.text().len()).sum::<usize>();
        if kept.bytes <= BYTES_MAX {
            let (documents, untried) = (documents.clone(), untried.clone());
            let one = Made { guides: guides.to_vec(), documents, untried };
            kept.known.entry(asked).or_default().push(one);
        }
        (documents, untried)
    }
}

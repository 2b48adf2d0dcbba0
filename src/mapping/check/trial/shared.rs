//! Answers of the canonical API that were made for one dialect, for the next one that knows the same of them.
//!
//! Which answers there are depends on the canonical schema, on what a lens knows of its places, and on how long a text has
//! to be to be long. Dialects mostly agree on all three.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::json::Document;
use crate::schema::Schema;
use crate::schema::instances::Guide;

/// How many bytes of answers are kept. Beyond it they are made anew each time.
const BYTES_MAX: usize = 64 << 20;

/// The answers that were made so far, for dialects of one canonical API.
#[derive(Default)]
pub(in crate::mapping) struct Shared(RefCell<Kept>);

#[derive(Default)]
struct Kept {
    known: HashMap<Asked, Vec<Made>>,
    bytes: usize,
}

/// Answers, and the guides they were made with.
struct Made {
    guides: Vec<Guide>,
    documents: Vec<Document>,
}

/// A schema, by its address, and the length of a long text.
type Asked = (usize, usize);

impl Shared {
    /// The answers made of a schema, or those that were made of it before with the same guides.
    pub(super) fn documents(
        &self,
        canonical: &Schema,
        guides: &[Guide],
        long: usize,
        make: impl FnOnce() -> Vec<Document>,
    ) -> Vec<Document> {
        let asked = (std::ptr::from_ref(canonical).addr(), long);
        let same = |kept: &Kept| {
            let found = kept.known.get(&asked)?.iter().find(|made| made.guides == guides);
            found.map(|made| made.documents.clone())
        };
        if let Some(documents) = same(&self.0.borrow()) {
            return documents;
        }
        let documents = make();
        let mut kept = self.0.borrow_mut();
        kept.bytes += documents.iter().map(|document| document.text().len()).sum::<usize>();
        if kept.bytes <= BYTES_MAX {
            let one = Made { guides: guides.to_vec(), documents: documents.clone() };
            kept.known.entry(asked).or_default().push(one);
        }
        documents
    }
}

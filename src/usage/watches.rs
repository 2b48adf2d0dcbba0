//! What can be used and lost of the dialects of a registry, operation by operation.

use std::sync::Arc;

use super::book::Book;
use super::met::{Losses, Outcomes};
use super::part::Part;
use super::watch::{Used, Watch};
use crate::dialect::{ByName, Registry};
use crate::translate::Request;

/// What can be used of all dialects there are.
#[derive(Debug)]
pub struct Watches {
    book: Arc<Book>,
    /// By dialect, then by operation.
    operations: ByName<ByName<Arc<Watch>>>,
    /// By the same.
    losses: ByName<ByName<Losses>>,
    /// By the same.
    outcomes: ByName<ByName<Outcomes>>,
}

impl Watches {
    /// Those of the registry, counted in that book.
    pub fn of(registry: &Registry, book: Arc<Book>) -> Watches {
        let number = |part: &Part| book.parts().number(part);
        let operations = registry.dialects().iter().map(|dialect| {
            let watches = dialect.operations.iter().map(|operation| {
                (operation.name.clone(), Arc::new(Watch::of(&dialect.name, operation, &number)))
            });
            (dialect.name.clone(), watches.collect())
        });
        let operations = operations.collect();
        let losses = registry.dialects().iter();
        let losses = losses.map(|dialect| (dialect.name.clone(), Losses::of(dialect).collect()));
        let outcomes = registry.dialects().iter();
        let outcomes = outcomes.map(|dialect| (dialect.name.clone(), Outcomes::of(dialect).collect()));
        Watches { operations, losses: losses.collect(), outcomes: outcomes.collect(), book }
    }

    /// Where it is counted.
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    /// That of an operation.
    pub fn operation(&self, dialect: &str, operation: &str) -> Option<&Arc<Watch>> {
        self.operations.get(dialect)?.get(operation)
    }

    /// The declared losses that an operation can meet.
    pub(super) fn losses(&self, dialect: &str, operation: &str) -> Option<&Losses> {
        self.losses.get(dialect)?.get(operation)
    }

    /// How shadows of an operation may end.
    pub(super) fn outcomes(&self, dialect: &str, operation: &str) -> Option<&Outcomes> {
        self.outcomes.get(dialect)?.get(operation)
    }

    /// Which parts a request uses.
    pub fn find(&self, request: &Request) -> Used {
        let watch = self.operation(&request.dialect.name, &request.operation.name);
        watch.map(|watch| watch.find(request)).unwrap_or_default()
    }
}

//! The ledger of a dialect: what of either side becomes what on the other, what does not, and why.
//!
//! It is read from the lenses that run, and a loss has the name that it has at run time. What no lens tells of an answer is
//! declared beside the answer.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

mod crossing;

pub use self::crossing::{Crossing, Crossings, landings};
use super::Dialect;
use super::operation::{AnswerBody, AnswerPlan, Operation};
use crate::diag::Span;
use crate::lens::explain::Loss;
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::op::table::{Landing, Table, Word};
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Lens};

/// Something that is excepted from the proofs of privilege.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// What is.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Where the mapping says so.
    pub origin: Span,
}

/// A place of what a call answers that an operation does not tell, because no lens does: it answers nothing, always the same,
/// or how many calls succeeded. It is lost with every answer, so that nobody counts it.
#[derive(Clone, Debug)]
pub struct Untold {
    /// The operation.
    pub operation: String,
    /// What it calls.
    pub calls: String,
    /// The place, and why it is lost.
    pub loss: Loss,
}

/// What becomes of everything a dialect speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// By lens, in the order of their names.
    pub lenses: Vec<LensEntries>,
    /// By table of words, that of roles first.
    pub words: Vec<WordEntries>,
    /// By operation, in the order of the mapping.
    pub operations: Vec<OperationEntries>,
}

/// What a lens does with both its sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LensEntries {
    /// The lens.
    pub lens: String,
    /// The dialect's schema.
    pub schema: Option<String>,
    /// The canonical schema.
    pub canonical: Option<String>,
    /// Place by place: what crosses in the order of the mapping, then what does not.
    pub entries: Vec<Entry>,
}

/// What becomes of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The dialect's place, if there is one.
    pub dialect: Option<String>,
    /// The canonical place, if there is one.
    pub canonical: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It always holds this JSON.
    Constant(String),
    /// Nothing, for this reason.
    Lost {
        /// The name of the loss.
        name: String,
        /// Why.
        reason: String,
    },
    /// It becomes the other place.
    Mapped {
        /// How.
        op: &'static str,
        /// By which lens, table or word.
        by: Option<String>,
        /// Whether it is only shown, and never read back.
        shown: bool,
    },
}

/// What becomes of words that have no pair of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordEntries {
    /// The table.
    pub table: String,
    /// Canonical words and the dialect's words they are told as, as JSON.
    pub told: Vec<(String, String)>,
    /// Canonical words that are refused, as JSON, and why.
    pub refused: Vec<(String, String)>,
    /// Words of the dialect that are shown as another when they are read back, as JSON.
    pub merged: Vec<(String, String)>,
}

/// What becomes of the parameters of an operation, and of the items it lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationEntries {
    /// The operation.
    pub operation: String,
    /// What it calls.
    pub calls: String,
    /// Parameters, what the operation itself sets, and what it does not tell of the answer.
    pub entries: Vec<Entry>,
    /// Why items are left out of its lists, if they are.
    pub omits: Vec<String>,
}

impl Ledger {
    /// That of a dialect.
    pub fn of(dialect: &Dialect) -> Self {
        let lenses = dialect.lenses.iter().map(|(name, shaped)| LensEntries {
            lens: name.clone(),
            schema: shaped.left.as_ref().map(|schema| schema.name().to_owned()),
            canonical: shaped.right.as_ref().map(|schema| schema.name().to_owned()),
            entries: entries(&shaped.lens, |_| true),
        });

        // What a lens says is the lens's, wherever it is used.
        let all = || dialect.lenses.values().map(|shaped| &shaped.lens);
        let said: HashSet<Span> = all().flat_map(|lens| origins(lens)).collect();
        let is_own = |origin: Option<Span>| origin.is_none_or(|origin| !said.contains(&origin));
        let every = || dialect.operations.iter().flat_map(|operation| operation.with_cases());
        let operations = every().map(|operation| OperationEntries {
            operation: operation.name.clone(),
            calls: operation.calls.name.clone(),
            entries: entries(&operation.request, is_own)
                .into_iter()
                .chain(untold(dialect, operation))
                .collect(),
            omits: omits(operation).map(str::to_owned).collect(),
        });

        let fields = all().chain(every().map(|operation| &operation.request)).flat_map(|lens| lens.fields());
        let tables = dialect.roles.iter().chain(fields.filter_map(|field| table(&field.op)));
        let mut seen = BTreeSet::new();
        let tables = tables.filter(|table| seen.insert(table.name.as_str()));
        Self {
            words: tables.map(|table| WordEntries::of(table)).collect(),
            lenses: lenses.collect(),
            operations: operations.collect(),
        }
    }
}

impl WordEntries {
    fn of(table: &Table) -> Self {
        let json = |word: &Word| word.json().to_owned();
        let (mut told, mut refused) = (Vec::new(), Vec::new());
        for (word, landing) in &table.lands {
            match landing {
                Landing::Refuse(reason) => refused.push((json(word), reason.clone())),
                Landing::Row(index) => told.push((json(word), json(&table.rows[*index].word))),
            }
        }
        let merged = table.read_back().filter(|(word, shown, _)| **word != shown.word);
        let merged = merged.map(|(word, shown, _)| (json(word), json(&shown.word))).collect();
        Self { table: table.name.clone(), told, refused, merged }
    }
}

/// What an operation does not tell of the answer of its call.
fn untold(dialect: &Dialect, operation: &Operation) -> impl Iterator<Item = Entry> {
    let own = dialect.untold.iter();
    let own = own.filter(|one| one.operation == operation.name && one.calls == operation.calls.name);
    own.map(|one| of_loss(&one.loss))
}

/// Why items are left out of the lists of an operation.
fn omits(operation: &Operation) -> impl Iterator<Item = &str> {
    let answers = match &operation.answer {
        AnswerPlan::Collect(_) => &[][..],
        AnswerPlan::One(answers) => answers,
    };
    answers.iter().filter_map(|answer| match &answer.body {
        AnswerBody::Items { omits, .. } => omits.as_deref(),
        AnswerBody::Constant(_) | AnswerBody::Empty | AnswerBody::Lens(_) => None,
    })
}

/// Where the mapping says what a lens does.
fn origins(lens: &Lens) -> impl Iterator<Item = Span> {
    let fields = lens.fields().iter().map(|field| field.origin);
    fields.chain(lens.losses().iter().map(|loss| loss.origin)).flatten()
}

/// What a lens does with each place that those lines of the mapping are about.
fn entries(lens: &Lens, is_meant: impl Fn(Option<Span>) -> bool) -> Vec<Entry> {
    let fields = lens.fields().iter().filter(|field| is_meant(field.origin)).flat_map(of_field);
    let losses = lens.losses().iter().filter(|loss| is_meant(loss.origin)).map(of_loss);
    fields.chain(losses).collect()
}

/// A field, and the places it looks at besides its own.
fn of_field(field: &Field) -> Vec<Entry> {
    let (dialect, canonical) = (field.left.as_ref().map(text), field.right.as_ref().map(text));
    let fate = match &field.op {
        Op::Constant(literal) => Fate::Constant(literal.json().to_owned()),
        op => Fate::Mapped { op: name(op), by: by(op), shown: field.when.shown },
    };
    let mut entries = vec![Entry { dialect: dialect.clone(), canonical: canonical.clone(), fate }];
    let when = &field.when;
    let besides = |op, by: Option<String>| Fate::Mapped { op, by, shown: false };
    if let Some(at) = &when.fallback {
        let (dialect, canonical) = (Some(text(at)), canonical.clone());
        entries.push(Entry { dialect, canonical, fate: besides("from", None) });
    }
    if let Some(value) = &when.default {
        let by = Some(value.json().to_owned());
        let (dialect, canonical) = (dialect.clone(), canonical.clone());
        entries.push(Entry { dialect, canonical, fate: besides("default", by) });
    }
    if let Some((at, _)) = &when.lift_when {
        entries.push(Entry { dialect: Some(text(at)), canonical, fate: besides("when", None) });
    }
    if let Some((at, value)) = &when.tag {
        let (canonical, by) = (Some(text(at)), Some(value.json().to_owned()));
        entries.push(Entry { dialect, canonical, fate: besides("tag", by) });
    }
    entries
}

fn of_loss(loss: &Loss) -> Entry {
    let at = Some(text(&loss.at));
    let (dialect, canonical) = match loss.direction {
        Direction::Lift => (at, None),
        Direction::Lower => (None, at),
    };
    Entry { dialect, canonical, fate: Fate::Lost { name: loss.name.clone(), reason: loss.reason.clone() } }
}

fn text(at: &Address) -> String {
    at.to_string()
}

/// What an op is called in a mapping.
fn name(op: &Op) -> &'static str {
    match op {
        Op::Constant(_) => "constant",
        Op::Copy => "copy",
        Op::Each(_) => "each",
        Op::Filter(_) => "filter",
        Op::Fixed(_) => "fixed",
        Op::Has(_) => "has",
        Op::Id(_) => "id",
        Op::Label(_) => "label",
        Op::Nested(_) => "lens",
        Op::Prefix(_) => "prefix",
        Op::Resolve(_) => "resolve",
        Op::Row(_) => "row",
        Op::Table(_) => "table",
    }
}

/// By which lens, table, word or text.
fn by(op: &Op) -> Option<String> {
    match op {
        Op::Each(each) => match &each.item {
            Item::Copy => None,
            Item::Id(_) => Some("id".to_owned()),
            Item::Lens(lens) => Some(lens.name().to_owned()),
        },
        Op::Fixed(fixed) => Some(fixed.0.json().to_owned()),
        Op::Has(has) => Some(has.0.json().to_owned()),
        Op::Nested(nested) => Some(nested.lens.name().to_owned()),
        Op::Prefix(prefix) => Some(prefix.before.to_string()),
        Op::Filter(_) | Op::Label(_) | Op::Row(_) | Op::Table(_) => table(op).map(|table| table.name.clone()),
        Op::Constant(_) | Op::Copy | Op::Id(_) | Op::Resolve(_) => None,
    }
}

/// The table of words that an op goes by.
fn table(op: &Op) -> Option<&Arc<Table>> {
    match op {
        Op::Filter(filter) => Some(&filter.0),
        Op::Label(label) => Some(&label.0),
        Op::Row(row) => Some(&row.table),
        Op::Table(table) => Some(table),
        Op::Constant(_)
        | Op::Copy
        | Op::Each(_)
        | Op::Fixed(_)
        | Op::Has(_)
        | Op::Id(_)
        | Op::Nested(_)
        | Op::Prefix(_)
        | Op::Resolve(_) => None,
    }
}

//! Who can be moved: whoever uses only what its dialect's mapping brings to the other side whole.
//!
//! The mappings say what is lost, for the loader sees to it that everything else crosses. In the way is what a client writes
//! and the backend never hears, or hears as something else; to be known is what answers tell otherwise.

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::ledger::Ledger;
use crate::dialect::operation::{AnswerBody, AnswerPlan, RequestBody};
use crate::dialect::{Dialect, Operation, Registry};
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::op::table::{Landing, Table};
use crate::lens::{Direction, Lens};
use crate::problem::Root;
use crate::usage::heavy::Use;
use crate::usage::{Kind, Part, Snapshot, Who};

/// How deep lenses are followed into each other.
const DEPTH_MAX: usize = 8;

/// What is to be said of a principal.
pub(super) struct Verdict {
    pub(super) who: Who,
    /// Requests, by dialect.
    pub(super) dialects: BTreeMap<String, Use<()>>,
    /// What its programs call themselves.
    pub(super) clients: BTreeSet<String>,
    /// How many operations, fields, values and spellings of ids it uses.
    pub(super) parts: usize,
    /// What it uses that is lost, and why.
    pub(super) blocks: Vec<(Part, String, Use<()>)>,
    /// What it may be told otherwise.
    pub(super) remarks: BTreeSet<String>,
    /// Whether it may have used parts of which nothing is known any more.
    pub(super) may_miss: bool,
}

/// Whether somebody can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moving {
    /// Something is in the way.
    Blocked,
    /// Nothing is known to be, and something may be that was forgotten.
    Unknown,
    /// Nothing is.
    Safe,
}

impl Moving {
    /// In one word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Moving::Blocked => "blocked",
            Moving::Unknown => "unknown",
            Moving::Safe => "safe",
        }
    }
}

impl Verdict {
    /// Whether it can be moved.
    pub(super) fn moving(&self) -> Moving {
        match (self.blocks.is_empty(), self.may_miss) {
            (false, _) => Moving::Blocked,
            (true, true) => Moving::Unknown,
            (true, false) => Moving::Safe,
        }
    }
}

/// What is to be said of every principal, in their order.
pub(super) fn all(counted: &Snapshot, registry: &Registry) -> Vec<Verdict> {
    let fates = Fates::of(registry);
    let mut verdicts: BTreeMap<Who, Verdict> = BTreeMap::new();
    for ((who, part), known) in counted.uses.uses() {
        let verdict = verdicts.entry(*who).or_insert_with(|| Verdict::of(*who));
        // What is used least is forgotten first, and what is in the way is used seldom.
        verdict.may_miss |= counted.uses.missed > 0;
        if part.kind == Kind::Unread {
            // What they would have used, had anybody read them, may be in the way.
            verdict.may_miss = true;
            verdict
                .remarks
                .insert(format!("{part}: {} requests, of which nobody knows what they use", known.count));
            continue;
        }
        verdict.parts += 1;
        if part.kind == Kind::Operation {
            let all =
                verdict.dialects.entry(part.dialect.clone()).or_insert(Use { count: 0, error: 0, ..*known });
            all.count += known.count;
            all.error += known.error;
            all.first = all.first.min(known.first);
            all.last = all.last.max(known.last);
            verdict.remarks.extend(fates.remarks(part).cloned());
        }
        if let Some(shown) = fates.other_spelling(part) {
            verdict.remarks.insert(format!("{part} is read back as {shown}"));
        }
        if let Some(reason) = fates.reason(part) {
            verdict.blocks.push((part.clone(), reason, *known));
        }
    }
    for ((who, _, client), _) in counted.clients.uses() {
        if let Some(verdict) = verdicts.get_mut(who).filter(|_| !client.is_empty()) {
            verdict.clients.insert(client.clone());
        }
    }
    verdicts.into_values().collect()
}

impl Verdict {
    fn of(who: Who) -> Verdict {
        let (dialects, clients, blocks) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Verdict { who, dialects, clients, parts: 0, blocks, remarks: BTreeSet::new(), may_miss: false }
    }
}

/// By dialect and operation.
struct Fates(BTreeMap<(String, String), Fate>);

/// What is lost of an operation.
#[derive(Default)]
struct Fate {
    /// Fields that are lost, with the reasons.
    lost: Vec<(String, String)>,
    /// Fields that cross, at least sometimes.
    mapped: BTreeSet<String>,
    /// Values that mean the same as others: field, value, and what it is shown as when it is read back.
    merged: Vec<(String, String, String)>,
    /// Values that are other spellings of words, in the same way.
    spellings: Vec<(String, String, String)>,
    remarks: Vec<String>,
}

impl Fates {
    fn of(registry: &Registry) -> Fates {
        let mut fates = BTreeMap::new();
        for dialect in registry.dialects() {
            let ledger = Ledger::of(dialect);
            for operation in &dialect.operations {
                let fate = Fate::of(dialect, operation, &ledger);
                fates.insert((dialect.name.clone(), operation.name.clone()), fate);
            }
        }
        Fates(fates)
    }

    fn fate(&self, part: &Part) -> Option<&Fate> {
        self.0.get(&(part.dialect.clone(), part.operation.clone()))
    }

    fn remarks(&self, part: &Part) -> impl Iterator<Item = &String> {
        self.fate(part).into_iter().flat_map(|fate| &fate.remarks)
    }

    /// What a value is read back as that is another spelling of the same word.
    fn other_spelling(&self, part: &Part) -> Option<&str> {
        let fate = self.fate(part).filter(|_| part.kind == Kind::Value)?;
        shown(&fate.spellings, part)
    }

    /// Why something is in the way, if it is.
    fn reason(&self, part: &Part) -> Option<String> {
        let Some(fate) = self.fate(part) else {
            return (part.kind == Kind::Operation)
                .then(|| "no mapping has this operation any more".to_owned());
        };
        match part.kind {
            Kind::Field => {
                let is_in = |whole: &str| {
                    let rest = part.field.strip_prefix(whole);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
                };
                let lost = fate.lost.iter().find(|(field, _)| is_in(field));
                lost.map(|(field, reason)| {
                    let when = if fate.mapped.contains(field) { " in some requests" } else { "" };
                    format!("the field is lost{when}: {reason}")
                })
            }
            Kind::Value => {
                shown(&fate.merged, part).map(|shown| format!("the value is read back as {shown}"))
            }
            Kind::Dialect | Kind::Id | Kind::Operation | Kind::Unread => None,
        }
    }
}

impl Fate {
    fn of(dialect: &Dialect, operation: &Operation, ledger: &Ledger) -> Fate {
        let mut fate = Fate::default();
        for one in operation.with_cases() {
            let items = match &one.body {
                RequestBody::Each { over, .. } => format!("{}[]", over.path.join(".")),
                RequestBody::None | RequestBody::One { .. } => String::new(),
            };
            fate.request(&one.request, &items, 0);
            let lenses: Vec<&Lens> = match &one.answer {
                AnswerPlan::One(answers) => {
                    answers.iter().filter_map(|answer| lens_of(&answer.body)).collect()
                }
                AnswerPlan::Collect(_) => Vec::new(),
            };
            for lens in lenses {
                fate.answer(dialect, lens, 0);
            }
        }
        let omits = ledger.operations.iter().filter(|entries| entries.operation == operation.name);
        let omits = omits.flat_map(|entries| &entries.omits);
        fate.remarks.extend(
            omits.map(|reason| format!("{dialect}/{}: lists leave items out: {reason}", operation.name)),
        );
        fate
    }

    /// What a lens loses of a request.
    fn request(&mut self, lens: &Lens, below: &str, depth: usize) {
        if depth >= DEPTH_MAX {
            return;
        }
        for loss in lens.losses().iter().filter(|loss| loss.direction == Direction::Lift) {
            self.lost.push((place(loss.at.root, below, &loss.at.path), loss.reason.clone()));
        }
        for field in lens.fields() {
            let Some(left) = &field.left else { continue };
            let at = place(left.root, below, &left.path);
            self.mapped.insert(at.clone());
            match &field.op {
                Op::Each(each) => {
                    if let Item::Lens(lens) = &each.item {
                        self.request(lens, &format!("{at}[]"), depth + 1);
                    }
                }
                Op::Nested(nested) => self.request(&nested.lens, &at, depth + 1),
                Op::Filter(filter) => self.words(&filter.0, &at),
                Op::Table(table) if !field.when.shown => self.words(table, &at),
                Op::Constant(_)
                | Op::Copy
                | Op::Fixed(_)
                | Op::Has(_)
                | Op::Id(_)
                | Op::Label(_)
                | Op::Prefix(_)
                | Op::Resolve(_)
                | Op::Row(_)
                | Op::Table(_) => {}
            }
        }
    }

    fn words(&mut self, table: &Table, at: &str) {
        for (index, row) in table.rows.iter().enumerate() {
            if let Some(shown) = table.rows[..index].iter().find(|earlier| earlier.is == row.is) {
                self.merged.push((at.to_owned(), row.word.json().to_owned(), shown.word.json().to_owned()));
            }
            for also in &row.also {
                self.spellings.push((at.to_owned(), also.json().to_owned(), row.word.json().to_owned()));
            }
        }
    }

    /// Which words a lens tells as others.
    fn answer(&mut self, dialect: &Dialect, lens: &Lens, depth: usize) {
        if depth >= DEPTH_MAX {
            return;
        }
        for field in lens.fields() {
            match &field.op {
                Op::Each(each) => {
                    if let Item::Lens(lens) = &each.item {
                        self.answer(dialect, lens, depth + 1);
                    }
                }
                Op::Nested(nested) => self.answer(dialect, &nested.lens, depth + 1),
                Op::Table(table) => {
                    for (word, landing) in &table.lands {
                        let Landing::Row(row) = landing else { continue };
                        self.remarks.push(format!(
                            "{dialect}: answers tell the canonical {} {} as {}",
                            table.noun,
                            word.json(),
                            table.rows[*row].word.json()
                        ));
                    }
                }
                Op::Constant(_)
                | Op::Copy
                | Op::Filter(_)
                | Op::Fixed(_)
                | Op::Has(_)
                | Op::Id(_)
                | Op::Label(_)
                | Op::Prefix(_)
                | Op::Resolve(_)
                | Op::Row(_) => {}
            }
        }
    }
}

/// What the value of a field is shown as, if it is among these.
fn shown<'f>(known: &'f [(String, String, String)], part: &Part) -> Option<&'f str> {
    let is = |(field, word, _): &&(String, String, String)| *field == part.field && *word == part.value;
    known.iter().find(is).map(|(_, _, shown)| shown.as_str())
}

fn lens_of(body: &AnswerBody) -> Option<&Lens> {
    match body {
        AnswerBody::Items { lens, .. } | AnswerBody::Lens(lens) => Some(lens),
        AnswerBody::Constant(_) | AnswerBody::Empty => None,
    }
}

/// A place as the parts of an operation are called.
fn place(root: Root, below: &str, path: &[Box<str>]) -> String {
    let path = path.join(".");
    match root {
        Root::Path => format!("{{{path}}}"),
        Root::Query => format!("?{path}"),
        Root::Body if !below.is_empty() && !path.is_empty() => format!("{below}.{path}"),
        Root::Body if path.is_empty() => below.to_owned(),
        Root::Body | Root::Outer => path,
    }
}

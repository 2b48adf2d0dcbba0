//! What a mapping really does, tried on instances of its schemas.
//!
//! What can be seen in the text of a mapping is proved elsewhere. Here every operation is run, as requests run it: made-up
//! requests are lifted, and must become calls the canonical API takes; made-up answers are lowered, and must be what
//! the dialect's schemas promise; and what was brought over is brought back, and must be the same again. Nothing is
//! looked up: every look-up is answered with a pair that is made up, the same from both of its halves.
//!
//! A finding is told once for each line of the mapping and each rule, with the instance it was found on.

mod answers;
mod deciding;
mod finding;
mod guides;
mod proved;
mod requests;
mod round_trip;
mod shared;
mod spellings;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::rc::Rc;
use std::sync::Arc;

use crate::canonical::api::Api;
use crate::diag::{Diagnostic, Diagnostics, SourceId, code};
use crate::dialect::operation::{AnswerBody, AnswerPlan, Gather};
use crate::dialect::{Dialect, Operation};
use crate::json::{Document, Value, Writer};
use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Input, Lens, Parameters, Presence, Refusal, Resolutions, Run};
use crate::mapping::file::MappingFile;
use crate::mapping::{Proof, Trials};
use crate::problem::Root;
use crate::schema::instances::random::Random;
use crate::schema::instances::{Guide, Instances, Untried, longest_bound, parsed, uuid};
use crate::schema::{Schema, Store};

use finding::Findings;
use guides::Sent;
use requests::{ROUNDS_MAX, Tried};
pub(in crate::mapping) use shared::Shared;
use world::{Columns, World};

/// What calls send of records that they make or change, by the schema of the record.
type Written = BTreeMap<String, Vec<Sent>>;

/// The trial of one dialect.
struct Trial<'t> {
    dialect: &'t Arc<Dialect>,
    file: &'t MappingFile,
    api: &'t Api,
    schemas: &'t Store,
    trials: Trials,
    columns: &'t Columns,
    shared: &'t Shared,
    findings: Findings,
    /// Lenses of answers that were tried already, with the schemas on both sides.
    answered: BTreeSet<[usize; 3]>,
    /// Lenses whose way back was tried already.
    returned: BTreeSet<usize>,
    /// The first answers made for a lens and a canonical schema.
    answers: BTreeMap<[usize; 2], Vec<Document>>,
    /// What its own calls sent.
    own: Written,
    /// What calls of it and all its generations sent.
    written: Rc<Written>,
    /// What is known of the places that a lens of answers only keeps, by the lens, the length of a long text, and where it says
    /// which items are told.
    kept: BTreeMap<[usize; 3], Vec<Guide>>,
    /// How long a text is, for the schemas of a folder.
    long: BTreeMap<String, usize>,
    /// The lens of each operation's body, both ways.
    ways_back: BTreeMap<usize, Option<Arc<Lens>>>,
    /// The lenses of answers with the parameters of their look-ups; none of those nothing is read back by.
    read_back: BTreeMap<usize, Option<Arc<Lens>>>,
    /// Exceptions from the dialect's schemas that were needed, by where they are written.
    exceeded: BTreeSet<(SourceId, u32)>,
    instances: usize,
    /// Whether the instances show all that the schemas say.
    is_whole: bool,
}

/// Tries every operation of a dialect and its generations. Says of each what was found, and how much was proved and tried.
///
/// They share their records: so what clients of any of them write, in whatever operation, may be what clients of another are told.
pub(in crate::mapping) fn check(
    family: &[(&Arc<Dialect>, &MappingFile)],
    api: &Api,
    schemas: &Store,
    trials: Trials,
    shared: &Shared,
) -> Vec<(Proof, Diagnostics)> {
    let columns: Vec<_> = family.iter().map(|(dialect, _)| Columns::of(dialect)).collect();
    let mut family: Vec<_> = family
        .iter()
        .zip(&columns)
        .map(|((dialect, file), columns)| Trial::new(dialect, file, (api, schemas), trials, columns, shared))
        .collect();
    let tried: Vec<_> = family.iter_mut().map(Trial::try_all_requests).collect();
    let mut written = Written::new();
    for (record, sent) in family.iter_mut().flat_map(|trial| mem::take(&mut trial.own)) {
        written.entry(record).or_default().extend(sent);
    }
    let written = Rc::new(written);
    let finish = |(trial, tried): (Trial<'_>, Vec<_>)| trial.finish(Rc::clone(&written), &tried);
    family.into_iter().zip(tried).map(finish).collect()
}

impl Trials {
    /// Instances of a schema, and what it says that none of them shows.
    fn instances(
        &self,
        schema: &Schema,
        guides: &[Guide],
        long: Option<usize>,
    ) -> (Vec<Document>, Vec<Untried>) {
        let instances = match long {
            Some(long) => Instances::up_to(schema, guides, long),
            None => Instances::of(schema, guides),
        };
        let made = instances.systematic().chain(instances.others(self.seed, self.others)).collect();
        (made, instances.untried())
    }
}

impl<'t> Trial<'t> {
    fn new(
        dialect: &'t Arc<Dialect>,
        file: &'t MappingFile,
        (api, schemas): (&'t Api, &'t Store),
        trials: Trials,
        columns: &'t Columns,
        shared: &'t Shared,
    ) -> Trial<'t> {
        Trial {
            dialect,
            file,
            api,
            schemas,
            trials,
            columns,
            shared,
            findings: Findings::default(),
            answered: BTreeSet::new(),
            returned: BTreeSet::new(),
            answers: BTreeMap::new(),
            own: Written::new(),
            written: Rc::default(),
            kept: BTreeMap::new(),
            long: BTreeMap::new(),
            ways_back: BTreeMap::new(),
            read_back: BTreeMap::new(),
            exceeded: BTreeSet::new(),
            instances: 0,
            is_whole: true,
        }
    }

    /// Tries the requests of every operation; of each, those that became calls.
    fn try_all_requests(&mut self) -> Vec<Vec<Tried<'t>>> {
        let dialect = self.dialect;
        dialect.operations.iter().map(|operation| self.try_requests(operation)).collect()
    }

    /// Tries the answers, which may tell what was written, and all that is left to try.
    fn finish(mut self, written: Rc<Written>, tried: &[Vec<Tried<'t>>]) -> (Proof, Diagnostics) {
        self.written = written;
        let dialect = self.dialect;
        for (operation, tried) in dialect.operations.iter().zip(tried) {
            self.try_answers(operation, tried);
        }
        self.spellings();
        let mut found = Diagnostics::default();
        self.unneeded(&mut found);
        let fields = proved::fields(dialect);
        let proof = Proof {
            dialect: dialect.name.clone(),
            proved: fields.proved,
            tried: fields.tried,
            instances: self.instances,
            seed: self.trials.seed,
        };
        found.extend(self.findings.into_diagnostics());
        (proof, found)
    }

    /// How long a text has to be to be longer than any that the schemas of this one's folder allow.
    fn long(&mut self, schema: Option<&Schema>) -> usize {
        let Some(schema) = schema else { return 0 };
        if let Some(known) = self.long.get(schema.folder()) {
            return *known;
        }
        let (bound, beyond) = longest_bound(schema);
        if let Some(at) = beyond {
            self.untried(&[Untried { at, what: "a text so long that it breaks this" }]);
        }
        let long = bound + 1;
        self.long.insert(schema.folder().to_owned(), long);
        long
    }

    /// Instances of a schema, where more is known of some places than it says, and a text is long if it has so many
    /// characters. Tells what none of them shows.
    fn instances(
        &mut self,
        schema: &Schema,
        guides: &[Guide],
        long: Option<usize>,
        trials: Trials,
    ) -> Vec<Document> {
        let (made, untried) = trials.instances(schema, guides, long);
        self.untried(&untried);
        made
    }

    /// Tells what schemas say that no instance shows.
    fn untried(&mut self, untried: &[Untried]) {
        self.is_whole &= untried.is_empty();
        for Untried { at, what } in untried.iter().filter(|untried| self.shared.is_news(untried)) {
            let help = "what a mapping makes of it is neither proved nor tried; bound it closer, if it never comes to that";
            self.findings.warn(code::M0405, *at, format!("{what} is not tried"), help);
        }
    }

    /// Reports exceptions from the dialect's schemas that nothing made necessary.
    fn unneeded(&self, found: &mut Diagnostics) {
        if !self.is_whole {
            // What makes one necessary may be what was not tried.
            return;
        }
        for part in self.file.lenses.iter().filter_map(|lens| lens.part.as_ref()) {
            for (path, _) in &part.exceeds {
                if !self.exceeded.contains(&(path.span.source, path.span.start)) {
                    let message = format!("`{}` is said to exceed its schema and does not", path.value);
                    let label = "nothing that is told here is more than the dialect's schema allows";
                    found.push(Diagnostic::error(code::M0406, message).at(path.span, label).help(
                        "take the line away; `exceeds` is for bounds (lengths, counts, the size of numbers), not for types",
                    ));
                }
            }
        }
    }
}

/// Every lens that runs for a dialect, those inside others too.
fn lenses(dialect: &Dialect) -> Vec<&Lens> {
    let mut found = Vec::new();
    for operation in &dialect.operations {
        of_operation(operation, &mut found);
    }
    found
}

fn of_operation<'d>(operation: &'d Operation, found: &mut Vec<&'d Lens>) {
    with_inner(&operation.request, found);
    match &operation.answer {
        AnswerPlan::One(plans) => {
            for plan in plans {
                if let AnswerBody::Items { lens, .. } | AnswerBody::Lens(lens) = &plan.body {
                    with_inner(lens, found);
                }
            }
        }
        AnswerPlan::Collect(collect) => {
            for (_, gather) in &collect.fields {
                if let Gather::Lens(lens) | Gather::Value { id: Some(lens), .. } = gather {
                    with_inner(lens, found);
                }
            }
        }
    }
    for case in &operation.cases {
        of_operation(&case.operation, found);
    }
}

fn with_inner<'d>(lens: &'d Lens, found: &mut Vec<&'d Lens>) {
    if found.iter().any(|known| std::ptr::eq(*known, lens)) {
        return;
    }
    found.push(lens);
    for field in lens.fields() {
        match &field.op {
            Op::Nested(nested) => with_inner(&nested.lens, found),
            Op::Each(each) => {
                if let Item::Lens(lens) = &each.item {
                    with_inner(lens, found);
                }
            }
            _ => {}
        }
    }
}

/// A lens with some of its fields, and with every parameter that look-ups lie in, which an operation would give it.
fn with_scopes(lens: &Lens, mut fields: Vec<Field>, dialect: &Dialect) -> Arc<Lens> {
    let names: BTreeSet<&String> = dialect.resolvers.iter().flat_map(|resolver| &resolver.scope).collect();
    for name in names {
        let at = Some(Address { root: Root::Path, path: vec![name.as_str().into()] });
        fields.push(Field {
            left: at.clone(),
            right: at,
            op: Op::Copy,
            when: Presence::default(),
            origin: None,
        });
    }
    Arc::new(Lens::new(lens.name(), lens.wrap(), fields))
}

/// Runs a lens to its end.
fn run(
    lens: &Lens,
    direction: Direction,
    body: Value<'_>,
    path: &[(Box<str>, String)],
    world: &mut World<'_>,
) -> Result<Document, Vec<Refusal>> {
    run_with(lens, direction, body, None, path, world)
}

fn run_with(
    lens: &Lens,
    direction: Direction,
    body: Value<'_>,
    outer: Option<Value<'_>>,
    path: &[(Box<str>, String)],
    world: &mut World<'_>,
) -> Result<Document, Vec<Refusal>> {
    let mut path: Parameters = path.to_vec();
    // Parameters of scopes that nobody gave.
    for field in lens.fields() {
        let at = field.left.as_ref().filter(|at| at.root == Root::Path && field.origin.is_none());
        let Some(name) = at.and_then(|at| at.path.first()) else { continue };
        if !path.iter().any(|(known, _)| known == name) {
            path.push((name.clone(), uuid(Random::of(0, name).bits())));
        }
    }
    let mut resolutions = Resolutions::default();
    for _ in 0..ROUNDS_MAX {
        let mut run = Run::new(direction, &resolutions);
        let input = Input { body: Some(body), outer, path: &path, query: &[] };
        let output = lens.run(input, &mut run, Writer::with_capacity(body.raw().len() + 64));
        let needs = run.needs().to_vec();
        if !run.refusals().is_empty() {
            return Err(run.into_refusals());
        }
        if needs.is_empty() {
            let text = output.body.into_vec();
            let text = if text.is_empty() { b"{}".to_vec() } else { text };
            return parsed(text).ok_or_else(Vec::new);
        }
        for need in needs {
            let found = world.answer(&need);
            resolutions.insert(need, found);
        }
    }
    Err(Vec::new())
}

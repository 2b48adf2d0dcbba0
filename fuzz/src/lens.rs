//! The lens engine, with any lens that the loader lets through, between any documents.
//!
//! The bytes choose a mapping and its schemas; which of those are sound, the loader says, as `check` does. What must hold of a
//! lens that it lets through, and of any document:
//!
//! - a run ends, and what it gives is JSON to the strict reader, or nothing, or is refused;
//! - the same run, told to somebody, gives the same bytes, look-ups, refusals and losses;
//! - what a lens of answers tells of a record that its schema allows is what the dialect's schema promises, and it is told
//!   again if it is lifted in between, unless something in it is only shown.

mod made;

use interlingua::dialect::ShapedLens;
use interlingua::json::{Document, Limits, Writer};
use interlingua::lens::op::Op;
use interlingua::lens::op::each::{Each, Item};
use interlingua::lens::{
    Direction, Field, Found, Input, Lens, Need, Output, Parameters, Refusal, Resolutions, Run,
};

use self::made::{Made, document, instance};
use super::choices::Choices;

/// Makes a lens and documents of the bytes, and runs the one on the others.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let made = Made::new(&mut choices);
    let Some(registry) = made.loaded() else {
        assert!(!bytes.is_empty(), "what is made where nothing was chosen is sound");
        return;
    };
    let dialect = registry.dialect("acme").expect("the dialect is there");
    let shaped = dialect.lenses.get("l0").expect("the outermost lens is there");
    // Documents cost next to nothing beside the loader: there are more for as long as there are bytes.
    for _ in 0..ROUNDS_MAX {
        check_round(&mut choices, &made, shaped);
        if choices.is_empty() {
            return;
        }
    }
}

/// How often documents are made for one mapping at most.
const ROUNDS_MAX: usize = 32;

/// Makes documents for a lens and runs it on them.
fn check_round(choices: &mut Choices<'_>, made: &Made, shaped: &ShapedLens) {
    let record = parsed(|text| instance(choices, made.schema("canonical"), text));
    let sent = parsed(|text| instance(choices, made.schema("acme"), text));
    let any = if choices.seldom(2) {
        Document::parse(choices.rest().to_vec(), &Limits::default()).ok()
    } else {
        parsed(|text| document(choices, 4, text))
    };
    for document in [&record, &sent, &any].into_iter().flatten() {
        for direction in [Direction::Lift, Direction::Lower] {
            run(&shaped.lens, direction, document);
        }
    }
    let is_allowed =
        |record: &Document| shaped.right.as_ref().is_some_and(|right| right.is_valid(record.root()));
    let is_read_back = shaped.lens.fields().iter().all(is_read_back);
    let Some(record) = record.filter(is_allowed).filter(|_| made.is_told) else { return };
    is_promised(shaped, &record);
    if is_read_back {
        comes_back(&shaped.lens, &record);
    }
}

/// Whether what a field tells is read when it is written back. What is always told is told again without that.
fn is_read_back(field: &Field) -> bool {
    let inner = match &field.op {
        // They go no further, so that nothing is written beside them that would have them told.
        Op::Constant(_) | Op::Fixed(_) => return field.when.tag.is_none(),
        Op::Nested(nested) => nested.lens.fields(),
        Op::Each(Each { item: Item::Lens(lens), .. }) => lens.fields(),
        _ => &[],
    };
    !field.when.shown && inner.iter().all(is_read_back)
}

fn parsed(write: impl FnOnce(&mut String)) -> Option<Document> {
    let mut text = String::new();
    write(&mut text);
    Document::parse(text.into_bytes(), &Limits::default()).ok()
}

/// What came of a run.
#[derive(Debug, PartialEq)]
struct Outcome {
    body: Vec<u8>,
    path: Parameters,
    query: Parameters,
    refusals: Vec<Refusal>,
    ignored: u64,
    lost: Vec<(usize, u32)>,
}

/// Runs the lens to its end; none if it refuses.
fn run(lens: &Lens, direction: Direction, document: &Document) -> Option<Outcome> {
    let input = Input { body: Some(document.root()), ..Input::default() };
    let mut resolutions = Resolutions::with_id_map();
    for _ in 0..8 {
        let mut plain = Run::new(direction, &resolutions);
        let output = lens.run(input, &mut plain, Writer::new());
        let needs = plain.needs().to_vec();
        let outcome = outcome(output, plain);

        let mut told = Run::new(direction, &resolutions).traced(Vec::new(), Vec::new());
        let output = lens.run(input, &mut told, Writer::new());
        assert_eq!(told.needs(), needs, "{:?}", lens.fields());
        let _told = told.take_told();
        assert_eq!(self::outcome(output, told), outcome, "{:?}", lens.fields());

        if needs.is_empty() {
            let is_refused = !outcome.refusals.is_empty();
            let text = String::from_utf8_lossy(&outcome.body).into_owned();
            let read = Document::parse(outcome.body.clone(), &Limits::default());
            assert!(
                is_refused || text.is_empty() || read.is_ok(),
                "{:#?} gives {text}: {:?}",
                lens.fields(),
                read.err()
            );
            return (!is_refused).then_some(outcome);
        }
        for need in needs {
            let found = found(&need);
            resolutions.insert(need, found);
        }
    }
    panic!("look-ups without an end: {:?}", lens.fields());
}

fn outcome(output: Output, mut run: Run<'_, '_>) -> Outcome {
    let lost = run.take_lost().met().collect();
    let ignored = run.ignored();
    let refusals = run.into_refusals();
    Outcome { body: output.body.into_vec(), path: output.path, query: output.query, refusals, ignored, lost }
}

/// There and back is where one was; what ends in nothing is not known.
fn found(need: &Need) -> Found {
    if need.key.is_empty() || need.key.ends_with("none") {
        return Found::Missing;
    }
    Found::Value(match need.direction {
        Direction::Lift => "3c90c3cc-0d44-4b50-8888-8dd25736052a".to_owned(),
        Direction::Lower => "CnEqURgZ3swzj528KMLvX5".to_owned(),
    })
}

fn is_promised(shaped: &ShapedLens, record: &Document) {
    let Some(told) = run(&shaped.lens, Direction::Lower, record).and_then(read) else { return };
    let promised = shaped.left.as_ref().expect("it names a schema");
    let wrong = promised.violations(told.root(), 3);
    let (fields, told, record) = (shaped.lens.fields(), told.text(), record.text());
    assert!(wrong.is_empty(), "{fields:?} tells {told} of {record}: {wrong:?}");
}

fn comes_back(lens: &Lens, record: &Document) {
    let brought = |direction, document: &Document| run(lens, direction, document).and_then(read);
    let Some(told) = brought(Direction::Lower, record) else { return };
    let Some(lifted) = brought(Direction::Lift, &told) else { return };
    let Some(again) = brought(Direction::Lower, &lifted) else { return };
    assert!(
        again.root().same(told.root()),
        "{:?} tells {} of {}, and then {}",
        lens.fields(),
        told.text(),
        record.text(),
        again.text()
    );
}

fn read(outcome: Outcome) -> Option<Document> {
    Document::parse(outcome.body, &Limits::default()).ok()
}

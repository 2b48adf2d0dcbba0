//! The lens engine, with any fields between any documents.
//!
//! The loader would refuse most of these lenses. What must hold of those it could let through, which are the ones that do
//! not write one place twice, and of any document:
//!
//! - a run ends, and what it gives is JSON to the strict reader, or nothing, or is refused;
//! - the same run, told to somebody, gives the same bytes, look-ups, refusals and losses;
//! - a lens that says it is lossless tells what it told, if that is lifted and told once more, unless a field is read or
//!   told only sometimes: what is lost by that is for the loader to find.

mod made;

use interlingua::json::{Document, Limits, Writer};
use interlingua::lens::op::Op;
use interlingua::lens::{
    Direction, Field, Found, Input, Lens, Need, Output, Parameters, Refusal, Resolutions, Run, Wrap,
};

use self::made::{TEXTS, document, lens};
use super::choices::Choices;

/// Builds a lens and a document of the bytes, and runs the one on the other.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let lens = lens(&mut choices, 2);
    let parameters = |choices: &mut Choices<'_>, names: &[&str]| -> Parameters {
        names.iter().map(|name| ((*name).into(), choices.pick(&TEXTS).to_owned())).collect()
    };
    let path = parameters(&mut choices, &["p"]);
    let query = parameters(&mut choices, &["q", "r"]);
    let text = if choices.seldom(2) {
        String::from_utf8_lossy(choices.rest()).into_owned()
    } else {
        let mut text = String::new();
        document(&mut choices, 4, &mut text);
        text
    };
    let Ok(document) = Document::parse(text.into_bytes(), &Limits::default()) else { return };
    for direction in [Direction::Lift, Direction::Lower] {
        let input = Input { body: Some(document.root()), outer: None, path: &path, query: &query };
        run(&lens, direction, input);
    }
    // A value that stands alone may be an object, and is then read as one; which may, is for the loader to say.
    if lens.wrap() == Wrap::Object && lens.is_lossless() && lens.fields().iter().all(is_always) {
        comes_back(&lens, &document, &path, &query);
    }
}

/// Whether a field is read from one place and told in one, whatever is there.
fn is_always(field: &Field) -> bool {
    let when = &field.when;
    let inner = match &field.op {
        Op::Nested(nested) => nested.lens.fields(),
        _ => &[],
    };
    !when.shown
        && when.fallback.is_none()
        && when.default.is_none()
        && when.instead.is_none()
        && when.lift_when.is_none()
        && when.tag.is_none()
        && inner.iter().all(is_always)
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
fn run(lens: &Lens, direction: Direction, input: Input<'_>) -> Option<Outcome> {
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

fn comes_back(lens: &Lens, document: &Document, path: &Parameters, query: &Parameters) {
    let lower = |document: &Document| {
        let input = Input { body: Some(document.root()), outer: None, path, query };
        run(lens, Direction::Lower, input).and_then(read)
    };
    let Some(told) = lower(document) else { return };
    let input = Input { body: Some(told.root()), outer: None, path, query };
    let Some(lifted) = run(lens, Direction::Lift, input).and_then(read) else { return };
    let Some(again) = lower(&lifted) else { return };
    assert!(again.root().same(told.root()), "{:?}: {} and then {}", lens.fields(), told.text(), again.text());
}

fn read(outcome: Outcome) -> Option<Document> {
    Document::parse(outcome.body, &Limits::default()).ok()
}

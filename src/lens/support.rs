//! What the tests of this module's files share.

use super::op::Op;
use super::op::table::{Landing, Row, Table, Word};
use super::path::{Address, Literal};
use super::{Direction, Field, Found, Input, Lens, Need, Presence, Refusal, Resolutions, Run, Wrap};
use crate::json::{Document, Limits, Writer};

pub(in crate::lens) fn literal(json: &str) -> Literal {
    Literal::parse(json).unwrap()
}

pub(in crate::lens) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(in crate::lens) fn field(left: &str, right: &str, op: Op) -> Field {
    let side = |text: &str| (!text.is_empty()).then(|| address(text));
    Field { left: side(left), right: side(right), op, when: Presence::default(), origin: None }
}

pub(in crate::lens) fn word(json: &str) -> Word {
    Word::new(literal(json)).unwrap()
}

/// `2` is an admin, `0` or `"0"` a viewer and null a guest; a manager is told as a viewer, an owner not at all.
pub(in crate::lens) fn roles() -> Table {
    let row = |text: &str, also: &[&str], is: &str, label: &str| Row {
        word: word(text),
        also: also.iter().map(|json| word(json)).collect(),
        is: word(is),
        label: Some(label.to_owned()),
        origin: None,
    };
    Table {
        name: "role".to_owned(),
        noun: "role",
        rows: vec![
            row("2", &[], "\"admin\"", "Boss"),
            row("0", &["\"0\""], "\"viewer\"", "Reader"),
            row("null", &[], "\"guest\"", "Nobody"),
        ],
        lands: vec![
            (word("\"manager\""), Landing::Row(1)),
            (word("\"owner\""), Landing::Refuse("no word is as strong".to_owned())),
        ],
        lands_at: Vec::new(),
        lands_lost: vec![0, 1],
    }
}

/// What became of a body: the other side's, or what was refused or is needed.
#[derive(Debug, PartialEq)]
pub(in crate::lens) enum Became {
    Body(String),
    Refused(Vec<Refusal>),
    Awaits(Vec<Need>),
}

impl Became {
    pub(in crate::lens) fn body(json: &str) -> Became {
        Became::Body(json.to_owned())
    }

    /// The only refusal: where, and which rule.
    pub(in crate::lens) fn refusal(&self) -> (String, &'static str) {
        match self {
            Became::Refused(refusals) if refusals.len() == 1 => {
                (refusals[0].place.pointer(), refusals[0].kind)
            }
            other => panic!("one refusal expected: {other:?}"),
        }
    }
}

pub(in crate::lens) fn run_with(
    lens: &Lens,
    direction: Direction,
    body: &str,
    known: &[(&Need, &str)],
) -> Became {
    let mut resolutions = Resolutions::default();
    for (need, found) in known {
        resolutions.insert((*need).clone(), Found::Value((*found).to_owned()));
    }
    let document = Document::parse(body.into(), &Limits::default()).unwrap();
    let mut run = Run::new(direction, &resolutions);
    let input = Input { body: Some(document.root()), ..Input::default() };
    let output = lens.run(input, &mut run, Writer::new());
    if !run.needs().is_empty() {
        return Became::Awaits(run.needs().to_vec());
    }
    match run.into_refusals() {
        refusals if refusals.is_empty() => Became::Body(String::from_utf8(output.body.into_vec()).unwrap()),
        refusals => Became::Refused(refusals),
    }
}

pub(in crate::lens) fn lift(lens: &Lens, body: &str) -> Became {
    run_with(lens, Direction::Lift, body, &[])
}

pub(in crate::lens) fn lower(lens: &Lens, body: &str) -> Became {
    run_with(lens, Direction::Lower, body, &[])
}

/// A lens of one field, `l` on the left and `r` on the right.
pub(in crate::lens) fn only(op: Op) -> Lens {
    Lens::new("only", Wrap::Object, vec![field("l", "r", op)])
}

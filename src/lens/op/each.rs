//! Every element of an array by the same rule.
//!
//! Law: the op keeps the order and the number of elements, and has the law of its rule for each of them. Where it is
//! about some elements only, the others are not told; what it lifts has to be one of those it tells.

use std::sync::Arc;

use super::id::Id;
use crate::json::{Kind, Value, Writer};
use crate::lens::Lens;
use crate::lens::explain::{How, Outcome, Told};
use crate::lens::path::{Address, Literal};
use crate::lens::run::{Direction, Run, Source, Stop};
use crate::problem::{Root, Segment};

/// An array whose elements take the same step.
#[derive(Clone, Debug)]
pub struct Each {
    /// The step.
    pub item: Item,
    /// Lower: only elements with these values are told. The others mean nothing in the dialect.
    pub only: Vec<(Address, Literal)>,
}

/// What is done with an element.
#[derive(Clone, Debug)]
pub enum Item {
    /// Nothing.
    Copy,
    /// It is an id.
    Id(Id),
    /// It goes through a lens.
    Lens(Arc<Lens>),
}

impl Each {
    /// Arrays are replaced as a whole. So what is left out of one is lost, and so is what the lens of an element says
    /// nothing of; whether there is anything of that kind is not known here.
    pub(super) fn is_lossless(&self) -> bool {
        self.only.is_empty() && matches!(self.item, Item::Copy | Item::Id(_))
    }

    /// Whether an element is one of those that are told.
    pub(in crate::lens) fn tells(&self, element: Value<'_>) -> bool {
        self.only.iter().all(|(at, is)| holds(element, at, is))
    }

    pub(super) fn both<'a>(
        &self,
        source: Source<'a>,
        run: &mut Run<'a, '_>,
        out: &mut Writer,
    ) -> Result<(), Stop> {
        if source.is_null() {
            out.null();
            return Ok(());
        }
        let Source::Json(array) = source else {
            return Err(Stop::refused("type", "must be an array"));
        };
        if array.kind() != Kind::Array {
            return Err(Stop::refused("type", "must be an array"));
        }
        let before = run.refusals().len();
        out.array_begin();
        let mut told = 0;
        let lowering = run.direction() == Direction::Lower;
        for (index, element) in array.elements().enumerate() {
            if lowering && !self.tells(element) {
                continue;
            }
            run.at.push(Segment::Index(index));
            if let Some(trace) = &mut run.trace {
                trace.at.push(Segment::Index(told));
            }
            if let Err(stop) = self.item(element, run, out) {
                run.note(stop, Root::Body, Vec::new());
            }
            run.at.pop();
            if let Some(trace) = &mut run.trace {
                trace.at.pop();
            }
            told += 1;
        }
        out.array_end();
        run.say(|| How::Each { of: array.elements().count(), told });
        if run.refusals().len() > before { Err(Stop::Reported) } else { Ok(()) }
    }

    fn item<'a>(&self, element: Value<'a>, run: &mut Run<'a, '_>, out: &mut Writer) -> Result<(), Stop> {
        match &self.item {
            Item::Copy => {
                out.value(element);
                Ok(())
            }
            Item::Id(id) => {
                let (mark, start) = (run.trace.as_mut().map(|trace| trace.begin(&[])), out.len());
                let outcome = match run.direction() {
                    Direction::Lift => id.lift(Source::Json(element), run, out),
                    Direction::Lower => id.lower(Source::Json(element), run, out),
                };
                if let (Some(mark), Some(trace)) = (mark, &mut run.trace) {
                    let from = Some(trace.read_place(Root::Body, &run.at, Vec::new()));
                    let outcome = Outcome::of(&outcome, &out.as_bytes()[start..]);
                    // It stands in the line of its array.
                    trace.end(mark, Some(&Address::whole()), |to, how| Told {
                        to,
                        from,
                        origin: None,
                        outcome,
                        how,
                    });
                }
                outcome
            }
            Item::Lens(lens) => {
                lens.value(element, run, out);
                Ok(())
            }
        }
    }
}

fn holds(element: Value<'_>, at: &Address, is: &Literal) -> bool {
    let value = at.path.iter().try_fold(element, |value, name| value.member(name));
    value.is_some_and(|value| value.same(is.value()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Each, Item};
    use crate::lens::op::Op;
    use crate::lens::support::{Became, address, field, lift, literal, lower, only, roles};
    use crate::lens::{Lens, Wrap};

    #[test]
    fn order_and_number_are_kept() {
        let role = Lens::new("role", Wrap::Object, vec![field("word", "is", Op::Table(Arc::new(roles())))]);
        let lens = only(Op::Each(Each { item: Item::Lens(Arc::new(role)), only: Vec::new() }));
        let (left, right) =
            (r#"{"l":[{"word":0},{},{"word":2}]}"#, r#"{"r":[{"is":"viewer"},{},{"is":"admin"}]}"#);
        assert_eq!(lift(&lens, left), Became::body(right));
        assert_eq!(lower(&lens, right), Became::body(left));
        assert_eq!(lift(&lens, r#"{"l":[]}"#), Became::body(r#"{"r":[]}"#));
    }

    #[test]
    fn elements_that_mean_nothing_in_the_dialect_are_not_told() {
        let id = Lens::new("id", Wrap::Object, vec![field("id", "id", Op::Copy)]);
        let kinds = vec![(address("kind"), literal("\"shelf\""))];
        let lens = only(Op::Each(Each { item: Item::Lens(Arc::new(id)), only: kinds }));
        let right = r#"{"r":[{"id":1,"kind":"shelf"},{"id":2,"kind":"room"},{"id":3}]}"#;
        assert_eq!(lower(&lens, right), Became::body(r#"{"l":[{"id":1}]}"#));
        assert_eq!(lift(&lens, r#"{"l":[{"id":2}]}"#), Became::body(r#"{"r":[{"id":2}]}"#));
    }

    #[test]
    fn every_bad_element_is_told_by_its_place() {
        let role = Lens::new("role", Wrap::Object, vec![field("word", "is", Op::Table(Arc::new(roles())))]);
        let lens = only(Op::Each(Each { item: Item::Lens(Arc::new(role)), only: Vec::new() }));
        let Became::Refused(refusals) = lift(&lens, r#"{"l":[{"word":9},{"word":0},{"word":"x"}]}"#) else {
            panic!("two are bad");
        };
        let places: Vec<_> = refusals.iter().map(|refusal| refusal.place.pointer()).collect();
        assert_eq!(places, ["/l/0/word", "/l/2/word"]);
        assert_eq!(lift(&lens, r#"{"l":7}"#).refusal(), ("/l".to_owned(), "type"));
    }
}

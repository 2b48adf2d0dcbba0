//! What is lost sometimes: a place that is read only where a condition or a tag says so, or a list of which only some
//! elements are told, as it was declared.

use super::{Plan, Step};
use crate::json::{Kind, Value};
use crate::lens::explain::{How, Loss, Outcome, Told};
use crate::lens::op::Op;
use crate::lens::run::{Direction, Run, Source};

/// A place that some steps read, each under a condition or in part.
#[derive(Clone, Debug)]
pub(super) struct Partial {
    slot: usize,
    /// The steps that read it.
    steps: Vec<usize>,
    loss: Loss,
}

impl Plan {
    /// Counts a place that is mapped, for as often as no step reads it, and each element of a list that none tells.
    pub(super) fn add_partial(&mut self, loss: &Loss) {
        let Some(slot) = self.slots.iter().position(|slot| *slot == loss.at) else { return };
        let reads = |index: &usize| self.steps[*index].source == Some(slot);
        let steps: Vec<usize> = (0..self.steps.len()).filter(reads).collect();
        let is_open = |step: &Step| step.guard.is_some() || step.is_choosy();
        if !steps.is_empty() && steps.iter().all(|index| is_open(&self.steps[*index])) {
            self.partial.push(Partial { slot, steps, loss: loss.clone() });
        }
    }

    /// Counts what is lost of a document whose slots are filled from `base` on.
    pub(super) fn count_partial(&self, base: usize, run: &mut Run<'_, '_>) {
        for partial in &self.partial {
            let frame = &run.slots[base..];
            let lowering = run.direction() == Direction::Lower;
            let Some(held) = frame[partial.slot].filter(|held| !lowering || !held.is_null()) else {
                continue;
            };
            let steps = partial.steps.iter().map(|index| &self.steps[*index]);
            let is_read = |step: &&Step| step.guard.as_ref().is_none_or(|guard| guard.open(frame));
            let mut reading = steps.filter(is_read).peekable();
            let lost = if reading.peek().is_none() {
                1
            } else {
                match held {
                    Source::Json(list) if lowering && list.kind() == Kind::Array => {
                        let is_lost = |element: &Value<'_>| !reading.clone().any(|step| step.tells(*element));
                        list.elements().filter(is_lost).count()
                    }
                    _ => 0,
                }
            };
            for _ in 0..lost {
                run.lost.add(partial.loss.number);
            }
            if lost > 0 {
                self.tell_partial(partial, run);
            }
        }
    }

    fn tell_partial(&self, partial: &Partial, run: &mut Run<'_, '_>) {
        let from = self.place_of(partial.slot, run);
        let Loss { name, reason, origin, .. } = &partial.loss;
        let Some(trace) = &mut run.trace else { return };
        let how = vec![How::Lost { name: name.clone(), reason: reason.clone() }];
        trace.push(Told { to: None, from, origin: *origin, outcome: Outcome::Lost, how });
    }
}

impl Step {
    /// Whether it tells some elements of a list only.
    fn is_choosy(&self) -> bool {
        matches!(&self.op, Op::Each(each) if !each.only.is_empty())
    }

    /// Whether it tells an element of the list it reads.
    fn tells(&self, element: Value<'_>) -> bool {
        !matches!(&self.op, Op::Each(each) if !each.tells(element))
    }
}

#[cfg(test)]
mod tests {
    use crate::json::{Document, Limits, Writer};
    use crate::lens::explain::Loss;
    use crate::lens::op::Op;
    use crate::lens::op::each::{Each, Item};
    use crate::lens::support::{address, field, literal};
    use crate::lens::{Direction, Field, Input, Lens, Presence, Resolutions, Run, Wrap};

    /// How often the one loss of a lens is met.
    fn met(lens: &Lens, direction: Direction, body: &str) -> u32 {
        let document = Document::parse(body.into(), &Limits::default()).unwrap();
        let known = Resolutions::default();
        let mut run = Run::new(direction, &known);
        lens.run(Input { body: Some(document.root()), ..Input::default() }, &mut run, Writer::new());
        run.take_lost().met().map(|(_, count)| count).sum()
    }

    fn lens(fields: Vec<Field>, direction: Direction, at: &str) -> Lens {
        let at = address(at);
        let loss =
            Loss { number: 3, name: at.to_string(), at, direction, reason: "so".to_owned(), origin: None };
        Lens::new("test", Wrap::Object, fields).with_losses(vec![loss])
    }

    fn when(value: &str) -> Presence {
        Presence { lift_when: Some((address("kind"), vec![literal(value)])), ..Presence::default() }
    }

    fn tag(value: &str) -> Presence {
        Presence { tag: Some((address("kind"), literal(value))), ..Presence::default() }
    }

    #[test]
    fn what_is_read_sometimes_is_lost_the_other_times() {
        let one = || Field { when: when("1"), ..field("name", "name", Op::Copy) };
        let two = Field { when: when("2"), ..field("name", "nick", Op::Copy) };
        let lens_of = |fields| lens(fields, Direction::Lift, "name");
        for (fields, lost) in [(vec![one()], [0, 1, 1, 0]), (vec![one(), two], [0, 0, 1, 0])] {
            let lens = lens_of(fields);
            let bodies = [
                r#"{"kind":1,"name":"Ada"}"#,
                r#"{"kind":2,"name":"Ada"}"#,
                r#"{"name":"Ada"}"#,
                r#"{"kind":2}"#,
            ];
            // The last holds nothing that could be lost, whatever decides.
            assert_eq!(bodies.map(|body| met(&lens, Direction::Lift, body)), lost);
            assert_eq!(met(&lens, Direction::Lower, r#"{"name":"Ada","nick":"A"}"#), 0);
        }
    }

    #[test]
    fn what_is_told_sometimes_is_lost_the_other_times_also_where_another_way_comes_first() {
        let constant =
            Field { right: None, when: tag("2"), ..field("name", "", Op::Constant(literal("\"it\""))) };
        let own = Field { when: tag("1"), ..field("name", "name", Op::Copy) };
        let lens = lens(vec![constant, own], Direction::Lower, "name");
        let bodies =
            [r#"{"kind":1,"name":"Ada"}"#, r#"{"kind":2,"name":"Ada"}"#, r#"{"kind":2,"name":null}"#];
        assert_eq!(bodies.map(|body| met(&lens, Direction::Lower, body)), [0, 1, 0]);
    }

    #[test]
    fn what_is_lost_beside_what_a_scope_reads_is_lost_whoever_said_so_first() {
        let lens = lens(Vec::new(), Direction::Lower, "user.age");
        let lens = lens.with_scope(&[("user_id".to_owned(), address("user.id"))]);
        let bodies = [r#"{"user":{"id":"a","age":7}}"#, r#"{"user":{"id":"a"}}"#];
        assert_eq!(bodies.map(|body| met(&lens, Direction::Lower, body)), [1, 0]);
    }

    #[test]
    fn each_element_that_nobody_tells_is_lost() {
        let of_kind = |value| Each { item: Item::Copy, only: vec![(address("kind"), literal(value))] };
        let one = Field { when: tag("1"), ..field("ones", "list", Op::Each(of_kind("1"))) };
        let two = field("twos", "list", Op::Each(of_kind("2")));
        let lens = lens(vec![one, two], Direction::Lower, "list");
        let bodies = [
            r#"{"kind":1,"list":[{"kind":1},{"kind":2},{"kind":3},{}]}"#,
            r#"{"kind":2,"list":[{"kind":1},{"kind":2},{"kind":3},{}]}"#,
            r#"{"kind":1,"list":[]}"#,
            r#"{"kind":1,"list":null}"#,
        ];
        assert_eq!(bodies.map(|body| met(&lens, Direction::Lower, body)), [2, 3, 0, 0]);
        assert_eq!(met(&lens, Direction::Lift, r#"{"ones":[{"kind":1}]}"#), 0);
    }
}

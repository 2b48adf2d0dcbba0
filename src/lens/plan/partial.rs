//! What is lost sometimes: a place that is read only where a condition or a tag says so, as it was declared.

use super::{Guard, Plan};
use crate::lens::explain::Loss;
use crate::lens::run::{Direction, Run};

/// A place that some steps read, each under a condition.
#[derive(Clone, Debug)]
pub(super) struct Partial {
    slot: usize,
    /// The steps that read it.
    steps: Vec<usize>,
    /// The number of the loss.
    number: usize,
}

impl Plan {
    /// Counts a place that is mapped, for as often as no step reads it.
    pub(super) fn add_partial(&mut self, loss: &Loss) {
        let Some(slot) = self.slots.iter().position(|slot| *slot == loss.at) else { return };
        let reads = |index: &usize| self.steps[*index].source == Some(slot);
        let steps: Vec<usize> = (0..self.steps.len()).filter(reads).collect();
        if !steps.is_empty() && steps.iter().all(|index| self.steps[*index].guard.is_some()) {
            self.partial.push(Partial { slot, steps, number: loss.number });
        }
    }

    /// Counts what is lost of a document whose slots are filled from `base` on.
    pub(super) fn count_partial(&self, base: usize, run: &mut Run<'_, '_>) {
        for partial in &self.partial {
            let frame = &run.slots[base..];
            let held =
                frame[partial.slot].filter(|held| run.direction() == Direction::Lift || !held.is_null());
            let is_open = |guard: &Guard| guard.open(frame);
            let is_read = |index: &usize| self.steps[*index].guard.as_ref().is_none_or(is_open);
            if held.is_some() && !partial.steps.iter().any(is_read) {
                run.lost.add(partial.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::json::{Document, Limits, Writer};
    use crate::lens::explain::Loss;
    use crate::lens::op::Op;
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
}

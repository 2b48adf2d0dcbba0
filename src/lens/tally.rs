//! How often which declared loss was met: numbers by number, so that counting costs no name.

/// Counts by the number of a loss. Its name is what the dialect's list has at that place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(Vec<u32>);

impl Tally {
    /// Counts one.
    pub fn add(&mut self, loss: usize) {
        if self.0.len() <= loss {
            // A shipped dialect declares less than two hundred: one allocation for each request that loses something.
            self.0.resize((loss + 1).next_multiple_of(256), 0);
        }
        self.0[loss] = self.0[loss].saturating_add(1);
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Tally) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (own, more) in self.0.iter_mut().zip(&other.0) {
            *own = own.saturating_add(*more);
        }
    }

    /// Every loss that was met, and how often. Nearly all were not, so sixteen of them are looked at together.
    pub fn met(&self) -> impl Iterator<Item = (usize, u32)> {
        let chunks = self.0.chunks(16).enumerate();
        let is_met = |(_, counts): &(usize, &[u32])| counts.iter().fold(0, |any, count| any | count) != 0;
        chunks.filter(is_met).flat_map(|(chunk, counts)| {
            let counts = counts.iter().enumerate().map(move |(at, count)| (chunk * 16 + at, *count));
            counts.filter(|(_, count)| *count > 0)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::json::{Document, Limits, Writer};
    use crate::lens::explain::Loss;
    use crate::lens::op::Op;
    use crate::lens::op::label::Label;
    use crate::lens::path::Address;
    use crate::lens::support::{field, roles};
    use crate::lens::{Direction, Input, Lens, Resolutions, Run, Wrap};

    /// The losses that a body meets on its way.
    fn met(lens: &Lens, direction: Direction, body: &str) -> Vec<(usize, u32)> {
        let (resolutions, document) =
            (Resolutions::default(), Document::parse(body.into(), &Limits::default()));
        let document = document.unwrap();
        let mut run = Run::new(direction, &resolutions);
        lens.run(Input { body: Some(document.root()), ..Input::default() }, &mut run, Writer::new());
        run.take_lost().met().collect()
    }

    #[test]
    fn a_field_counts_as_lost_if_it_holds_something_and_only_on_its_way() {
        let loss = |number, direction, at: &str| Loss {
            number,
            name: at.to_owned(),
            at: Address::parse(at).unwrap(),
            direction,
            reason: "no words for it".to_owned(),
            origin: None,
        };
        let losses = vec![
            loss(0, Direction::Lower, "zone"),
            loss(1, Direction::Lower, "user.age"),
            loss(2, Direction::Lower, "extra.deep"),
            loss(3, Direction::Lift, "photo"),
        ];
        let lens = Lens::new("test", Wrap::Object, vec![field("name", "user.name", Op::Copy)]);
        let lens = lens.with_losses(losses);
        let lower = |body| met(&lens, Direction::Lower, body);

        assert_eq!(lower(r#"{"zone": "UTC", "user": {"name": "Ada", "age": 7}}"#), [(0, 1), (1, 1)]);
        assert_eq!(lower(r#"{"extra": {"deep": 1}}"#), [(2, 1)]);
        for nothing in ["{}", r#"{"zone": null}"#, r#"{"zone": []}"#, r#"{"extra": 1}"#, r#"{"photo": "x"}"#]
        {
            assert_eq!(lower(nothing), [], "{nothing}");
        }
        assert_eq!(met(&lens, Direction::Lift, r#"{"photo": "x", "zone": "UTC"}"#), [(3, 1)]);
    }

    #[test]
    fn a_word_that_is_told_as_another_counts_once_also_if_its_label_is_shown() {
        let table = Arc::new(roles());
        let fields = vec![
            field("l", "r", Op::Table(Arc::clone(&table))),
            field("label", "r", Op::Label(Label(table))),
        ];
        let lens = Lens::new("test", Wrap::Object, fields);
        let lower = |word: &str| met(&lens, Direction::Lower, &format!("{{\"r\": \"{word}\"}}"));

        assert_eq!(lower("admin"), [], "it has a word of its own");
        let landed = roles().lands.iter().position(|(word, _)| word.text() == "manager").unwrap();
        assert_eq!(lower("manager"), [(landed, 1)]);
        assert_eq!(lower("owner"), [], "what is refused is a refusal");
    }

    #[test]
    fn what_was_met_is_counted_by_number_and_added_up() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        assert_eq!(one.met().count(), 0);
        one.add(3);
        one.add(3);
        other.add(3);
        other.add(100);
        one.merge(&other);
        assert_eq!(one.met().collect::<Vec<_>>(), [(3, 3), (100, 1)]);
    }
}

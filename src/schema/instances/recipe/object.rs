//! Which members an instance of an object has.

use super::{Member, NODES_MAX, Object, Wanted};
use crate::json::Writer;
use crate::schema::instances::random::Random;

impl Object {
    pub(super) fn count(&self) -> usize {
        let ways = |member: &Member| member.recipe.count() + usize::from(!member.required);
        let free = self.free.as_ref().map(|(names, recipe)| names.len().max(recipe.count()) + 1);
        let most = self.members.iter().map(ways).chain(free).max();
        most.map_or(1, |most| 2 + most)
    }

    pub(super) fn write(&self, wanted: Wanted, random: &mut Random, out: &mut Writer) {
        let wanted = match wanted {
            Wanted::Nth(0) => Wanted::Smallest,
            Wanted::Nth(1) => Wanted::Largest,
            Wanted::Alone { number: 0 | 1, rest, .. } => rest.into(),
            same => same,
        };
        let mut told: Vec<(&Member, Wanted)> = Vec::new();
        for (index, member) in self.members.iter().enumerate() {
            let own = match wanted {
                Wanted::Alone { number, member, .. } if member == index => Wanted::Nth(number),
                Wanted::Alone { rest, .. } => rest.into(),
                same => same,
            };
            let inner = match own {
                Wanted::Smallest => member.required.then_some(own),
                Wanted::Largest => Some(own),
                Wanted::Some => (member.required || random.coin()).then_some(own),
                Wanted::Nth(number) | Wanted::Alone { number, .. } => {
                    let choices = member.recipe.count();
                    let ways = choices + usize::from(!member.required);
                    let way = (number - 2 + index) % ways.max(1);
                    // Who was as long as can be once is not long again: that would only be slow.
                    let again = number - 2 >= ways && member.recipe.is_text();
                    let inner = if again { Wanted::Largest } else { Wanted::Nth(way) };
                    (way < choices).then_some(inner)
                }
            };
            told.extend(inner.map(|inner| (member, inner)));
        }
        self.complete(&mut told);
        let most = self.max.unwrap_or(usize::MAX);
        while told.len() > most {
            let Some(optional) = told.iter().rposition(|(member, _)| !member.required) else { break };
            told.remove(optional);
        }
        out.object_begin();
        for (member, inner) in &told {
            out.key(&member.name);
            member.recipe.write(*inner, random, out);
        }
        self.write_free(wanted, told.len(), most, random, out);
        out.object_end();
    }

    /// Adds what has to be there because of what is, and as many as there have to be.
    fn complete<'m>(&'m self, told: &mut Vec<(&'m Member, Wanted)>) {
        let is_told = |told: &[(&Member, Wanted)], name: &str| told.iter().any(|(one, _)| *one.name == *name);
        // Each round adds a member, and then there are no more.
        for _ in &self.members {
            let missing = self.members.iter().find(|member| {
                let needs =
                    |(one, other): &(Box<str>, Box<str>)| is_told(told, one) && **other == *member.name;
                !is_told(told, &member.name) && (told.len() < self.min || self.together.iter().any(needs))
            });
            let Some(member) = missing else { return };
            told.push((member, Wanted::Smallest));
        }
    }

    /// Members of free names: none, one of each sort, or as many as there may be.
    fn write_free(&self, wanted: Wanted, told: usize, most: usize, random: &mut Random, out: &mut Writer) {
        let Some((names, recipe)) = &self.free else { return };
        let room = most.saturating_sub(told);
        let needed = self.min.saturating_sub(told);
        let (count, first) = match wanted {
            Wanted::Smallest | Wanted::Alone { .. } => (needed, 0),
            // The first of all numbers is for as many as there may be.
            Wanted::Nth(2) => ((NODES_MAX / recipe.weight()).max(needed), 0),
            Wanted::Nth(number) => (needed.max(1), number - 3),
            Wanted::Largest => (needed.max(2), 0),
            Wanted::Some => (needed + random.below(3), random.below(names.len())),
        };
        for index in 0..count.min(room) {
            let number = first + index;
            match names.get(number % names.len().max(1)) {
                Some(name) if number < names.len() => out.key(name),
                Some(_) | None => out.key(&format!("n{number}")),
            }
            let inner = match wanted {
                Wanted::Nth(2) | Wanted::Alone { .. } => Wanted::Smallest,
                Wanted::Nth(_) => Wanted::Nth(number),
                same => same,
            };
            recipe.write(inner, random, out);
        }
    }
}

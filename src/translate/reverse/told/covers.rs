//! Where two answers to one operation are compared, and where never: what is not compared differs unseen.

use std::collections::BTreeSet;
use std::iter;
use std::sync::Arc;

use serde_json::{Value as Tree, json};

use super::reading::{Spot, Telling, Way};
use super::{AnswerBody, AnswerPlan, Reader, is_of_call, unread};
use crate::canonical::api::Api;
use crate::dialect::{Dialect, Operation};
use crate::schema::Shape;
use crate::translate::compare::is_by_form;

/// Where answers to an operation are compared. Of each place it is only said that it is compared where both answers have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covers {
    /// Whether not the answers are compared but what the operation did, with what it was to do: in whatever the call sets.
    pub of_effects: bool,
    /// Places of canonical answers, `*` for any element of a list: `/items/*/name`. What is below one is compared with it.
    pub compared: BTreeSet<String>,
    /// Places of the dialect's answers that only show something, `[]` for any element of a list, at which it is looked whether
    /// the old side shows what the mapping does: `[].urls.location`.
    pub looked_at: BTreeSet<String>,
    /// Places at which nobody looks, with why.
    pub never: BTreeSet<(String, Why)>,
}

/// Why nobody looks at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// An answer to a bulk request is not taken apart.
    Bulk,
    /// The whole answer is a constant: it says nothing but its status.
    Constant,
    /// It is a header: of answers only status and body are compared.
    Header,
    /// No answer was compared.
    NoAnswer,
    /// It shows what is made of something that no answer tells.
    NotTold,
    /// Of refusals only the status, the machine word and the places of complaints are compared.
    Refusal,
    /// It is a time, made anew on each side: that there is one is compared, and not which.
    Time,
}

impl Why {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Why::Bulk => "bulk",
            Why::Constant => "constant",
            Why::Header => "header",
            Why::NoAnswer => "no_answer",
            Why::NotTold => "not_told",
            Why::Refusal => "refusal",
            Why::Time => "time",
        }
    }
}

impl Covers {
    /// The same where no answer was compared.
    #[must_use]
    pub fn of_none(self) -> Covers {
        let Covers { of_effects, compared, looked_at, mut never } = self;
        never.extend(compared.into_iter().chain(looked_at).map(|place| (place, Why::NoAnswer)));
        Covers { of_effects, never, ..Covers::default() }
    }

    /// For programs, of an operation of which so many answers were compared.
    pub fn json(&self, (dialect, operation): (&str, &str), answers: u64) -> Tree {
        let never = self.never.iter().map(|(place, why)| json!({"place": place, "why": why.word()}));
        let never: Vec<_> = never.collect();
        let Covers { of_effects, compared, looked_at, .. } = self;
        let of = if *of_effects { "effects" } else { "answers" };
        json!({"dialect": dialect, "operation": operation, "of": of, "answers": answers, "compared": compared,
            "looked_at": looked_at, "never": never})
    }
}

impl Covers {
    /// Where answers to an operation are compared, in whichever of its cases.
    pub fn of(api: &Api, dialect: &Arc<Dialect>, operation: &Arc<Operation>) -> Covers {
        let mut covers = Covers::default();
        for one in iter::once(operation).chain(operation.cases.iter().map(|case| &case.operation)) {
            covers.join(Reader::offline(api, dialect, one).covers());
        }
        covers
    }

    /// Takes in those of another case: what is looked at in one of them is looked at.
    fn join(&mut self, other: Covers) {
        let Covers { of_effects, compared, looked_at, never } = other;
        self.of_effects |= of_effects;
        self.compared.extend(compared);
        self.looked_at.extend(looked_at);
        self.never.extend(never);
        self.never.retain(|(place, _)| !self.compared.contains(place) && !self.looked_at.contains(place));
    }
}

impl Reader {
    /// Where answers to its operation are compared.
    fn covers(&self) -> Covers {
        let whole = |why: Why| (String::new(), why);
        let refusals = ("refusal".to_owned(), Why::Refusal);
        let headers = ("headers".to_owned(), Why::Header);
        let mut never = BTreeSet::from([headers, refusals]);
        let of_effects = !self.operation.is_safe();
        let plans = match &self.operation.answer {
            AnswerPlan::Collect(_) => {
                never.insert(whole(Why::Bulk));
                return Covers { of_effects, never, ..Covers::default() };
            }
            AnswerPlan::One(plans) => plans,
        };
        let mut own = plans.iter().filter(|plan| is_of_call(&self.operation, plan));
        if own.any(|plan| matches!(plan.body, AnswerBody::Constant(_))) {
            never.insert(whole(Why::Constant));
        }
        let mut told = BTreeSet::new();
        for (plan, reading) in plans.iter().zip(&self.readings).filter(|_| !of_effects) {
            let spots = reading.iter().flat_map(|reading| &reading.spots);
            for spot in spots.filter(|spot| spot.telling != Telling::Nothing) {
                let shape = plan.canonical.as_deref().and_then(|canonical| at(canonical.shape(), &spot.at));
                if shape.is_some_and(|shape| is_by_form(&shape)) {
                    never.insert((pointer(spot), Why::Time));
                } else {
                    told.insert(pointer(spot));
                }
            }
        }
        // That there is such an object is seen by what is in it.
        let has_inner = |place: &String| told.iter().any(|other| is_below(other, place));
        let compared = told.iter().filter(|place| !place.is_empty() && !has_inner(place)).cloned().collect();
        let looked_at: BTreeSet<_> = self.shown_places().into_iter().collect();
        let shown = unread(&self.operation).into_iter();
        never.extend(shown.filter(|at| !looked_at.contains(at)).map(|at| (at, Why::NotTold)));
        Covers { of_effects, compared, looked_at, never }
    }
}

/// What is known of what lies there in a canonical document of that shape.
fn at<'s>(shape: Shape<'s>, way: &[Way]) -> Option<Shape<'s>> {
    way.iter().try_fold(shape, |shape, way| match way {
        Way::Name(name) => shape.property(name),
        Way::Each => shape.items(),
    })
}

fn is_below(place: &str, around: &str) -> bool {
    place.strip_prefix(around).is_some_and(|rest| rest.starts_with('/'))
}

fn pointer(spot: &Spot) -> String {
    let step = |way: &Way| match way {
        Way::Name(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Way::Each => "/*".to_owned(),
    };
    spot.at.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_case_looks_at_is_looked_at() {
        let places = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        let mut whole = Covers {
            compared: places(&["/name"]),
            never: BTreeSet::from([("shown".to_owned(), Why::NotTold), ("made".to_owned(), Why::Time)]),
            ..Covers::default()
        };
        let case = Covers { of_effects: true, looked_at: places(&["shown"]), ..Covers::default() };
        whole.join(case.clone());
        let both = Covers {
            of_effects: true,
            compared: places(&["/name"]),
            looked_at: places(&["shown"]),
            never: BTreeSet::from([("made".to_owned(), Why::Time)]),
        };
        assert_eq!(whole, both);
        let mut other_way = case;
        other_way.join(Covers {
            compared: places(&["/name"]),
            never: BTreeSet::from([("shown".to_owned(), Why::NotTold), ("made".to_owned(), Why::Time)]),
            ..Covers::default()
        });
        assert_eq!(other_way, both);
    }
}

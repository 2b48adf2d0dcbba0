//! What decides whether a lens reads or tells a field: every other choice is made with each of these, too.
//!
//! Instances make each choice once, not each with each: fields are read by themselves, and schemas mostly look at one
//! member at a time. Where a field is only read beside a certain value of another, its own values have to occur beside
//! that one.

use crate::lens::op::Op;
use crate::lens::op::each::Item;
use crate::lens::path::{Address, Literal};
use crate::lens::{Direction, Lens};
use crate::problem::Root;
use crate::schema::instances::{Guide, Step, Values};

/// What to make besides any documents: for each value that decides something, documents that have it. `below` is where in
/// the whole those of the lens lie.
pub(super) fn of(lens: &Lens, direction: Direction, below: &[Step]) -> Vec<Guide> {
    let mut found = Vec::new();
    look(lens, direction, below, &mut found);
    found
}

/// The parameters of the query that decide whether a field of a request is read, with the values by which it is.
pub(super) fn of_query(lens: &Lens) -> Vec<(&str, &[Literal])> {
    let conditions = lens.fields().iter().filter_map(|field| field.when.lift_when.as_ref());
    let in_query = conditions.filter(|(at, _)| at.root == Root::Query);
    in_query.filter_map(|(at, values)| Some((&**at.path.first()?, values.as_slice()))).collect()
}

fn look(lens: &Lens, direction: Direction, below: &[Step], found: &mut Vec<Guide>) {
    for field in lens.fields() {
        let decides = match direction {
            Direction::Lift => {
                field.when.lift_when.as_ref().map(|(at, values)| (at, values.iter().collect::<Vec<_>>()))
            }
            Direction::Lower => field.when.tag.as_ref().map(|(at, is)| (at, vec![is])),
        };
        if let Some((at, values)) = decides.filter(|(at, _)| at.root == Root::Body) {
            add(place(at, below), &values, found);
        }
        let own = match direction {
            Direction::Lift => field.left.as_ref(),
            Direction::Lower => field.right.as_ref(),
        };
        let Some(at) = own.filter(|at| at.root == Root::Body).map(|at| place(at, below)) else { continue };
        match &field.op {
            Op::Nested(nested) => look(&nested.lens, direction, &at, found),
            Op::Each(each) => {
                let items: Vec<Step> = at.into_iter().chain([Step::Items]).collect();
                if direction == Direction::Lower {
                    each.only.iter().for_each(|(at, is)| add(place(at, &items), &[is], found));
                }
                if let Item::Lens(lens) = &each.item {
                    look(lens, direction, &items, found);
                }
            }
            _ => {}
        }
    }
}

fn place(at: &Address, below: &[Step]) -> Vec<Step> {
    let path = at.path.iter().map(|name| Step::Member(name.clone()));
    below.iter().cloned().chain(path).collect()
}

fn add(at: Vec<Step>, values: &[&Literal], found: &mut Vec<Guide>) {
    let values = values.iter().map(|literal| literal.value().to_value()).collect();
    let guide = Guide { at, values: Values::Just(values) };
    if !found.contains(&guide) {
        found.push(guide);
    }
}

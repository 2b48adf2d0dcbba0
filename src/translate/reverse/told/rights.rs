//! Where answers tell what somebody may do: made of canonical capabilities, which no answer of a dialect tells. Nobody can compare
//! that, and it is more than a label.

use std::collections::BTreeSet;

use super::SHOWN;
use super::list::items_at;
use crate::canonical::api::Api;
use crate::dialect::Operation;
use crate::dialect::operation::{AnswerBody, AnswerPlan, Gather};
use crate::lens::Lens;
use crate::lens::op::Op;
use crate::lens::op::each::{Each, Item};
use crate::problem::Root;

/// The places of an operation's answers where a capability is told, each as `known` names it: `dialect:/items/*/admin`.
pub fn rights(api: &Api, operation: &Operation) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for one in operation.with_cases() {
        match &one.answer {
            AnswerPlan::Collect(collect) => {
                for (member, gather) in &collect.fields {
                    if let Gather::Lens(lens) = gather {
                        put(api, lens, &format!("{SHOWN}/{member}/*"), &mut found);
                    }
                }
            }
            AnswerPlan::One(plans) => {
                for plan in plans {
                    match &plan.body {
                        AnswerBody::Constant(_) | AnswerBody::Empty => {}
                        AnswerBody::Items { lens, under, .. } => {
                            let way = items_at(one.page.as_deref(), under);
                            let list: String = way.iter().flat_map(|name| ["/", name]).collect();
                            put(api, lens, &format!("{SHOWN}{list}/*"), &mut found);
                        }
                        AnswerBody::Lens(lens) => put(api, lens, SHOWN, &mut found),
                    }
                }
            }
        }
    }
    found
}

fn put(api: &Api, lens: &Lens, below: &str, found: &mut BTreeSet<String>) {
    for field in lens.fields() {
        let Some(left) = field.left.as_ref().filter(|left| left.root == Root::Body) else { continue };
        let at = left.path.iter().fold(below.to_owned(), |at, name| format!("{at}/{name}"));
        match &field.op {
            Op::Has(has) => {
                let word = has.0.value().as_str();
                if word.is_some_and(|word| api.roles.capability(&word).is_some()) {
                    found.insert(at);
                }
            }
            Op::Nested(nested) => put(api, &nested.lens, &at, found),
            Op::Each(Each { item: Item::Lens(lens), .. }) => put(api, lens, &format!("{at}/*"), found),
            _ => {}
        }
    }
}

//! The words of an explanation: what a step did, and what a place is called.

use serde_json::Value;

use super::Phase;
use super::render::Context;
use crate::lens::Lookup;
use crate::lens::explain::{How, Outcome, Sort, Told};
use crate::problem::{Place, Root, Segment};

/// How long a name may be to be shown as one.
const NAME_CHARS_MAX: usize = 64;

impl Context<'_> {
    /// What was done, in words.
    pub(super) fn sentence(self, told: &Told) -> String {
        let mut parts: Vec<String> = told.how.iter().map(|how| self.how(how)).collect();
        let is_told_whole = told.how.iter().any(|how| {
            matches!(
                how,
                How::Absent(_) | How::Constant(_) | How::Default(_) | How::Word { .. } | How::Label(_)
            )
        });
        match &told.outcome {
            Outcome::Written(_) if is_told_whole => {}
            Outcome::Written(sort) | Outcome::Around(sort) => parts.push(sort.to_string()),
            Outcome::Kept(_) => parts.push("kept as it is: the client was told so".to_owned()),
            Outcome::Checked | Outcome::Lost => {}
            Outcome::LeftOut(reason) => parts.push(format!("left out: {reason}")),
            Outcome::Refused { kind, message } => parts.push(format!("refused ({kind}): {message}")),
            Outcome::Awaited => parts.push("has to be looked up".to_owned()),
            Outcome::Ignored => parts.push("ignored: nothing reads it".to_owned()),
        }
        parts.join(", ")
    }

    fn how(self, how: &How) -> String {
        match how {
            How::Absent(json) => format!("none is told as {json}"),
            How::Blank => "stands for none".to_owned(),
            How::Constant(json) => format!("always {json}"),
            How::Copied => "as it is".to_owned(),
            How::Default(json) => format!("default {json}"),
            How::Each { of, told } if of == told => format!("each of {of}"),
            How::Each { of, told } => format!("{told} of {of}"),
            How::Fallback => "read there instead".to_owned(),
            How::Filter(words) => format!("asks for {words}"),
            How::Fixed(json) => format!("may only be {json}"),
            How::Has(json) => format!("whether {json} is in it"),
            How::Id { read, written } if read == written => format!("id, {read}"),
            How::Id { read, written } => format!("id, from {read} to {written}"),
            How::Imported(kind) => format!("imported id of kind `{kind}`"),
            How::Inside(lens) => format!("lens `{lens}`"),
            How::Label(label) => format!("shown as {}", Value::from(label.as_str())),
            How::LookedUp { of: Lookup::Imported(kind), found } => {
                format!("imported ids of kind `{kind}`: {}", there(*found))
            }
            How::LookedUp { of: Lookup::Resolver(index), found } => {
                let dialect = self.explanation.dialect.as_ref();
                let resolver = dialect.and_then(|dialect| dialect.resolvers.get(*index));
                let name = resolver.map_or("", |resolver| resolver.name.as_str());
                format!("resolver `{name}`: {}", there(*found))
            }
            How::Lost { name, reason } => format!("lost as `{name}`: {reason}"),
            How::Prefix(before) => format!("after `{before}`"),
            How::Nowhere { canonical, origin } => {
                let line = origin.and_then(|span| self.lines.name(span));
                let line = line.map(|line| format!(" ({line})")).unwrap_or_default();
                format!("{canonical} has no word here{line}")
            }
            How::Said(sentence) => sentence.clone(),
            How::Word { dialect, canonical, landed, origin } => {
                let line = origin.and_then(|span| self.lines.name(span));
                let line = line.map(|line| format!(" ({line})")).unwrap_or_default();
                match (self.phase, landed) {
                    (_, true) => format!("{canonical} lands on {dialect}{line}"),
                    (Phase::Lift, false) => format!("{dialect} is {canonical}{line}"),
                    (_, false) => format!("{canonical} is {dialect}{line}"),
                }
            }
        }
    }
}

fn there(found: bool) -> &'static str {
    if found { "found" } else { "none" }
}

/// A place as mappings write it. A name that looks like none may be anything, and is told like a value.
pub(super) fn shown(place: &Place) -> String {
    let names: Vec<String> = place.segments.iter().map(segment).collect();
    let root = match place.root {
        Root::Body | Root::Outer if names.is_empty() => "$body",
        Root::Body | Root::Outer => "",
        Root::Path => "$path",
        Root::Query => "$query",
    };
    let parts = (!root.is_empty()).then(|| root.to_owned()).into_iter().chain(names);
    parts.collect::<Vec<_>>().join(".")
}

fn segment(segment: &Segment) -> String {
    let Segment::Name(name) = segment else { return segment.to_string() };
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "_-.$[]".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$'));
    let is_name = begins && name.len() <= NAME_CHARS_MAX && name.chars().all(is_letter);
    if is_name { name.clone() } else { Sort::text(name).to_string() }
}

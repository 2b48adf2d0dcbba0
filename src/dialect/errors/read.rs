//! Reading an error that is written in the dialect's shape: the templates, backwards.
//!
//! What a template has no slot for is not there to be read; what was folded into another status may have been either.
//! The sentences are people's, and no more is made of them than they say.

use std::borrow::Cow;

use http::StatusCode;

use super::{ErrorShape, Slot, Template, ViolationSlot};
use crate::json::{Kind, Value};
use crate::lens::path::Address;
use crate::problem::{INVALID, Place, Root, Segment};

/// How many parts of a request one error is read to complain of.
const COMPLAINTS_MAX: usize = 32;

/// How deep an error that mirrors the request is read.
const DEPTH_MAX: usize = 64;

/// What an error says, as far as its shape lets it.
#[derive(Debug, Default)]
pub struct Heard<'v> {
    /// The machine word: ours if the shape shows it, else the dialect's if it is none of those that only say the status.
    pub code: Option<String>,
    /// The sentence.
    pub message: Option<String>,
    /// Seconds until it makes sense to try again.
    pub retry_after: Option<u64>,
    /// What is wrong with which part of the request, in the dialect's places.
    pub complaints: Vec<Complaint>,
    /// What of the client's own is repeated in it.
    pub inputs: Vec<(&'v Address, Value<'v>)>,
}

/// What is wrong with one part of a request.
#[derive(Debug, PartialEq)]
pub struct Complaint {
    /// Where it may be: a name alone does not say whether it is in the body or in the query.
    pub places: Vec<Place>,
    /// Which rule it breaks, in our word where there is one.
    pub kind: Option<String>,
    /// What was expected.
    pub message: Option<String>,
    /// Whether the place was guessed out of a sentence.
    pub is_guess: bool,
}

impl ErrorShape {
    /// The statuses that are told as that one, the likeliest first. Never empty.
    pub fn unfold(&self, told: StatusCode, folds: &[(StatusCode, StatusCode)]) -> Vec<StatusCode> {
        let mut from = vec![told];
        from.extend(folds.iter().chain(&self.folds).filter(|(_, to)| *to == told).map(|(from, _)| *from));
        let mut statuses: Vec<StatusCode> = Vec::new();
        for status in from {
            if self.fold(status, folds) == told && !statuses.contains(&status) {
                statuses.push(status);
            }
        }
        if statuses.is_empty() { vec![told] } else { statuses }
    }

    /// Whether the shape tells which part of a request is wrong.
    pub fn tells_places(&self) -> bool {
        let tells = |(_, slot): &(_, Slot)| matches!(slot, Slot::ByField { .. } | Slot::Violations(_));
        self.plain.fields.iter().chain(self.invalid.iter().flat_map(|invalid| &invalid.fields)).any(tells)
    }

    /// Reads the body of an error.
    pub fn read<'v>(&'v self, body: Value<'v>) -> Heard<'v> {
        let of_parts = self.invalid.as_ref().map(|invalid| self.read_as(invalid, body));
        match of_parts.filter(|heard| !heard.complaints.is_empty()) {
            Some(heard) => heard,
            None => self.read_as(&self.plain, body),
        }
    }

    /// Reads a body that was written with that template.
    pub fn read_as<'v>(&'v self, template: &'v Template, body: Value<'v>) -> Heard<'v> {
        let mut heard = Heard::default();
        for (path, slot) in &template.fields {
            let Some(value) = path.iter().try_fold(body, |value, name| value.member(name)) else { continue };
            match slot {
                Slot::ByField { other } => {
                    let mut at = Vec::new();
                    by_field(value, other, &mut at, &mut heard.complaints);
                }
                Slot::Code => heard.code = text(value),
                Slot::Input(address) => heard.inputs.push((address, value)),
                Slot::Message => heard.message = text(value),
                Slot::MessageWithPlaces => {
                    let Some(whole) = text(value) else { continue };
                    heard.complaints.extend(complaints_of(&whole));
                    heard.message =
                        Some(if heard.complaints.is_empty() { whole } else { INVALID.to_owned() });
                }
                Slot::RetryAfter => {
                    heard.retry_after = value.as_i64().and_then(|seconds| seconds.try_into().ok());
                }
                Slot::Violations(members) => {
                    let complaints = value.elements().take(COMPLAINTS_MAX);
                    heard.complaints.extend(complaints.map(|element| self.complaint(members, element)));
                }
                Slot::Word { prefix } => {
                    let word =
                        text(value).and_then(|word| word.strip_prefix(prefix.as_str()).map(str::to_owned));
                    if let Some(word) = word.filter(|word| !self.words.only_say_the_status(word)) {
                        heard.code.get_or_insert(word);
                    }
                }
                Slot::Constant(_) | Slot::Retryable | Slot::Status | Slot::Time | Slot::Title => {}
            }
        }
        heard.complaints.truncate(COMPLAINTS_MAX);
        heard
    }

    fn complaint(&self, members: &[(String, ViolationSlot)], element: Value<'_>) -> Complaint {
        let mut complaint = Complaint { places: Vec::new(), kind: None, message: None, is_guess: false };
        for (name, slot) in members {
            let Some(value) = element.member(name) else { continue };
            match slot {
                ViolationSlot::Dotted => {
                    complaint.places.extend(text(value).iter().flat_map(|text| dotted(text)));
                }
                ViolationSlot::Kind => complaint.kind = text(value).map(|kind| self.own_kind(kind)),
                ViolationSlot::Loc => complaint.places.extend(read_loc(value)),
                ViolationSlot::Message => complaint.message = text(value),
                ViolationSlot::Pointer => {
                    complaint.places.extend(text(value).and_then(|text| Place::from_pointer(&text)));
                }
            }
        }
        complaint
    }

    /// Our word for what a part breaks. The word for everything else is none of them.
    fn own_kind(&self, told: String) -> String {
        let known = self.kinds.iter().find(|(_, theirs)| *theirs == told);
        match known {
            _ if self.other_kind.as_ref() == Some(&told) => "refused".to_owned(),
            Some((ours, _)) => ours.clone(),
            None => told,
        }
    }
}

impl super::Words {
    fn only_say_the_status(&self, word: &str) -> bool {
        let exact = self.exact.iter().map(|(_, word)| word);
        exact.chain(&self.client).chain([&self.other]).any(|known| known == word)
    }
}

fn text(value: Value<'_>) -> Option<String> {
    value.as_str().map(Cow::into_owned)
}

/// Where a place with dots between may be.
fn dotted(text: &str) -> Vec<Place> {
    if text.is_empty() {
        return vec![Place::body(Vec::new())];
    }
    let segment = |name: &str| match name.parse() {
        Ok(index) => Segment::Index(index),
        Err(_) => Segment::Name(name.to_owned()),
    };
    let body = Place::body(text.split('.').take(DEPTH_MAX).map(segment).collect());
    vec![body, Place::parameter(Root::Query, text), Place::parameter(Root::Path, text)]
}

/// A place as a list that begins with `body`, `path` or `query`.
fn read_loc(value: Value<'_>) -> Option<Place> {
    let mut elements = value.elements();
    let root = match elements.next()?.as_str()?.as_ref() {
        "body" => Root::Body,
        "path" => Root::Path,
        "query" => Root::Query,
        _ => return None,
    };
    let segments = elements.take(DEPTH_MAX).map(|element| match element.as_i64() {
        Some(index) => usize::try_from(index).ok().map(Segment::Index),
        None => element.as_str().map(|name| Segment::Name(name.into_owned())),
    });
    Some(Place { root, segments: segments.collect::<Option<_>>()? })
}

/// The parts of a sentence that says what is wrong where. Each begins with a place, if it has one; that is a guess.
fn complaints_of(whole: &str) -> Vec<Complaint> {
    let Some(list) = whole.strip_prefix(INVALID).and_then(|rest| rest.strip_prefix(": ")) else {
        return Vec::new();
    };
    let complaint = |part: &str| {
        let (place, message) = part.split_once(' ').unwrap_or((part, ""));
        Complaint { places: dotted(place), kind: None, message: Some(message.to_owned()), is_guess: true }
    };
    list.split("; ").take(COMPLAINTS_MAX).map(complaint).collect()
}

/// The messages of a tree that mirrors the request.
fn by_field(value: Value<'_>, other: &str, at: &mut Vec<Segment>, complaints: &mut Vec<Complaint>) {
    if at.len() > DEPTH_MAX || complaints.len() >= COMPLAINTS_MAX {
        return;
    }
    match value.kind() {
        Kind::Object => {
            for (name, value) in value.members() {
                let name = name.as_str();
                if name == other {
                    // It stands for the whole of what it is in, so there is none within it.
                    if value.kind() == Kind::Array {
                        by_field(value, other, at, complaints);
                    }
                    continue;
                }
                at.push(name.parse().map_or_else(|_| Segment::Name(name.into_owned()), Segment::Index));
                by_field(value, other, at, complaints);
                at.pop();
            }
        }
        Kind::Array => {
            for (index, element) in value.elements().enumerate() {
                if complaints.len() >= COMPLAINTS_MAX {
                    return;
                }
                if let Some(message) = text(element) {
                    let places = match at.as_slice() {
                        [Segment::Name(name)] => {
                            let root = |root| Place::parameter(root, name);
                            vec![Place::body(at.clone()), root(Root::Query), root(Root::Path)]
                        }
                        _ => vec![Place::body(at.clone())],
                    };
                    complaints.push(Complaint {
                        places,
                        kind: None,
                        message: Some(message),
                        is_guess: false,
                    });
                } else {
                    at.push(Segment::Index(index));
                    by_field(element, other, at, complaints);
                    at.pop();
                }
            }
        }
        _ => {}
    }
}

//! Refusals: by their words and by what they complain of. Sentences are for people.

use super::{ANY, Comparing, What};
use crate::problem::{Problem, Segment};

impl Comparing<'_> {
    /// Compares two refusals.
    pub(super) fn problems(&mut self, one: &Problem, other: &Problem) {
        self.found.compared += 1;
        if one.code != other.code {
            let sides = [one, other].map(|problem| self.by.masks.text(&problem.code));
            self.tell("code".to_owned(), What::Value, sides);
        }
        let complaints = |problem: &Problem| {
            let mut complaints: Vec<(String, String)> = problem
                .violations
                .iter()
                .map(|one| (masked_positions(&one.place.segments), one.kind.to_string()))
                .collect();
            complaints.sort_unstable();
            complaints.dedup();
            complaints
        };
        let (ones, others) = (complaints(one), complaints(other));
        for (place, kind) in ones.iter().filter(|complaint| others.binary_search(complaint).is_err()) {
            let sides = [self.by.masks.text(kind), self.by.masks.of(None)];
            self.tell(format!("errors{place}"), What::Missing, sides);
        }
        for (place, kind) in others.iter().filter(|complaint| ones.binary_search(complaint).is_err()) {
            let sides = [self.by.masks.of(None), self.by.masks.text(kind)];
            self.tell(format!("errors{place}"), What::Extra, sides);
        }
    }
}

/// A place that a refusal complains of. What does not look like the name of a field may be anything: the names of a map
/// are repeated, too.
fn masked_positions(segments: &[Segment]) -> String {
    let masked: Vec<Segment> = segments
        .iter()
        .map(|segment| match segment {
            Segment::Name(name) if is_field(name) => Segment::Name(name.clone()),
            Segment::Index(_) | Segment::Name(_) => Segment::Name(ANY.to_owned()),
        })
        .collect();
    crate::problem::place::pointer(&masked)
}

fn is_field(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    name.len() <= 40 && !name.is_empty() && name.bytes().all(is_plain)
}

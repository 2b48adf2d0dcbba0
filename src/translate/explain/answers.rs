//! What is told of lowering: which answer was chosen, and what became of each part of it.

use super::{Explanation, Phase, checked};
use crate::diag::Span;
use crate::dialect::page::PageSlot;
use crate::lens::explain::{How, Outcome, Sort, Told};
use crate::problem::{Place, Root, Segment};

impl Explanation {
    /// Lowering begins, or begins again with more that is known.
    pub(in crate::translate) fn lowers(&mut self) {
        self.forget(Phase::Lower);
        self.forget(Phase::Locate);
    }

    /// Which answer it is, by the status of the backend.
    pub(in crate::translate) fn answers(&mut self, from: u16, status: Option<u16>, told: Vec<Told>) {
        let origin = self.origin_of_call(&["answers", &from.to_string()]);
        let chosen = match status {
            Some(status) => format!("{from} of the backend is told as {status}"),
            None => format!("{from} of the backend is told as an error"),
        };
        let chosen = checked(None, origin, chosen);
        let lines = std::iter::once(chosen).chain(told).map(|line| with_origin(line, origin)).collect();
        self.add(Phase::Lower, title(status), lines);
    }

    /// A refusal is an answer in this operation.
    pub fn settled(&mut self, from: u16, status: u16) {
        self.answers(from, Some(status), Vec::new());
    }

    /// The answers to many calls became one.
    pub(in crate::translate) fn collected(
        &mut self,
        status: Option<u16>,
        succeeded: usize,
        of: usize,
        told: Vec<Told>,
    ) {
        let origin = self.origin_of_call(&["collect"]);
        let chosen = checked(None, origin, format!("{succeeded} of {of} calls succeeded"));
        let lines = std::iter::once(chosen).chain(told).map(|line| {
            let member = line.to.as_ref().and_then(|to| match to.segments.first() {
                Some(Segment::Name(name)) => Some(name.clone()),
                Some(Segment::Index(_)) | None => None,
            });
            let own = member.and_then(|member| self.origin_of_call(&["collect", &member]));
            with_origin(line, own.or(origin))
        });
        let lines = lines.collect();
        self.add(Phase::Lower, title(status), lines);
    }

    /// Where what was made can be found.
    pub(in crate::translate) fn located(&mut self, told: Vec<(String, Told)>) {
        let origin =
            self.operation.as_ref().and_then(|operation| self.origin(&[&operation.calls.name, "calls"]));
        let lines = told.into_iter().map(|(name, told)| {
            let to = told.to.is_some().then(|| Place::parameter(Root::Path, &name));
            with_origin(Told { to, ..told }, origin)
        });
        let lines = lines.collect();
        self.add(Phase::Locate, "address of what was made", lines);
    }

    /// The line of a member of a page's frame.
    pub(in crate::translate) fn frame_origin(&self, path: &[Segment]) -> Option<Span> {
        let path: Vec<String> = path.iter().map(Segment::to_string).collect();
        self.origin_of_call(&["page", "fields", &path.join(".")])
    }

    /// An item was left out of a list: a loss that has the operation's name.
    pub(in crate::translate) fn omitted(&self, at: &[Segment]) -> Option<Told> {
        let operation = self.operation.as_ref()?;
        let reason = "has no words here, and is left out of the list".to_owned();
        let how = vec![How::Lost { name: format!("{}.items", operation.name), reason }];
        let from = Some(Place::body(at.to_vec()));
        Some(Told { to: None, from, origin: None, outcome: Outcome::Lost, how })
    }
}

/// A member of a page's frame that is no list of items.
pub(in crate::translate) fn of_frame(
    path: &[Segment],
    slot: PageSlot,
    json: &str,
    origin: Option<Span>,
) -> Told {
    let name = PageSlot::NAMES.iter().find(|(_, known)| *known == slot).map_or("", |(name, _)| name);
    written(path, json.as_bytes(), vec![How::Said(format!("slot `{name}` of the page"))], origin)
}

/// The list of a page, or all there is.
pub(in crate::translate) fn of_items(
    path: &[Segment],
    from: Option<&str>,
    (told, of): (usize, usize),
    origin: Option<Span>,
) -> Told {
    let sort = Sort::array(told);
    let from = from.map(|from| Place::body(vec![Segment::Name(from.to_owned())]));
    let (to, how) = (Some(Place::body(path.to_vec())), vec![How::Each { of, told }]);
    Told { to, from, origin, outcome: Outcome::Around(sort), how }
}

/// Something that was written without a lens.
pub(in crate::translate) fn written(
    path: &[Segment],
    json: &[u8],
    how: Vec<How>,
    origin: Option<Span>,
) -> Told {
    let outcome = Outcome::Written(Sort::written(json));
    Told { to: Some(Place::body(path.to_vec())), from: None, origin, outcome, how }
}

/// What was written, and was then thrown away with the whole of it.
pub(in crate::translate) fn discarded(told: &mut [Told]) {
    for line in told {
        if matches!(line.outcome, Outcome::Written(_) | Outcome::Around(_)) {
            line.outcome = Outcome::LeftOut("the whole of it cannot be told");
        }
    }
}

fn title(status: Option<u16>) -> String {
    status.map_or_else(|| "no answer".to_owned(), |status| format!("answer {status}"))
}

fn with_origin(line: Told, origin: Option<Span>) -> Told {
    Told { origin: line.origin.or(origin), ..line }
}

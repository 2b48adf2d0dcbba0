//! What is told of lowering while it goes on, if anybody listens.

use super::{Lowered, Lowering};
use crate::dialect::page::PageSlot;
use crate::lens::Run;
use crate::lens::explain::{How, Told};
use crate::problem::{Problem, Segment};
use crate::translate::Request;
use crate::translate::answer::Answer;
use crate::translate::explain::answers::{discarded, of_frame, of_items, written};

/// What was told so far, and where in the answers and in the client's answer the value under way lies.
#[derive(Default)]
pub(super) struct Teller {
    told: Vec<Told>,
    located: Vec<(String, Told)>,
    read_below: Vec<Segment>,
    at: Vec<Segment>,
}

impl Teller {
    /// One for a request that somebody listens to.
    pub(super) fn of(request: &Request) -> Option<Box<Teller>> {
        request.narrator.is_heard().then(Box::default)
    }

    /// Has the run of a value that lies where this is told.
    pub(super) fn trace(&self, run: &mut Run<'_, '_>) {
        run.trace(self.read_below.clone(), self.at.clone());
    }

    /// What the run told of a value. If something was refused, nothing it wrote is there.
    pub(super) fn hear(&mut self, run: &mut Run<'_, '_>) {
        let mut told = run.take_told();
        if !run.refusals().is_empty() {
            discarded(&mut told);
        }
        self.told.extend(told);
    }

    /// How many lines were told.
    pub(super) fn len(&self) -> usize {
        self.told.len()
    }
}

impl Lowering<'_> {
    /// From here on, what is written lies in this member or element.
    pub(super) fn enter(&mut self, segment: impl FnOnce() -> Segment) {
        if let Some(teller) = &mut self.teller {
            teller.at.push(segment());
        }
    }

    pub(super) fn leave(&mut self) {
        if let Some(teller) = &mut self.teller {
            teller.at.pop();
        }
    }

    /// From here on, what is read lies there.
    pub(super) fn reads(&mut self, below: impl FnOnce() -> Vec<Segment>) {
        if let Some(teller) = &mut self.teller {
            teller.read_below = below();
        }
    }

    /// Something was written without a lens.
    pub(super) fn wrote(&mut self, json: &str, how: impl FnOnce() -> Vec<How>) {
        if let Some(teller) = &mut self.teller {
            teller.told.push(written(&teller.at, json.as_bytes(), how(), None));
        }
    }

    /// A list was written; what is in it was told since there were `since` lines.
    pub(super) fn wrote_list(&mut self, since: usize, from: Option<&str>, (told, of): (usize, usize)) {
        let request = self.request;
        let Some(teller) = &mut self.teller else { return };
        let mut origin = None;
        request.narrator.tell(|story| origin = story.frame_origin(&teller.at));
        teller.told.insert(since, of_items(&teller.at, from, (told, of), origin));
    }

    /// A member of a page's frame was written.
    pub(super) fn wrote_slot(&mut self, slot: PageSlot, json: &str) {
        let request = self.request;
        let Some(teller) = &mut self.teller else { return };
        let mut origin = None;
        request.narrator.tell(|story| origin = story.frame_origin(&teller.at));
        teller.told.push(of_frame(&teller.at, slot, json, origin));
    }

    /// An item was left out of a list.
    pub(super) fn left_out(&mut self) {
        let request = self.request;
        let Some(teller) = &mut self.teller else { return };
        request.narrator.tell(|story| teller.told.extend(story.omitted(&teller.read_below)));
    }

    /// How many lines were told so far.
    pub(super) fn lines(&self) -> usize {
        self.teller.as_ref().map_or(0, |teller| teller.len())
    }

    /// What was told since there were `since` lines is about a parameter of an address.
    pub(super) fn is_address(&mut self, since: usize, parameter: &str) {
        if let Some(teller) = &mut self.teller {
            let told = teller.told.split_off(since);
            teller.located.extend(told.into_iter().map(|told| (parameter.to_owned(), told)));
        }
    }

    /// Tells everything, however it ended.
    pub(super) fn tell(
        &mut self,
        answers: &[Result<Answer, Box<Problem>>],
        ended: Result<&Lowered, &Problem>,
        collects: bool,
    ) {
        let Some(teller) = self.teller.take() else { return };
        let Teller { told, located, .. } = *teller;
        let status = ended.map_or(None, |lowered| Some(lowered.status.as_u16()));
        self.request.narrator.tell(|story| {
            story.lowers();
            if collects {
                let succeeded = answers.iter().filter(|answer| answer.is_ok()).count();
                story.collected(status, succeeded, answers.len(), told);
            } else {
                let from = answers.first().map_or(0, |answer| match answer {
                    Ok(answer) => answer.status.as_u16(),
                    Err(problem) => problem.status.get().as_u16(),
                });
                story.answers(from, status, told);
            }
            if !located.is_empty() {
                story.located(located);
            }
        });
    }
}

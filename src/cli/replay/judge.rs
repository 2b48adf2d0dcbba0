//! Whether two answers to one request mean the same.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use http::StatusCode;

use super::{aim, plays::Play};
use crate::{
    canonical::api::Api,
    dialect::{Dialect, Operation},
    json::{Document, Limits, Value},
    lens::Resolutions,
    problem::Segment,
    translate::{
        Step,
        compare::{self, By, Difference, Differences, List, Mask, Masks, Noise, Pairs, What},
        reverse::told::{Asked, Heard, Outcome, Reader, Telling},
    },
};

/// How many differences of one exchange are told.
const TOLD_MAX: usize = 20;

/// Compares answers in canonical words.
pub(super) struct Judge<'j> {
    api: &'j Api,
    masks: &'j Masks,
    readers: RefCell<HashMap<usize, Arc<Reader>>>,
    /// Which ids stand for each other, over all exchanges.
    pairs: RefCell<Pairs>,
    noise: RefCell<HashMap<usize, Noise>>,
}

/// What there is to say of an exchange.
pub(super) enum Verdict {
    /// Nothing: both mean the same.
    Alike,
    /// Of what was recorded only the status is known, and it is the same.
    SameStatus,
    Differs(Differences),
    /// No answer came from one that was asked.
    NoAnswer(String),
    /// There is nothing to compare with.
    Unread(&'static str),
}

/// An answer as it can be compared.
struct Side {
    status: StatusCode,
    /// What it tells; none if it cannot be read, or was not recorded.
    outcomes: Option<Vec<Option<Outcome>>>,
    /// Whether there was something to read.
    has_body: bool,
}

impl<'j> Judge<'j> {
    pub(super) fn new(api: &'j Api, masks: &'j Masks, changes: bool) -> Judge<'j> {
        let (readers, noise) = (RefCell::default(), RefCell::default());
        // What is made on each side has an id of its own there.
        let pairs = RefCell::new(if changes { Pairs::default() } else { Pairs::of_records() });
        Judge { api, masks, readers, pairs, noise }
    }

    /// What reads the answers of an operation. Nothing is looked up: what would have to be is not compared.
    pub(super) fn reader(&self, dialect: &Arc<Dialect>, operation: &Arc<Operation>) -> Arc<Reader> {
        let mut readers = self.readers.borrow_mut();
        let made = || Arc::new(Reader::offline(self.api, dialect, operation));
        Arc::clone(readers.entry(Arc::as_ptr(operation).addr()).or_insert_with(made))
    }

    /// Compares what came back with what was recorded, or with what the other one answered.
    pub(super) fn judge(
        &self,
        play: &Play,
        one: aim::Answered,
        again: Option<aim::Answered>,
        other: Option<aim::Answered>,
    ) -> Verdict {
        let now = |answer: aim::Answered| {
            answer.map(|answer| Self::side(play, answer.status, Some(answer.body.as_slice())))
        };
        let first = match now(one) {
            Ok(first) => first,
            Err(why) => return Verdict::NoAnswer(why),
        };
        let key = Arc::as_ptr(&play.reader).addr();
        if let Some(Ok(again)) = again.map(now) {
            // Each of its own answers may have ids of its own, which say nothing of the other side's.
            let between = self.compare(play, &first, &again, &mut Pairs::default());
            self.noise.borrow_mut().entry(key).or_default().learn(&between);
        }
        let differences = match other.map(now) {
            Some(Err(why)) => return Verdict::NoAnswer(why),
            Some(Ok(second)) => {
                if is_same_refusal(play, &first, &second) {
                    return Verdict::Unread("both refuse what was answered when it was recorded");
                }
                if is_unreadable(&first, &second) {
                    return Verdict::Unread("neither answer can be read");
                }
                self.compare(play, &first, &second, &mut self.pairs.borrow_mut())
            }
            None => {
                let Some(recorded) = &play.recorded else { return Verdict::Unread("no answer was recorded") };
                let recorded = Self::side(play, recorded.status, recorded.body.as_deref());
                if recorded.has_body && recorded.outcomes.is_none() {
                    return Verdict::Unread("the recorded answer is none of this operation's");
                }
                if !recorded.has_body && recorded.outcomes.is_none() && recorded.status == first.status {
                    return Verdict::SameStatus;
                }
                self.compare(play, &recorded, &first, &mut self.pairs.borrow_mut())
            }
        };
        let noise = self.noise.borrow();
        let differences = match noise.get(&key) {
            Some(noise) => noise.without(differences),
            None => differences,
        };
        if differences.is_empty() { Verdict::Alike } else { Verdict::Differs(differences) }
    }

    /// Reads an answer.
    fn side(play: &Play, status: StatusCode, body: Option<&[u8]>) -> Side {
        let Some(bytes) = body else { return Side { status, outcomes: None, has_body: false } };
        let limits = Limits { bytes_max: usize::MAX, nodes_max: usize::MAX, ..Limits::default() };
        let document = Document::parse(bytes.to_vec(), &limits).ok();
        let items: Vec<Value<'_>> = play
            .request
            .iter()
            .filter(|request| request.operation.is_bulk())
            .flat_map(|request| request.items().filter_map(|(item, _)| item))
            .collect();
        let page = play.reader.operation().page.as_ref().zip(play.request.as_ref());
        let page = page.and_then(|(page, request)| page.wanted(&request.query).ok());
        let asked = Asked { path: &[], page, items: &items };
        let heard = Heard { status, retry_after: None, body: document.as_ref().map(Document::root) };
        let told = play.reader.told(&asked, &heard, &Resolutions::default());
        let outcomes = match told {
            Ok(Step::Done(told)) => Some(told.outcomes),
            Ok(Step::Needs(_)) | Err(_) => None,
        };
        Side { status, outcomes, has_body: true }
    }

    fn compare(&self, play: &Play, one: &Side, other: &Side, pairs: &mut Pairs) -> Differences {
        let (Some(ones), Some(others)) = (&one.outcomes, &other.outcomes) else {
            return unread(one, other);
        };
        let mut all = Differences::default();
        for (one, other) in ones.iter().zip(others) {
            let (Some(one), Some(other)) = (one, other) else {
                if one.is_some() != other.is_some() {
                    all.add(of_answer(one.is_some(), other.is_some()), TOLD_MAX);
                }
                continue;
            };
            let status = status_of(one);
            let tells = |place: &[Segment]| play.reader.tells(status, place) != Telling::Nothing;
            let schema = play.reader.canonical(status).map(|schema| &**schema);
            let most = TOLD_MAX.saturating_sub(all.found.len());
            // A page is whatever was recorded.
            let list = List { keys: play.reader.keys(), ..List::default() };
            let by = By { schema, tells: &tells, list, masks: self.masks, most };
            all.absorb(compare::outcomes([one, other], &by, pairs));
        }
        all
    }
}

fn status_of(outcome: &Outcome) -> StatusCode {
    match outcome {
        Ok(answer) => answer.status,
        Err(problem) => problem.status.get(),
    }
}

/// Whether both say that they cannot say, and nobody said so when it was recorded.
fn is_same_refusal(play: &Play, one: &Side, other: &Side) -> bool {
    let tells_nothing = one.status == StatusCode::UNAUTHORIZED
        || one.status == StatusCode::TOO_MANY_REQUESTS
        || one.status.is_server_error();
    let was = play.recorded.as_ref().map(|recorded| recorded.status);
    tells_nothing && one.status == other.status && was != Some(one.status)
}

/// Whether there is nothing of which anybody can say whether it is the same.
fn is_unreadable(one: &Side, other: &Side) -> bool {
    one.status == other.status && one.outcomes.is_none() && other.outcomes.is_none()
}

/// Of what cannot be read, or was not recorded, the status says what there is to say.
fn unread(one: &Side, other: &Side) -> Differences {
    let mut found = Differences::default();
    found.compared = 1;
    if one.status != other.status {
        let sides = [one, other].map(|side| Mask::status(side.status));
        found.add(Difference { place: "status".to_owned(), what: What::Value, sides }, TOLD_MAX);
    } else if one.has_body && other.has_body && one.outcomes.is_some() != other.outcomes.is_some() {
        found.add(of_answer(one.outcomes.is_some(), other.outcomes.is_some()), TOLD_MAX);
    }
    found
}

/// One side says what the other does not, or not so that anybody can read it.
fn of_answer(one: bool, other: bool) -> Difference {
    let side = |can: bool| Mask { kind: if can { "an answer" } else { "unreadable" }, text: None };
    Difference { place: "answer".to_owned(), what: What::Kind, sides: [side(one), side(other)] }
}

//! What a change did that the old side made: it is read back there, and compared with what the canonical call asks for.
//!
//! The change itself is never sent again, to nobody. The answer to the change is compared, too, if it tells the record: of that
//! there is no second look, and where the dialect has no operation that reads the record there is nothing else.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RANGE, TRANSFER_ENCODING,
};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use percent_encoding::utf8_percent_encode;
use tokio::task::yield_now;

use super::ask::{Again, Answered, Said, read};
use super::{Shadow, TOLD_MAX};
use crate::canonical::api::{PathPart, RESERVED};
use crate::dialect::page::Wanted;
use crate::dialect::url::Url;
use crate::dialect::{self, Operation};
use crate::gateway::key::IDEMPOTENCY_KEY;
use crate::gateway::mode::{Change, Side};
use crate::gateway::{legacy, retirement};
use crate::json::Document;
use crate::telemetry::ShadowOutcome;
use crate::translate::Request;
use crate::translate::compare::{Difference, Differences, Mask, What};
use crate::translate::effect::Effect;
use crate::translate::reverse::back::{Back, Sought};
use crate::translate::reverse::told::{Next, Outcome, Reader};

/// How many pages of a list are looked through for a record.
const PAGES_MAX: u64 = 8;

/// What is to be the case after a change.
enum Aim {
    Gone,
    Set(Effect),
}

/// What was read of a record.
enum Found {
    Gone,
    Record(Document),
}

impl Shadow {
    /// Whether the canonical side could take what the old one did, and whether that did what it was asked for.
    pub(super) async fn look_after(&self, first: &Answered) -> Result<ShadowOutcome, ShadowOutcome> {
        if self.side == Side::Canonical || !first.status.is_success() {
            return Ok(ShadowOutcome::Untried);
        }
        let Again { target, url, body, .. } = &self.again;
        let shared = &self.asks.shared;
        let request = legacy::fitting(shared, target.clone(), url.clone(), body);
        let Some(request) = request else { return Ok(ShadowOutcome::DryRefused) };
        // The old side serves what the canonical one refuses: nobody looks at parts of what is handed on. Whose these are is
        // counted, so that this says nothing of others.
        if retirement::refusal(&shared.clock, &request).is_some() {
            return Ok(ShadowOutcome::DryGone);
        }
        let Some(change) = self.plan.change(&request.operation) else { return Ok(ShadowOutcome::DryFits) };
        let told = if first.is_plain { self.parsed(first).await? } else { None };
        let misfits = self.misfits(&request.operation, change, first, told.as_ref());
        if !misfits.is_empty() {
            // Before anything is waited for: that is certain, whatever becomes of the rest.
            self.tell(&misfits);
        }
        match self.look_back(&request, change, first, told.as_ref()).await {
            Ok(Some(found)) if !found.is_empty() => {
                self.tell(&found);
                Ok(ShadowOutcome::EffectDifferent)
            }
            _ if !misfits.is_empty() => Ok(ShadowOutcome::EffectDifferent),
            Ok(None) => Ok(ShadowOutcome::DryFits),
            Ok(Some(_)) => Ok(ShadowOutcome::EffectSame),
            Err(outcome) => Err(outcome),
        }
    }

    /// Where the record is not what the change was to make of it, as far as its answer tells and as it is read back; none if
    /// nothing of that can be compared.
    async fn look_back(
        &self,
        request: &Request,
        change: &Change,
        first: &Answered,
        told: Option<&Document>,
    ) -> Result<Option<Differences>, ShadowOutcome> {
        // What has only been accepted may still be done at any time.
        if first.status == StatusCode::ACCEPTED {
            return Ok(None);
        }
        let outcome = read(&change.reader, &self.again, first.status, told);
        self.see(&change.reader, outcome.as_ref(), told).await;
        // Of an answer that cannot be read nobody knows what was made, or whether it was done at all.
        let is_unread = !first.is_plain && !request.operation.is_bulk();
        let Some(wanted) = wanted(request, outcome.as_ref()) else {
            let could_be = change.back.is_some() && request.operation.calls.method == Method::DELETE;
            return if is_unread && could_be { Err(ShadowOutcome::EffectUnread) } else { Ok(None) };
        };
        let answered = self.in_its_answer(change, &wanted, outcome.as_ref());
        let sought = |back: &Back| back.sought(&request.path, told.map(Document::root));
        let Some((back, sought)) = change.back.as_ref().and_then(|back| Some((back, sought(back)?))) else {
            if is_unread && matches!(wanted, Aim::Set(_)) {
                return Err(ShadowOutcome::EffectUnread);
            }
            return Ok(answered);
        };
        let is_own = || self.since.is_some_and(|since| self.plan.is_unchanged_since(since, sought.names()));
        let read = self.read_back(back, &sought, &wanted, &is_own).await;
        let Some(answered) = answered else { return read };
        let mut answered = self.plan.without_noise(&back.reads.name, answered);
        if answered.is_empty() {
            return read.map(|found| found.or(Some(answered)));
        }
        if !is_own() {
            return Err(ShadowOutcome::EffectUnsteady);
        }
        // The answer tells it, whether it can be read back or not. What both tell is told once.
        let mut found = read.ok().flatten().unwrap_or_default();
        answered.drop_at(|place| found.places().any(|told| told == place));
        found.absorb(answered);
        Ok(Some(found))
    }

    /// Where the record, as it is read back, is not what the change was to make of it; none if nothing of it can be compared.
    async fn read_back(
        &self,
        back: &Back,
        sought: &Sought,
        wanted: &Aim,
        is_own: &dyn Fn() -> bool,
    ) -> Result<Option<Differences>, ShadowOutcome> {
        let look = async || self.look(&back.reads, sought).await;
        let reader = self.plan.reader(&back.reads.name).ok_or(ShadowOutcome::EffectUnread)?;
        let differs = |found: &Found| self.differs(reader, wanted, found);
        let Some(mut found) = differs(&look().await?) else { return Ok(None) };
        if found.is_empty() {
            return Ok(Some(found));
        }
        // Somebody may have changed it since. What counts is what differs again, if nobody is known to have.
        found.confirm(&differs(&look().await?).unwrap_or_default());
        if found.is_empty() || !is_own() {
            return Err(ShadowOutcome::EffectUnsteady);
        }
        let found = self.plan.without_noise(&back.reads.name, found);
        if found.is_empty() { Err(ShadowOutcome::Noise) } else { Ok(Some(found)) }
    }

    /// Where the answer to the change tells the record, and not as the change was to make it; none if it tells nothing of it.
    fn in_its_answer(&self, change: &Change, wanted: &Aim, outcome: Option<&Outcome>) -> Option<Differences> {
        let (Aim::Set(effect), Some(Ok(answer))) = (wanted, outcome) else { return None };
        let (body, masks) = answer.body.as_ref().zip(self.plan.masks())?;
        effect.differences(&change.reader, answer.status, body.root(), masks, TOLD_MAX)
    }

    /// Where what was found is not what was wanted; none if nothing of it can be compared.
    fn differs(&self, reader: &Reader, wanted: &Aim, found: &Found) -> Option<Differences> {
        let there = |is: StatusCode, should_be: StatusCode| {
            let mut differences = Differences::default();
            let sides = [is, should_be].map(Mask::status);
            differences.add(Difference { place: "status".to_owned(), what: What::Value, sides }, TOLD_MAX);
            differences
        };
        match (wanted, found) {
            (Aim::Gone, Found::Gone) => Some(Differences::default()),
            (Aim::Gone, Found::Record(_)) => Some(there(StatusCode::OK, StatusCode::NOT_FOUND)),
            (Aim::Set(_), Found::Gone) => Some(there(StatusCode::NOT_FOUND, StatusCode::OK)),
            (Aim::Set(effect), Found::Record(record)) => {
                let masks = self.plan.masks()?;
                effect.differences(reader, StatusCode::OK, record.root(), masks, TOLD_MAX)
            }
        }
    }

    /// Reads the record at the old side.
    async fn look(&self, reads: &Arc<Operation>, sought: &Sought) -> Result<Found, ShadowOutcome> {
        let reader = self.plan.reader(&reads.name).ok_or(ShadowOutcome::EffectUnread)?;
        let mut wanted = reads.page.as_ref().map(|page| Wanted { limit: page.most, offset: 0 });
        // An item that may be it, in a spelling that nobody can read, is not passed over.
        let mut is_missed = true;
        for _page in 0..PAGES_MAX {
            let again = self.reading(reads, sought, wanted).ok_or(ShadowOutcome::EffectUnread)?;
            let answered = self.answered(Side::Legacy, &again).await.map_err(|outcome| match outcome {
                ShadowOutcome::Spared => ShadowOutcome::Spared,
                _ => ShadowOutcome::EffectUnread,
            })?;
            let Said::Told(answered) = answered else { return Err(ShadowOutcome::EffectUnread) };
            let body = self.parsed(&answered).await?;
            let outcome = read(reader, &again, answered.status, body.as_ref());
            let record = match outcome.ok_or(ShadowOutcome::EffectUnread)? {
                Ok(answer) => answer.body.ok_or(ShadowOutcome::EffectUnread)?,
                Err(problem) if is_gone(problem.status.get()) => return Ok(Found::Gone),
                Err(_) => return Err(ShadowOutcome::EffectUnread),
            };
            let (Some(item), Some(body)) = (&sought.item, &body) else {
                return Ok(Found::Record(record));
            };
            let items = reader.listed(body.root()).ok_or(ShadowOutcome::EffectUnread)?;
            is_missed &= item.would_be_missed() && items.elements().all(|one| item.is(one).is_some());
            if let Some(item) = items.elements().find(|one| item.is(*one) == Some(true)) {
                let record = reader.record(StatusCode::OK, item).ok_or(ShadowOutcome::EffectUnread)?;
                return Ok(Found::Record(record));
            }
            match (reader.goes_on(body.root(), wanted), &mut wanted) {
                (Some(Next::End), _) if is_missed => return Ok(Found::Gone),
                (Some(Next::At(offset)), Some(wanted)) => wanted.offset = offset,
                _ => return Err(ShadowOutcome::EffectUnread),
            }
            yield_now().await;
        }
        Err(ShadowOutcome::EffectUnread)
    }

    /// The request that reads the record, for the same caller at the same place.
    fn reading(&self, reads: &Arc<Operation>, sought: &Sought, wanted: Option<Wanted>) -> Option<Again> {
        let Again { target, url, head, credential, .. } = &self.again;
        let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let mut path = url.target.as_str()[..url.mount].to_owned();
        path.push_str(&target.dialect.prefix);
        for part in &reads.path {
            path.push('/');
            match part {
                PathPart::Literal(text) => path.push_str(text),
                PathPart::Parameter(name) => {
                    let (_, value) = sought.path.iter().find(|(given, _)| **given == **name)?;
                    // It would be another path.
                    if matches!(value.as_str(), "" | "." | "..") {
                        return None;
                    }
                    path.push_str(&encoded(value));
                }
            }
        }
        let query = reads.page.as_ref().zip(wanted).map(|(page, wanted)| page.asks(wanted));
        let query = query.map_or(Some(Vec::new()), |query| query)?;
        for (index, (name, value)) in query.iter().enumerate() {
            path.push(if index == 0 { '?' } else { '&' });
            path.push_str(&encoded(name));
            path.push('=');
            path.push_str(&encoded(value));
        }
        let mut head = head.clone();
        head.method = Method::GET;
        let of_the_change = [
            ACCEPT_ENCODING,
            CONTENT_ENCODING,
            CONTENT_LENGTH,
            CONTENT_TYPE,
            EXPECT,
            IDEMPOTENCY_KEY,
            IF_MATCH,
            IF_MODIFIED_SINCE,
            IF_NONE_MATCH,
            IF_UNMODIFIED_SINCE,
            RANGE,
            TRANSFER_ENCODING,
        ];
        for name in of_the_change {
            head.headers.remove(name);
        }
        let parameters = sought.path.iter().map(|(name, value)| (name.clone(), encoded(value)));
        let target = dialect::Selected {
            dialect: Arc::clone(&target.dialect),
            operation: Arc::clone(reads),
            mount: target.mount,
            path: parameters.collect(),
        };
        let url = Url { target: PathAndQuery::try_from(path).ok()?, ..url.clone() };
        Some(Again { target, url, head, body: Bytes::new(), credential: credential.clone() })
    }
}

/// What is to be the case after a change that was answered so; none if nobody can say.
fn wanted(request: &Request, outcome: Option<&Outcome>) -> Option<Aim> {
    if request.operation.calls.method != Method::DELETE {
        return Effect::of(request).map(Aim::Set);
    }
    match outcome? {
        // A dialect may tell so, in another status, that it was only asked for.
        Ok(answer) if answer.status == StatusCode::ACCEPTED => None,
        // Some tell as a success that it was not there.
        Err(problem) if !is_gone(problem.status.get()) => None,
        Ok(_) | Err(_) => Some(Aim::Gone),
    }
}

fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

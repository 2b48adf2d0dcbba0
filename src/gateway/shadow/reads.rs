//! What only reads is asked of both sides, and the two answers are compared.

use http::StatusCode;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::ask::{Said, Told, wanted};
use super::{Shadow, TOLD_MAX};
use crate::dialect::operation::AnswerPlan;
use crate::gateway::mode::Side;
use crate::problem::{Blame, Segment};
use crate::schema::Schema;
use crate::telemetry::ShadowOutcome;
use crate::translate;
use crate::translate::compare::{self, By, Differences, List, Pairs};
use crate::translate::reverse::told::{Outcome, Reader, Telling};

impl Shadow {
    /// What came of asking both sides, or why there is nothing to compare.
    pub(super) async fn read_both(&self, first: Said) -> Result<ShadowOutcome, ShadowOutcome> {
        let operation = self.again.names().1;
        let reader = self.plan.reader(operation).ok_or(ShadowOutcome::Unreadable)?;
        let is_plain = matches!(&first, Said::Told(first) if first.is_plain);
        let begun = if self.side == Side::Legacy && is_plain { self.begun } else { Instant::now() };
        let first = match first {
            Said::Failed(problem) => Told { outcome: Err(problem), document: None },
            Said::Told(first) if first.is_plain => self.told(reader, &self.again, &first).await?,
            // It is one that cannot be read as it was asked for.
            Said::Told(_) => self.ask_to_see(reader, self.side).await?,
        };
        // What the old side shows is known, whatever comes of the other one.
        if self.side == Side::Legacy {
            self.see(reader, Some(&first.outcome), first.document.as_ref()).await;
        }
        let second = self.ask_to_see(reader, self.side.other()).await?;
        if self.side == Side::Canonical {
            self.see(reader, Some(&second.outcome), second.document.as_ref()).await;
        }
        let [first, second] = [first.outcome, second.outcome];
        let [old, new] = match self.side {
            Side::Legacy => [&first, &second],
            Side::Canonical => [&second, &first],
        };
        if has_failed(new) {
            return self.failed(reader, [old, new]).await;
        }
        let mut found = self.compare(reader, [old, new]).await;
        let alike = if found.apart > 0 { ShadowOutcome::OtherPage } else { ShadowOutcome::Same };
        let is_sample = self.plan.is_to_be_asked_twice(operation);
        if found.is_empty() && !is_sample {
            return Ok(alike);
        }
        // Somebody may have changed it between the two answers. What counts is what differs again.
        let old_again = match self.ask(reader, Side::Legacy).await {
            // A sample is taken where there is something to spare for it.
            Err(ShadowOutcome::Spared) if found.is_empty() => return Ok(alike),
            Err(outcome) if !found.is_empty() => return Err(unrepeated(outcome)),
            again => again?,
        };
        self.learn(&self.compare(reader, [old, &old_again]).await, begun);
        if found.is_empty() {
            return Ok(alike);
        }
        let new_again = self.ask(reader, Side::Canonical).await.map_err(unrepeated)?;
        let again = self.compare(reader, [&old_again, &new_again]).await;
        found.confirm(&again);
        if found.is_empty() {
            return steady([old, &old_again, new, &new_again]);
        }
        let differences = self.plan.without_noise(operation, found);
        if differences.is_empty() {
            return Ok(ShadowOutcome::Noise);
        }
        if !self.is_at_rest() {
            return Ok(ShadowOutcome::Unsteady);
        }
        self.tell(&differences);
        Ok(ShadowOutcome::Different)
    }

    /// What came of it where the canonical side had an answer that nobody can be told. Whatever the record was meanwhile, its
    /// client would have got none: so only that side is asked once more.
    async fn failed(
        &self,
        reader: &Reader,
        [old, new]: [&Outcome; 2],
    ) -> Result<ShadowOutcome, ShadowOutcome> {
        if has_failed(old) {
            return Err(ShadowOutcome::Unanswered);
        }
        let mut found = self.compare(reader, [old, new]).await;
        let again = self.ask(reader, Side::Canonical).await.map_err(unrepeated)?;
        found.confirm(&self.compare(reader, [old, &again]).await);
        if found.is_empty() || !has_failed(&again) {
            return Err(ShadowOutcome::FailedOnce);
        }
        self.tell(&found);
        Ok(ShadowOutcome::Different)
    }

    /// Whether nobody is known to have changed, since it was first read, what the path names.
    fn is_at_rest(&self) -> bool {
        let path = translate::decode_path(self.again.target.path.clone()).unwrap_or_default();
        let names = path.iter().map(|(_, value)| value.as_str());
        self.since.is_some_and(|since| self.plan.is_unchanged_since(since, names))
    }

    /// Learns where the old side, first asked at `begun`, differs from itself.
    fn learn(&self, between: &Differences, begun: Instant) {
        let (dialect, operation) = self.again.names();
        let noise = self.plan.learn(operation, between, begun);
        let metrics = self.asks.shared.meters.metrics();
        metrics.shadow_noise(dialect, operation, !between.is_empty(), noise);
    }

    async fn compare(&self, reader: &Reader, sides: [&Outcome; 2]) -> Differences {
        yield_now().await;
        let Some(masks) = self.plan.masks() else { return Differences::default() };
        let status = sides[0].as_ref().map_or(StatusCode::OK, |answer| answer.status);
        let tells = |place: &[Segment]| reader.tells(status, place) != Telling::Nothing;
        let schema = self.schema(status);
        let mut bodies = sides.into_iter().filter_map(|side| side.as_ref().ok()?.body.as_ref());
        let wanted = wanted(&self.again);
        let is_page = wanted.is_some_and(|wanted| bodies.any(|body| reader.is_page(wanted, body.root())));
        let list = List { keys: reader.keys(), is_page, is_cut: reader.leaves_out() };
        let by = By { schema, tells: &tells, list, masks, most: TOLD_MAX };
        compare::outcomes(sides, &by, &mut Pairs::default())
    }

    /// What the canonical body of that status looks like.
    fn schema(&self, status: StatusCode) -> Option<&Schema> {
        match &self.again.target.operation.answer {
            AnswerPlan::One(plans) => plans.iter().find(|plan| plan.from == status)?.canonical.as_deref(),
            AnswerPlan::Collect(_) => None,
        }
    }
}

/// Whether a side failed, rather than to tell or to refuse what was asked for.
fn has_failed(outcome: &Outcome) -> bool {
    outcome.as_ref().is_err_and(|problem| problem.blame == Blame::Upstream)
}

/// What came of a difference that was none when both sides were asked once more. Whoever failed only once was not compared: the
/// next client may be the one who meets it.
fn steady(asked: [&Outcome; 4]) -> Result<ShadowOutcome, ShadowOutcome> {
    if asked.into_iter().any(has_failed) {
        return Err(ShadowOutcome::FailedOnce);
    }
    Ok(ShadowOutcome::Unsteady)
}

/// What came of a difference that could not be looked at once more.
fn unrepeated(outcome: ShadowOutcome) -> ShadowOutcome {
    match outcome {
        ShadowOutcome::Spared | ShadowOutcome::Busy => ShadowOutcome::Unrepeated,
        other => other,
    }
}

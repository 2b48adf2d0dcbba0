//! What was sent and what was found.

use std::{collections::BTreeMap, fmt::Write};

use super::{
    Arguments, Unplayable,
    aim::Aim,
    judge::Verdict,
    plays::{Play, Skipped},
};
use crate::{
    cli::{
        Failure, Outcome,
        console::Console,
        report::{Format, Reporter},
    },
    diag::{Diagnostic, Sources, code, render::Case},
};

/// How many differences are told; the rest is counted.
const TOLD_MAX: usize = 1_000;

/// How many places the summary names.
const PLACES_MAX: usize = 20;

/// Counts of a run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    skipped: BTreeMap<Skipped, usize>,
    sent: usize,
    alike: usize,
    /// Those of them of which only the status was recorded.
    by_status: usize,
    different: usize,
    unanswered: usize,
    /// Answers there was nothing to compare with.
    unread: usize,
    /// Differences by dialect, operation and place. There are not more than the schemas have places.
    places: BTreeMap<(String, String, String), usize>,
    told: usize,
    more: usize,
}

impl Tally {
    /// Counts an exchange that is not sent.
    pub(super) fn skip(&mut self, skipped: Skipped) {
        *self.skipped.entry(skipped).or_default() += 1;
    }

    /// Counts an exchange that was sent, and reports on it.
    pub(super) fn add(
        &mut self,
        play: &Play,
        (verdict, sides): (Verdict, [&str; 2]),
        file: &str,
        reporter: &mut Reporter,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        self.sent += 1;
        let (dialect, operation) = (play.reader.dialect(), &play.reader.operation().name);
        let name = format!("answer of `{operation}` of `{dialect}`, {} of {file}", play.place);
        let (mut found, mut skipped) = (Vec::new(), None);
        match verdict {
            Verdict::Alike => self.alike += 1,
            Verdict::SameStatus => {
                self.alike += 1;
                self.by_status += 1;
            }
            Verdict::Unread(why) => {
                self.unread += 1;
                skipped = Some(why);
            }
            Verdict::NoAnswer(why) => {
                self.unanswered += 1;
                found.push(Diagnostic::error(code::V0107, format!("no answer: {why}")).note(&name));
            }
            Verdict::Differs(differences) => {
                self.different += 1;
                self.more += differences.more;
                for difference in differences.found {
                    let [one, other] = &difference.sides;
                    let place = &difference.place;
                    let [first, second] = sides;
                    let message = format!("`{place}`: {one} {first}, {other} {second}");
                    found.push(Diagnostic::error(code::V0107, message).note(&name));
                    let key = (dialect.name.clone(), operation.clone(), difference.place);
                    *self.places.entry(key).or_default() += 1;
                }
            }
        }
        let room = TOLD_MAX - self.told;
        self.more += found.len().saturating_sub(room);
        found.truncate(room);
        self.told += found.len();
        let case = Case { suite: file, name: &name, found: &found, skipped };
        reporter.case(&case, &Sources::default(), console)?;
        Ok(())
    }

    /// Says what was found: all of it, or until a recording could not be read on.
    pub(super) fn sum_up(&self, arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
        if self.more > 0 {
            console.note(&format!("{} more differences are not shown", self.more))?;
        }
        if arguments.format == Format::Text {
            console.text(&self.summary())?;
        }
        Ok(())
    }

    /// Says how it ended.
    pub(super) fn finish<'a>(
        self,
        arguments: &Arguments,
        aims: impl Iterator<Item = &'a Aim>,
        console: &mut Console<'_>,
    ) -> Result<Outcome, Failure> {
        self.sum_up(arguments, console)?;
        if self.sent == 0 {
            // Whoever runs this in CI would take silence for success.
            return Err(Unplayable::Nothing(self.reasons()).into());
        }
        for aim in aims {
            if aim.answered.get() == 0 {
                return Err(Unplayable::NoAnswer(aim.name.clone(), aim.asked.get()).into());
            }
            if aim.unauthenticated.get() > 0 && !aim.has_credentials() {
                let count = aim.unauthenticated.get();
                console.note(&format!(
                    "{count} answers of {} were 401: recorded credentials are not sent, say `--credential-file`",
                    aim.name
                ))?;
            }
        }
        if self.alike + self.different + self.unanswered == 0 {
            return Err(Unplayable::Uncompared(self.sent).into());
        }
        Ok(if self.different + self.unanswered > 0 { Outcome::Findings } else { Outcome::Clean })
    }

    fn summary(&self) -> String {
        let Tally { sent, alike, different, unanswered, unread, .. } = self;
        let mut text =
            format!("{sent} sent: {alike} alike, {different} different, {unanswered} without an answer");
        if *unread > 0 {
            write!(text, ", {unread} not compared").expect("writing to a string never fails");
        }
        if self.by_status > 0 {
            write!(text, ", {} of those alike by their status alone", self.by_status)
                .expect("writing to a string never fails");
        }
        text.push('\n');
        let not_sent = self.reasons();
        if !self.skipped.is_empty() {
            writeln!(text, "not sent: {not_sent}").expect("writing to a string never fails");
        }
        let mut places: Vec<_> = self.places.iter().collect();
        places.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        for ((dialect, operation, place), count) in places.iter().take(PLACES_MAX) {
            writeln!(text, "{count:>6}  {dialect} {operation} {place}")
                .expect("writing to a string never fails");
        }
        if places.len() > PLACES_MAX {
            writeln!(text, "and {} more places", places.len() - PLACES_MAX)
                .expect("writing to a string never fails");
        }
        text
    }

    fn reasons(&self) -> String {
        let reasons = self.skipped.iter().map(|(skipped, count)| format!("{count} {}", skipped.reason()));
        let reasons: Vec<_> = reasons.collect();
        if reasons.is_empty() { "there is no exchange".to_owned() } else { reasons.join(", ") }
    }
}

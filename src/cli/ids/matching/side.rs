//! The two sides, and their lists page by page.

use std::{cell::Cell, time::Duration};

use http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header::ACCEPT, header::AUTHORIZATION};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Arguments, Unmatchable};
use crate::{
    boot::FileError,
    canonical::api::{Api, Call},
    causes::with_causes,
    cli::{
        Failure,
        replay::{self, Credentials},
    },
    config::Config,
    dialect::Dialect,
    ids::embedded::matching::Scope,
    json::{Document, Limits, Value},
    time::Deadline,
    translate::reverse::records::{Items, List, Seen, Turn},
    upstream::{self, Upstream},
};

/// Items of a page of the canonical API.
const ITEMS: usize = 500;

/// Pages of one list. One that goes on after as many leads in circles.
const PAGES_MAX: usize = 1_000_000;

/// How often a side may say that it has had enough, and how long it may want to be left alone.
const PAUSES_MAX: usize = 5;
const PAUSE_MAX: Duration = Duration::from_mins(2);

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Old,
    New,
}

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Side::Old => "the old upstream",
            Side::New => "the canonical side",
        }
    }
}

/// Both sides.
pub(super) struct Sides {
    old: Asked,
    new: Asked,
}

/// A side that is asked, one request after another.
struct Asked {
    side: Side,
    upstream: Upstream,
    credential: (HeaderName, HeaderValue),
    deadline: Duration,
    pace: Option<Pace>,
}

/// How fast a side may be asked. Who was slow for a while is not the faster for it afterwards.
struct Pace {
    between: Duration,
    next: Cell<Instant>,
}

impl Pace {
    /// At most so many in a second.
    fn of(rate: u32) -> Pace {
        Pace { between: Duration::from_secs(1) / rate, next: Cell::new(Instant::now()) }
    }

    /// Waits until it is time.
    async fn turn(&self) {
        sleep_until(self.next.get()).await;
        self.next.set(self.next.get().max(Instant::now()) + self.between);
    }
}

/// What was read.
pub(super) enum Read {
    Items(Items),
    End,
}

/// Why nothing was.
pub(super) enum Refused {
    /// Whoever asks is not to see it.
    Hidden(StatusCode),
    Failed(Box<Unmatchable>),
}

impl Sides {
    pub(super) fn new(
        arguments: &Arguments,
        config: &Config,
        dialect: &Dialect,
        credentials: &Credentials,
    ) -> Result<Sides, Failure> {
        let mut names = std::iter::once(&dialect.name).chain(&dialect.extends);
        let legacy = names.find_map(|name| config.legacy.get(name));
        let old = settings(arguments, arguments.old.as_ref(), legacy).ok_or_else(|| {
            Unmatchable::NoBase(Side::Old.name(), "--old", format!("[legacy.{}]", dialect.name))
        })?;
        if let (None, Some(reverse)) = (&arguments.new, &config.reverse) {
            return Err(Unmatchable::Reverse(reverse.dialect.clone()).into());
        }
        let new = settings(arguments, arguments.new.as_ref(), config.upstream.as_ref());
        let new =
            new.ok_or_else(|| Unmatchable::NoBase(Side::New.name(), "--new", "[upstream]".to_owned()))?;
        let file = arguments.credential_file.display().to_string();
        let told = credentials.of(dialect).cloned();
        let told = told.ok_or_else(|| Unmatchable::Credential(file.clone(), Side::Old.name()))?;
        let secret = match &arguments.canonical_credential_file {
            Some(path) => {
                let failed = |source| FileError::Read { path: path.clone(), source };
                std::fs::read_to_string(path).map_err(failed)?.trim().to_owned()
            }
            None => credentials.secret(dialect).unwrap_or_default().to_owned(),
        };
        let file =
            arguments.canonical_credential_file.as_ref().map_or(file, |path| path.display().to_string());
        let bearer = HeaderValue::try_from(format!("Bearer {secret}")).ok().filter(|_| !secret.is_empty());
        let mut bearer = bearer.ok_or(Unmatchable::Credential(file, Side::New.name()))?;
        bearer.set_sensitive(true);
        Ok(Sides {
            old: Asked::new(Side::Old, old, told, arguments)?,
            new: Asked::new(Side::New, new, (AUTHORIZATION, bearer), arguments)?,
        })
    }

    /// The pages of a list on one side.
    pub(super) fn pages<'s>(
        &'s self,
        side: Side,
        api: &'s Api,
        list: &'s List,
        scope: Option<&'s Scope>,
    ) -> Result<Pages<'s>, Failure> {
        let (asked, next) = match side {
            Side::Old => (&self.old, Next::Turn(Turn::first(list.operation.page.as_deref()))),
            Side::New => {
                let call = list.call(api, scope.map(|scope| scope.canonical)).map_err(|problem| {
                    let why = problem.detail.to_string();
                    Unmatchable::Answer { side: side.name(), operation: list.operation.name.clone(), why }
                })?;
                (&self.new, Next::Call(Box::new(call), 0))
            }
        };
        Ok(Pages { asked, api, list, scope, next, count: 0, first: None })
    }
}

/// The settings of a side: those of the configuration, unless another is named.
fn settings(
    arguments: &Arguments,
    named: Option<&Uri>,
    configured: Option<&upstream::Config>,
) -> Option<upstream::Config> {
    let settings = match (named, configured) {
        (Some(base), _) => upstream::Config::new(base.clone()),
        (None, Some(configured)) => configured.clone(),
        (None, None) => return None,
    };
    Some(replay::patient(settings, arguments.deadline, 1, arguments.authorities.as_deref()))
}

impl Asked {
    fn new(
        side: Side,
        settings: upstream::Config,
        credential: (HeaderName, HeaderValue),
        arguments: &Arguments,
    ) -> Result<Asked, Failure> {
        let upstream = Upstream::new(std::sync::Arc::new(settings));
        let upstream = upstream.map_err(|error| Unmatchable::Target(side.name(), with_causes(&error)))?;
        let (deadline, pace) = (arguments.deadline, arguments.rate.map(Pace::of));
        Ok(Asked { side, upstream, credential, deadline, pace })
    }

    /// Asks for something, again if it is to be asked later.
    async fn get(&self, target: &str) -> Result<upstream::Answer, String> {
        let accept = HeaderValue::from_static("application/json");
        let (name, credential) = &self.credential;
        let request = upstream::Request {
            method: &Method::GET,
            target,
            headers: &[(name.clone(), Some(credential)), (ACCEPT, Some(&accept))],
            body: &[],
            safe: true,
            is_keyed: false,
            follows: false,
            share: None,
            passes: false,
        };
        for _pause in 0..PAUSES_MAX {
            if let Some(pace) = &self.pace {
                pace.turn().await;
            }
            let answer = self.upstream.send(request, Deadline::after(self.deadline)).await;
            let answer = answer.map_err(|error| with_causes(&error))?;
            if answer.status != StatusCode::TOO_MANY_REQUESTS {
                return Ok(answer);
            }
            let later = answer.retry_after.as_ref().and_then(|value| value.to_str().ok()?.parse().ok());
            let later = later.map_or(Duration::from_secs(1), Duration::from_secs);
            if later > PAUSE_MAX {
                return Ok(answer);
            }
            sleep(later).await;
        }
        Err(format!("it had enough of requests {PAUSES_MAX} times, say `--rate`"))
    }
}

/// A list under way.
pub(super) struct Pages<'s> {
    asked: &'s Asked,
    api: &'s Api,
    list: &'s List,
    scope: Option<&'s Scope>,
    next: Next,
    count: usize,
    /// What the page before began with.
    first: Option<Vec<Option<Seen>>>,
}

/// What is asked for next.
enum Next {
    /// A page of the dialect.
    Turn(Turn),
    /// Items of the canonical list, after so many.
    Call(Box<Call>, usize),
    Nothing,
}

impl Pages<'_> {
    /// The next page.
    pub(super) async fn next(&mut self) -> Result<Read, Refused> {
        self.count += 1;
        if self.count > PAGES_MAX {
            return Err(self.failed("its pages do not come to an end"));
        }
        let target = match &mut self.next {
            Next::Nothing => return Ok(Read::End),
            Next::Turn(turn) => {
                // An id without an own spelling stands for itself.
                let inside = self.scope.map(|scope| match &self.list.within {
                    Some(within) if within.id.imported.is_none() => within.spelt(scope.canonical),
                    _ => scope.external.clone(),
                });
                self.list.target(inside.as_deref(), turn)
            }
            Next::Call(call, after) => {
                let names = &self.api.page;
                call.query.retain(|(name, _)| **name != *names.limit && **name != *names.offset);
                call.query.push((names.limit.as_str().into(), ITEMS.to_string()));
                call.query.push((names.offset.as_str().into(), after.to_string()));
                let target = call.target();
                target.ok_or_else(|| self.failed("its path cannot be filled"))?
            }
        };
        let answer = self.asked.get(&target).await.map_err(|why| self.failed(&why))?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(self.failed("the credential is not taken"));
        }
        let is_hidden = [StatusCode::PAYMENT_REQUIRED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
        // Whoever was shown the first page is refused the others for another reason.
        if self.count == 1 && is_hidden.contains(&answer.status) {
            return Err(Refused::Hidden(answer.status));
        }
        if answer.status != StatusCode::OK {
            return Err(self.failed(&format!("it answers {}", answer.status)));
        }
        let limits = Limits { bytes_max: answer.body.len(), nodes_max: usize::MAX, ..Limits::default() };
        let document = Document::parse(answer.body, &limits);
        let document = document.map_err(|_| self.failed("its answer is not JSON"))?;
        self.read(document.root()).map(Read::Items).map_err(|why| self.failed(why))
    }

    fn read(&mut self, answer: Value<'_>) -> Result<Items, &'static str> {
        let no_list = "its answer is no such list";
        match &mut self.next {
            Next::Nothing => Ok(Items::new()),
            Next::Turn(turn) => {
                let items = self.list.told(answer).ok_or(no_list)?;
                let first = items.first().filter(|first| first.iter().any(Option::is_some)).cloned();
                if first.is_some() && first == self.first {
                    return Err("a page begins as the one before it did");
                }
                self.first = first;
                let next = turn.next(self.list.operation.page.as_deref(), answer, items.len())?;
                self.next = next.map_or(Next::Nothing, Next::Turn);
                Ok(items)
            }
            Next::Call(_, after) => {
                let items = self.list.told_by_canonical(self.api, answer).ok_or(no_list)?;
                *after += items.len();
                let total = answer.member(&self.api.page.total).and_then(Value::as_i64);
                let is_last =
                    total.is_some_and(|total| usize::try_from(total).is_ok_and(|total| *after >= total));
                if items.is_empty() || is_last {
                    self.next = Next::Nothing;
                }
                Ok(items)
            }
        }
    }

    fn failed(&self, why: &str) -> Refused {
        let (side, operation) = (self.asked.side.name(), self.list.operation.name.clone());
        Refused::Failed(Box::new(Unmatchable::Answer { side, operation, why: why.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_was_slow_for_a_while_is_not_asked_the_faster_for_it() {
        let pace = Pace::of(10);
        let begun = Instant::now();
        let mut times = Vec::new();
        for pause in [0, 0, 60_000, 0, 0] {
            advance(Duration::from_millis(pause)).await;
            pace.turn().await;
            times.push(begun.elapsed().as_millis());
        }
        assert_eq!(times, [0, 100, 60_100, 60_200, 60_300]);
    }
}

//! From a canonical call to a dialect's request.
//!
//! Law: lifting what was asked gives the call again, or the call is refused with the reason. It is not only tested: each
//! request that is made here is checked and lifted as if a client had sent it, and compared. A role that is only told as
//! another, a field that the dialect has no place for, a constant that would narrow a list, all show as a difference.

use std::borrow::Cow;
use std::sync::Arc;

use http::StatusCode;
use http::uri::PathAndQuery;
use percent_encoding::utf8_percent_encode;

use super::super::lift::lift;
use super::super::{Request, Step, check};
use crate::canonical::api::{Api, Arranging, Call, PageNames, PathPart, RESERVED};
use crate::dialect::Dialect;
use crate::dialect::operation::RequestBody;
use crate::dialect::url::Url;
use crate::json::{Document, Limits, Writer};
use crate::lens::{Direction, Input, Need, Parameters, Refusal, Resolutions, Run};
use crate::problem::{Problem, Root};

mod body;
pub mod pairs;
mod same;
mod way;
mod window;

pub use self::way::{Way, Ways};
pub use self::window::Window;

/// A dialect's request for a canonical call.
#[derive(Debug)]
pub struct Asked<'w> {
    /// How.
    pub way: &'w Way,
    /// The request, as the dialect would have decoded it. Its operation may be a case of the one that requests lead to.
    pub request: Request,
    /// Path and query, below the dialect's own host: encoded, prefix included.
    pub target: String,
    /// Which part of the list that is answered was asked for, if it is one.
    pub window: Option<Window>,
}

/// What may differ between a call and what is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latitude {
    /// A list may come in another order than the call wants.
    pub any_order: bool,
    /// A list may leave something out: it is only looked through.
    pub any_part: bool,
}

/// Finds the request that asks for what `call` does, with what has been looked up already.
///
/// # Errors
///
/// 501 with the reason if the dialect has no words for the call; 404 if something that it names does not exist.
pub fn ask<'w>(
    api: &Api,
    ways: &'w Ways,
    call: &Call,
    resolutions: &Resolutions,
    latitude: Latitude,
) -> Result<Step<Asked<'w>>, Box<Problem>> {
    match Asking::of(api, ways, call, resolutions, latitude)?.by_any() {
        Err(_) if latitude.any_order && says_an_order(&api.page, call) => {
            let arranges = |name: &str| api.page.is_arranging(name);
            let query = call.query.iter().filter(|(name, _)| !arranges(name)).cloned().collect();
            let in_any_order = Call { query, ..call.clone() };
            Asking::of(api, ways, &in_any_order, resolutions, latitude)?.by_any()
        }
        asked => asked,
    }
}

/// The same, in one way and no other.
///
/// # Errors
///
/// As those of [`ask`].
pub fn ask_by<'w>(
    api: &Api,
    ways: &'w Ways,
    way: &'w Way,
    call: &Call,
    resolutions: &Resolutions,
    latitude: Latitude,
) -> Result<Step<Asked<'w>>, Box<Problem>> {
    Asking::of(api, ways, call, resolutions, latitude)?.by(way)
}

/// Of two reasons that there is no request the one that says more: what does not exist is in no words, and of others the
/// first.
fn worse(before: Option<Box<Problem>>, problem: Box<Problem>) -> Box<Problem> {
    let is_missing = |problem: &Problem| problem.status.get() == StatusCode::NOT_FOUND;
    match before {
        Some(before) if is_missing(&before) || !is_missing(&problem) => before,
        Some(_) | None => problem,
    }
}

/// One call that is to be asked.
struct Asking<'a, 'w> {
    api: &'a Api,
    ways: &'w Ways,
    /// With all that it means of the order of a list.
    call: Cow<'a, Call>,
    body: Option<Document>,
    resolutions: &'a Resolutions,
    latitude: Latitude,
}

impl<'a, 'w> Asking<'a, 'w> {
    fn of(
        api: &'a Api,
        ways: &'w Ways,
        call: &'a Call,
        resolutions: &'a Resolutions,
        latitude: Latitude,
    ) -> Result<Asking<'a, 'w>, Box<Problem>> {
        let limits = |body: &Vec<u8>| Limits { bytes_max: body.len(), ..Limits::default() };
        let body = call.body.as_ref().map(|body| Document::parse(body.clone(), &limits(body))).transpose();
        let body =
            body.map_err(|error| Problem::internal(format!("the body of a call is no JSON: {error}")))?;
        Ok(Asking { api, ways, call: arranged(&api.page, call), body, resolutions, latitude })
    }

    /// In whichever way there is.
    fn by_any(&self) -> Result<Step<Asked<'w>>, Box<Problem>> {
        let (mut needs, mut refused) = (None, None);
        for way in self.ways.to(&self.call.operation.name) {
            match self.by(way) {
                Ok(Step::Done(asked)) => return Ok(Step::Done(asked)),
                // Whatever lifts to the call asks for the same, so a way without look-ups is taken first.
                Ok(Step::Needs(some)) => needs = needs.or(Some(some)),
                Err(problem) => refused = Some(worse(refused, problem)),
            }
        }
        match (needs, refused) {
            (Some(needs), _) => Ok(Step::Needs(needs)),
            (None, Some(problem)) => Err(problem),
            (None, None) => Err(Box::new(self.ways.without(&self.call.operation.name))),
        }
    }

    fn by(&self, way: &'w Way) -> Result<Step<Asked<'w>>, Box<Problem>> {
        let dialect = self.ways.dialect();
        let mut run = Run::new(Direction::Lower, self.resolutions);
        let body = self.body.as_ref().map(Document::root);
        let input = Input { body, outer: None, path: &self.call.path, query: &self.call.query };
        let item = way.item().run(input, &mut run, Writer::new());
        let around = way.around().map(|lens| lens.run(input, &mut run, Writer::new()).body);
        let refusals = run.take_refusals();
        if !refusals.is_empty() {
            return Err(Box::new(refused(way, &refusals)));
        }
        let needs: Vec<Need> = run.take_needs().collect();
        if !needs.is_empty() {
            return Ok(Step::Needs(needs));
        }

        let window = Window::of(self.api, &self.call, &way.whole)?;
        let (mut query, path) = (item.query, item.path);
        if let (Some(Window { page: Some(wanted), .. }), Some(page)) = (&window, &way.whole.page) {
            let asks = page.asks(*wanted).ok_or_else(|| inexpressible(way, "has no name for the page"))?;
            query.extend(asks);
        }
        let target = target(dialect, way, &path, &query)?;
        let body = match &way.whole.body {
            RequestBody::None => None,
            RequestBody::One { .. } | RequestBody::Each { .. } => {
                Some(body::put_together(way, item.body, around)?)
            }
        };
        let url = PathAndQuery::try_from(&target)
            .map_err(|_| Problem::internal("what was asked has no address"))
            .map(Url::of)?;
        let mut request = Request {
            dialect: Arc::clone(dialect),
            operation: Arc::clone(&way.whole),
            url,
            path,
            query,
            body,
            cursors: crate::dialect::page::Cursors::default(),
            narrator: super::super::explain::Narrator::default(),
            wrote: super::super::Wrote::default(),
        };
        check(&request).map_err(|problem| Box::new(misfit(way, &problem)))?;
        request.choose_case();
        if !Arc::ptr_eq(&request.operation, &way.operation) {
            return Err(Box::new(inexpressible(way, "would be asked for something else by such a body")));
        }
        let lifted = match lift(self.api, &request, self.resolutions) {
            Ok(Step::Done(lifted)) => lifted,
            Ok(Step::Needs(needs)) => return Ok(Step::Needs(needs)),
            Err(problem) => return Err(Box::new(misfit(way, &problem))),
        };
        self.compare(way, &lifted, window.as_ref())?;
        Ok(Step::Done(Asked { way, request, target, window }))
    }
}

/// Whether a call says anything of the order of its list.
fn says_an_order(page: &PageNames, call: &Call) -> bool {
    call.query.iter().any(|(name, _)| page.is_arranging(name))
}

/// A call that says anything of the order of its list says all of it: a dialect may mean something else by saying less.
fn arranged<'c>(page: &PageNames, call: &'c Call) -> Cow<'c, Call> {
    if !says_an_order(page, call) {
        return Cow::Borrowed(call);
    }
    let is_given = |name: &str| call.query.iter().any(|(given, _)| **given == *name);
    let mut call_in_full = Cow::Borrowed(call);
    for Arranging { name, usual } in page.arranged_by.iter().filter(|one| !is_given(&one.name)) {
        if let Some(usual) = usual.as_ref().filter(|_| call.operation.query.contains(name)) {
            call_in_full.to_mut().query.push((name.as_str().into(), usual.clone()));
        }
    }
    call_in_full
}

/// The path and query of a request.
fn target(
    dialect: &Dialect,
    way: &Way,
    path: &Parameters,
    query: &Parameters,
) -> Result<String, Box<Problem>> {
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut target = dialect.prefix.clone();
    for part in &way.whole.path {
        target.push('/');
        match part {
            PathPart::Literal(text) => target.push_str(text),
            PathPart::Parameter(name) => {
                let value = path.iter().find(|(given, _)| **given == **name);
                let (_, value) = value.ok_or_else(|| {
                    inexpressible(way, &format!("needs `{name}`, which the call does not say"))
                })?;
                if matches!(value.as_str(), "" | "." | "..") {
                    return Err(Box::new(Problem::not_found("there is no such resource")));
                }
                target.push_str(&encoded(value));
            }
        }
    }
    for (index, (name, value)) in query.iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        target.push_str(&encoded(name));
        target.push('=');
        target.push_str(&encoded(value));
    }
    Ok(target)
}

/// Why an operation cannot say a call. No value of the caller's is in it.
fn inexpressible(way: &Way, reason: &str) -> Problem {
    Problem::inexpressible(format!("`{}` of the backend's API {reason}", way.operation.name))
}

/// What a lens refused to lower, in canonical names.
fn refused(way: &Way, refusals: &[Refusal]) -> Problem {
    if refusals.iter().any(|one| one.place.root == Root::Path && (one.missing || one.kind == "id")) {
        return Problem::not_found("there is no such resource");
    }
    let said = refusals.iter().map(|one| format!("`{}` {}", one.place.dotted(), one.message));
    inexpressible(way, &format!("has no words for the call: {}", said.collect::<Vec<_>>().join("; ")))
}

/// What the dialect itself would not take of a request.
fn misfit(way: &Way, problem: &Problem) -> Problem {
    if problem.violations.is_empty() {
        return inexpressible(way, &format!("does not take what the call becomes: {}", problem.detail));
    }
    let said = problem.violations.iter().map(|one| format!("`{}` {}", one.place.dotted(), one.message));
    inexpressible(
        way,
        &format!("does not take what the call becomes: {}", said.collect::<Vec<_>>().join("; ")),
    )
}

//! What is sent: recorded exchanges of a file, one after another, as far as they can and may be asked again.

use std::{cell::RefCell, fmt, mem, sync::Arc};

use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT},
};

use super::{Judge, Tally};
use crate::{
    cli::{
        Failure,
        traffic::{
            Exchange, InputKind, Recorded, har,
            pieces::{Broken, Pieces},
            recognise::{Recognised, Recogniser},
            record,
        },
    },
    dialect::operation::RequestBody,
    json::{Buffers, Document, Limits},
    translate::{Request, reverse::told::Reader},
};

/// The headers of a recorded request that are sent again. None of them says who somebody is.
const SENT: [HeaderName; 4] = [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT];

/// The exchanges of a file.
pub(super) struct Plays<'p> {
    pub(super) pieces: RefCell<Pieces>,
    pub(super) kind: InputKind,
    pub(super) recogniser: &'p Recogniser<'p>,
    pub(super) judge: &'p Judge<'p>,
    pub(super) tally: &'p RefCell<Tally>,
    /// Whether what may change something is sent.
    pub(super) changes: bool,
    /// Whether what was answered then is compared with anything.
    pub(super) needs_answer: bool,
    /// Why there are no more.
    pub(super) failure: RefCell<Option<Failure>>,
}

/// A request to send, and what was answered when it was recorded.
pub(super) struct Play {
    pub(super) reader: Arc<Reader>,
    pub(super) method: Method,
    /// Whether it changes nothing.
    pub(super) is_safe: bool,
    pub(super) target: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Vec<u8>,
    /// The request as it is understood, if it can be.
    pub(super) request: Option<Request>,
    pub(super) recorded: Option<Answered>,
    pub(super) place: Place,
}

/// Where an exchange stands in its file, from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Which entry it is, where lines need not tell one from the next.
    entry: Option<usize>,
    /// The line it begins on.
    line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(entry) = self.entry {
            write!(f, "entry {entry}, ")?;
        }
        write!(f, "line {}", self.line)
    }
}

/// An answer as it was recorded.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    /// None if it is not known whether there was a body.
    pub(super) body: Option<Vec<u8>>,
}

/// Why an exchange is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Skipped {
    Changes,
    Malformed,
    Other,
    Unanswered,
    Unrecorded,
}

impl Skipped {
    /// What there is to say of those that were skipped so.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Skipped::Changes => "may change something (`--changes` sends them)",
            Skipped::Malformed => "are no exchange",
            Skipped::Other => "are for others",
            Skipped::Unanswered => "had no answer",
            Skipped::Unrecorded => "have a body that was not recorded",
        }
    }
}

impl Plays<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = Play> {
        let (mut text, mut buffers) = (Vec::new(), Buffers::default());
        let mut entries = 0;
        std::iter::from_fn(move || {
            loop {
                let piece = match self.pieces.borrow_mut().next(&mut text) {
                    Ok(piece) => piece?,
                    Err(Broken::Failure(failure)) => {
                        *self.failure.borrow_mut() = Some(failure);
                        return None;
                    }
                    Err(Broken::Text(error)) => {
                        let failure = super::Unplayable::File(error.to_string());
                        *self.failure.borrow_mut() = Some(failure.into());
                        return None;
                    }
                };
                entries += 1;
                let entry = (self.kind == InputKind::Har).then_some(entries);
                let place = Place { entry, line: piece.at.line };
                let limits = Limits { bytes_max: usize::MAX, nodes_max: usize::MAX, depth_max: u16::MAX };
                buffers.text.extend_from_slice(&text);
                let parsed = Document::parse_buffers(&mut mem::take(&mut buffers), &limits).ok();
                let Some(document) = parsed.filter(|_| piece.is_whole) else {
                    self.tally.borrow_mut().skip(Skipped::Malformed);
                    continue;
                };
                let play = self.play(&document, place);
                buffers = document.into_buffers();
                match play {
                    Ok(play) => return Some(play),
                    Err(skipped) => self.tally.borrow_mut().skip(skipped),
                }
            }
        })
    }

    fn play(&self, document: &Document, place: Place) -> Result<Play, Skipped> {
        let root = document.root();
        let exchange = if self.kind == InputKind::Har { har::exchange(root) } else { record::exchange(root) };
        let exchange = exchange.map_err(|_| Skipped::Malformed)?;
        let Recognised::Meant(selected, url) = self.recogniser.recognise(&exchange) else {
            return Err(Skipped::Other);
        };
        let (dialect, operation) = (Arc::clone(&selected.dialect), Arc::clone(&selected.operation));
        if !operation.is_safe() && !self.changes {
            return Err(Skipped::Changes);
        }
        let body = match (&operation.body, exchange.request) {
            (RequestBody::None, _) | (_, Recorded::Nothing) => Vec::new(),
            (_, Recorded::Unknown) => return Err(Skipped::Unrecorded),
            (_, Recorded::Body(body)) => body.bytes().ok_or(Skipped::Malformed)?,
        };
        let recorded = answered(&exchange);
        if recorded.is_none() && self.needs_answer {
            return Err(Skipped::Unanswered);
        }
        let below = &url.target.as_str()[url.mount..];
        let slash = if below.starts_with('/') { "" } else { "/" };
        let target = format!("/{dialect}{slash}{below}");
        let (method, is_safe) = (operation.method.clone(), operation.is_safe());
        let parsed = Document::parse(body.clone(), &Limits::default()).ok();
        let mut request = Request::new(*selected, url, parsed).ok();
        if let Some(request) = &mut request {
            request.choose_case();
        }
        let operation = request.as_ref().map_or(&operation, |request| &request.operation);
        let own = exchange.headers.iter().filter(|(name, _)| SENT.contains(name));
        let mut headers: Vec<_> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        // Who wrote the body down and no header means what the body is: nothing else is served.
        if !body.is_empty() && !exchange.headers.contains_key(CONTENT_TYPE) {
            headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        }
        let reader = self.judge.reader(&dialect, operation);
        Ok(Play { reader, method, is_safe, target, headers, body, request, recorded, place })
    }
}

fn answered(exchange: &Exchange<'_>) -> Option<Answered> {
    let status = StatusCode::from_u16(exchange.status?.0).ok()?;
    let body = match exchange.answer {
        Recorded::Unknown => None,
        Recorded::Nothing => Some(Vec::new()),
        Recorded::Body(body) => body.bytes(),
    };
    Some(Answered { status, body })
}

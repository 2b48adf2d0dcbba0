//! One run over all files: what is looked at, by what, and what becomes of it.

use std::{mem, sync::Arc};

use super::{
    Arguments, Side,
    excerpt::Hidden,
    fault::Fault,
    judge::{Judge, unlimited, was_redirected, was_refused},
    plain::Plain,
    tally::Tally,
};
use crate::{
    cli::{
        Failure,
        console::Console,
        files::Loaded,
        names,
        traffic::{
            Exchange, Input, InputKind, Piece, Recorded,
            ask::{Asked, Misasked},
            extent, har,
            pieces::{Broken, PIECE_BYTES_MAX},
            recognise::{Recognised, Recogniser, bases},
            record,
        },
    },
    diag::code,
    dialect::Dialect,
    json::stream::{Position, StreamError, StreamErrorKind},
    json::{Buffers, Document, Limits, ReadError},
};

/// What is looked at before anything else of an exchange.
const FORM: &str = "form of the traffic";

/// What a run goes by.
pub(super) struct Run<'r> {
    arguments: &'r Arguments,
    judge: Judge<'r>,
    recogniser: Recogniser<'r>,
    /// What single bodies have to be, if an operation was named.
    plain: Option<Plain>,
}

impl<'r> Run<'r> {
    pub(super) fn new(
        arguments: &'r Arguments,
        asked: &'r Asked,
        loaded: &'r Loaded,
    ) -> Result<Run<'r>, Failure> {
        let Loaded { config, registry, schemas, .. } = loaded;
        let plain = Plain::new(asked, loaded, arguments.side(), arguments.status)?;
        let is_canonical = plain.as_ref().is_some_and(|plain| plain.is_canonical);
        let dialect = match &asked.dialect {
            Some(name) if !is_canonical => Some(names::dialect(registry, name)?),
            Some(_) | None => None,
        };
        let bases = bases(registry, dialect, &arguments.bases)?;
        let judge = Judge { api: registry.api(), schemas, body: &config.body };
        let recogniser = Recogniser { registry, dialect, operation: asked.operation.as_deref(), bases };
        Ok(Run { arguments, judge, recogniser, plain })
    }

    /// Whether there is something that each file could be.
    pub(super) fn check(&self, inputs: &[Input]) -> Result<(), Failure> {
        let Some(plain) = &self.plain else { return Ok(()) };
        let is_traffic = |input: &Input| input.kind == InputKind::Har;
        if plain.is_canonical && inputs.iter().any(is_traffic) {
            return Err(Misasked::CanonicalTraffic.into());
        }
        let operation = self.recogniser.operation.unwrap_or_default();
        if inputs.iter().all(is_traffic) { Ok(()) } else { plain.check(operation, self.arguments.side()) }
    }

    /// Looks at all of a file.
    pub(super) fn input(
        &self,
        input: &Input,
        tally: &mut Tally,
        console: &Console<'_>,
    ) -> Result<(), Failure> {
        let name = input.name();
        let plain = self.plain.as_ref().filter(|_| input.kind != InputKind::Har);
        let (entries, meant) = (tally.entries, tally.meant());
        let mut pieces = input.open(console)?;
        let (mut text, mut buffers, mut has_unread) = (Vec::new(), Buffers::default(), false);
        loop {
            let piece = match pieces.next(&mut text) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(Broken::Failure(failure)) => return Err(failure),
                Err(Broken::Text(error)) => {
                    let piece = Piece { at: error.at, is_whole: true };
                    tally.judge(&name, ("", piece), FORM, vec![broken(&error)], || Hidden::Nothing);
                    return Ok(());
                }
            };
            if !piece.is_whole {
                let most = PIECE_BYTES_MAX >> 20;
                let message = format!("this entry is longer than {most} MiB, and too long to be looked at");
                let fault = Fault::new(code::V0106, message, 0..0);
                let fault = if self.arguments.strict { fault } else { fault.warning() };
                tally.add(&name, ("", piece), FORM, vec![fault], || Hidden::Nothing);
                continue;
            }
            let limits = plain.map_or_else(of_entry, |plain| plain.limits(&self.judge));
            // The reader takes a text with it, and one that is wrong has to be shown.
            buffers.text.extend_from_slice(&text);
            buffers = match Document::parse_buffers(&mut mem::take(&mut buffers), &limits) {
                Ok(document) => {
                    match plain {
                        Some(plain) => self.body(&name, (piece, &document), plain, tally),
                        None => self.entry(&name, (piece, &document), input.kind, tally),
                    }
                    document.into_buffers()
                }
                Err(error) => {
                    has_unread = true;
                    self.unread(&name, (piece, &text), error, tally);
                    Buffers::default()
                }
            };
        }
        let seen = tally.entries - entries;
        // Why there is nothing in a file of which nothing can be read has been told.
        if plain.is_none() && tally.meant() == meant && !(seen == 0 && has_unread) {
            let piece = Piece { at: Position::START, is_whole: true };
            let fault = self.nothing_meant(seen);
            tally.add(&name, ("", piece), FORM, vec![fault], || Hidden::Nothing);
        }
        Ok(())
    }

    /// Looks at a single body.
    fn body(&self, name: &str, (piece, document): (Piece, &Document), plain: &Plain, tally: &mut Tally) {
        let faults = plain.misfits(document.root());
        let case = self.recogniser.operation.unwrap_or_default();
        tally.judge(name, (document.text(), piece), case, faults, || self.hidden(document, None));
    }

    /// Looks at an exchange.
    fn entry(&self, name: &str, (piece, document): (Piece, &Document), kind: InputKind, tally: &mut Tally) {
        tally.entries += 1;
        let root = document.root();
        let read = if kind == InputKind::Har { har::exchange(root) } else { record::exchange(root) };
        match read {
            Ok(exchange) => self.exchange(name, (piece, document), &exchange, tally),
            Err(misshapen) => {
                let faults = vec![Fault::from(misshapen)];
                tally.judge(name, (document.text(), piece), FORM, faults, || self.hidden(document, None));
            }
        }
    }

    fn exchange(
        &self,
        name: &str,
        (piece, document): (Piece, &Document),
        exchange: &Exchange<'_>,
        tally: &mut Tally,
    ) {
        let entry = (document.text(), piece);
        let hidden = || self.hidden(document, Some(exchange));
        let (selected, url) = match self.recogniser.recognise(exchange) {
            Recognised::Meant(selected, url) => (*selected, url),
            Recognised::Other => return tally.other += 1,
            Recognised::Foreign => {
                tally.foreign += 1;
                if self.arguments.strict {
                    let message = "no dialect is meant by this request";
                    let fault = Fault::new(code::V0103, message, extent(exchange.url));
                    tally.add(name, entry, FORM, vec![fault], hidden);
                }
                return;
            }
            Recognised::Unheard(dialect) => {
                tally.unheard += 1;
                return tally.add(name, entry, FORM, self.unheard(exchange, &dialect), hidden);
            }
        };
        let side = self.arguments.side().unwrap_or(Side::Both);
        let dialect = Arc::clone(&selected.dialect);
        let of = format!("`{}` of `{dialect}`", selected.operation.name);
        let with_note = |faults: Vec<Fault>, note: &str| -> Vec<Fault> {
            faults.into_iter().map(|fault| fault.note(note)).collect()
        };
        let asked = self.judge.request(selected, url, exchange);
        if side != Side::Answer {
            match asked.faults {
                None => tally.unrecorded += 1,
                Some(faults) if side == Side::Both && !faults.is_empty() && was_refused(exchange) => {
                    tally.refused += 1;
                }
                Some(faults) => {
                    let case = format!("request of {of}");
                    tally.judge(name, entry, &case, with_note(faults, &case), hidden);
                }
            }
        }
        if let Some((status, _)) = exchange.status
            && side != Side::Request
        {
            match self.judge.answer(&dialect, &asked.operations, exchange) {
                None => tally.unrecorded += 1,
                Some(faults) => {
                    let case = format!("answer {status} of {of}");
                    tally.judge(name, entry, &case, with_note(faults, &case), hidden);
                }
            }
        }
    }

    /// What there is to say of a request for no operation: nothing, if it was refused or sent elsewhere when it was
    /// recorded.
    fn unheard(&self, exchange: &Exchange<'_>, dialect: &Dialect) -> Vec<Fault> {
        if (was_refused(exchange) || was_redirected(exchange)) && !self.arguments.strict {
            return Vec::new();
        }
        let message = format!("`{dialect}` has no operation with this method and path");
        let fault = Fault::new(code::V0103, message, extent(exchange.url));
        vec![if self.arguments.strict { fault } else { fault.warning() }]
    }

    /// Nothing in a file was for us. Whoever runs this in CI would take silence for success.
    fn nothing_meant(&self, entries: usize) -> Fault {
        if entries == 0 {
            return Fault::new(code::V0103, "there is no exchange in it", 0..0);
        }
        let of = match (&self.recogniser.dialect, self.recogniser.operation) {
            (Some(dialect), Some(operation)) => format!("`{operation}` of `{dialect}`"),
            (Some(dialect), None) => format!("an operation of `{dialect}`"),
            (None, _) => "an operation that is served".to_owned(),
        };
        let exchanges = if entries == 1 { "1 exchange".to_owned() } else { format!("{entries} exchanges") };
        Fault::new(code::V0103, format!("none of {exchanges} is for {of}"), 0..0)
            .note("say where the API was served when this was recorded with `--base DIALECT=URL`")
    }

    /// Keeps what is wrong with a piece that cannot be read.
    fn unread(&self, name: &str, (piece, text): (Piece, &[u8]), error: ReadError, tally: &mut Tally) {
        // Up to the first byte that is no text this is the text, and nothing is said about what comes after.
        let text = String::from_utf8_lossy(text);
        let faults = vec![Fault::unread(error, |range| range)];
        let hidden = || if self.arguments.show_values { Hidden::Nothing } else { Hidden::Words };
        let case = self.plain.as_ref().and(self.recogniser.operation).unwrap_or(FORM);
        tally.judge(name, (&text, piece), case, faults, hidden);
    }

    fn hidden(&self, document: &Document, exchange: Option<&Exchange<'_>>) -> Hidden {
        if self.arguments.show_values {
            return Hidden::Nothing;
        }
        let recorded = exchange.map(|exchange| [exchange.request, exchange.answer]);
        let body = |recorded| match recorded {
            Recorded::Body(body) => Some(body),
            Recorded::Unknown | Recorded::Nothing => None,
        };
        let bodies: Vec<_> = recorded.into_iter().flatten().filter_map(body).collect();
        Hidden::in_document(document.root(), &bodies)
    }
}

/// What an entry may cost: its length has a limit already.
fn of_entry() -> Limits {
    Limits { depth_max: u16::MAX, ..unlimited() }
}

fn broken(error: &StreamError) -> Fault {
    match error.kind {
        StreamErrorKind::Json(kind) => {
            Fault::new(code::V0101, format!("not strict JSON: {}", kind.message()), 0..0)
        }
        StreamErrorKind::Io(_) | StreamErrorKind::Lacks(_) | StreamErrorKind::Unlike(_) => {
            Fault::new(code::V0106, format!("no HAR document: {error}"), 0..0)
        }
    }
}

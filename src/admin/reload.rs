//! `POST /reload`: asks for the files to be read anew, and says what came of it.
//!
//! Whoever can open a page in a browser of somebody who can reach this listener must not be able to reload by it. A
//! browser cannot send a POST to another site without `Origin` or the media type of a form, so neither is taken.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, ALLOW, CONTENT_TYPE, ORIGIN},
};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::{JSON, TEXT, modes::Modes, page};
use crate::{
    diag::{Diagnostic, Sources, render},
    server::Stay,
    telemetry::{LoadResult, RequestId},
};

/// How many may wait for their turn.
const WAITING_MAX: usize = 4;

/// Bodies that a page of any site can make a browser send.
const OF_FORMS: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// Where reloads are asked for; clones share it.
#[derive(Clone, Debug)]
pub struct Reloads(mpsc::Sender<Ask>, Option<Modes>);

/// Somebody asks for a reload.
#[derive(Debug)]
pub struct Ask {
    /// The id of the request.
    pub request: Option<RequestId>,
    /// Who asks.
    pub peer: SocketAddr,
    /// Hears what came of it.
    pub answer: oneshot::Sender<Outcome>,
}

/// What came of a reload.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it was taken.
    pub result: LoadResult,
    /// What is in use now, in short.
    pub digest: String,
    /// What is wrong with the files, or doubtful.
    pub found: Vec<Diagnostic>,
    /// The files.
    pub sources: Sources,
    /// What else is in the way.
    pub cause: Option<String>,
    /// What was said of modes and does not count any more.
    pub ended: Vec<Ended>,
}

/// A mode that was said of a dialect until files came to say something else of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The dialect.
    pub dialect: String,
    /// The mode that was said.
    pub said: &'static str,
    /// The one that the files say; none if they say nothing of the dialect.
    pub files: Option<&'static str>,
}

impl Outcome {
    fn status(&self) -> StatusCode {
        match self.result {
            LoadResult::Taken => StatusCode::OK,
            LoadResult::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            LoadResult::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn json(&self) -> String {
        let (result, digest, cause) = (json!(self.result.name()), json!(self.digest), json!(self.cause));
        let ended = self
            .ended
            .iter()
            .map(|ended| json!({"dialect": ended.dialect, "said": ended.said, "files": ended.files}));
        let ended = Value::Array(ended.collect());
        let diagnostics = render::json(&self.found, &self.sources);
        format!(
            "{{\"result\":{result},\"digest\":{digest},\"cause\":{cause},\"ended\":{ended},\"diagnostics\":{}}}\n",
            diagnostics.trim_end()
        )
    }

    fn text(&self) -> String {
        // Not as on a terminal, with the lines they are about: settings may hold credentials, and anybody may ask.
        let found: String = self.found.iter().map(|one| line(one, &self.sources)).collect();
        let ended = |ended: &Ended| {
            let Ended { dialect, said, files } = ended;
            let files = files.unwrap_or("nothing");
            format!(
                "`{said}` was said of `{dialect}` here: the files say something else of it by now ({files}), and count\n"
            )
        };
        let ended: String = self.ended.iter().map(ended).collect();
        let cause = self.cause.as_ref().map(|cause| format!("{cause}\n")).unwrap_or_default();
        let what = match self.result {
            LoadResult::Taken if self.cause.is_some() => {
                "taken: requests are answered by the files as they are now, but for that"
            }
            LoadResult::Taken => "taken: requests are answered by the files as they are now",
            LoadResult::Refused | LoadResult::Failed => "nothing was taken: what was in use stays in use",
        };
        format!("{found}{ended}{cause}{what} (digest {})\n", self.digest)
    }
}

/// A diagnostic without the text it is about.
fn line(one: &Diagnostic, sources: &Sources) -> String {
    let place = one.primary().map_or_else(String::new, |span| {
        let (line, column) = sources.line_column(span.source, span.start);
        format!("{}:{line}:{column}: ", sources.path(span.source))
    });
    let help = one.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{place}{}[{}]: {}{help}\n", one.severity.name(), one.code, one.message)
}

impl Reloads {
    /// Where to ask, and where the asking is heard.
    pub fn channel() -> (Reloads, mpsc::Receiver<Ask>) {
        let (asks, heard) = mpsc::channel(WAITING_MAX);
        (Reloads(asks, None), heard)
    }

    /// The same, where modes can be changed besides.
    #[must_use]
    pub fn with_modes(self, modes: Modes) -> Reloads {
        Reloads(self.0, Some(modes))
    }

    /// Where modes are asked for.
    pub(super) fn modes(&self) -> Option<&Modes> {
        self.1.as_ref()
    }

    /// Answers a request for `/reload`.
    pub(super) async fn answer<B>(&self, request: &Request<B>, peer: SocketAddr) -> Response<Full<Bytes>> {
        if request.method() != Method::POST {
            let mut answer = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only POST\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return answer;
        }
        let headers = request.headers();
        if let Some(refused) = foreign(headers) {
            return refused;
        }
        let (answer, outcome) = oneshot::channel();
        let ask = Ask { request: request.extensions().get().cloned(), peer, answer };
        match self.0.try_send(ask) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return page(StatusCode::CONFLICT, TEXT, "too many reloads wait for their turn\n");
            }
            Err(TrySendError::Closed(_)) => return leaving(),
        }
        let _kept = Stay::keep(request.extensions());
        match outcome.await {
            Ok(outcome) if wants_text(headers) => page(outcome.status(), TEXT, outcome.text()),
            Ok(outcome) => page(outcome.status(), JSON, outcome.json()),
            Err(_nobody_will) => leaving(),
        }
    }
}

/// What a request is told that a page in a browser may have sent.
pub(super) fn foreign(headers: &HeaderMap) -> Option<Response<Full<Bytes>>> {
    if headers.contains_key(ORIGIN) {
        return Some(page(StatusCode::FORBIDDEN, TEXT, "not from a browser: the request has an `Origin`\n"));
    }
    let told = "not from a form: send no `Content-Type`, or that of JSON\n";
    is_form(headers).then(|| page(StatusCode::UNSUPPORTED_MEDIA_TYPE, TEXT, told))
}

pub(super) fn leaving() -> Response<Full<Bytes>> {
    page(StatusCode::SERVICE_UNAVAILABLE, TEXT, "the program is about to end\n")
}

fn is_form(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().any(|value| {
        let value = value.to_str().unwrap_or("text/plain");
        let kind = value.split(';').next().unwrap_or_default().trim();
        OF_FORMS.iter().any(|form| kind.eq_ignore_ascii_case(form))
    })
}

/// JSON is what there is for programs and for whoever does not say; people ask for text.
fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kinds =
        accept.flat_map(|value| value.split(',')).map(|one| one.split(';').next().unwrap_or_default());
    kinds.map(str::trim).find(|kind| ["text/plain", "application/json"].contains(kind)) == Some("text/plain")
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::diag::{Span, code};

    fn ask(lines: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::builder().method(Method::POST).uri("/reload");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn peer() -> SocketAddr {
        ([127, 0, 0, 1], 1).into()
    }

    fn refused() -> Outcome {
        let mut sources = Sources::default();
        let file = sources.add("config.toml", "workers = 7\n");
        let found = Diagnostic::error(code::C0301, "fixed").at(Span::new(file, 10..11), "here");
        Outcome {
            result: LoadResult::Refused,
            digest: "abc".to_owned(),
            found: vec![found],
            sources,
            cause: None,
            ended: Vec::new(),
        }
    }

    /// What is answered to a request, if somebody hears it and has this to say.
    async fn answered(request: &Request<()>, outcome: Outcome) -> (StatusCode, String, String) {
        let (reloads, mut heard) = Reloads::channel();
        let hear = async {
            if let Some(ask) = heard.recv().await {
                ask.answer.send(outcome).unwrap();
            }
        };
        let answer = async {
            let answer = reloads.answer(request, peer()).await;
            drop(reloads);
            answer
        };
        let (answer, ()) = tokio::join!(answer, hear);
        let kind = answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_files_is_in_the_answer_as_json_or_as_text() {
        let (status, kind, body) = answered(&ask(&[("accept", "*/*")]), refused()).await;
        assert_eq!((status.as_u16(), kind.as_str()), (422, "application/json"));
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json["result"], "refused");
        assert_eq!(json["diagnostics"][0]["code"], "C0301");

        let (status, kind, body) = answered(&ask(&[("accept", "text/plain")]), refused()).await;
        assert_eq!((status.as_u16(), kind.as_str()), (422, TEXT));
        assert!(body.contains("error[C0301]: fixed") && body.contains("config.toml:1:11"), "{body}");
        assert!(body.contains("what was in use stays in use"), "{body}");
        assert!(!body.contains("workers"), "the lines themselves stay here: {body}");
    }

    #[tokio::test]
    async fn a_mode_that_the_files_have_ended_is_named() {
        let outcome = || Outcome {
            result: LoadResult::Taken,
            found: Vec::new(),
            ended: vec![Ended { dialect: "acme".to_owned(), said: "legacy", files: Some("shadow") }],
            ..refused()
        };
        let (_, _, body) = answered(&ask(&[]), outcome()).await;
        let json: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json["ended"], json!([{"dialect": "acme", "said": "legacy", "files": "shadow"}]));
        let (_, _, body) = answered(&ask(&[("accept", "text/plain")]), outcome()).await;
        let line = "`legacy` was said of `acme` here: the files say something else of it by now (shadow), and count\n";
        assert!(body.starts_with(line), "{body}");
    }

    #[tokio::test]
    async fn no_page_in_a_browser_can_ask() {
        for (line, status) in [
            (("origin", "http://127.0.0.1:9464"), 403),
            (("origin", "null"), 403),
            (("content-type", "application/x-www-form-urlencoded"), 415),
            (("content-type", "Multipart/Form-Data; boundary=x"), 415),
            (("content-type", "text/plain;charset=utf-8"), 415),
        ] {
            let (found, ..) = answered(&ask(&[line]), refused()).await;
            assert_eq!(found.as_u16(), status, "{line:?}");
        }
        let mut get = ask(&[]);
        *get.method_mut() = Method::GET;
        assert_eq!(answered(&get, refused()).await.0.as_u16(), 405);
    }

    #[tokio::test]
    async fn too_many_are_told_so_and_whoever_is_too_late_too() {
        let (reloads, mut heard) = Reloads::channel();
        for _ in 0..WAITING_MAX {
            let (answer, _) = oneshot::channel();
            reloads.0.try_send(Ask { request: None, peer: peer(), answer }).unwrap();
        }
        assert_eq!(reloads.answer(&ask(&[]), peer()).await.status().as_u16(), 409);
        while heard.try_recv().is_ok() {}
        let request = ask(&[]);
        let waits = async { reloads.answer(&request, peer()).await.status().as_u16() };
        let goes = async { drop(heard) };
        assert_eq!(tokio::join!(waits, goes).0, 503);
        assert_eq!(reloads.answer(&ask(&[]), peer()).await.status().as_u16(), 503);
    }
}

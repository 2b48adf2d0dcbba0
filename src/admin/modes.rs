//! `/modes`: who answers the requests of which dialect, and to say otherwise at once.
//!
//! `GET /modes` shows all of them. `PUT /modes/<dialect>` takes what `[mode.<dialect>]` takes, as JSON, and answers when every
//! worker does as it says; `DELETE /modes/<dialect>` goes back to what the files say. Nobody may ask from a page in a browser,
//! as for a reload.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::ALLOW};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::timeout,
};

use super::reload::{foreign, leaving};
use super::{JSON, TEXT, page};
use crate::{server::Stay, telemetry::RequestId};

/// How many may wait for their turn.
const WAITING_MAX: usize = 4;

/// Bytes of what is said of one dialect.
const BYTES_MAX: usize = 256 * 1024;

/// Time for all of them to come, as much as clients of the dialects have.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Where modes are asked for, and changed; clones share it.
#[derive(Clone, Debug)]
pub struct Modes(mpsc::Sender<Ask>);

/// Somebody asks for modes, or for others.
#[derive(Debug)]
pub struct Ask {
    /// What is asked for.
    pub what: What,
    /// The id of the request.
    pub request: Option<RequestId>,
    /// Who asks.
    pub peer: SocketAddr,
    /// Hears what came of it.
    pub answer: oneshot::Sender<Told>,
}

/// What is asked for.
#[derive(Debug)]
pub enum What {
    /// To be shown all of them.
    Show,
    /// That a dialect has this one, in JSON.
    Set {
        /// The dialect.
        dialect: String,
        /// What `[mode.<dialect>]` would say.
        json: Bytes,
    },
    /// That a dialect has the one that the files say.
    Unset {
        /// The dialect.
        dialect: String,
    },
}

/// What came of it.
#[derive(Debug)]
pub struct Told {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub json: Value,
}

impl Told {
    /// The same, where the next start may know nothing of it although it should, for that reason.
    #[must_use]
    pub fn not_kept(mut self, cause: &str) -> Told {
        self.json["persisted"] = false.into();
        let dialect = self.json["dialect"].as_str().unwrap_or_default();
        let until = if self.json["said_by"] == "admin" {
            format!("the program ends, `DELETE /modes/{dialect}`, or files that say something else of it")
        } else {
            "the program ends: the next start may go on with what was said before".to_owned()
        };
        self.json["until"] = until.into();
        self.accepted(cause)
    }

    /// The same, where not every worker does so yet.
    #[must_use]
    pub fn under_way(mut self, cause: &str) -> Told {
        self.json["result"] = "under way".into();
        self.accepted(cause)
    }

    /// Done in part, for one reason more.
    fn accepted(mut self, cause: &str) -> Told {
        let cause = match self.json["cause"].as_str() {
            Some(before) => format!("{before}; {cause}"),
            None => cause.to_owned(),
        };
        self.json["cause"] = cause.into();
        Told { status: StatusCode::ACCEPTED, ..self }
    }
}

impl Modes {
    /// Where to ask, and where the asking is heard.
    pub fn channel() -> (Modes, mpsc::Receiver<Ask>) {
        let (asks, heard) = mpsc::channel(WAITING_MAX);
        (Modes(asks), heard)
    }

    /// Answers a request for `/modes` or below it.
    pub(super) async fn answer<B>(&self, request: Request<B>, peer: SocketAddr) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let id = request.extensions().get().cloned();
        let extensions = request.extensions().clone();
        let dialect = request.uri().path().strip_prefix("/modes/").unwrap_or_default().to_owned();
        let what = match (request.method(), dialect.is_empty()) {
            (&Method::GET, true) => What::Show,
            (&Method::PUT | &Method::DELETE, false) => {
                if let Some(refused) = foreign(request.headers()) {
                    return refused;
                }
                if request.method() == Method::DELETE {
                    What::Unset { dialect }
                } else {
                    let body = Limited::new(request.into_body(), BYTES_MAX).collect();
                    match timeout(READ_TIMEOUT, body).await {
                        Ok(Ok(body)) => What::Set { dialect, json: body.to_bytes() },
                        Ok(Err(_)) => {
                            return page(StatusCode::PAYLOAD_TOO_LARGE, TEXT, "too much, or cut short\n");
                        }
                        Err(_too_slow) => {
                            return page(
                                StatusCode::REQUEST_TIMEOUT,
                                TEXT,
                                "the body did not come in time\n",
                            );
                        }
                    }
                }
            }
            (_, at_root) => {
                let (told, allow) =
                    if at_root { ("only GET\n", "GET") } else { ("only PUT and DELETE\n", "PUT, DELETE") };
                let mut answer = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, told);
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
                return answer;
            }
        };
        let (answer, told) = oneshot::channel();
        match self.0.try_send(Ask { what, request: id, peer, answer }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return page(StatusCode::CONFLICT, TEXT, "too many wait for their turn\n");
            }
            Err(TrySendError::Closed(_)) => return leaving(),
        }
        let _kept = Stay::keep(&extensions);
        match told.await {
            Ok(Told { status, json }) => page(status, JSON, format!("{json}\n")),
            Err(_nobody_will) => leaving(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn what_is_not_kept_and_not_done_yet_says_both_and_how_long_it_holds() {
        let json = |by: &str| json!({"result": "taken", "dialect": "acme", "said_by": by, "persisted": true});
        let told =
            |by: &str| Told { status: StatusCode::OK, json: json(by) }.not_kept("full").under_way("busy");
        let both = json!({
            "result": "under way", "dialect": "acme", "said_by": "admin", "persisted": false,
            "until": "the program ends, `DELETE /modes/acme`, or files that say something else of it",
            "cause": "full; busy",
        });
        let Told { status, json } = told("admin");
        assert_eq!((status, json), (StatusCode::ACCEPTED, both));
        let until = &told("files").json["until"];
        assert_eq!(until, "the program ends: the next start may go on with what was said before");
    }

    async fn answered(method: Method, path: &str, line: Option<(&str, &str)>) -> u16 {
        let (modes, mut heard) = Modes::channel();
        let mut request = Request::builder().method(method).uri(path);
        if let Some((name, value)) = line {
            request = request.header(name, value);
        }
        let request = request.body(Full::<Bytes>::from("{}")).unwrap();
        let hear = async {
            if let Some(ask) = heard.recv().await {
                ask.answer.send(Told { status: StatusCode::OK, json: json!({}) }).unwrap();
            }
        };
        let answer = async {
            let answer = modes.answer(request, ([127, 0, 0, 1], 1).into()).await;
            drop(modes);
            answer.status().as_u16()
        };
        tokio::join!(answer, hear).0
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let (modes, mut heard) = Modes::channel();
        let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, io::Error>>());
        let request = Request::put("/modes/acme").body(body).unwrap();
        let begun = Instant::now();
        let answer = modes.answer(request, ([127, 0, 0, 1], 1).into()).await;
        assert_eq!((answer.status(), begun.elapsed()), (StatusCode::REQUEST_TIMEOUT, READ_TIMEOUT));
        heard.try_recv().unwrap_err();
    }

    #[tokio::test]
    async fn modes_are_shown_and_changed_and_no_page_in_a_browser_can() {
        for (method, path, line, status) in [
            (Method::GET, "/modes", None, 200),
            (Method::PUT, "/modes/acme", None, 200),
            (Method::PUT, "/modes/acme", Some(("content-type", "application/json")), 200),
            (Method::DELETE, "/modes/acme", None, 200),
            (Method::PUT, "/modes", None, 405),
            (Method::POST, "/modes/acme", None, 405),
            (Method::PUT, "/modes/acme", Some(("origin", "null")), 403),
            (Method::DELETE, "/modes/acme", Some(("origin", "http://127.0.0.1:9464")), 403),
            (Method::PUT, "/modes/acme", Some(("content-type", "text/plain")), 415),
        ] {
            assert_eq!(answered(method.clone(), path, line).await, status, "{method} {path} {line:?}");
        }
    }
}

//! `/modes`: who answers the requests of which dialect, and to say otherwise at once.
//!
//! `GET /modes` shows all of them. `PUT /modes/<dialect>` takes what `[mode.<dialect>]` takes, as JSON, and answers when every
//! worker does as it says; `DELETE /modes/<dialect>` goes back to what the files say. Nobody may ask from a page in a browser,
//! as for a reload.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::ALLOW};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use super::reload::{foreign, leaving};
use super::{JSON, TEXT, page};
use crate::telemetry::RequestId;

/// How many may wait for their turn.
const WAITING_MAX: usize = 4;

/// Bytes of what is said of one dialect.
const BYTES_MAX: usize = 256 * 1024;

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
    /// The body, JSON.
    pub json: String,
}

impl Told {
    /// The same, where it will be forgotten with the process although it should be kept.
    #[must_use]
    pub fn not_kept(self, cause: &str) -> Told {
        let mut json: serde_json::Value = serde_json::from_str(&self.json).unwrap_or_default();
        json["persisted"] = false.into();
        json["cause"] = cause.into();
        Told { status: StatusCode::ACCEPTED, json: json.to_string() }
    }

    /// The same, where not every worker does so yet.
    #[must_use]
    pub fn under_way(self, cause: &str) -> Told {
        let mut json: serde_json::Value = serde_json::from_str(&self.json).unwrap_or_default();
        json["result"] = "under way".into();
        json["cause"] = cause.into();
        Told { status: StatusCode::ACCEPTED, json: json.to_string() }
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
                    match Limited::new(request.into_body(), BYTES_MAX).collect().await {
                        Ok(body) => What::Set { dialect, json: body.to_bytes() },
                        Err(_) => {
                            return page(StatusCode::PAYLOAD_TOO_LARGE, TEXT, "too much, or cut short\n");
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
        match told.await {
            Ok(Told { status, json }) => page(status, JSON, json + "\n"),
            Err(_nobody_will) => leaving(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(method: Method, path: &str, line: Option<(&str, &str)>) -> u16 {
        let (modes, mut heard) = Modes::channel();
        let mut request = Request::builder().method(method).uri(path);
        if let Some((name, value)) = line {
            request = request.header(name, value);
        }
        let request = request.body(Full::<Bytes>::from("{}")).unwrap();
        let hear = async {
            if let Some(ask) = heard.recv().await {
                ask.answer.send(Told { status: StatusCode::OK, json: "{}".to_owned() }).unwrap();
            }
        };
        let answer = async {
            let answer = modes.answer(request, ([127, 0, 0, 1], 1).into()).await;
            drop(modes);
            answer.status().as_u16()
        };
        tokio::join!(answer, hear).0
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

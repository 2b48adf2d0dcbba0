//! A client that asks a gateway directly, and that knows every header an answer may have.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use interlingua::gateway::Gateway;
use serde_json::Value;

/// Headers an answer may have. A proxy leaks headers by default; this one must not.
const ANSWERED: [&str; 17] = [
    "allow",
    "cache-control",
    "content-type",
    "deprecation",
    "link",
    "location",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "sunset",
    "www-authenticate",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// A request as a case writes it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Method and URL, as in `GET http://host/path`.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    /// With a body, the media type is JSON unless the headers say otherwise.
    pub(crate) body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Told {
    /// The body as JSON; none if there is no body.
    pub(crate) fn json(&self) -> Option<Value> {
        (!self.body.is_empty()).then(|| serde_json::from_slice(&self.body).expect("an answer is JSON"))
    }

    pub(crate) fn stray_headers(&self) -> Vec<&str> {
        self.headers.keys().map(http::HeaderName::as_str).filter(|name| !ANSWERED.contains(name)).collect()
    }
}

impl Ask {
    /// Asks a gateway the way the server does: the address in `Host` and the path.
    pub(crate) async fn of(&self, gateway: &Gateway) -> Told {
        Ask::send(self.request(), gateway).await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(request: Request<Full<Bytes>>, gateway: &Gateway) -> Told {
        let response = gateway.answer(request).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("the whole body is there").to_bytes();
        Told { status: head.status, headers: head.headers, body }
    }

    pub(crate) fn request(&self) -> Request<Full<Bytes>> {
        let (method, url) = self.line.split_once(" http://").expect("a line is `METHOD http://host/path`");
        let (host, path) = url.split_at(url.find('/').expect("a URL has a path"));
        let mut request = Request::builder().method(method).uri(path).header("host", host);
        if self.body.is_some()
            && !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = Full::from(self.body.clone().unwrap_or_default());
        request.body(body).expect("a case writes a request")
    }
}

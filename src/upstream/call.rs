//! A call in the form in which it is sent: one request line, our own `Host`, our own framing.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Uri, Version,
    header::{
        ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};
use http_body_util::Full;

use crate::upstream::{Request, UpstreamError, connect::Target};

/// Headers that belong to one connection, frame a message, or would have the answer encoded: never the caller's.
const OURS: [HeaderName; 10] = [
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Puts the call into the form hyper sends.
pub(super) fn request(call: Request, target: &Target) -> Result<http::Request<Full<Bytes>>, UpstreamError> {
    let Request { method, target: path, mut headers, body, safe: _ } = call;
    let path = if target.prefix.is_empty() { path } else { format!("{}{path}", target.prefix) };
    let uri = Uri::try_from(path).map_err(UpstreamError::Target)?;
    for name in OURS {
        headers.remove(name);
    }
    headers.insert(HOST, target.host_header.clone());
    // hyper states the length of every body but an empty one.
    let says_length = matches!(method, Method::POST | Method::PUT | Method::PATCH);
    if body.is_empty() && says_length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut request = http::Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;
    Ok(request)
}

//! Entries of HAR documents: <http://www.softwareishard.com/blog/har-12-spec/>.
//!
//! Only what an exchange is made of is looked at; whatever else an entry holds, such as timings, cookies, or members of
//! the program that wrote it, may look as it likes.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Body, Exchange, Form, Misshapen, Recorded, extent, member, status};
use crate::json::{Kind, Value};

/// The way to the entries.
pub(in crate::cli) const ENTRIES: [&str; 2] = ["log", "entries"];

/// Reads an entry.
pub(in crate::cli) fn exchange(entry: Value<'_>) -> Result<Exchange<'_>, Misshapen> {
    if entry.kind() != Kind::Object {
        return Err(Misshapen { message: "an entry must be an object".to_owned(), place: extent(entry) });
    }
    let request = member(entry, "", "request", Kind::Object)?;
    let response = member(entry, "", "response", Kind::Object)?;
    Ok(Exchange {
        method: member(request, "request", "method", Kind::String)?,
        url: member(request, "request", "url", Kind::String)?,
        headers: headers(request),
        request: sent(request)?,
        status: status(member(response, "response", "status", Kind::Integer)?, "response.status")?,
        answer: answered(response)?,
        calls: None,
    })
}

/// The body of a request. Forms have parameters in place of a text, and are nothing an operation takes.
fn sent(request: Value<'_>) -> Result<Recorded<'_>, Misshapen> {
    let Some(data) = request.member("postData").filter(|data| !data.is_null()) else {
        return Ok(unsaid(request.member("bodySize")));
    };
    text(data, "request.postData", request.member("bodySize"))
}

/// The body of an answer. Recorders may leave texts out, of large answers for instance.
fn answered(response: Value<'_>) -> Result<Recorded<'_>, Misshapen> {
    match response.member("content").filter(|content| !content.is_null()) {
        Some(content) => text(content, "response.content", content.member("size")),
        None => Ok(unsaid(response.member("bodySize"))),
    }
}

fn text<'a>(data: Value<'a>, at: &str, size: Option<Value<'a>>) -> Result<Recorded<'a>, Misshapen> {
    if data.kind() != Kind::Object {
        return Err(Misshapen { message: format!("`{at}` must be an object"), place: extent(data) });
    }
    if data.member("text").is_none_or(Value::is_null) {
        return Ok(unsaid(size));
    }
    let text = member(data, at, "text", Kind::String)?;
    let form = match data.member("encoding").and_then(Value::as_str).as_deref() {
        None | Some("") => Form::Text,
        Some(encoding) if encoding.eq_ignore_ascii_case("base64") => Form::Base64,
        // The specification knows of base64 only.
        Some(_) => return Ok(Recorded::Unknown),
    };
    if text.as_str().is_some_and(|text| text.is_empty()) {
        return Ok(unsaid(size));
    }
    Ok(Recorded::Body(Body::new(text, form)))
}

/// What there is to say of a body that is not there: that it is none, if its size is 0. Below 0 a size is unknown.
fn unsaid(size: Option<Value<'_>>) -> Recorded<'static> {
    if size.and_then(Value::as_i64) == Some(0) { Recorded::Nothing } else { Recorded::Unknown }
}

/// The headers, those left out that are none, such as the `:authority` of HTTP/2.
fn headers(request: Value<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for header in request.member("headers").into_iter().flat_map(Value::elements) {
        let text = |name| header.member(name).and_then(Value::as_str);
        if let (Some(name), Some(value)) = (text("name"), text("value"))
            && let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value))
        {
            headers.append(name, value);
        }
    }
    headers
}

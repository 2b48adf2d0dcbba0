//! Exchanges as lines of JSON: a small form for those who write down traffic themselves.
//!
//! ```json
//! {"method": "POST", "url": "/acme/v1/things", "headers": {"User-Agent": "acme-client/2"}, "request": {"name": "x"},
//!  "status": 201, "response": {"id": "1", "name": "x"}}
//! ```
//!
//! `calls` is what the backend was asked and answered: `[{"line": "GET /v1/things?limit=2", "status": 200, "body": …}]`.
//! With it `coverage` knows what answers were made of.
//!
//! `method` and `url` have to be there. `request` and `response` are the bodies themselves. Where they are null there was
//! none, unless null is what the operation answers; a `response` that is not there was not recorded.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Body, Call, Exchange, Form, Misshapen, Recorded, extent, member, status};
use crate::{
    diag::suggest::did_you_mean,
    json::{Kind, Value},
};

/// The members a record may have.
const MEMBERS: [&str; 7] = ["method", "url", "headers", "request", "status", "response", "calls"];

/// Reads a record.
pub(in crate::cli) fn exchange(record: Value<'_>) -> Result<Exchange<'_>, Misshapen> {
    if record.kind() != Kind::Object {
        return Err(Misshapen { message: "a record must be an object".to_owned(), place: extent(record) });
    }
    for (key, _) in record.members() {
        if !MEMBERS.iter().any(|known| key.is(known)) {
            let hint = did_you_mean(&key.as_str(), MEMBERS);
            let hint = hint.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
            let place = key.offset()..key.offset() + key.raw().len();
            return Err(Misshapen { message: format!("a record has no such member{hint}"), place });
        }
    }
    let body = |name| record.member(name).map(|value| Recorded::Body(Body::new(value, Form::Json)));
    let sent = record.member("request").filter(|sent| !sent.is_null());
    Ok(Exchange {
        method: member(record, "", "method", Kind::String)?,
        url: member(record, "", "url", Kind::String)?,
        headers: headers(record)?,
        request: sent.and_then(|_| body("request")).unwrap_or(Recorded::Nothing),
        status: match record.member("status").filter(|status| !status.is_null()) {
            Some(value) => status(value, "status")?,
            None => None,
        },
        answer: body("response").unwrap_or(Recorded::Unknown),
        calls: match record.member("calls").filter(|calls| !calls.is_null()) {
            Some(_) => Some(calls(member(record, "", "calls", Kind::Array)?)?),
            None => None,
        },
    })
}

fn calls(list: Value<'_>) -> Result<Vec<Call<'_>>, Misshapen> {
    list.elements().map(call).collect()
}

fn call(call: Value<'_>) -> Result<Call<'_>, Misshapen> {
    if call.kind() != Kind::Object {
        return Err(Misshapen { message: "a call must be an object".to_owned(), place: extent(call) });
    }
    let line = member(call, "calls", "line", Kind::String)?.as_str().unwrap_or_default().into_owned();
    let status = status(member(call, "calls", "status", Kind::Integer)?, "calls.status")?;
    let body = call.member("body").filter(|body| !body.is_null());
    Ok(Call { line, status: status.map_or(0, |(status, _)| status), body })
}

fn headers(record: Value<'_>) -> Result<HeaderMap, Misshapen> {
    let mut headers = HeaderMap::new();
    if record.member("headers").is_none_or(Value::is_null) {
        return Ok(headers);
    }
    for (key, value) in member(record, "", "headers", Kind::Object)?.members() {
        let misshapen = |what: &str| Misshapen {
            message: format!("a header must have {what}"),
            place: key.offset()..value.offset() + value.raw().len(),
        };
        let name = key.as_str().parse::<HeaderName>();
        let name = name.map_err(|_| misshapen("a name HTTP allows"))?;
        let text = value.as_str().and_then(|text| HeaderValue::from_str(&text).ok());
        headers.append(name, text.ok_or_else(|| misshapen("a text HTTP allows"))?);
    }
    Ok(headers)
}

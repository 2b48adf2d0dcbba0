//! A request and the backend's answer to each call it becomes, as `workloads.py` writes them.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde_json::Value;

/// One exchange.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// How the client asks.
    pub method: Method,
    /// What for.
    pub target: Uri,
    /// Its headers, but for the host.
    pub headers: HeaderMap,
    /// What it sends; empty for nothing.
    pub body: Bytes,
    /// What it is told.
    pub status: StatusCode,
    /// What the backend answers each call with.
    pub backend_status: StatusCode,
    /// And what it says.
    pub backend_body: Bytes,
}

impl Case {
    /// The cases of a list.
    pub fn all(list: &Value) -> Result<Vec<Case>, Box<dyn Error>> {
        list.as_array().ok_or("the cases are no list")?.iter().map(Case::of).collect()
    }

    fn of(value: &Value) -> Result<Case, Box<dyn Error>> {
        let text = |name: &str| value[name].as_str().ok_or_else(|| format!("a case without `{name}`"));
        let status = |name: &str| {
            let number = value[name].as_u64().and_then(|number| u16::try_from(number).ok());
            StatusCode::from_u16(number.unwrap_or_default())
        };
        let mut headers = HeaderMap::new();
        for (name, value) in value["headers"].as_object().ok_or("a case without headers")? {
            headers.insert(
                HeaderName::try_from(name)?,
                HeaderValue::from_str(value.as_str().unwrap_or_default())?,
            );
        }
        Ok(Case {
            name: text("name")?.to_owned(),
            method: text("method")?.parse()?,
            target: text("target")?.parse()?,
            headers,
            body: Bytes::from(text("body")?.to_owned()),
            status: status("status")?,
            backend_status: status("backend_status")?,
            backend_body: Bytes::from(text("backend_body")?.to_owned()),
        })
    }

    /// The case of that name.
    pub fn named<'c>(cases: &'c [Case], name: &str) -> Result<&'c Case, String> {
        cases.iter().find(|case| case.name == name).ok_or_else(|| format!("there is no case `{name}`"))
    }
}

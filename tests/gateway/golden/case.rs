//! What a golden case says. A member that no case may have is an error: it would have no effect.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::support::{
    backend::{Line, Reply},
    client::Ask,
    json::expanded,
};

/// One exchange.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) dialect: String,
    pub(super) operation: String,
    name: String,
    pub(super) request: Ask,
    /// Whether anybody listens where the backend should be.
    pub(super) has_backend: bool,
    /// How often the request is granted before the answer is looked at.
    pub(super) quota: Option<usize>,
    pub(super) calls: Vec<Exchange>,
    pub(super) response: Expected,
}

/// One call and its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) line: String,
    body: Option<Value>,
    pub(super) reply: Reply,
    /// Whether the answer is a text as it stands, which need not fit any schema.
    pub(super) is_raw: bool,
}

/// What the client is told.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Value>,
}

impl Case {
    pub(super) fn name(&self) -> String {
        format!("{}/{}/{}", self.dialect, self.operation, self.name)
    }

    /// What the backend has to see of the client's credential.
    pub(super) fn bearer(&self) -> Option<String> {
        let credential = self.request.headers.iter().find_map(|(name, value)| {
            let is_key = name.eq_ignore_ascii_case("x-api-key");
            let is_token = name.eq_ignore_ascii_case("authorization");
            if is_token { value.strip_prefix("Bearer ") } else { is_key.then_some(value.as_str()) }
        })?;
        Some(format!("Bearer {credential}"))
    }
}

impl Exchange {
    pub(super) fn line(&self) -> Line {
        Line { line: self.line.clone(), body: self.body.clone(), reply: self.reply.clone() }
    }
}

/// Reads every case.
pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for dialect in folders(&root()) {
        if dialect.ends_with("canonical") {
            continue;
        }
        for operation in folders(&dialect) {
            cases.extend(entries(&operation).iter().map(|path| read(path)));
        }
    }
    assert!(!cases.is_empty(), "there is no case");
    cases
}

fn read(path: &Path) -> Case {
    let part = |above: usize| {
        let part =
            path.ancestors().nth(above).and_then(Path::file_stem).expect("a case is three levels down");
        part.to_string_lossy().into_owned()
    };
    let mut members = Members::of(&json(path), path);
    members.text("about");
    let has_backend = match members.take("backend") {
        None => true,
        Some(Value::String(word)) if word == "none" => false,
        Some(other) => panic!("{}: `backend` is `none` or not there, not {other}", path.display()),
    };
    let quota =
        members.take("quota").map(|quota| usize::try_from(quota.as_u64().expect("a count")).expect("fits"));
    let request = request(members.object("request"));
    let calls = match members.take("calls") {
        Some(Value::Array(calls)) => calls.iter().map(|call| exchange(Members::of(call, path))).collect(),
        _ => panic!("{}: `calls` is a list", path.display()),
    };
    let response = expected(members.object("response"));
    members.end();
    Case { dialect: part(2), operation: part(1), name: part(0), request, has_backend, quota, calls, response }
}

fn request(mut members: Members<'_>) -> Ask {
    let line = members.text("line");
    let headers = members.headers();
    let body = members.take("body").map(|body| body.to_string().into_bytes());
    let text = members.take("text").map(|text| text.as_str().expect("a text").as_bytes().to_vec());
    let blanks = members.take("blanks").map(|count| {
        let count = usize::try_from(count.as_u64().expect("a count")).expect("fits");
        vec![b' '; count]
    });
    members.end();
    Ask { line, headers, body: body.or(text).or(blanks) }
}

fn exchange(mut members: Members<'_>) -> Exchange {
    let mut call = members.object("expect");
    let (line, body) = (call.text("line"), call.take("body"));
    call.end();
    let mut answer = members.object("answer");
    members.end();
    let fault = answer.take("fault").map(|fault| fault.as_str().expect("a word").to_owned());
    let (reply, is_raw) = match fault.as_deref() {
        Some("hang_up") => (Reply::HangUp, true),
        Some("silence") => (Reply::Silence, true),
        Some(other) => panic!("{}: there is no fault `{other}`", members.path.display()),
        None => {
            let status = answer.status();
            let mut headers = answer.headers();
            let text = answer.take("text");
            let body = answer.take("body").map(|body| expanded(&body, &document).to_string());
            let is_raw = text.is_some();
            let body =
                text.map_or(body.unwrap_or_default(), |text| text.as_str().expect("a text").to_owned());
            if !headers.iter().any(|(name, _)| name == "content-type") {
                let media = if status < 400 { "application/json" } else { "application/problem+json" };
                headers.push(("content-type".to_owned(), media.to_owned()));
            }
            (Reply::Answer { status, headers, body: body.into_bytes() }, is_raw)
        }
    };
    answer.end();
    Exchange { line, body, reply, is_raw }
}

fn expected(mut members: Members<'_>) -> Expected {
    let (status, headers, body) = (members.status(), members.headers(), members.take("body"));
    members.end();
    Expected { status, headers, body }
}

/// The canonical document of that name that cases are written with.
fn document(name: &str) -> Value {
    json(&root().join(format!("canonical/{name}.json")))
}

/// The members of an object, taken one by one until none is left.
struct Members<'p> {
    members: Map<String, Value>,
    path: &'p Path,
}

impl<'p> Members<'p> {
    fn of(value: &Value, path: &'p Path) -> Self {
        let members = value.as_object().unwrap_or_else(|| panic!("{}: {value} is no object", path.display()));
        Self { members: members.clone(), path }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    fn object(&mut self, name: &str) -> Members<'p> {
        let value = self.take(name).unwrap_or_else(|| panic!("{}: `{name}` is missing", self.path.display()));
        Members::of(&value, self.path)
    }

    fn text(&mut self, name: &str) -> String {
        match self.take(name) {
            Some(Value::String(text)) => text,
            _ => panic!("{}: `{name}` is a text", self.path.display()),
        }
    }

    fn status(&mut self) -> u16 {
        let status = self.take("status").and_then(|status| u16::try_from(status.as_u64()?).ok());
        status.unwrap_or_else(|| panic!("{}: `status` is a status", self.path.display()))
    }

    /// Each header with its value, or with each of several.
    fn headers(&mut self) -> Vec<(String, String)> {
        let Some(headers) = self.take("headers") else { return Vec::new() };
        let mut lines = Vec::new();
        for (name, value) in headers.as_object().expect("headers are an object") {
            match value {
                Value::Array(values) => lines.extend(values.iter().map(|value| (name.clone(), text(value)))),
                value => lines.push((name.clone(), text(value))),
            }
        }
        lines
    }

    fn end(self) {
        let left: Vec<_> = self.members.keys().collect();
        assert!(left.is_empty(), "{}: nobody reads {left:?}", self.path.display());
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a header is a text").to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of cases can be listed");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    paths
}

//! What a golden case says. A member that no case may have is an error: it would have no effect.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::support::{
    backend::{Line, Reply},
    client::Ask,
    json::expanded,
};

/// One exchange, as its file says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The folders and the file it comes from.
    #[serde(skip)]
    pub(crate) dialect: String,
    #[serde(skip)]
    pub(crate) operation: String,
    #[serde(skip)]
    name: String,
    #[allow(dead_code, reason = "for the reader of the file")]
    about: String,
    /// Whether anybody listens where the backend should be.
    #[serde(default)]
    backend: Listening,
    /// How often the request is granted before the answer is looked at.
    pub(crate) quota: Option<usize>,
    pub(crate) request: Request,
    pub(crate) calls: Vec<Exchange>,
    pub(crate) response: Expected,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Listening {
    None,
    #[default]
    Scripted,
}

/// What the client asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    line: String,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    #[serde(default, deserialize_with = "present")]
    body: Option<Value>,
    text: Option<String>,
    /// A body of that many blanks.
    blanks: Option<usize>,
}

/// One call and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    pub(crate) expect: Call,
    answer: Answer,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    pub(crate) line: String,
    body: Option<Value>,
    /// The condition it is sent on.
    pub(crate) if_match: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Answer {
    Fault {
        fault: Fault,
    },
    Given {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        body: Option<Value>,
        text: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fault {
    HangUp,
    Silence,
}

/// What the client is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) body: Option<Value>,
}

/// A header's value, or those of several lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

impl Values {
    fn lines(&self) -> &[String] {
        match self {
            Values::One(line) => std::slice::from_ref(line),
            Values::Several(lines) => lines,
        }
    }
}

impl Case {
    pub(crate) fn name(&self) -> String {
        format!("{}/{}/{}", self.dialect, self.operation, self.name)
    }

    pub(crate) fn has_backend(&self) -> bool {
        self.backend == Listening::Scripted
    }

    /// The same, of a backend that keeps nothing for a dialect that the canonical model has no words for.
    pub(crate) fn without_kept(&self) -> Case {
        let mut case = self.clone();
        for call in &mut case.calls {
            if let Answer::Given { body: Some(body), .. } = &mut call.answer {
                *body = expanded(body, &document);
                forget_kept(body);
            }
        }
        case
    }

    /// What the backend has to see of the client's credential.
    pub(crate) fn bearer(&self) -> Option<String> {
        let headers = self.request.headers.iter();
        let mut lines =
            headers.flat_map(|(name, values)| values.lines().iter().map(move |line| (name, line)));
        let credential = lines.find_map(|(name, line)| match name.as_str() {
            "X-API-Key" => Some(line.as_str()),
            "Authorization" => line.strip_prefix("Bearer "),
            _ => None,
        })?;
        Some(format!("Bearer {credential}"))
    }
}

impl Request {
    pub(crate) fn ask(&self) -> Ask {
        let each = |(name, values): (&String, &Values)| {
            values.lines().iter().map(|line| (name.clone(), line.clone())).collect::<Vec<_>>()
        };
        let json = self.body.as_ref().map(|body| body.to_string().into_bytes());
        let text = self.text.as_ref().map(|text| text.clone().into_bytes());
        let blanks = self.blanks.map(|count| vec![b' '; count]);
        Ask {
            line: self.line.clone(),
            headers: self.headers.iter().flat_map(each).collect(),
            body: json.or(text).or(blanks),
        }
    }
}

impl Exchange {
    pub(crate) fn line(&self) -> Line {
        Line { call: self.expect.line.clone(), body: self.expect.body.clone(), reply: self.reply() }
    }

    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.answer, Answer::Fault { fault: Fault::Silence })
    }

    /// The status and the body of an answer that has to be what the canonical schema promises: not a fault, and not
    /// a text as it stands.
    pub(crate) fn promised(&self) -> Option<(u16, String)> {
        match &self.answer {
            Answer::Fault { .. } | Answer::Given { text: Some(_), .. } => None,
            Answer::Given { status, body, .. } => {
                let body = body.as_ref().map(|body| expanded(body, &document).to_string());
                Some((*status, body.unwrap_or_default()))
            }
        }
    }

    /// What the backend says, if it says anything.
    pub(crate) fn answer_body(&self) -> Option<Value> {
        self.promised().and_then(|(_, body)| serde_json::from_str(&body).ok())
    }

    fn reply(&self) -> Reply {
        let (status, headers, text) = match &self.answer {
            Answer::Fault { fault: Fault::HangUp } => return Reply::HangUp,
            Answer::Fault { fault: Fault::Silence } => return Reply::Silence,
            Answer::Given { status, headers, text, .. } => (*status, headers, text),
        };
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if !headers.iter().any(|(name, _)| name == "content-type") {
            let media = if status < 400 { "application/json" } else { "application/problem+json" };
            headers.push(("content-type".to_owned(), media.to_owned()));
        }
        let body = text.clone().or_else(|| self.promised().map(|(_, body)| body)).unwrap_or_default();
        Reply::Answer { status, headers, body: body.into_bytes() }
    }
}

/// Reads every case.
pub(crate) fn all() -> Vec<Case> {
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
    Case { dialect: part(2), operation: part(1), name: part(0), ..json(path) }
}

/// The canonical document of that name that cases are written with.
fn document(name: &str) -> Value {
    json(&root().join(format!("canonical/{name}.json")))
}

fn forget_kept(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(forget_kept),
        Value::Object(members) => {
            if let Some(kept) = members.get_mut("extensions") {
                *kept = Value::Object(serde_json::Map::new());
            }
            members.values_mut().for_each(forget_kept);
        }
        _ => {}
    }
}

/// Tells a member that is null from one that is not there.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn json<T: DeserializeOwned>(path: &Path) -> T {
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

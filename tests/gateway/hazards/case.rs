//! What a case is, and how it is read from its file.

use std::{fs, path::Path};

use serde::Deserialize;
use toml::{Table, Value};

use super::{
    outcomes::Outcomes,
    text::{self, Parts, Piece},
};

/// One file of cases.
pub(super) struct Group {
    /// What the program is started with, over the settings of the tests.
    pub(super) config: Table,
    /// The names of those that end well, but not as strictly as they could.
    pub(super) loose: Vec<String>,
    /// The names of those that an old upstream is handed, although the canonical side would have refused them, or which it
    /// answers otherwise.
    pub(super) handed_on: Vec<String>,
    /// What an innocent client is told.
    pub(super) innocent: u16,
    /// How many cases run at once.
    pub(super) at_once: usize,
    pub(super) cases: Vec<Case>,
}

/// One case.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) number: usize,
    pub(super) send: Send,
    /// What may be answered.
    pub(super) status: Outcomes,
    /// What should be answered, where more may be.
    pub(super) strict: Option<Outcomes>,
    /// How many complete requests the backend may have heard; empty if any number.
    pub(super) calls: Vec<usize>,
    /// These requests and no others, if the case says which.
    pub(super) heard: Option<Vec<String>>,
    /// What must stand in a request that is heard, and what must stand in none.
    pub(super) has: Vec<String>,
    pub(super) hasnt: Vec<String>,
    /// What must stand in the answers, and what must not.
    pub(super) says: Vec<String>,
    pub(super) silent_of: Vec<String>,
    pub(super) after: After,
    /// With which error of HTTP/2 it has to be told that the connection ends.
    pub(super) goaway: Option<u32>,
    pub(super) backend: Vec<Line>,
    /// Whether it says anything about a proxy that knows no dialect.
    pub(super) plain: bool,
}

/// What the client does.
pub(super) enum Send {
    Text(Vec<Piece>),
    /// HTTP/2, a frame a line.
    Frames(Vec<String>, Parts),
}

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum After {
    Any,
    /// It must be closed, without the client doing so first.
    Closed,
    /// It must answer one more request.
    Open,
}

/// What the backend says to a call.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Which calls: those in which this stands; of lines without it each is said once, in their order.
    pub(super) on: Option<String>,
    pub(super) say: Vec<Piece>,
    /// Said to every call.
    pub(super) always: bool,
}

/// The names in a case that are no parts.
const WORDS: [&str; 15] = [
    "name",
    "send",
    "frames",
    "status",
    "strict",
    "calls",
    "heard",
    "has",
    "hasnt",
    "says",
    "silent_of",
    "after",
    "goaway",
    "backend",
    "plain",
];

/// Reads a file of `tests/hazards`.
pub(super) fn read(name: &str, builtin: &Parts) -> Group {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/hazards/{name}.toml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let known = ["about", "loose", "handed_on", "config", "innocent", "at_once", "parts", "set"];
    let strange: Vec<_> = file.keys().filter(|key| !known.contains(&key.as_str())).collect();
    assert!(strange.is_empty(), "{name}: {strange:?}");
    let mut parts = builtin.clone();
    parts.extend(texts(file.get("parts").and_then(Value::as_table).unwrap_or(&Table::new()), &[]));
    let mut cases = Vec::new();
    for set in file.get("set").and_then(Value::as_array).into_iter().flatten() {
        let mut defaults = set.as_table().expect("a set is a table").clone();
        let Some(Value::Array(own)) = defaults.remove("cases") else { panic!("{name}: a set without cases") };
        for case in own {
            let mut whole = defaults.clone();
            whole.extend(case.as_table().expect("a case is a table").clone());
            let number = cases.len() + 1;
            let own = texts(case.as_table().expect("a case is a table"), &WORDS);
            let own: Vec<_> = own.keys().map(String::as_str).collect();
            cases.push(Case::read(&whole, &own, number, &parts).unwrap_or_else(|why| {
                panic!("{name}, case {number} ({:?}): {why}", whole.get("name"));
            }));
        }
    }
    let mut names: Vec<_> = cases.iter().map(|case| case.name.clone()).collect();
    names.sort();
    names.windows(2).for_each(|two| assert_ne!(two[0], two[1], "{name}: two cases of one name"));
    let config = file.get("config").and_then(Value::as_table).cloned().unwrap_or_default();
    let number = |key: &str, otherwise| file.get(key).and_then(Value::as_integer).unwrap_or(otherwise);
    let innocent = u16::try_from(number("innocent", 200)).unwrap();
    let at_once = usize::try_from(number("at_once", 1)).unwrap();
    let names = |key: &str| {
        let names = file.get(key).and_then(Value::as_array).into_iter().flatten();
        names.map(|name| name.as_str().expect("a name").to_owned()).collect()
    };
    Group { config, loose: names("loose"), handed_on: names("handed_on"), innocent, at_once, cases }
}

fn texts(table: &Table, but: &[&str]) -> Parts {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    table
        .iter()
        .filter(|(name, _)| !but.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// The credential of a case: 32 letters and digits, by which its calls are known.
pub(super) fn key(number: usize) -> String {
    format!("hzd{number:06}{}", "x".repeat(23))
}

impl Case {
    fn read(table: &Table, own: &[&str], number: usize, parts: &Parts) -> Result<Case, String> {
        let mut parts = parts.clone();
        parts.extend(texts(table, &WORDS));
        parts.insert("key".to_owned(), key(number));
        let text = |name: &str| table.get(name).and_then(Value::as_str);
        let list = |name: &str| -> Result<Vec<String>, String> {
            let each = |text: &str| {
                let bytes = text::bytes(text, &parts)?;
                String::from_utf8(bytes).map_err(|_| format!("`{name}` is no text"))
            };
            match table.get(name) {
                None => Ok(Vec::new()),
                Some(Value::String(one)) => Ok(vec![each(one)?]),
                Some(Value::Array(many)) => {
                    many.iter().map(|one| each(one.as_str().ok_or("a list of texts")?)).collect()
                }
                Some(_) => Err(format!("`{name}` is a text or a list of them")),
            }
        };
        let send = match (text("send"), text("frames")) {
            (Some(send), None) => Send::Text(text::pieces(send, &parts)?),
            (None, Some(frames)) => Send::Frames(
                frames.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect(),
                parts.clone(),
            ),
            _ => return Err("`send` or `frames`".to_owned()),
        };
        for name in own {
            let mark = [format!("\\<{name}>"), format!("\\<size {name}>")];
            let used =
                texts(table, &["name"]).values().any(|text| mark.iter().any(|mark| text.contains(mark)))
                    || parts.values().any(|text| mark.iter().any(|mark| text.contains(mark)));
            if !used {
                return Err(format!("nothing uses `{name}`"));
            }
        }
        let outcomes = |name: &str| match table.get(name) {
            None => None,
            Some(Value::Integer(status)) => Some(Outcomes::new(&status.to_string())),
            Some(other) => Some(Outcomes::new(other.as_str().unwrap_or_default())),
        };
        let heard = table.get("heard").map(|_| list("heard")).transpose()?;
        let calls = match (table.get("calls"), &heard) {
            (None, Some(heard)) => vec![heard.len()],
            (None, None) => vec![0],
            (Some(Value::Integer(calls)), _) => vec![usize::try_from(*calls).map_err(|_| "calls")?],
            (Some(Value::String(any)), _) if any == "*" => Vec::new(),
            (Some(other), _) => {
                let choices = other.as_str().unwrap_or_default().split('|');
                choices.map(|one| one.parse().map_err(|_| "`calls`")).collect::<Result<_, _>>()?
            }
        };
        let after = table.get("after").cloned().map_or(Ok(After::Any), |after| {
            after.try_into().map_err(|_| "`after` is any, closed or open".to_owned())
        })?;
        Ok(Case {
            name: text("name").ok_or("no name")?.to_owned(),
            number,
            send,
            status: outcomes("status").ok_or("no status")?,
            strict: outcomes("strict"),
            calls,
            heard,
            has: list("has")?,
            hasnt: list("hasnt")?,
            says: list("says")?,
            silent_of: list("silent_of")?,
            after,
            goaway: text("goaway").map(error).transpose()?,
            backend: script(table.get("backend"), &parts)?,
            plain: table.get("plain").and_then(Value::as_bool).unwrap_or(true),
        })
    }
}

/// The number of an error of HTTP/2 (RFC 9113, section 7).
fn error(name: &str) -> Result<u32, String> {
    match name {
        "ENHANCE_YOUR_CALM" => Ok(0xb),
        other => Err(format!("no case names the error `{other}` so far")),
    }
}

fn script(value: Option<&Value>, parts: &Parts) -> Result<Vec<Line>, String> {
    let line = |value: &Value| -> Result<Line, String> {
        match value {
            Value::String(say) => Ok(Line { on: None, say: text::pieces(say, parts)?, always: false }),
            Value::Table(table) => {
                let text = |name: &str| table.get(name).and_then(Value::as_str);
                let say = text::pieces(text("say").ok_or("a line without `say`")?, parts)?;
                Ok(Line { on: text("on").map(str::to_owned), say, always: false })
            }
            _ => Err("a line is a text or `{ on, say }`".to_owned()),
        }
    };
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(lines)) => lines.iter().map(line).collect(),
        Some(one) => Ok(vec![Line { always: true, ..line(one)? }]),
    }
}

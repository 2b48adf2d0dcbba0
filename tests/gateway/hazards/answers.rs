//! What the backend says where a case does not care: the canonical API's answers, taken from the golden cases.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};

use super::{backend::Call, request::Rules, text::Parts};
use crate::support::json::expanded;

/// The documents, by name.
pub(super) struct Answers {
    documents: BTreeMap<String, Value>,
    rules: Rules,
}

/// The organization of all cases.
const ORGANIZATION: &str = "e8e912b6-ba9b-4c3a-bb4f-d04bdc370843";

impl Answers {
    pub(super) fn new(rules: Rules) -> Answers {
        Answers { documents: documents(), rules }
    }

    /// The answer to a call, as it is written.
    pub(super) fn to(&self, call: &Call) -> Vec<u8> {
        let (status, body) = match self.rules {
            Rules::Program => self.canonical(call),
            Rules::Passing | Rules::Plain => (200, json!({ "name": mark(&call.head) })),
        };
        let body = body.to_string();
        // Whoever passes requests on passes on what a HEAD would have: nothing.
        let (length, body) = (body.len(), if call.line.starts_with("HEAD ") { "" } else { &body });
        format!(
            "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nETag: \"1\"\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    fn canonical(&self, call: &Call) -> (u16, Value) {
        let (method, target) = call.line.split_once(' ').unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let segments: Vec<_> = path.split('/').skip(2).collect();
        let sent: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        match (method, &segments[..]) {
            ("GET", ["organizations"]) => (200, self.document("organization_list")),
            ("POST", ["organizations"]) => (201, self.document("organization")),
            ("GET" | "PATCH", ["organizations", id]) => {
                let mut organization = self.document("organization");
                organization["id"] = json!(id);
                organization["name"] = json!(mark(&call.head));
                (200, organization)
            }
            ("GET", ["organizations", _, "roles"]) => (200, self.document("role_list")),
            ("GET", ["organizations", _, "members"]) => {
                (200, json!({ "items": [self.document("member")], "total": 1 }))
            }
            ("POST", ["organizations", _, "members"]) => (201, self.member(&sent)),
            ("GET" | "PATCH", ["organizations", _, "members", _] | ["memberships", _]) => {
                (200, self.member(&sent))
            }
            ("POST", ["organizations", _, "invitations"]) => {
                let mut invitation = self.document("invitation");
                invitation["email"] = sent["email"].clone();
                (201, invitation)
            }
            ("GET", ["invitations"]) => (200, json!({ "items": [self.document("invitation")], "total": 1 })),
            ("GET" | "PATCH", ["invitations", _]) | ("POST", ["invitations", _, _]) => {
                (200, self.document("invitation"))
            }
            ("POST", ["organizations", _, "invite-links"]) => (201, self.document("invite_link")),
            ("GET" | "PATCH", ["organizations", _, "invite-links", _]) => (200, self.document("invite_link")),
            ("GET", ["users", _]) => (200, self.document("user")),
            _ => (404, json!({ "title": "Nowhere", "status": 404, "code": "no_such_resource" })),
        }
    }

    /// A member in the role that was asked for.
    fn member(&self, sent: &Value) -> Value {
        let mut member = self.document("member");
        if let Some(role) = sent.get("role") {
            member["role"] = role.clone();
        }
        member
    }

    fn document(&self, name: &str) -> Value {
        self.documents[name].clone()
    }
}

fn documents() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/canonical");
    let read = |name: &str| -> Value {
        let path = folder.join(format!("{name}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    };
    let names =
        ["invitation", "invite_link", "member", "organization", "organization_list", "role_list", "user"];
    names.map(|name| (name.to_owned(), document(&read, name))).into()
}

fn document(read: &dyn Fn(&str) -> Value, name: &str) -> Value {
    expanded(&read(name), &|name| document(read, name))
}

/// Parts that every file of cases has: the documents, and ids.
pub(super) fn parts() -> Parts {
    let escaped = |value: &Value| value.to_string().replace('\\', "\\\\");
    let mut parts: Parts = documents().iter().map(|(name, value)| (name.clone(), escaped(value))).collect();
    parts.insert("org".to_owned(), ORGANIZATION.to_owned());
    parts
}

/// What the backend makes of a credential, so that nobody can be told somebody else's answer.
pub(super) fn mark(text: &str) -> String {
    let at = text.find("hzd").unwrap_or(text.len());
    text[at..].chars().take(9).collect::<String>().chars().rev().collect()
}

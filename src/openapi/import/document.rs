//! A document of `OpenAPI` 3.0 or 3.1: which one it is, and where its references lead.

use serde_json::Value;

use super::notes::Notes;

/// Through how many references a place is looked for. People write one, now and then two.
const HOPS_MAX: usize = 32;

/// Why a document cannot be imported at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is no object with the key `openapi`.
    #[error("this is no OpenAPI document: it has no `openapi` that says of which version it is")]
    NoVersion,
    /// It is one of Swagger 2.
    #[error("this is a document of Swagger 2; convert it to OpenAPI 3 first, then import that")]
    Swagger,
    /// It is one of a version that is not known.
    #[error("this is a document of OpenAPI {version}, and 3.0, 3.1 and 3.2 are understood")]
    Version {
        /// What it says.
        version: String,
    },
}

/// A document.
#[derive(Clone, Copy)]
pub(super) struct Document<'d> {
    pub(super) root: &'d Value,
    /// Whether its schemas are those of 3.0, where a reference has nothing beside it.
    pub(super) is_old: bool,
}

/// A place in a document: what stands there, and its JSON Pointer.
#[derive(Clone)]
pub(super) struct Spot<'d> {
    pub(super) value: &'d Value,
    pub(super) at: String,
}

impl<'d> Document<'d> {
    pub(super) fn open(root: &'d Value) -> Result<Self, Unusable> {
        if root.get("swagger").is_some() {
            return Err(Unusable::Swagger);
        }
        let version = root.get("openapi").and_then(Value::as_str).ok_or(Unusable::NoVersion)?;
        let is = |minor: &str| {
            version.strip_prefix(minor).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let is_old = is("3.0");
        if !is_old && !is("3.1") && !is("3.2") {
            return Err(Unusable::Version { version: version.chars().take(40).collect() });
        }
        Ok(Self { root, is_old })
    }

    /// What stands at a pointer.
    pub(super) fn spot(&self, at: &str) -> Option<Spot<'d>> {
        Some(Spot { value: self.root.pointer(at)?, at: at.to_owned() })
    }

    /// What the reference names, which has to be in this document.
    pub(super) fn target(&self, reference: &str) -> Option<Spot<'d>> {
        let fragment = reference.strip_prefix('#')?;
        let decoded = percent_encoding::percent_decode_str(fragment).decode_utf8().ok()?;
        self.spot(&decoded)
    }

    /// The place itself, or what its `$ref` leads to. None if that is nowhere, which is told.
    pub(super) fn follow(&self, spot: Spot<'d>, notes: &mut Notes) -> Option<Spot<'d>> {
        let mut here = spot;
        for _ in 0..HOPS_MAX {
            let Some(reference) = here.value.get("$ref").and_then(Value::as_str) else { return Some(here) };
            let Some(next) = self.target(reference) else {
                notes.push(&here.at, "the reference leads out of the document, or nowhere");
                return None;
            };
            here = next;
        }
        notes.push(&here.at, "the references go round");
        None
    }
}

impl<'d> Spot<'d> {
    /// What stands below, by name.
    pub(super) fn get(&self, name: &str) -> Option<Spot<'d>> {
        let value = self.value.get(name)?;
        Some(Spot { value, at: below(&self.at, name) })
    }

    /// The members of an object.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'d str, Spot<'d>)> {
        let members = self.value.as_object().into_iter().flatten();
        members.map(|(name, value)| (name.as_str(), Spot { value, at: below(&self.at, name) }))
    }

    /// The elements of an array.
    pub(super) fn elements(&self) -> impl Iterator<Item = Spot<'d>> {
        let elements = self.value.as_array().into_iter().flatten();
        elements.enumerate().map(|(index, value)| Spot { value, at: format!("{}/{index}", self.at) })
    }

    /// A text below.
    pub(super) fn text(&self, name: &str) -> Option<&'d str> {
        self.value.get(name)?.as_str()
    }

    /// Whether there is `true` below.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.value.get(name) == Some(&Value::Bool(true))
    }
}

/// The pointer of what stands below `at` (RFC 6901, section 3).
pub(super) fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_those_that_are_understood() {
        let open =
            |version: &str| Document::open(&json!({ "openapi": version })).map(|document| document.is_old);
        assert_eq!(open("3.0.3"), Ok(true));
        assert_eq!(open("3.1.1"), Ok(false));
        assert_eq!(open("3.2.0"), Ok(false));
        assert!(matches!(open("3.10.0"), Err(Unusable::Version { .. })));
        assert_eq!(Document::open(&json!({"swagger": "2.0"})).err(), Some(Unusable::Swagger));
        assert_eq!(Document::open(&json!([])).err(), Some(Unusable::NoVersion));
    }

    #[test]
    fn a_reference_is_followed_to_its_end_and_not_in_circles() {
        let root = json!({
            "openapi": "3.0.0",
            "components": {"parameters": {
                "a/b": {"$ref": "#/components/parameters/c%20d"}, "c d": {"name": "here"},
                "round": {"$ref": "#/components/parameters/about"},
                "about": {"$ref": "#/components/parameters/round"},
                "away": {"$ref": "https://example.com/x.json#/x"},
            }},
        });
        let document = Document::open(&root).unwrap();
        let mut notes = Notes::default();
        let mut follow = |name: &str| {
            let spot = document.spot(&below("/components/parameters", name)).unwrap();
            document.follow(spot, &mut notes).map(|spot| spot.at)
        };
        assert_eq!(follow("a/b").as_deref(), Some("/components/parameters/c d"));
        assert_eq!(follow("round"), None);
        assert_eq!(follow("away"), None);
        assert_eq!(notes.list().len(), 2);
    }
}

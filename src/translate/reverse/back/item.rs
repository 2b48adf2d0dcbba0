//! One record among the items of a list, known by a text that may be spelt in several ways.

use std::borrow::Cow;
use std::mem::discriminant;

use crate::canonical::id::{CanonicalId, IdCodec};
use crate::json::{Kind, Value};
use crate::lens::path::Address;

/// One item of a list, as it is known by the text of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    at: Address,
    text: String,
    /// What the text means; none if it is no id that can be computed.
    meant: Option<CanonicalId>,
    /// How the items spell it.
    spelt: Option<IdCodec>,
}

impl Item {
    /// The one that has that text there, as the first spells it; items are spelt as the second says.
    pub(super) fn new(at: Address, text: String, [sent, listed]: [Option<&IdCodec>; 2]) -> Item {
        let meant = meant(sent, &text);
        Item { at, text, meant, spelt: listed.cloned() }
    }

    /// The text it is known by.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether that is the one; none if it may be, since the two cannot be read alike.
    pub fn is(&self, item: Value<'_>) -> Option<bool> {
        let known = text_at(item, &self.at)?;
        if known == self.text {
            return Some(true);
        }
        let (sought, known) = (self.meant.as_ref()?, meant(self.spelt.as_ref(), &known)?);
        (discriminant(sought) == discriminant(&known)).then(|| *sought == known)
    }

    /// Whether it is gone if no item of the list is it.
    pub fn would_be_missed(&self) -> bool {
        self.meant.is_some()
    }
}

/// What a text means, in that spelling; without one it means itself.
fn meant(spelt: Option<&IdCodec>, text: &str) -> Option<CanonicalId> {
    spelt.map_or_else(|| Some(CanonicalId::Text(text.to_owned())), |codec| codec.read(text).ok())
}

/// The text at a place of a body, or the digits of a number.
pub(super) fn text_at<'v>(body: Value<'v>, at: &Address) -> Option<Cow<'v, str>> {
    let value = at.path.iter().try_fold(body, |value, name| value.member(name))?;
    if value.kind() == Kind::Integer { Some(value.raw().into()) } else { value.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::id::IdForm;
    use crate::json::{Document, Limits};
    use crate::problem::Root;

    const UUID: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052a";

    fn codec(written: IdForm) -> IdCodec {
        IdCodec { written, accepted: vec![IdForm::ShortUuid, IdForm::Uuid] }
    }

    fn item(text: &str, spelt: [Option<&IdCodec>; 2]) -> Item {
        let at = Address { root: Root::Body, path: vec!["id".into()] };
        Item::new(at, text.to_owned(), spelt)
    }

    fn is(item: &Item, body: &str) -> Option<bool> {
        item.is(Document::parse(body.into(), &Limits::default()).unwrap().root())
    }

    #[test]
    fn an_item_is_known_in_every_spelling_of_its_id() {
        let (long, short) = (codec(IdForm::Uuid), codec(IdForm::ShortUuid));
        for text in [UUID, &UUID.to_uppercase(), "CnEqURgZ3swzj528KMLvX5"] {
            let sought = item(text, [Some(&long), Some(&short)]);
            assert!(sought.would_be_missed());
            assert_eq!(is(&sought, &format!(r#"{{"id":"{UUID}"}}"#)), Some(true), "{text}");
            assert_eq!(is(&sought, r#"{"id":"CnEqURgZ3swzj528KMLvX5"}"#), Some(true), "{text}");
            assert_eq!(is(&sought, r#"{"id":"2222222222222222222222"}"#), Some(false), "{text}");
        }
        let number = IdCodec { written: IdForm::Integer, accepted: vec![IdForm::Integer] };
        let sought = item("7", [Some(&number), Some(&number)]);
        assert_eq!((is(&sought, r#"{"id":7}"#), is(&sought, r#"{"id":8}"#)), (Some(true), Some(false)));
        let sought = item("ada", [None, None]);
        assert_eq!(
            (is(&sought, r#"{"id":"ada"}"#), is(&sought, r#"{"id":"bo"}"#)),
            (Some(true), Some(false))
        );
    }

    #[test]
    fn nobody_says_of_what_cannot_be_read_that_it_is_another() {
        let uuid = codec(IdForm::Uuid);
        let sought = item("CnEqURgZ3swzj528KMLvX5", [Some(&uuid), Some(&uuid)]);
        assert_eq!(is(&sought, r#"{"id":"u-1"}"#), None, "it may be the imported id of the same");
        assert_eq!(is(&sought, "{}"), None);
        let sought = item("u-1", [Some(&uuid), Some(&uuid)]);
        assert!(!sought.would_be_missed());
        assert_eq!(is(&sought, r#"{"id":"u-1"}"#), Some(true));
        assert_eq!(is(&sought, r#"{"id":"CnEqURgZ3swzj528KMLvX5"}"#), None);
        let sought = item("ada", [None, Some(&uuid)]);
        assert_eq!(is(&sought, r#"{"id":"CnEqURgZ3swzj528KMLvX5"}"#), None);
    }
}

//! Identifiers: one canonical value, and the forms in which it may be spelt.
//!
//! A codec is pure arithmetic: reading and writing need no table, no store and no clock. Every form has
//! exactly one spelling per value except `uuid`, which may also be *read* in upper case; so whatever is
//! counted, cached or compared must use the [`CanonicalId`], never the text a client sent.
//!
//! ```
//! use interlingua::canonical::id::{IdCodec, IdForm};
//!
//! let codec = IdCodec { written: IdForm::ShortUuid, accepted: vec![IdForm::ShortUuid, IdForm::Uuid] };
//! let id = codec.read("CnEqURgZ3swzj528KMLvX5")?;
//! assert_eq!(id.to_string(), "3c90c3cc-0d44-4b50-8888-8dd25736052a");
//! assert_eq!(codec.read("3C90C3CC-0D44-4B50-8888-8DD25736052A")?, id);
//!
//! let mut text = String::new();
//! codec.write(&id, &mut text)?;
//! assert_eq!(text, "CnEqURgZ3swzj528KMLvX5");
//! # Ok::<(), interlingua::canonical::id::IdError>(())
//! ```

use std::fmt;

use ::uuid::Uuid;
use thiserror::Error;

mod integer;
mod opaque;
mod shortuuid;
mod uuid;

pub(crate) use uuid::is_hyphenated;

/// An identifier as everything inside knows it. `Display` gives its canonical spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CanonicalId {
    /// Spelt with hyphens, in lower case.
    Uuid(Uuid),
    /// Spelt as it is.
    Text(String),
    /// Spelt in decimal digits.
    Integer(i64),
}

impl fmt::Display for CanonicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CanonicalId::Uuid(uuid) => uuid.hyphenated().fmt(f),
            CanonicalId::Text(text) => f.write_str(text),
            CanonicalId::Integer(number) => number.fmt(f),
        }
    }
}

/// A way of spelling identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdForm {
    /// `3c90c3cc-0d44-4b50-8888-8dd25736052a`
    Uuid,
    /// The same UUID in 22 digits of base 57: `CnEqURgZ3swzj528KMLvX5`
    ShortUuid,
    /// `42`
    Integer,
    /// Up to 128 letters, digits, `_` and `-` without further meaning.
    Opaque,
}

impl IdForm {
    /// All forms, in the order in which they are tried. No text belongs to two of the first three; most of
    /// what they take is also opaque, so opaque comes last.
    pub const ALL: [IdForm; 4] = [IdForm::Uuid, IdForm::ShortUuid, IdForm::Integer, IdForm::Opaque];

    /// The form's name in mapping files.
    pub fn name(self) -> &'static str {
        match self {
            IdForm::Uuid => "uuid",
            IdForm::ShortUuid => "shortuuid",
            IdForm::Integer => "integer",
            IdForm::Opaque => "opaque",
        }
    }

    /// The form of that name.
    pub fn named(name: &str) -> Option<IdForm> {
        IdForm::ALL.into_iter().find(|form| form.name() == name)
    }

    /// Reads `text` as this form spells it.
    pub fn read(self, text: &str) -> Result<CanonicalId, IdError> {
        match self {
            IdForm::Uuid => uuid::read(text).map(CanonicalId::Uuid),
            IdForm::ShortUuid => shortuuid::read(text).map(CanonicalId::Uuid),
            IdForm::Integer => integer::read(text).map(CanonicalId::Integer),
            IdForm::Opaque => opaque::read(text).map(|text| CanonicalId::Text(text.to_owned())),
        }
    }

    /// Appends the spelling of `id` to `out`. Opaque takes any identifier, by its canonical spelling.
    pub fn write(self, id: &CanonicalId, out: &mut String) -> Result<(), IdError> {
        match (self, id) {
            (IdForm::Uuid | IdForm::Opaque, CanonicalId::Uuid(id)) => uuid::write(*id, out),
            (IdForm::ShortUuid, CanonicalId::Uuid(id)) => shortuuid::write(*id, out),
            (IdForm::Integer | IdForm::Opaque, CanonicalId::Integer(id)) => integer::write(*id, out),
            (IdForm::Opaque, CanonicalId::Text(id)) => out.push_str(opaque::read(id)?),
            (IdForm::Uuid | IdForm::ShortUuid, CanonicalId::Text(_) | CanonicalId::Integer(_))
            | (IdForm::Integer, CanonicalId::Uuid(_) | CanonicalId::Text(_)) => {
                return Err(IdError::Unwritable { form: self });
            }
        }
        Ok(())
    }
}

impl fmt::Display for IdForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a dialect spells one sort of identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdCodec {
    /// The form clients are given.
    pub written: IdForm,
    /// The forms clients may send; their order does not matter.
    pub accepted: Vec<IdForm>,
}

impl IdCodec {
    /// Reads an external id in the most specific accepted form that fits.
    ///
    /// # Errors
    ///
    /// [`IdError::Overflow`] if the text looks right for an accepted form and exceeds what it can mean,
    /// otherwise [`IdError::Malformed`].
    pub fn read(&self, text: &str) -> Result<CanonicalId, IdError> {
        let mut refusal = IdError::Malformed;
        for form in IdForm::ALL.into_iter().filter(|form| self.accepted.contains(form)) {
            match form.read(text) {
                Ok(id) => return Ok(id),
                Err(IdError::Malformed) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// Reads an external id and appends its spelling by another codec to `out`.
    ///
    /// # Errors
    ///
    /// Those of [`IdCodec::read`] and of [`IdCodec::write`].
    pub fn convert(&self, text: &str, to: &IdCodec, out: &mut String) -> Result<(), IdError> {
        if self.accepted == [IdForm::Opaque] && to.written == IdForm::Opaque {
            // It is its own spelling, and no copy of it is needed in between.
            out.push_str(opaque::read(text)?);
            return Ok(());
        }
        let is_spelt_alike = matches!(to.written, IdForm::Uuid | IdForm::Opaque);
        if is_spelt_alike && self.accepted.contains(&IdForm::Uuid) && uuid::is_as_written(text) {
            // So is this: the first form that is tried takes it, and both write it as it stands.
            out.push_str(text);
            return Ok(());
        }
        to.write(&self.read(text)?, out)
    }

    /// Appends the external id of `id` to `out`.
    ///
    /// # Errors
    ///
    /// [`IdError::Unwritable`] if the written form cannot spell this sort of identifier.
    pub fn write(&self, id: &CanonicalId, out: &mut String) -> Result<(), IdError> {
        self.written.write(id, out)
    }
}

/// Bytes of an imported id.
pub const EXTERNAL_BYTES_MAX: usize = 256;

/// Whether `text` may be an imported id: it follows no rule but that it is a short line of text without space around it,
/// and that it can stand in a path as clients write it, who do not encode ids.
pub fn is_external(text: &str) -> bool {
    let is_bounded = (1..=EXTERNAL_BYTES_MAX).contains(&text.len());
    let moves_the_path = matches!(text, "." | "..") || text.contains(['/', '\\', '?', '#', '%']);
    is_bounded && !moves_the_path && !text.chars().any(char::is_control) && text.trim() == text
}

/// Why an identifier could not be read or written. Never quotes the identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum IdError {
    /// The text is spelt in no accepted form.
    #[error("not spelt as an id of an accepted form")]
    Malformed,
    /// The text is spelt well and its value exceeds the greatest identifier.
    #[error("exceeds the greatest id")]
    Overflow,
    /// The written form has no spelling for this sort of identifier.
    #[error("an id of another sort cannot be written as `{form}`")]
    Unwritable {
        /// The form that was to be written.
        form: IdForm,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codec(written: IdForm, accepted: &[IdForm]) -> IdCodec {
        IdCodec { written, accepted: accepted.to_vec() }
    }

    fn ids() -> impl Strategy<Value = CanonicalId> {
        prop_oneof![
            any::<u128>().prop_map(|bits| CanonicalId::Uuid(Uuid::from_u128(bits))),
            any::<i64>().prop_map(CanonicalId::Integer),
            "[A-Za-z0-9_-]{1,128}".prop_map(CanonicalId::Text),
        ]
    }

    #[test]
    fn an_imported_id_is_a_short_line_of_text() {
        let (longest, longer) = ("x".repeat(EXTERNAL_BYTES_MAX), "x".repeat(EXTERNAL_BYTES_MAX + 1));
        for text in ["7", "user:7 of 9", "ü", "...", &longest] {
            assert!(is_external(text), "{text}");
        }
        for text in
            ["", " 7", "7\n", "a\0b", "\u{85}", "a/b", "a?b", "a#b", "a%2Fb", "a\\b", ".", "..", &longer]
        {
            assert!(!is_external(text), "{text:?}");
        }
    }

    #[test]
    fn forms_are_found_by_their_names() {
        for form in IdForm::ALL {
            assert_eq!(IdForm::named(form.name()), Some(form));
        }
        assert_eq!(IdForm::named("UUID"), None);
    }

    #[test]
    fn a_codec_reads_every_form_it_accepts_and_no_other() {
        let uuid = "3c90c3cc-0d44-4b50-8888-8dd25736052a";
        let both = codec(IdForm::ShortUuid, &[IdForm::ShortUuid, IdForm::Uuid]);
        assert_eq!(both.read(uuid), both.read("CnEqURgZ3swzj528KMLvX5"));
        let short = codec(IdForm::ShortUuid, &[IdForm::ShortUuid]);
        assert_eq!(short.read(uuid), Err(IdError::Malformed));
        assert_eq!(both.read("42"), Err(IdError::Malformed));
    }

    #[test]
    fn the_order_of_accepted_forms_does_not_matter() {
        let first = codec(IdForm::Opaque, &[IdForm::Opaque, IdForm::Uuid, IdForm::Integer]);
        let last = codec(IdForm::Opaque, &[IdForm::Integer, IdForm::Uuid, IdForm::Opaque]);
        for text in ["3c90c3cc-0d44-4b50-8888-8dd25736052a", "42", "042", "plain"] {
            assert_eq!(first.read(text), last.read(text), "{text}");
        }
        assert_eq!(first.read("42"), Ok(CanonicalId::Integer(42)));
        assert_eq!(first.read("042"), Ok(CanonicalId::Text("042".to_owned())));
    }

    #[test]
    fn an_overflow_is_told_from_nonsense() {
        let codec = codec(IdForm::ShortUuid, &[IdForm::ShortUuid, IdForm::Uuid]);
        assert_eq!(codec.read("zzzzzzzzzzzzzzzzzzzzzz"), Err(IdError::Overflow));
        assert_eq!(codec.read("zzzzzzzzzzzzzzzzzzzzz0"), Err(IdError::Malformed));
    }

    #[test]
    fn an_id_of_another_sort_is_not_written() {
        let mut out = String::new();
        let integer = CanonicalId::Integer(7);
        for form in [IdForm::Uuid, IdForm::ShortUuid] {
            assert_eq!(form.write(&integer, &mut out), Err(IdError::Unwritable { form }));
        }
        let form = IdForm::Integer;
        assert_eq!(
            form.write(&CanonicalId::Text("7".to_owned()), &mut out),
            Err(IdError::Unwritable { form })
        );
        assert_eq!(out, "");
    }

    proptest! {
        #[test]
        fn what_a_form_writes_it_reads_back(id in ids(), form in prop::sample::select(&IdForm::ALL[..])) {
            let mut text = String::from("/");
            if form.write(&id, &mut text).is_ok() {
                let read = form.read(&text[1..]).unwrap();
                prop_assert_eq!(read.to_string(), id.to_string());
                prop_assert!(form == IdForm::Opaque || read == id);
            }
        }

        #[test]
        fn every_id_can_be_written_in_some_form_that_gives_it_back(id in ids()) {
            let forms = [IdForm::Uuid, IdForm::Integer, IdForm::Opaque];
            let mut text = String::new();
            let form = forms.into_iter().find(|form| form.write(&id, &mut text).is_ok());
            prop_assert_eq!(form.unwrap().read(&text), Ok(id));
        }

        #[test]
        fn what_is_read_is_the_only_spelling(text in "[0-9a-zA-Z_-]{1,40}|-?[0-9]{1,20}|[2-9A-Za-z]{22}") {
            for form in [IdForm::ShortUuid, IdForm::Integer, IdForm::Opaque] {
                if let Ok(id) = form.read(&text) {
                    let mut again = String::new();
                    form.write(&id, &mut again).unwrap();
                    prop_assert_eq!(&again, &text);
                }
            }
        }

        #[test]
        fn no_text_panics_and_none_belongs_to_two_specific_forms(text in r".*|[2-9a-f-]{18,36}") {
            let specific = [IdForm::Uuid, IdForm::ShortUuid, IdForm::Integer];
            prop_assert!(specific.iter().filter(|form| form.read(&text).is_ok()).count() <= 1);
        }
    }
}

//! The register of diagnostic codes: what each is called and what `interlingua explain` says about it.
//!
//! A code is a promise: it is never reused and never comes to mean something else. The letter tells who
//! speaks, the first two digits what about:
//!
//! | Codes | About |
//! | --- | --- |
//! | `C01xx` | the syntax and keys of `config.toml` |
//! | `C02xx` | the values in it |
//! | `C03xx` | settings that a running program cannot take, and files that they name |
//! | `C04xx` | modes: who answers which requests while clients move |
//! | `S01xx` | schema files |
//! | `M01xx` | the syntax, keys and values of a mapping |
//! | `M02xx` | its names and paths |
//! | `M03xx` | whether its tables are total |
//! | `M04xx` | whether what it makes fits the schemas |
//! | `M05xx` | its ledger of losses |
//! | `M06xx` | privilege: no client may gain a right by being translated |
//! | `M07xx` | wire generations: mappings that extend others |
//! | `M08xx` | what is still to be decided |
//! | `M09xx` | whether what is written, read and written back stays the same |
//! | `M10xx` | what retires |
//! | `R01xx` | routes |
//! | `V01xx` | documents that `validate`, `translate` and `replay` are given |
//! | `V02xx` | records that `ids match` cannot pair |
//!
//! To add one, add a row to the file of its group below; to add a family, one to [`FAMILIES`] too.

use std::{fmt, sync::LazyLock};

/// The stable name of a kind of diagnostic, such as `C0102`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

/// What the register says about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The code itself.
    pub code: Code,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means, why it matters and what to do.
    pub paragraph: &'static str,
}

/// The families of checks: what their codes begin with, and what they are called in reports.
pub const FAMILIES: &[(&str, &str)] = &[
    ("C01", "syntax and keys"),
    ("C02", "values"),
    ("C03", "reload"),
    ("C04", "modes"),
    ("M01", "syntax and keys"),
    ("M02", "names and paths"),
    ("M03", "totality"),
    ("M04", "fit"),
    ("M05", "ledger"),
    ("M06", "privilege"),
    ("M07", "generations"),
    ("M08", "to decide"),
    ("M09", "round trip"),
    ("M10", "retirement"),
    ("R01", "routes"),
    ("S01", "schema"),
    ("V01", "document"),
    ("V02", "pairs"),
];

/// What a family is called, by what its codes begin with.
pub fn family_name(family: &str) -> &'static str {
    FAMILIES.iter().find(|(known, _)| *known == family).map_or("other", |(_, name)| name)
}

/// Looks a code up by name, in either case.
pub fn explain(code: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.code.as_str().eq_ignore_ascii_case(code))
}

impl Code {
    /// The name, such as `C0102`.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// What the family of checks is called that it belongs to.
    pub fn family(self) -> &'static str {
        family_name(&self.0[..3])
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Makes a constant and a row of the group's register from each `code, title, paragraph`.
macro_rules! codes {
    ($($code:ident $title:literal $paragraph:literal)+) => {
        $(#[doc = $title] pub const $code: Code = Code(stringify!($code));)+

        pub(super) const GROUP: &[Entry] = &[$(Entry { code: $code, title: $title, paragraph: $paragraph }),+];
    };
}

use codes;

mod proofs;
mod schemas;
mod settings;
mod writing;

pub use self::{proofs::*, schemas::*, settings::*, writing::*};

/// Every code, in order.
pub static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut all = [settings::GROUP, writing::GROUP, proofs::GROUP, schemas::GROUP].concat();
    all.sort_unstable_by_key(|entry| entry.code);
    all
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_occurs_twice_and_each_group_is_in_order() {
        assert!(ALL.is_sorted_by(|one, next| one.code < next.code));
        for group in [settings::GROUP, writing::GROUP, proofs::GROUP, schemas::GROUP] {
            assert!(group.is_sorted_by(|one, next| one.code < next.code));
        }
    }

    #[test]
    fn a_code_is_the_letter_of_its_stage_and_four_digits() {
        for Entry { code, .. } in ALL.iter() {
            let (stage, digits) = code.as_str().split_at(1);
            assert!("CMRSV".contains(stage), "{code}");
            assert!(digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        }
    }

    #[test]
    fn every_code_has_a_title_and_a_paragraph_of_whole_sentences() {
        for Entry { code, title, paragraph } in ALL.iter() {
            assert!(!title.is_empty() && !title.ends_with('.'), "{code}: {title}");
            assert!(paragraph.len() > title.len() && paragraph.ends_with('.'), "{code}: {paragraph}");
            assert!(!paragraph.contains("  "), "{code}: a line break left two spaces: {paragraph}");
        }
    }

    #[test]
    fn every_code_belongs_to_a_family_and_every_family_has_codes() {
        for Entry { code, .. } in ALL.iter() {
            assert_ne!(code.family(), "other", "{code}");
        }
        for (family, _) in FAMILIES {
            assert!(ALL.iter().any(|entry| entry.code.as_str().starts_with(family)), "{family}");
        }
    }

    #[test]
    fn explain_finds_a_code_in_either_case_and_nothing_else() {
        assert_eq!(explain("C0102").map(|entry| entry.code), Some(C0102));
        assert_eq!(explain("c0102").map(|entry| entry.code), Some(C0102));
        assert_eq!(explain("C9999"), None);
        assert_eq!(explain(""), None);
    }
}

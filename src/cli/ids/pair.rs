//! What a row means, if it means anything.

use uuid::Uuid;

use super::{rows::Row, uuid};
use crate::{
    canonical::id::{EXTERNAL_BYTES_MAX, is_external},
    ids::embedded::Pair,
};

/// What all rows of an import have in common.
#[derive(Debug)]
pub(super) struct Rules {
    /// The organization of rows that name none.
    pub(super) organization: Option<Uuid>,
    /// Whether ids of this kind may lie in an organization.
    pub(super) lies_within: bool,
}

impl Rules {
    /// Reads a row, or says what is wrong with it.
    pub(super) fn pair(&self, row: Row) -> Result<Pair, String> {
        let Row { external, canonical, organization } = row;
        if !is_external(&external) {
            return Err(match external.as_str() {
                "" => "has no external id".to_owned(),
                text if text.len() > EXTERNAL_BYTES_MAX => {
                    format!("the external id has {} bytes, limit {EXTERNAL_BYTES_MAX}", text.len())
                }
                "." | ".." => "the external id is dots alone, which would change a path".to_owned(),
                text if text.contains(['/', '\\', '?', '#', '%']) => {
                    "the external id has one of `/ \\ ? # %` in it, which would change a path".to_owned()
                }
                _ => "the external id has control characters in it or space around it".to_owned(),
            });
        }
        let why = if canonical.is_empty() { "has no canonical id" } else { "the canonical id is no UUID" };
        let canonical = uuid(&canonical).ok_or(why)?;
        let named = match organization.as_str() {
            "" => None,
            text => Some(uuid(text).ok_or("the organization is no UUID")?),
        };
        if named.is_some() && !self.lies_within {
            return Err("names an organization, and ids of this kind lie in none".to_owned());
        }
        if self.organization.is_some() && named.is_some_and(|named| Some(named) != self.organization) {
            return Err("names another organization than `--organization`".to_owned());
        }
        Ok(Pair { external, canonical, organization: named.or(self.organization) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "3c90c3cc-0d44-4b50-8888-8dd25736052a";
    const OTHER: &str = "3C90C3CC-0D44-4B50-8888-8DD25736052B";

    fn read(rules: &Rules, external: &str, canonical: &str, organization: &str) -> Result<Pair, String> {
        let [external, canonical, organization] = [external, canonical, organization].map(str::to_owned);
        rules.pair(Row { external, canonical, organization })
    }

    #[test]
    fn a_row_that_means_nothing_is_told_why() {
        let rules = Rules { organization: None, lies_within: false };
        assert_eq!(read(&rules, "u-1", OTHER, "").unwrap().canonical.to_string(), OTHER.to_lowercase());
        let long = "x".repeat(257);
        for (external, canonical, organization, why) in [
            ("", ONE, "", "has no external id"),
            (&long, ONE, "", "the external id has 257 bytes, limit 256"),
            ("u-1 ", ONE, "", "the external id has control characters in it or space around it"),
            ("u\t1", ONE, "", "the external id has control characters in it or space around it"),
            ("..", ONE, "", "the external id is dots alone, which would change a path"),
            ("u/1", ONE, "", "the external id has one of `/ \\ ? # %` in it, which would change a path"),
            ("u%2F1", ONE, "", "the external id has one of `/ \\ ? # %` in it, which would change a path"),
            ("u-1", "", "", "has no canonical id"),
            ("u-1", "CnEqURgZ3swzj528KMLvX5", "", "the canonical id is no UUID"),
            ("u-1", ONE, ONE, "names an organization, and ids of this kind lie in none"),
        ] {
            assert_eq!(read(&rules, external, canonical, organization), Err(why.to_owned()));
        }
    }

    #[test]
    fn a_row_lies_where_it_says_or_where_all_do() {
        let rules = Rules { organization: uuid(ONE), lies_within: true };
        assert_eq!(read(&rules, "u-1", OTHER, "").unwrap().organization, uuid(ONE));
        assert_eq!(read(&rules, "u-1", OTHER, ONE).unwrap().organization, uuid(ONE));
        let why = "names another organization than `--organization`";
        assert_eq!(read(&rules, "u-1", OTHER, OTHER), Err(why.to_owned()));
        let rules = Rules { organization: None, lies_within: true };
        assert_eq!(read(&rules, "u-1", OTHER, OTHER).unwrap().organization, uuid(OTHER));
        assert_eq!(read(&rules, "u-1", OTHER, "north"), Err("the organization is no UUID".to_owned()));
    }
}

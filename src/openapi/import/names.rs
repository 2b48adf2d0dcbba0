//! Names of our own for what somebody else named: safe as file names and keys, and each given once.

use std::collections::BTreeSet;

use crate::diag::alike::split;

/// How long a name may be.
const LONG: usize = 64;

/// Names that some systems keep for devices, whatever the ending.
const DEVICES: [&str; 4] = ["aux", "con", "nul", "prn"];

/// `MembershipRequest`, `membership-request` and `membership request` as `membership_request`: letters, digits and
/// single underscores, and nothing that could leave a folder.
pub(super) fn snake(name: &str) -> String {
    let name: String = split(name).join("_").chars().take(LONG).collect();
    match name.trim_end_matches('_') {
        "" => "thing".to_owned(),
        device if DEVICES.contains(&device) => format!("{device}_"),
        name => name.to_owned(),
    }
}

/// The names that were given.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// The name that was wished for, or one like it that nobody has yet.
    pub(super) fn give(&mut self, wished: &str) -> String {
        let mut name = wished.to_owned();
        let mut number = 2;
        // Some systems take `a` and `A` for one file.
        while !self.0.insert(name.to_lowercase()) {
            name = format!("{wished}_{number}");
            number += 1;
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_written_as_ours_are() {
        for (given, ours) in [
            ("MembershipRequest", "membership_request"),
            ("simple-user", "simple_user"),
            ("APIKey", "api_key"),
            ("OAuth2Token", "oauth2_token"),
            ("canonical.role", "canonical_role"),
            ("../../etc/passwd", "etc_passwd"),
            ("..", "thing"),
            ("CON", "con_"),
            ("Größe", "gr_e"),
        ] {
            assert_eq!(snake(given), ours, "{given}");
        }
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut names = Names::default();
        assert_eq!(
            ["user", "user", "user_2", "user"].map(|name| names.give(name)),
            ["user", "user_2", "user_2_2", "user_3"]
        );
    }

    proptest! {
        #[test]
        fn a_name_never_leaves_its_folder(name in ".{0,80}") {
            let ours = snake(&name);
            prop_assert!(!ours.is_empty() && ours.len() <= LONG + 1);
            prop_assert!(ours.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'));
        }
    }
}

//! Paths that could mean two things.
//!
//! A path is decoded once, segment by segment, after it was matched. What a later reader might decode again, split
//! differently or climb out of is refused here, before it is matched.

/// Spellings that some server somewhere reads as a separator, an end, or once more.
const TWO_FACED: [(&str, &str); 8] = [
    ("%2f", "an encoded slash"),
    ("%5c", "an encoded backslash"),
    ("%00", "an encoded NUL"),
    ("%2e", "an encoded dot"),
    ("%25", "an encoded percent sign"),
    ("\\", "a backslash"),
    (";", "a semicolon"),
    ("//", "an empty segment"),
];

/// What makes the path ambiguous, if anything does.
pub(super) fn ambiguity(path: &str) -> Option<&'static str> {
    // Nearly every path is plain, and one look at its bytes is a tenth of the search for what is not.
    if is_plain(path) { None } else { first_ambiguity(path) }
}

/// Whether there is nothing in the path that any of the spellings begins with.
///
/// All of it is looked at, whatever is found, and nothing is skipped: so that is done sixteen bytes at once.
#[expect(clippy::needless_bitwise_bool, reason = "nothing is to be skipped")]
fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    let is_usual = |byte: u8| byte.is_ascii_graphic() & (byte != b'%') & (byte != b'\\') & (byte != b';');
    let begins_segment = |byte: u8| (byte != b'/') & (byte != b'.');
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    !path.starts_with('.')
        && bytes.iter().fold(true, |all, byte| all & is_usual(*byte))
        && pairs.fold(true, |all, (one, next)| all & ((*one != b'/') | begins_segment(*next)))
}

fn first_ambiguity(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    if let Some((_, what)) = TWO_FACED.iter().find(|(spelling, _)| lower.contains(spelling)) {
        return Some(what);
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Some("a dot segment");
    }
    (!path.bytes().all(|byte| byte.is_ascii_graphic())).then_some("a character that must be encoded")
}

/// Whether the path is the prefix or lies below it.
pub(super) fn has_prefix(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_plain_at_first_sight_is_plain(path in "[/.%25aA2fFeE;\\\\ é]{0,12}") {
            prop_assert!(!is_plain(&path) || first_ambiguity(&path).is_none(), "{}", path);
        }
    }

    #[test]
    fn paths_with_two_readings_are_told() {
        for path in [
            "/a%2Fb",
            "/a%5cb",
            "/%00",
            "/%2e%2E/x",
            "/%252f",
            "/a\\b",
            "/a;x=1/b",
            "//a",
            "/a/../b",
            "/a/.",
            "/é",
        ] {
            assert!(ambiguity(path).is_some(), "{path}");
        }
        for path in ["", "/", "/a/b", "/a/", "/a%20b", "/a.b/..c", "/%C3%A9"] {
            assert_eq!(ambiguity(path), None, "{path}");
        }
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        assert!(has_prefix("/v1/a", "/v1") && has_prefix("/v1", "/v1") && has_prefix("/a", ""));
        assert!(!has_prefix("/v10/a", "/v1") && !has_prefix("/v", "/v1"));
    }
}

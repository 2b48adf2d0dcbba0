//! What files say, in short.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::diag::Sources;

/// What texts say, in short: 16 hexadecimal digits that are others when any text, its file's name, or the folder that is in
/// is another: for a schema the folder is the dialect.
pub fn digest(sources: &Sources) -> String {
    let mut digest = Sha256::new();
    for id in sources.ids() {
        let (path, text) = (sources.path(id), sources.text(id));
        let parts: Vec<_> = path.rsplitn(3, '/').take(2).collect();
        let is_schema = Path::new(path).extension().is_some_and(|ending| ending == "json");
        // The settings may have any name, and lie anywhere.
        let name = if is_schema { parts.join("/") } else { parts[0].to_owned() };
        for part in [name.as_str(), text] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    let digest = digest.finalize();
    let first = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{first:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(texts: &[(&str, &str)]) -> String {
        let mut sources = Sources::default();
        for (path, text) in texts {
            sources.add(*path, *text);
        }
        digest(&sources)
    }

    #[test]
    fn a_digest_is_of_the_texts_and_their_names_wherever_they_are() {
        let folder = |name: &str| digest_of(&[(&format!("/schemas/{name}/x.json"), "{}")]);
        assert_eq!(folder("acme"), digest_of(&[("elsewhere/acme/x.json", "{}")]));
        assert_ne!(folder("acme"), folder("emca"), "the folder is the dialect");
        let first = digest_of(&[("a/x.toml", "1"), ("a/y.toml", "2")]);
        assert_eq!(first.len(), 16);
        assert_eq!(first, digest_of(&[("elsewhere/x.toml", "1"), ("y.toml", "2")]));
        for others in [
            &[("a/x.toml", "1"), ("a/y.toml", "3")][..],
            &[("a/x.toml", "1"), ("a/z.toml", "2")],
            &[("a/x.toml", "1")],
            &[("a/x.toml", "12"), ("a/y.toml", "")],
            &[],
        ] {
            assert_ne!(first, digest_of(others), "{others:?}");
        }
    }
}

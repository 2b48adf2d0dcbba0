//! How alike two names are that were never meant to be the same: `orgMembers` and `members.list` share a word.
//!
//! [`super::suggest`] finds the name that was misspelt; this finds names that may mean the same.

/// The words of a name in small letters: `listOrgMembers`, `list-org-members` and `list.org_members` have the same.
///
/// ```
/// use interlingua::diag::alike::split;
///
/// assert_eq!(split("OAuth2APIKey"), ["oauth2", "api", "key"]);
/// ```
pub fn split(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = None::<char>;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let is_end_of_capitals = before.is_some_and(|before| before.is_ascii_uppercase())
            && c.is_ascii_uppercase()
            && chars.peek().is_some_and(char::is_ascii_lowercase)
            && words.last().is_some_and(|word| word.len() > 1);
        let begins = c.is_ascii_uppercase()
            && (is_end_of_capitals
                || before.is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit()));
        if begins || !c.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
        before = Some(c);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The words of a name, one for many: `members` is `member`.
pub fn words(name: &str) -> Vec<String> {
    split(name).iter().map(|word| singular(word)).collect()
}

fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 2) {
        return format!("{stem}y");
    }
    let stem = word.strip_suffix('s').filter(|stem| stem.len() > 2 && !stem.ends_with(['s', 'u']));
    stem.unwrap_or(word).to_owned()
}

/// How much of two names is the same, from 0 to 100: 100 if they have the same words.
pub fn alike(one: &str, other: &str) -> u32 {
    shared(&words(one), &words(other))
}

/// How much of two lists of words is the same, from 0 to 100. Words that begin alike count half.
pub fn shared(one: &[String], other: &[String]) -> u32 {
    if one.is_empty() || other.is_empty() {
        return 0;
    }
    let score = |word: &String| {
        let best = other.iter().map(|known| {
            let short = word.len().min(known.len());
            let begins = short >= 3 && (word.starts_with(known.as_str()) || known.starts_with(word.as_str()));
            if word == known { 2 } else { u32::from(begins) }
        });
        best.max().unwrap_or_default()
    };
    let found: u32 = one.iter().map(score).sum();
    let most = u32::try_from(one.len() + other.len()).unwrap_or(u32::MAX);
    (found * 100 / most).min(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_however_they_are_joined() {
        for name in
            ["listOrgMembers", "list-org-members", "list.org_members", "ListOrgMembers", "LIST_ORG_MEMBERS"]
        {
            assert_eq!(split(name), ["list", "org", "members"], "{name}");
        }
        assert_eq!(split("APIKey"), ["api", "key"]);
        assert_eq!(split(""), [] as [&str; 0]);
    }

    #[test]
    fn one_stands_for_many() {
        assert_eq!(words("organization_memberships"), ["organization", "membership"]);
        assert_eq!(words("status"), ["status"]);
        assert_eq!(words("identities"), ["identity"]);
        assert_eq!(words("address"), ["address"]);
    }

    #[test]
    fn the_same_words_are_most_alike_and_others_not_at_all() {
        assert_eq!(alike("userId", "user_id"), 100);
        assert!(alike("userId", "user.id") > alike("userId", "organization_id"));
        assert!(alike("membership", "member") > 0, "they begin alike");
        assert_eq!(alike("email", "role"), 0);
        assert_eq!(alike("", "role"), 0);
    }
}

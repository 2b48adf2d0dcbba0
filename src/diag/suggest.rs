//! Finds the name somebody probably meant.

/// The known name closest to a wrong one, if one is close enough to be worth asking about.
///
/// Case and the choice between `-` and `_` do not count as differences. Beyond that about one character in
/// three may be wrong, or one name may begin with the other: a far-fetched guess costs the reader more than
/// none. Of equally close names the first wins.
///
/// ```
/// use interlingua::diag::suggest::did_you_mean;
///
/// assert_eq!(did_you_mean("tiemout", ["timeout", "address"]), Some("timeout"));
/// assert_eq!(did_you_mean("colour", ["timeout", "address"]), None);
/// ```
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = plain(wrong);
    let close = known.into_iter().filter_map(|name| Some((mistakes(&wrong, &plain(name))?, name)));
    close.min_by_key(|(mistakes, _)| *mistakes).map(|(_, name)| name)
}

/// How many names are listed before the rest is only counted.
const LISTED_MAX: usize = 32;

/// The list of what may stand there, for where no name is close enough to be guessed; none if there is nothing.
///
/// ```
/// use interlingua::diag::suggest::known_here;
///
/// assert_eq!(known_here(["timeout", "address"]).as_deref(), Some("known here are `timeout`, `address`"));
/// assert_eq!(known_here(["timeout", "timeout"]).as_deref(), Some("known here are `timeout`"));
/// assert_eq!(known_here([]), None);
/// ```
pub fn known_here<'a>(known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for name in known {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let listed: Vec<_> = names.iter().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    let rest = names.len().saturating_sub(LISTED_MAX);
    let list = listed.join(", ");
    match (names.len(), rest) {
        (0, _) => None,
        (_, 0) => Some(format!("known here are {list}")),
        (_, rest) => Some(format!("known here are {list}, and {rest} more")),
    }
}

/// How many mistakes turn one name into the other, if they are close.
fn mistakes(wrong: &str, name: &str) -> Option<usize> {
    let mistakes = strsim::damerau_levenshtein(wrong, name);
    let few = mistakes <= name.chars().count().max(3) / 3;

    let shorter = wrong.len().min(name.len());
    let same_beginning = shorter >= 3 && (wrong.starts_with(name) || name.starts_with(wrong));

    (few || same_beginning).then_some(mistakes)
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_wins_over_a_close_one() {
        assert_eq!(did_you_mean("idle_timeot", ["file_timeout", "idle_timeout"]), Some("idle_timeout"));
    }

    #[test]
    fn swapped_letters_are_one_mistake() {
        assert_eq!(did_you_mean("hsot", ["host", "port"]), Some("host"));
    }

    #[test]
    fn case_and_hyphens_are_no_mistake_at_all() {
        assert_eq!(did_you_mean("Drain-Timeout", ["brain_timeout", "drain_timeout"]), Some("drain_timeout"));
    }

    #[test]
    fn short_names_suffer_one_mistake_and_no_more() {
        assert_eq!(did_you_mean("ui", ["id"]), None);
        assert_eq!(did_you_mean("i", ["id"]), Some("id"));
    }

    #[test]
    fn a_name_may_be_cut_short_or_carry_something_more() {
        assert_eq!(did_you_mean("warning", ["off", "warn"]), Some("warn"));
        assert_eq!(did_you_mean("cert", ["key", "certificate"]), Some("certificate"));
        assert_eq!(did_you_mean("in", ["info"]), None);
    }

    #[test]
    fn nothing_is_suggested_when_nothing_is_close() {
        assert_eq!(did_you_mean("listen", ["database", "seed"]), None);
        assert_eq!(did_you_mean("listen", []), None);
    }
}

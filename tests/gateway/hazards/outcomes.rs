//! What may become of the requests of a case.

/// What may become of each request in turn: separated by blanks, each a choice separated by `|`, of statuses (`400`),
/// classes of them (`4xx`), `rst` (its HTTP/2 stream was reset) and `-` (no answer before the end of the connection).
/// `200x60` is 60 times the same; `*` alone is anything.
#[derive(Clone, Debug)]
pub(super) struct Outcomes(Vec<String>);

impl Outcomes {
    pub(super) fn new(text: &str) -> Outcomes {
        let times =
            |word: &str| match word.split_once('x').map(|(what, count)| (what, count.parse::<usize>())) {
                Some((what, Ok(count))) => vec![what.to_owned(); count],
                _ => vec![word.to_owned()],
            };
        Outcomes(text.split_whitespace().flat_map(times).collect())
    }

    pub(super) fn allow(&self, found: &[String]) -> bool {
        let fits = |choice: &str, found: &str| {
            choice.split('|').any(|one| {
                one == found
                    || one
                        .strip_suffix("xx")
                        .is_some_and(|class| found.len() == 3 && found.starts_with(class))
            })
        };
        let missing = "-".to_owned();
        self.is_anything()
            || found.len() <= self.0.len()
                && self
                    .0
                    .iter()
                    .enumerate()
                    .all(|(at, choice)| fits(choice, found.get(at).unwrap_or(&missing)))
    }

    /// The same, where one success is as good as another.
    pub(super) fn of_any_success(&self) -> Outcomes {
        let loosely = |choice: &String| {
            let any = |one: &str| if one.starts_with('2') { "2xx".to_owned() } else { one.to_owned() };
            choice.split('|').map(any).collect::<Vec<_>>().join("|")
        };
        Outcomes(self.0.iter().map(loosely).collect())
    }

    pub(super) fn is_anything(&self) -> bool {
        self.0 == ["*"]
    }

    /// How many answers there can be.
    pub(super) fn len(&self) -> usize {
        if self.is_anything() { 0 } else { self.0.iter().filter(|choice| *choice != "-").count() }
    }

    pub(super) fn text(&self) -> String {
        self.0.join(" ")
    }
}

#[test]
fn what_is_not_allowed_is_found() {
    let allows = |text: &str, found: &[&str]| {
        Outcomes::new(text).allow(&found.iter().map(|&one| one.to_owned()).collect::<Vec<_>>())
    };
    assert!(allows("200", &["200"]) && allows("4xx|-", &["413"]) && allows("4xx|-", &[]));
    assert!(allows("200x2 rst", &["200", "200", "rst"]) && allows("*", &["500"]) && allows("", &[]));
    assert!(Outcomes::new("201|4xx").of_any_success().allow(&["200".to_owned()]));
    assert!(!Outcomes::new("201|4xx").of_any_success().allow(&["500".to_owned()]));
    assert!(!allows("200", &[]) && !allows("200", &["200", "200"]) && !allows("4xx", &["500"]));
    assert!(!allows("200x2 429", &["200", "429"]) && !allows("", &["200"]) && !allows("-", &["200"]));
}

//! Why a request is refused for the parts of it that retire: the gravest decides, and all of its kind are told.

use std::time::SystemTime;

use super::{Standing, Watch, remaining};
use crate::json::Value;
use crate::lens::Parameters;
use crate::problem::{BROWN_OUT, GONE, Problem, Violation};

/// The sentence of a request whose violations say which part of it is refused for a while.
const SWITCHED_OFF: &str = "a part of the request is switched off for a while";

/// Why a request is refused at that moment, if it is, with no more than `most` places. The operation is still there, so
/// that what is gone is told like anything else that the request must not hold; to come back later helps only if nothing
/// is, and then when all of it is served again.
pub fn refusal_of_parts(
    watches: &[Watch],
    body: Option<Value<'_>>,
    query: &Parameters,
    now: SystemTime,
    most: usize,
) -> Option<Problem> {
    let (mut gone, mut switched_off, mut until) = (Vec::new(), Vec::new(), now);
    for watch in watches {
        // Nearly always the clock alone says that nobody has to look.
        let standing = watch.retirement.standing(now);
        let (kind, found) = match standing {
            Standing::Served => continue,
            Standing::BrownOut(_) => (BROWN_OUT, &mut switched_off),
            Standing::Gone(_) => (GONE, &mut gone),
        };
        let places = watch.places(body, query, most);
        let (Some(told), false) = (watch.retirement.told(standing), places.is_empty()) else { continue };
        if let Standing::BrownOut(end) = standing {
            until = until.max(end);
        }
        for place in places {
            let violation = Violation { place, kind: kind.into(), message: told.clone() };
            if found.len() < most && !found.contains(&violation) {
                found.push(violation);
            }
        }
    }
    if !gone.is_empty() {
        return Some(Problem::invalid(gone));
    }
    let problem = || Problem::browned_out(SWITCHED_OFF.to_owned(), remaining(until, now));
    (!switched_off.is_empty()).then(|| Problem { violations: switched_off, ..problem() })
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::{Dates, Retirement, Step};
    use super::*;
    use crate::json::{Document, Limits};
    use crate::problem::{Place, Root};

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn watch(name: &str, brown_out: Option<Range<u64>>, gone: Option<u64>) -> Watch {
        let dates = Dates {
            deprecated: at(0),
            sunset: gone.map(at),
            gone: gone.map(at),
            brown_outs: brown_out.map(|window| at(window.start)..at(window.end)).into_iter().collect(),
            docs: None,
            successor: Some("https://api.example/v2".to_owned()),
        };
        let retirement = Arc::new(Retirement::new(dates, None));
        Watch { root: Root::Body, way: vec![Step::Member(name.into())], values: Vec::new(), retirement }
    }

    /// The status, for how long, and the places.
    fn refused(watches: &[Watch], body: &str, now: u64) -> Option<(u16, Option<u64>, Vec<String>)> {
        let document = Document::parse(body.as_bytes().to_vec(), &Limits::default()).unwrap();
        let problem = refusal_of_parts(watches, Some(document.root()), &Parameters::new(), at(now), 2)?;
        let places = problem.violations.iter().map(|violation| violation.place.pointer()).collect();
        Some((problem.status.get().as_u16(), problem.retry_after.map(|wait| wait.as_secs()), places))
    }

    #[test]
    fn what_is_gone_is_told_before_what_comes_back_and_all_of_it() {
        let watches = [
            watch("a", Some(10..20), None),
            watch("b", None, Some(15)),
            watch("c", Some(10..40), None),
            watch("d", None, Some(15)),
        ];
        let body = r#"{"a":1,"b":1,"c":1,"d":1}"#;
        let places = |names: &[&str]| names.iter().map(|name| format!("/{name}")).collect::<Vec<_>>();
        assert_eq!(refused(&watches, body, 9), None);
        assert_eq!(refused(&watches, body, 12), Some((503, Some(28), places(&["a", "c"]))), "the latest end");
        assert_eq!(refused(&watches, body, 15), Some((422, None, places(&["b", "d"]))));
        assert_eq!(
            refused(&watches, r#"{"a":1}"#, 12),
            Some((503, Some(8), places(&["a"]))),
            "of what is used"
        );
        assert_eq!(refused(&watches, "{}", 15), None);
    }

    #[test]
    fn no_place_is_told_twice_and_no_more_of_them_than_wanted() {
        let [b, d, e] = ["b", "d", "e"].map(|name| watch(name, None, Some(15)));
        let body = r#"{"b":1,"d":1,"e":1}"#;
        let found = refused(&[b.clone(), b, d, e], body, 15).unwrap();
        assert_eq!(found.2, ["/b", "/d"]);
    }

    #[test]
    fn what_is_said_names_the_moment_and_where_to_read_on() {
        let document = Document::parse(br#"{"b":1}"#.to_vec(), &Limits::default()).unwrap();
        let watches = [watch("b", None, Some(1_720_000_000))];
        let (body, query) = (Some(document.root()), Parameters::new());
        let problem = refusal_of_parts(&watches, body, &query, at(1_720_000_001), 32).unwrap();
        assert_eq!(problem.label(), "invalid-request");
        let [violation] = problem.violations.as_slice() else { panic!("{problem:?}") };
        let place = Place::body(vec![crate::problem::Segment::Name("b".to_owned())]);
        assert_eq!((&violation.place, &*violation.kind), (&place, "gone"));
        assert_eq!(violation.message, "is gone since 2024-07-03T09:46:40Z: see https://api.example/v2");
    }
}

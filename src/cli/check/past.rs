//! What retires and whose time has come by a date that was asked for.

use std::collections::HashSet;
use std::time::SystemTime;

use crate::diag::{Diagnostic, code};
use crate::dialect::{Registry, Retirement};
use crate::time::{parse_rfc3339, rfc3339};

/// Reads the date of `--on`: a day, or a time in UTC.
pub(super) fn date(text: &str) -> Result<SystemTime, String> {
    let moment = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    let expected = "must be a date such as `2027-03-01` or `2027-03-01T09:00:00Z`";
    parse_rfc3339(&moment).ok_or_else(|| expected.to_owned())
}

/// A warning of each, at its line.
pub(super) fn past(registry: &Registry, on: SystemTime) -> Vec<Diagnostic> {
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    let mut look = |what: String, retirement: &Retirement| {
        // A part is watched in many operations, and an operation retires with its dialect: each line is told once.
        if retirement.origin().is_none_or(|origin| seen.insert(origin)) {
            found.extend(warning(&what, retirement, on));
        }
    };
    for dialect in registry.dialects() {
        if let Some(retirement) = &dialect.retirement {
            look(dialect.name.clone(), retirement);
        }
        for operation in &dialect.operations {
            if let Some(retirement) = &operation.retirement {
                look(operation.name.clone(), retirement);
            }
            for watch in operation.with_cases().flat_map(|operation| &operation.watches) {
                look(format!("a part of the requests to `{}`", operation.name), &watch.retirement);
            }
        }
    }
    found
}

fn warning(what: &str, retirement: &Retirement, on: SystemTime) -> Option<Diagnostic> {
    let dates = retirement.dates();
    let past = |moment: Option<SystemTime>| moment.filter(|moment| *moment <= on);
    let what = if what.contains(' ') { what.to_owned() } else { format!("`{what}`") };
    let (message, label) = match (past(dates.gone), past(dates.sunset).filter(|_| dates.gone.is_none())) {
        (Some(gone), _) => {
            let label = "what is refused may be taken out of the mapping";
            (format!("{what} is gone since {}", rfc3339(gone)), label)
        }
        (None, Some(sunset)) => {
            let message = format!("{what} is past its sunset of {}, and still served", rfc3339(sunset));
            (message, "say when it is gone, or move the sunset")
        }
        (None, None) => return None,
    };
    let found = Diagnostic::warning(code::M1007, message);
    Some(match retirement.origin() {
        Some(origin) => found.at(origin, label),
        None => found,
    })
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::super::super::testing::ran_in;
    use super::*;

    #[test]
    fn nothing_is_said_of_dates_unless_a_date_is_asked_for() {
        // Some of the fixture's dates are past whenever this is run, in time all of them.
        let ran = ran_in("retiring", &["check"]);
        assert_eq!(ran.err, "");
        assert!(ran.out.ends_with("nothing wrong\n"), "{}", ran.out);
    }

    #[test]
    fn what_is_past_by_a_date_is_warned_of_and_is_no_finding() {
        let said = |date: &str| {
            let ran = ran_in("retiring", &["check", "--on", date]);
            assert_eq!(ran.status, ExitCode::SUCCESS, "{}", ran.err);
            let warnings = ran.err.lines().filter(|line| line.starts_with("warning[M1007]"));
            warnings.map(|line| line["warning[M1007]: ".len()..].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(said("2026-11-30"), Vec::<String>::new());
        let words =
            "a part of the requests to `add` is past its sunset of 2026-12-01T00:00:00Z, and still served";
        assert_eq!(said("2026-12-01"), [words, "`drop` is gone since 2026-12-01T00:00:00Z"]);
        assert!(
            !said("2027-04-01").iter().any(|line| line.starts_with("`bureau`")),
            "it is said when it is gone"
        );
        let all = said("2027-05-31T22:00:00Z");
        assert_eq!(all[0], "`bureau` is gone since 2027-05-31T22:00:00Z");
    }

    #[test]
    fn a_date_is_a_day_or_a_time() {
        assert_eq!(date("2027-03-01"), date("2027-03-01T00:00:00Z"));
        for text in ["", "today", "2027-02-30", "01.03.2027", "2027-03-01T09:00:00+02:00"] {
            assert!(date(text).is_err(), "{text:?}");
        }
    }
}

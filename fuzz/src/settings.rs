//! `config.toml`, with any text in it.
//!
//! What must hold of any text:
//!
//! - there are settings, or it is told what is wrong with an error;
//! - every place that is pointed at lies in the text, between characters, and each way to print what was found does so;
//! - the same text is told the same;
//! - what is hidden before it is printed moves nothing: places stay where they were, and nothing but hidden characters differs;
//! - no address has a password any more then, also where it is none (`C0205`).

use interlingua::config::Config;
use interlingua::diag::render::{Case, Format, Report};
use interlingua::diag::{Diagnostic, Diagnostics, Severity, SourceId, Sources, code};

/// A password, where it stands between `//` and `@`, or in what should be an address.
const PASSWORD: &str = "hunter2";

/// Looks at any bytes as the settings.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sources = Sources::default();
    let file = sources.add("config.toml", text);
    let (settings, found) = read(file, text);
    let (again, told) = read(file, text);
    assert_eq!(format!("{found:?}"), format!("{told:?}"), "told otherwise");
    assert_eq!(format!("{settings:?}"), format!("{again:?}"), "read otherwise");
    let is_wrong = found.iter().any(|one| one.severity == Severity::Error);
    assert_eq!(settings.is_none(), is_wrong, "{found:?}");
    for one in found.iter() {
        points_into(one, text);
    }

    sources.mask_settings(file, &found);
    let masked = sources.shown(file);
    assert_eq!(masked.len(), text.len(), "something has moved");
    let mut differs = masked.bytes().zip(text.bytes()).filter(|(masked, written)| masked != written);
    assert!(differs.all(|(masked, _)| masked == b'*'), "something was written");
    assert!(!shows_a_password(masked), "{masked}");
    for label in found.iter().filter(|one| one.code == code::C0205).flat_map(|one| &one.labels) {
        assert!(!masked[label.span.range()].contains(PASSWORD), "{masked}");
    }
    let found = found.into_vec();
    for format in [Format::Text, Format::Json, Format::Junit, Format::Sarif, Format::Github] {
        let mut report = Report::new(format, "fuzz", None);
        let case = Case { suite: "fuzz", name: "config", found: &found, skipped: None };
        let told = report.case(&case, &sources) + &report.finish();
        assert!(found.is_empty() || !told.is_empty(), "nothing is printed of {found:?}");
    }
}

fn read(file: SourceId, text: &str) -> (Option<Config>, Diagnostics) {
    let mut found = Diagnostics::default();
    let settings = Config::parse(file, text, &mut found);
    (settings, found)
}

fn points_into(found: &Diagnostic, text: &str) {
    for label in &found.labels {
        let range = label.span.range();
        assert!(text.get(range.clone()).is_some(), "{}: {range:?} of {} bytes", found.code, text.len());
    }
}

fn shows_a_password(text: &str) -> bool {
    text.lines().any(|line| {
        let rest = line.split_once("//").map_or("", |(_, rest)| rest);
        rest.split_once(PASSWORD).is_some_and(|(_, rest)| rest.contains('@'))
    })
}

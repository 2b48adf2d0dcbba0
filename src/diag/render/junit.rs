//! Cases as JUnit XML: a suite for each file, a test case for each thing that was checked of it.
//!
//! A warning fails nothing, so it is what a passed case printed. What was found more than once is a case more than
//! once, because most build servers read no more than the first failure of a case.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::place::{Folder, Region};
use super::text::text;
use super::{Case, Sink};
use crate::diag::{Diagnostic, Severity, Sources};

/// Suites, each printed when the next begins: it says how much is in it before it says what.
pub(super) struct Junit {
    title: String,
    folder: Folder,
    has_begun: bool,
    suite: Option<Suite>,
}

#[derive(Default)]
struct Suite {
    name: String,
    tests: usize,
    failures: usize,
    skipped: usize,
    /// How many cases have a name.
    names: BTreeMap<String, usize>,
    body: String,
}

impl Junit {
    pub(super) fn new(title: &str, folder: Folder) -> Self {
        Self { title: title.to_owned(), folder, has_begun: false, suite: None }
    }

    fn begin(&mut self, out: &mut String) {
        if !std::mem::replace(&mut self.has_begun, true) {
            out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
            put(out, format_args!("<testsuites name=\"{}\">\n", Attribute(&self.title)));
        }
    }

    fn end_suite(&mut self, out: &mut String) {
        let Some(Suite { name, tests, failures, skipped, body, .. }) = self.suite.take() else { return };
        self.begin(out);
        let name = Attribute(&name);
        put(
            out,
            format_args!(
                "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" \
                 skipped=\"{skipped}\">\n{body}  </testsuite>\n"
            ),
        );
    }

    /// `file:line:column: headline`
    fn headline(&self, diagnostic: &Diagnostic, sources: &Sources) -> String {
        let Some(span) = diagnostic.primary() else { return diagnostic.message.clone() };
        let path = self.folder.seen(sources.path(span.source));
        let Region { start_line, start_column, .. } = Region::in_characters(span, sources);
        format!("{path}:{start_line}:{start_column}: {}", diagnostic.message)
    }
}

impl Sink for Junit {
    fn case(&mut self, case: &Case<'_>, sources: &Sources, out: &mut String) {
        let name = self.folder.seen(case.suite);
        if self.suite.as_ref().is_some_and(|suite| suite.name != name) {
            self.end_suite(out);
        }
        let mut suite = self.suite.take().unwrap_or_else(|| Suite { name, ..Suite::default() });
        if case.found.is_empty() {
            suite.case(case.name, |body| {
                if let Some(why) = case.skipped {
                    put(body, format_args!("      <skipped message=\"{}\"/>\n", Attribute(why)));
                }
            });
            suite.skipped += usize::from(case.skipped.is_some());
        }
        for diagnostic in case.found {
            let shown = text(std::slice::from_ref(diagnostic), sources, false);
            let is_failure = diagnostic.severity == Severity::Error;
            suite.failures += usize::from(is_failure);
            suite.case(case.name, |body| {
                if is_failure {
                    let headline = self.headline(diagnostic, sources);
                    let (code, headline) = (diagnostic.code, Attribute(&headline));
                    put(body, format_args!("      <failure type=\"{code}\" message=\"{headline}\">"));
                    put(body, format_args!("{}</failure>\n", Content(&shown)));
                } else {
                    put(body, format_args!("      <system-out>{}</system-out>\n", Content(&shown)));
                }
            });
        }
        self.suite = Some(suite);
    }

    fn finish(&mut self, out: &mut String) {
        self.end_suite(out);
        self.begin(out);
        out.push_str("</testsuites>\n");
    }
}

impl Suite {
    /// Adds a case with what `inside` writes into it. Names stay the same from one run to the next.
    fn case(&mut self, name: &str, inside: impl FnOnce(&mut String)) {
        self.tests += 1;
        let count = self.names.entry(name.to_owned()).or_default();
        *count += 1;
        let name = if *count == 1 { name.to_owned() } else { format!("{name} ({count})") };
        let (name, class) = (Attribute(&name), Attribute(&self.name));
        put(&mut self.body, format_args!("    <testcase name=\"{name}\" classname=\"{class}\""));
        let mut body = String::new();
        inside(&mut body);
        if body.is_empty() {
            self.body.push_str("/>\n");
        } else {
            put(&mut self.body, format_args!(">\n{body}    </testcase>\n"));
        }
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string never fails");
}

/// Text between tags.
struct Content<'t>(&'t str);

/// Text between double quotes, where a reader would make blanks of line ends and tabs.
struct Attribute<'t>(&'t str);

impl std::fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            // A reader would make a line feed of a carriage return.
            '\r' => f.write_str("&#13;"),
            c => character(c, f),
        })
    }
}

impl std::fmt::Display for Attribute<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\t' | '\n' | '\r' => write!(f, "&#{};", u32::from(c)),
            c => character(c, f),
        })
    }
}

fn character(c: char, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    match c {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        c if is_xml(c) => f.write_char(c),
        _ => f.write_char(char::REPLACEMENT_CHARACTER),
    }
}

/// Whether XML 1.0 has such a character at all, section 2.2; no way to escape another exists.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

//! The report of a command that checks: what was looked at, what is wrong with it, in the format that was asked for.

use std::{env, io};

use clap::ValueEnum;

use super::console::Console;
use crate::diag::{
    Diagnostic, SourceId, Sources,
    render::{self, Case, Counts, Kind, Report},
};

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Workflow commands, which GitHub shows beside the lines of a change
    Github,
    /// A list, for programs
    Json,
    /// JUnit XML, for build servers
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// For people
    #[default]
    Text,
}

impl Format {
    fn rendered(self) -> render::Format {
        match self {
            Self::Github => render::Format::Github,
            Self::Json => render::Format::Json,
            Self::Junit => render::Format::Junit,
            Self::Sarif => render::Format::Sarif,
            Self::Text => render::Format::Text,
        }
    }
}

/// A report that is printed as it grows: for people to standard error, for programs to standard output.
pub(super) struct Reporter {
    format: Format,
    report: Report,
    counts: Counts,
}

impl Reporter {
    /// Begins the report of a command. Paths below the current folder are told from there.
    pub(super) fn new(format: Format, command: &str, console: &Console<'_>) -> Self {
        let folder = env::current_dir().ok();
        let folder = folder.as_ref().and_then(|folder| folder.to_str());
        let report = match format {
            Format::Text if console.has_colour() => Report::coloured(),
            _ => Report::new(format.rendered(), &format!("interlingua {command}"), folder),
        };
        Self { format, report, counts: Counts::default() }
    }

    /// Reports on something that was checked.
    pub(super) fn case(
        &mut self,
        case: &Case<'_>,
        sources: &Sources,
        console: &mut Console<'_>,
    ) -> io::Result<()> {
        self.count(case.found);
        let text = self.report.case(case, sources);
        print(self.format, &text, console)
    }

    /// Reports on files.
    pub(super) fn files(
        &mut self,
        files: &[(SourceId, Kind)],
        found: &[Diagnostic],
        sources: &Sources,
        console: &mut Console<'_>,
    ) -> io::Result<()> {
        self.count(found);
        let text = render::files(&mut self.report, files, found, sources);
        print(self.format, &text, console)
    }

    /// Prints the rest, for people with the number of what was found, and gives that.
    pub(super) fn finish(self, console: &mut Console<'_>) -> io::Result<Counts> {
        let Self { format, report, counts } = self;
        print(format, &report.finish(), console)?;
        if format == Format::Text && counts != Counts::default() {
            console.note(&counts.to_string())?;
        }
        Ok(counts)
    }

    fn count(&mut self, found: &[Diagnostic]) {
        for diagnostic in found {
            self.counts.add(diagnostic.severity);
        }
    }
}

fn print(format: Format, text: &str, console: &mut Console<'_>) -> io::Result<()> {
    match format {
        Format::Text => console.aside(text),
        Format::Github | Format::Json | Format::Junit | Format::Sarif => console.text(text),
    }
}

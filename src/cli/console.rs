//! Where commands write: results to standard output, everything about them to standard error.
//!
//! A reader that goes away (`interlingua routes | head -1`) is no error: what is left is not written, and the exit
//! status says what it would have said.

use std::{
    error::Error,
    io::{self, ErrorKind, IsTerminal, Write},
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use crate::causes::with_causes;
use crate::diag::{
    Diagnostic, Sources,
    render::{self, Counts},
};

/// How a command prints what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For programs
    Json,
    /// For people
    #[default]
    Text,
}

/// The two streams of a command.
pub(super) struct Console<'a> {
    out: Box<dyn Write + 'a>,
    err: Box<dyn Write + 'a>,
    colour: bool,
    /// Whether a person watches.
    watched: bool,
    /// How wide the terminal is that results go to, if they go to one.
    columns: Option<usize>,
}

impl<'a> Console<'a> {
    /// The program's own, coloured if a person looks at them and has nothing against it.
    pub(super) fn terminal() -> Console<'static> {
        let colour = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        let size = terminal_size::terminal_size_of(io::stdout());
        let columns = size.map(|(terminal_size::Width(columns), _)| columns.into());
        let watched = io::stderr().is_terminal();
        Console { colour, watched, columns, ..Console::new(io::stdout(), io::stderr()) }
    }

    /// Without colour.
    pub(super) fn new(out: impl Write + 'a, err: impl Write + 'a) -> Console<'a> {
        Console {
            out: Box::new(UntilClosed(Some(out))),
            err: Box::new(UntilClosed(Some(err))),
            colour: false,
            watched: false,
            columns: None,
        }
    }

    /// Prints a part of the result.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// Prints lines of the result that have their ends already.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    /// Prints lines of the result that stand in columns. What is wider than the terminal is folded, for nobody finds a column
    /// again that the terminal has broken somewhere; anything else gets the lines as they are.
    pub(super) fn columns(&mut self, text: &str) -> io::Result<()> {
        match self.columns {
            Some(columns) => self.text(&folded(text, columns)),
            None => self.text(text),
        }
    }

    /// A bar that shows how many of these bytes were read, if a person watches; of unknown length if there are none.
    pub(super) fn progress(&self, bytes: u64) -> ProgressBar {
        if !self.watched {
            return ProgressBar::hidden();
        }
        if bytes == 0 {
            return self.spinner("reading");
        }
        let style = ProgressStyle::with_template("reading {wide_bar} {percent:>3} %, {eta} left");
        let bar = ProgressBar::new(bytes);
        bar.set_style(style.expect("the template is sound"));
        bar
    }

    /// Something that turns while something of unknown length is done, if a person watches.
    pub(super) fn spinner(&self, doing: &'static str) -> ProgressBar {
        if !self.watched {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(doing);
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }

    /// Prints a JSON result as people like to read it, which programs do not mind.
    pub(super) fn json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        self.line(&format!("{value:#}"))
    }

    /// Whether what is written about the result may be in colour.
    pub(super) fn has_colour(&self) -> bool {
        self.colour
    }

    /// Prints lines about the result that have their ends already.
    pub(super) fn aside(&mut self, text: &str) -> io::Result<()> {
        self.err.write_all(text.as_bytes())
    }

    /// Prints something about the result.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.err, "{text}")
    }

    /// Prints diagnostics: for people to standard error and with their number, for programs to standard output.
    pub(super) fn diagnostics(
        &mut self,
        found: &[Diagnostic],
        sources: &Sources,
        format: Format,
    ) -> io::Result<()> {
        match format {
            Format::Json => self.line(&render::json(found, sources)),
            Format::Text if found.is_empty() => Ok(()),
            Format::Text => {
                self.err.write_all(render::text(found, sources, self.colour).as_bytes())?;
                self.note(&found.iter().collect::<Counts>().to_string())
            }
        }
    }

    /// Prints why a command could not run, with everything that led to it.
    pub(super) fn failure(&mut self, failure: &(dyn Error + 'static)) -> io::Result<()> {
        self.note(&format!("interlingua: {}", with_causes(failure)))
    }
}

/// Lines no wider than that, as far as blanks let them be: of those that are, columns stand as close as they can, and what
/// does not fit goes on below, farther in.
fn folded(text: &str, columns: usize) -> String {
    const FARTHER: usize = 4;
    let mut out = String::new();
    for line in text.lines() {
        if line.chars().count() <= columns {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let indent = line.chars().take_while(|one| *one == ' ').count();
        let mut used = 0;
        let mut blanks = indent;
        // Between two columns there are two blanks or more, of which two stay.
        for word in line[indent..].split(' ') {
            if word.is_empty() {
                blanks = 2;
                continue;
            }
            let width = word.chars().count();
            if used > 0 && used + blanks + width > columns {
                out.push('\n');
                (used, blanks) = (0, indent + FARTHER);
            }
            out.extend(std::iter::repeat_n(' ', blanks));
            out.push_str(word);
            used += blanks + width;
            blanks = 1;
        }
        out.push('\n');
    }
    out
}

/// Writes until the reader goes away, and nowhere from then on.
struct UntilClosed<W>(Option<W>);

impl<W: Write> UntilClosed<W> {
    fn until_closed<T>(&mut self, unread: T, write: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        let Some(stream) = &mut self.0 else { return Ok(unread) };
        match write(stream) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.0 = None;
                Ok(unread)
            }
            outcome => outcome,
        }
    }
}

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_closed(bytes.len(), |stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_closed((), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::testing,
        diag::{Span, code},
        server::BindError,
    };

    /// A stream that takes some bytes and then fails.
    struct Failing(usize, ErrorKind);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(self.1.into());
            }
            let taken = self.0.min(bytes.len());
            self.0 -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error() {
        let mut console = Console::new(Failing(3, ErrorKind::BrokenPipe), io::sink());
        for line in ["one", "two", "three"] {
            console.line(line).unwrap();
        }
    }

    #[test]
    fn a_disk_that_is_full_is_one() {
        let mut console = Console::new(Failing(3, ErrorKind::StorageFull), io::sink());
        assert_eq!(console.line("one").unwrap_err().kind(), ErrorKind::StorageFull);
    }

    #[test]
    fn lines_in_columns_are_folded_for_a_narrow_terminal_alone() {
        let text = "acme  list         GET  /orgs/{org}  → GET /v1/organizations\n  b     c\n\n";
        let printed = |columns| {
            let mut out = Vec::new();
            let mut console = Console { columns, ..Console::new(&mut out, io::sink()) };
            console.columns(text).unwrap();
            drop(console);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(printed(None), text);
        assert_eq!(printed(Some(80)), text);
        let narrow = "acme  list  GET  /orgs/{org}\n    → GET /v1/organizations\n  b     c\n\n";
        assert_eq!(printed(Some(30)), narrow);
        let least =
            "acme\n    list\n    GET\n    /orgs/{org}\n    → GET\n    /v1/organizations\n  b     c\n\n";
        assert_eq!(printed(Some(9)), least, "no word is broken");
    }

    #[test]
    fn a_failure_is_one_line_with_all_its_causes() {
        let mut err = Vec::new();
        let address = ([127, 0, 0, 1], 80).into();
        let failure = BindError::Listen { address, source: io::Error::other("the port is taken") };
        Console::new(io::sink(), &mut err).failure(&failure).unwrap();

        assert_eq!(err, b"interlingua: cannot listen on 127.0.0.1:80: the port is taken\n");
    }

    #[test]
    fn what_the_database_says_is_said_once() {
        let table = testing::file("users.csv", &"external,canonical\n".repeat(100));
        let ran = testing::ran(&["report", table.path_text()]);
        let path = table.path_text();
        let expected = format!("interlingua: usage file `{path}` cannot be used: file is not a database\n");
        assert_eq!(ran.err, expected);
    }

    #[test]
    fn diagnostics_are_text_on_standard_error_and_json_on_standard_output() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "x = 1\n");
        let found = [Diagnostic::error(code::C0102, "unknown key `x`").at(Span::new(file, 0..1), "unknown")];
        let print = |format| {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            Console::new(&mut out, &mut err).diagnostics(&found, &sources, format).unwrap();
            (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
        };

        let (out, err) = print(Format::Text);
        assert_eq!(out, "");
        assert_eq!(
            err,
            "error[C0102]: unknown key `x`\n --> a.toml:1:1\n  |\n1 | x = 1\n  | ^ unknown\n\n1 error\n"
        );
        let (out, err) = print(Format::Json);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&json[0]["code"], err.as_str()), (&"C0102".into(), ""));
    }
}

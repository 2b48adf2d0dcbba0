//! `explain`: what a diagnostic code means, and what to do about it.

use clap::Args;

use super::{Failure, Outcome, console::Console};
use crate::diag::code::{self, Entry};

/// Text is set for a terminal of the usual width.
const WIDTH: usize = 80;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The code, such as M0203; without it, all codes are listed
    code: Option<String>,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console<'_>) -> Result<Outcome, Failure> {
    match &arguments.code {
        Some(name) => {
            let entry = code::explain(name).ok_or_else(|| Failure::NoCode(name.clone()))?;
            console.line(&text(entry))?;
        }
        None => {
            code::ALL
                .iter()
                .try_for_each(|entry| console.line(&format!("{}  {}", entry.code, entry.title)))?;
        }
    }
    Ok(Outcome::Clean)
}

fn text(entry: &Entry) -> String {
    format!("{}: {}\n\n{}", entry.code, entry.title, wrapped(entry.paragraph))
}

fn wrapped(paragraph: &str) -> String {
    let mut text = String::with_capacity(paragraph.len());
    let mut column = 0;
    for word in paragraph.split(' ') {
        let width = word.chars().count();
        if column > 0 {
            let fits = column + 1 + width <= WIDTH;
            text.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        text.push_str(word);
        column += width;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::super::testing::ran;
    use super::*;

    #[test]
    fn a_code_is_explained_in_either_case() {
        let expected = "\
C0201: not a duration

A duration is a whole number and a unit, in quotes: `\"500ms\"`, `\"10s\"`, `\"5m\"`
or `\"1h\"`. A bare number is refused because nobody can tell seconds from
milliseconds by looking at it.
";
        assert_eq!(ran(&["explain", "C0201"]).out, expected);
        assert_eq!(ran(&["explain", "c0201"]).out, expected);
    }

    #[test]
    fn without_a_code_all_of_them_are_listed() {
        let ran = ran(&["explain"]);

        assert_eq!(ran.out.lines().count(), code::ALL.len());
        assert!(ran.out.starts_with("C0101  the configuration is not TOML\n"), "{}", ran.out);
    }

    #[test]
    fn a_code_that_does_not_exist_is_status_2() {
        let ran = ran(&["explain", "X1"]);

        assert_eq!(ran.err, "interlingua: there is no code `X1`; `interlingua explain` lists all of them\n");
        assert_eq!(ran.status, ExitCode::from(2));
    }

    #[test]
    fn no_line_of_an_explanation_is_too_long() {
        for entry in code::ALL.iter() {
            for line in wrapped(entry.paragraph).lines() {
                assert!(line.chars().count() <= WIDTH && !line.starts_with(' '), "{}: {line}", entry.code);
            }
            assert_eq!(wrapped(entry.paragraph).replace('\n', " "), entry.paragraph);
        }
    }
}

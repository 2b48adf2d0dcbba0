//! The explanation that the README shows is the one that the program gives.

use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = include_str!("../../../README.md");
    let start =
        readme.find("```text\nselect: ").expect("the README shows an explanation") + "```text\n".len();
    let shown = &readme[start..start + readme[start..].find("```").unwrap()];

    let request = "POST /v1/orgs/3c90c3cc-0d44-4b50-8888-8dd25736052a/invites";
    let mut program = Command::new(env!("CARGO_BIN_EXE_interlingua"))
        .args(["translate", "gitbook", request, "--body", "-", "--explain"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let body = r#"{"emails": ["linus@example.com", {"email": "margaret@example.com", "role": "read"}], "role": "edit"}"#;
    program.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let output = program.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(without_lines(&printed).starts_with(&without_lines(shown)), "{printed}");
}

/// Without the numbers of lines, which change whenever somebody adds one to the mapping.
fn without_lines(text: &str) -> String {
    let mut parts = text.split(".toml:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + ".toml" + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

//! Which dialects' answers are checked how, from the text of a `config.toml` to the dialects that ship.

use interlingua::{
    config::Config,
    diag::{Diagnostics, Sources},
    gateway::AnswerCheck,
};

use crate::support;

const TEXT: &str = "\
[answers]
check = \"report\"

[answers.dialects]
gitbook = \"off\"
gitbook-0-146 = \"enforce\"
";

#[test]
fn a_generation_is_checked_as_what_it_extends_unless_something_is_said_of_it() {
    let mut found = Diagnostics::default();
    let config = Config::parse(Sources::default().add("config.toml", TEXT), TEXT, &mut found).unwrap();
    let dialects = support::shipped().registry.dialects();
    assert!(config.unknown_dialects(dialects.iter().map(|dialect| dialect.name.as_str())).is_empty());
    for dialect in dialects {
        let expected = match dialect.name.as_str() {
            "gitbook-0-146" => AnswerCheck::Enforce,
            name if name == "gitbook" || dialect.extends.iter().any(|base| base == "gitbook") => {
                if dialect.extends.iter().any(|base| base == "gitbook-0-146") {
                    AnswerCheck::Enforce
                } else {
                    AnswerCheck::Off
                }
            }
            _ => AnswerCheck::Report,
        };
        assert_eq!(config.answers.of(dialect), expected, "{dialect}");
    }
    assert!(dialects.iter().any(|dialect| dialect.extends.first().is_some_and(|base| base == "gitbook")));
}

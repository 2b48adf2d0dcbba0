//! From `config.toml` to the settings every component is started with.
//!
//! Each component owns its own `Config` type; [`Config`] is made of those and of the few settings that belong to
//! no component. A `Config` holds nothing that still has to be checked: durations are durations, addresses are
//! addresses, and what was left out has its default.
//!
//! This module never reads a file or the environment, and never looks whether a file that is named exists.
//!
//! ```
//! use interlingua::config::Config;
//! use interlingua::diag::{Diagnostics, Sources};
//!
//! let mut sources = Sources::default();
//! let file = sources.add("config.toml", "[body]\nbytes_max = \"64 KiB\"\n");
//!
//! let mut found = Diagnostics::default();
//! let config = Config::parse(file, sources.text(file), &mut found).expect("nothing is wrong with it");
//!
//! assert_eq!(config.body.bytes_max, 65_536);
//! assert_eq!(config.body.depth_max, 64, "what the file does not say has its default");
//! ```

mod assemble;
mod conflict;
mod diags;
mod file;
mod fixed;
mod inexpressible;
mod known;
mod modes;
mod named;
mod said;
mod size;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;

use self::assemble::assemble;
use self::file::ConfigFile;
pub use self::inexpressible::{Declared, Inexpressible, ReverseWritten};
pub use self::known::Known;
pub use self::modes::ModeWritten;
pub use self::named::FileNamed;
pub use self::said::ModeError;
use self::values::Values;
use crate::diag::reader::{Codes, Reader};
use crate::diag::{Diagnostic, Diagnostics, SourceId, Sources, Span, Spanned, code};
use crate::{admin, backend, gateway, ids, limit, server, telemetry, upstream, usage};

/// Everything that can be set.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// How to listen, and how long to wait for whom.
    pub server: server::Config,
    /// Where health, metrics and the admin page are.
    pub admin: admin::Config,
    /// The canonical backend; none means the one built into the program.
    pub upstream: Option<upstream::Config>,
    /// The dialect that the backend speaks; none means canonical.
    pub reverse: Option<gateway::reverse::Config>,
    /// Where the file says so, and which operations it declares to have no words in it.
    pub reverse_written: Option<ReverseWritten>,
    /// The old upstreams of dialects, by name: of those that still have one.
    pub legacy: BTreeMap<String, upstream::Config>,
    /// Who answers the requests of which dialect, by name; of all others the canonical side does.
    pub modes: BTreeMap<String, gateway::mode::Config>,
    /// Where it is kept what is said of them on the admin listener; without it that ends with the process.
    pub modes_file: Option<PathBuf>,
    /// Where the file says so.
    pub modes_written: Vec<ModeWritten>,
    /// What the built-in backend keeps, when it is used.
    pub backend: backend::Config,
    /// Quotas.
    pub limit: limit::Config,
    /// How much of a request body is read.
    pub body: gateway::Config,
    /// Where the file says how many calls a request may become.
    pub calls_max_at: Option<Span>,
    /// What becomes of answers of the backend that are not what the canonical API promises.
    pub answers: gateway::AnswerChecks,
    /// The dialects that the file speaks of by name.
    pub dialects: Vec<Spanned<String>>,
    /// Where imported ids are.
    pub ids: ids::Config,
    /// Whether live requests may be explained.
    pub explain: gateway::explain::Config,
    /// Whether it is counted who uses what.
    pub usage: usage::Config,
    /// How to log.
    pub telemetry: telemetry::Config,
    /// Where mappings and schemas are.
    pub files: FilesConfig,
    /// The other files that are named, and where.
    pub files_named: Vec<FileNamed>,
}

/// Where the data files are.
#[derive(Clone, Debug, Default)]
pub struct FilesConfig {
    /// The folder of mappings; none means those built into the program.
    pub mappings: Option<PathBuf>,
    /// The folder of schemas; none means those built into the program.
    pub schemas: Option<PathBuf>,
}

impl Config {
    /// Reads the text of a `config.toml`.
    ///
    /// Everything that is wrong goes to `diagnostics`; there is a configuration only if none of it is an error.
    pub fn parse(source: SourceId, text: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let reader = Reader::parse(source, text, &CODES);
        let file = ConfigFile::read(&reader);
        let mut found = reader.into_diagnostics();

        let config = assemble(&file, &mut Values::new(&mut found));
        conflict::check(&file, &mut found);
        modes::check(&file, &mut found);

        let sound = !found.has_errors();
        diagnostics.extend(found);
        sound.then_some(config)
    }

    /// What a reload would have to change and cannot, given the configuration the program was started with, and the
    /// file this one was read from.
    pub fn fixed_changes(&self, started: &Config, file: Option<(SourceId, &str)>) -> Vec<Diagnostic> {
        let file = file.map(|(source, text)| ConfigFile::read(&Reader::parse(source, text, &CODES)));
        fixed::changes(started, self, file.as_ref())
    }

    /// What is wrong with the names of dialects and operations in the file, given those that there are.
    pub fn strangers(&self, known: &[Known<'_>]) -> Vec<Diagnostic> {
        let mut found = known::strangers(self, known);
        found.extend(known::list_beyond_calls(self, known));
        found
    }

    /// What is wrong with what the file declares of operations that the backend's dialect has no words for, given those that it
    /// has none for; and in notes, what is declared. `known` are the dialects of clients, that of those who speak canonical
    /// among them.
    pub fn undeclared(&self, known: &[Known<'_>], lacking: &[gateway::reverse::Lacking]) -> Vec<Diagnostic> {
        inexpressible::check(self, known, lacking)
    }

    /// A mode of one dialect that is said in JSON, while these settings are in use. None if anything is wrong with it, which
    /// is told as of a file.
    pub fn parse_mode(
        &self,
        dialect: &str,
        json: &[u8],
        known: &[Known<'_>],
        sources: &mut Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<gateway::mode::Config>, ModeError> {
        said::parse(self, dialect, json, known, sources, diagnostics)
    }

    /// A warning if parts of requests retire which are handed on in a mode that was said in JSON, and nobody looks.
    pub fn unseen(
        &self,
        dialect: &str,
        mode: &gateway::mode::Config,
        known: &[Known<'_>],
    ) -> Option<Diagnostic> {
        known::unseen(self, dialect, mode, None, known)
    }

    /// Whether a mode of a dialect has all that it needs in these settings.
    pub fn takes(&self, dialect: &str, mode: &gateway::mode::Config, known: &[Known<'_>]) -> bool {
        known::takes(self, dialect, mode, known)
    }
}

const CODES: Codes = Codes {
    syntax: code::C0101,
    unknown_key: code::C0102,
    wrong_type: code::C0103,
    missing_key: code::C0104,
    duplicate_key: code::C0105,
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use proptest::sample::Index;
    use toml::{Table, Value};

    use super::*;
    use crate::diag::{Sources, render};

    const DOCUMENTED: &str = include_str!("../config.toml");

    fn parse(text: &str) -> (Option<Config>, Vec<Diagnostic>) {
        let source = Sources::default().add("config.toml", text);
        let mut found = Diagnostics::default();
        let config = Config::parse(source, text, &mut found);
        (config, found.into_vec())
    }

    /// `config.toml` with its commented-out settings set. Prose has a space after the `#`, settings have not.
    fn documented_in_full() -> String {
        let set = |line: &str| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        };
        DOCUMENTED.lines().map(set).collect()
    }

    /// The components' settings cannot be compared, but each of them shows every field.
    /// Where something is written makes no difference.
    fn shown(config: Option<Config>) -> String {
        format!("{:#?}", Config { calls_max_at: None, ..config.expect("the file is sound") })
    }

    #[test]
    fn config_toml_says_what_is_the_default_anyway() {
        let (config, found) = parse(DOCUMENTED);

        assert_eq!(found, []);
        assert_eq!(shown(config), shown(Some(Config::default())));
    }

    #[test]
    fn an_empty_file_is_the_default_too() {
        let (config, found) = parse("");

        assert_eq!(found, []);
        assert_eq!(shown(config), shown(Some(Config::default())));
    }

    #[test]
    fn config_toml_documents_every_key() {
        let text = documented_in_full();
        let reader = Reader::parse(Sources::default().add("config.toml", &*text), &text, &CODES);
        ConfigFile::read(&reader);
        let document: Table = toml::from_str(&text).unwrap();

        for key in reader.known_keys() {
            let mut names = key.split('.');
            let first = document.get(names.next().unwrap());
            let value = names.try_fold(first, |value, name| {
                let table = match value? {
                    Value::Array(tables) => tables.first()?,
                    table => table,
                };
                Some(table.get(name))
            });
            assert!(value.flatten().is_some(), "`{key}` is not in config.toml");
        }
    }

    #[test]
    fn the_settings_commented_out_in_config_toml_would_be_accepted() {
        let (config, found) = parse(&documented_in_full());

        // The file shows the built-in backend and one to forward to, of which one can be had, and how the latter is called
        // without TLS and with.
        let codes: Vec<_> = found.iter().map(|one| one.code).collect();
        assert_eq!(codes, [code::C0214, code::C0214, code::C0209]);
        let config = config.unwrap();
        assert_eq!(config.upstream.unwrap().base, "http://127.0.0.1:9000/");
        assert_eq!(config.backend.database, Some(PathBuf::from("interlingua.db")));
        assert_eq!(config.ids.store, Some(PathBuf::from("ids.sqlite")));
        assert_eq!(config.files.schemas, Some(PathBuf::from("schemas")));
    }

    #[test]
    fn what_is_written_replaces_the_default() {
        let text = "\
[server]
workers = 3
idle_timeout = \"2m\"

[[server.listener]]
address = \"[::1]:1\"

[[server.listener]]
address = \"[::1]:2\"
tls = { certificate = \"c.pem\", key = \"k.pem\" }

[admin]
enabled = false

[limit]
windows = [\"100/30s\"]

[telemetry]
format = \"json\"
";
        let (config, found) = parse(text);
        assert_eq!(found, []);
        let config = config.unwrap();

        assert_eq!(config.server.workers, Some(3));
        assert_eq!(config.server.idle_timeout, Duration::from_mins(2));
        assert_eq!(config.server.listeners.len(), 2);
        assert_eq!(config.server.listeners[1].address, "[::1]:2".parse().unwrap());
        assert_eq!(config.server.listeners[1].tls.as_ref().unwrap().key, PathBuf::from("k.pem"));
        assert_eq!(config.admin.address, None);
        assert_eq!(config.limit.windows, ["100/30s".parse().unwrap()]);
        assert_eq!(config.telemetry.format, telemetry::LogFormat::Json);
    }

    #[test]
    fn a_breaker_can_be_turned_off_and_needs_no_more_calls_than_it_looks_at() {
        let with = |settings: &str| {
            let (config, found) = parse(&format!("[upstream]\nbase = \"http://b\"\n{settings}"));
            assert_eq!(found, []);
            config.unwrap().upstream.unwrap()
        };
        assert_eq!(with("[upstream.breaker]\nenabled = false\n").breaker, None);
        let small = with("[upstream.breaker]\nwindow_calls = 5\n").breaker.unwrap();
        assert_eq!((small.window_calls, small.calls_min), (5, 5));
        let keys = with("idempotency_keys = \"honoured\"\n[upstream.retry]\nretries_max = 0\n");
        assert_eq!((keys.idempotency_keys, keys.retry.retries_max), (upstream::Keys::Honoured, 0));
    }

    #[test]
    fn a_request_may_become_the_calls_of_its_items_and_more() {
        let calls_max = |settings: &str| {
            let (config, found) = parse(&format!("[body]\n{settings}"));
            (config.map(|config| config.body.calls_max), found.len())
        };
        assert_eq!(calls_max("fan_out_max = 7\n"), (Some(600), 0));
        assert_eq!(calls_max("fan_out_max = 200\n"), (Some(1000), 0));
        assert_eq!(calls_max("fan_out_max = 7\ncalls_max = 7\n"), (Some(7), 0));
        assert_eq!(calls_max("fan_out_max = 7\ncalls_max = 6\n"), (None, 1));
        assert_eq!(calls_max("calls_max = 99\n"), (None, 1));
    }

    #[test]
    fn a_warning_does_not_keep_the_program_from_starting() {
        let (config, found) = parse("[body]\nread_timeout = \"1h\"\n");

        assert_eq!(found.len(), 1);
        assert!(config.is_some());
    }

    #[test]
    fn a_conflict_shows_both_places() {
        let text = "[admin]\naddress = \"[::]:80\"\n\n[[server.listener]]\naddress = \"[::]:80\"\n";
        let mut sources = Sources::default();
        let file = sources.add("config.toml", text);
        let mut found = Diagnostics::default();
        Config::parse(file, text, &mut found);

        let expected = "\
error[C0208]: `[::]:80` is listened on twice
 --> config.toml:5:11
  |
2 | address = \"[::]:80\"
  |           --------- first asked for here
...
5 | address = \"[::]:80\"
  |           ^^^^^^^^^ asked for again here
  |
  = help: give each listener its own port

";
        assert_eq!(render::text(&found.into_vec(), &sources, false), expected);
    }

    proptest! {
        #[test]
        fn no_damage_to_the_file_is_more_than_a_diagnostic(
            cut in any::<Index>(),
            length in 0_usize..40,
            insert in "[\\[\\]={}\"'.,#\\\\ \r\n\t0-9a-zö]{0,6}",
        ) {
            let mut text = documented_in_full();
            let start = text.floor_char_boundary(cut.index(text.len()));
            let end = text.ceil_char_boundary(start + length);
            text.replace_range(start..end, &insert);

            let mut sources = Sources::default();
            let file = sources.add("config.toml", text);
            let mut found = Diagnostics::default();
            let config = Config::parse(file, sources.text(file), &mut found);

            prop_assert_eq!(config.is_none(), found.has_errors());
            let found = found.into_vec();
            prop_assert_eq!(render::text(&found, &sources, false).matches("-->").count(), found.len());
        }
    }
}

//! `serve`: the proxy, in front of a backend or of the built-in one.

use std::net::SocketAddr;

use clap::Args;

use super::{
    Failure, Outcome,
    console::{Console, Format},
    files::{Files, Loaded},
    hint,
};
use crate::{
    boot::{
        self, Hangups, ServeError, named,
        reload::{self, Reread},
    },
    causes::with_causes,
    config::Config,
    diag::{Diagnostics, Severity, SourceId, Sources},
    dialect::Registry,
    gateway::mode,
    server::{Drain, Inherited, ListenerConfig, RunOutcome},
    telemetry::{self, names::field},
};

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Arguments {
    /// Address to listen on instead of the configured ones, without TLS; may be given several times
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    listen: Vec<SocketAddr>,
}

pub(super) fn run(
    arguments: &Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    // First of all, because it must be done before there is a second thread.
    let inherited = Inherited::from_environment().map_err(ServeError::from)?;
    // Before there is anything in memory that is nobody's business.
    boot::cores::withhold().map_err(Failure::io("cannot forbid core dumps"))?;
    // Before anything takes time, for whoever changes files may not know that we are only starting.
    let hangups = files.are_named().then(Hangups::catch).transpose();
    let hangups = hangups.map_err(Failure::io("cannot catch signals"))?;
    let mut sources = Sources::default();
    let Some(Loaded { mut config, registry, .. }) = files.load_from(&mut sources, console)? else {
        return Ok(Outcome::Findings);
    };
    arguments.lay_over(&mut config);
    let doubtful = doubtful(&config, &registry);
    let is_refused = doubtful.has_errors();
    told(doubtful, &mut sources, console)?;
    if is_refused {
        return Ok(Outcome::Findings);
    }
    let settings = Settings::of(files, &sources, &config);

    let _flush = telemetry::install(&config.telemetry)?;
    let drain = Drain::on_signals(config.server.drain_delay).map_err(Failure::io("cannot catch signals"))?;
    let announcement = Announcement::of(&config, &registry);
    let start = boot::Start::new(config, registry)
        .from_files(reload::digest(&sources), hangups.map(|hangups| (reread(arguments, files), hangups)))
        .with_sockets(inherited);
    drop(sources);
    let ended = start.serve(&drain, |addresses, admin| announcement.log(addresses, admin));
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => return settings.blamed(error, console),
    };
    match ended {
        RunOutcome::CutOff { connections } => {
            tracing::warn!(connections, "stopped before everything was answered");
            Ok(Outcome::Findings)
        }
        RunOutcome::Drained => {
            tracing::info!("stopped, everything was answered");
            Ok(Outcome::Clean)
        }
    }
}

/// What is wrong with settings that are good by themselves: with the files that they name, and with what they say of dialects.
fn doubtful(config: &Config, registry: &Registry) -> Diagnostics {
    let mut found = named::look(config);
    let undeclared = boot::undeclared::look(config, registry).into_iter();
    found.extend(undeclared.filter(|one| one.severity != Severity::Note));
    found
}

fn told(found: Diagnostics, sources: &mut Sources, console: &mut Console<'_>) -> Result<(), Failure> {
    sources.mask_what_hides(&found);
    Ok(console.diagnostics(&found.into_vec(), sources, Format::Text)?)
}

/// The settings, kept for whoever has to say which of them named a file.
struct Settings {
    sources: Sources,
    config: Config,
}

impl Settings {
    /// They are the first that is read, so that places in them stay the same.
    fn of(files: &Files, sources: &Sources, config: &Config) -> Settings {
        let mut kept = Sources::default();
        if let Some(settings) = sources.ids().next().filter(|_| files.config.is_some()) {
            kept.add(sources.path(settings), sources.text(settings));
        }
        Settings { sources: kept, config: config.clone() }
    }

    /// Why the proxy ended: as a diagnostic where it is about a file that one of the settings names.
    fn blamed(mut self, error: ServeError, console: &mut Console<'_>) -> Result<Outcome, Failure> {
        let Some(diagnostic) = named::failed(&error, &self.config) else { return Err(error.into()) };
        let mut found = Diagnostics::default();
        found.push(diagnostic);
        told(found, &mut self.sources, console)?;
        Ok(Outcome::Findings)
    }
}

impl Arguments {
    /// What is said here counts more than what a file says.
    fn lay_over(&self, config: &mut Config) {
        if !self.listen.is_empty() {
            config.server.listeners = self.listen.iter().map(|address| plain(*address)).collect();
        }
    }
}

/// How the same files are read again.
fn reread(arguments: &Arguments, files: &Files) -> Reread {
    let (arguments, files) = (arguments.clone(), files.clone());
    Box::new(move |sources, found| {
        let unreadable = |failure: Failure| reload::Unreadable(with_causes(&failure));
        let config = files.config.as_deref().map_or(Ok(()), boot::files::expect_file);
        config.map_err(|error| unreadable(error.into()))?;
        let loaded = files.look(sources, found).map_err(unreadable)?;
        // The configuration is read first.
        let source = sources.ids().next().filter(|_| files.config.is_some());
        let (config, registry) = match loaded {
            Some(Loaded { config, registry, .. }) => (Some(config), Some(registry)),
            // The rest is wrong; what the settings would change is told too.
            None => (source.and_then(|source| settings(source, sources)), None),
        };
        Ok(config.map(|mut config| {
            arguments.lay_over(&mut config);
            let doubtful = match &registry {
                Some(registry) => doubtful(&config, registry),
                None => named::look(&config),
            };
            sources.mask_what_hides(&doubtful);
            let registry = registry.filter(|_| !doubtful.has_errors());
            found.extend(doubtful);
            reload::Files { config, source, registry }
        }))
    })
}

/// The settings in a text that was looked at before: what is wrong with them was told.
fn settings(source: SourceId, sources: &Sources) -> Option<Config> {
    Config::parse(source, sources.text(source), &mut Diagnostics::default())
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "expected an IP address and a port, as in 127.0.0.1:8080")
}

fn plain(address: SocketAddr) -> ListenerConfig {
    ListenerConfig { address, tls: None }
}

/// What is said once the program listens.
struct Announcement {
    dialects: String,
    /// The scheme of each listener.
    schemes: Vec<&'static str>,
    backend: String,
    /// How requests of dialects are answered of which that is said.
    modes: Vec<String>,
    /// A request to try, without the listener's address.
    hint: Option<hint::Hint>,
}

impl Announcement {
    fn of(config: &Config, registry: &Registry) -> Announcement {
        let names: Vec<_> = registry.dialects().iter().map(|dialect| dialect.name.as_str()).collect();
        let scheme = |listener: &ListenerConfig| if listener.tls.is_some() { "https" } else { "http" };
        let is_demo = config.upstream.is_none() && config.backend.seed;
        Announcement {
            dialects: names.join(", "),
            schemes: config.server.listeners.iter().map(scheme).collect(),
            backend: backend(config),
            modes: modes(config),
            hint: is_demo.then(|| hint::of(registry)).flatten(),
        }
    }

    fn log(&self, addresses: &[SocketAddr], admin: Option<SocketAddr>) {
        let urls: Vec<_> = self
            .schemes
            .iter()
            .zip(addresses)
            .map(|(scheme, address)| format!("{scheme}://{address}"))
            .collect();
        let admin = admin.map(tracing::field::display);
        tracing::info!(
            { field::ADDRESS } = urls.join(", "),
            { field::ADMIN_ADDRESS } = admin,
            dialects = self.dialects,
            "listening"
        );
        tracing::info!("{}", self.backend);
        for mode in &self.modes {
            tracing::info!("{mode}");
        }
        if let Some((hint, url)) = self.hint.as_ref().zip(urls.first()) {
            tracing::info!("try: {}", hint.curl(url));
        }
    }
}

/// Who answers, in a sentence.
fn backend(config: &Config) -> String {
    if let Some(upstream) = &config.upstream {
        return format!("requests go to {}", upstream.base);
    }
    let state = match &config.backend.database {
        Some(path) => format!("keeps its data in {}", path.display()),
        None if config.backend.seed => "forgets everything when the program ends".to_owned(),
        None => "knows no token, because `backend.seed` is false".to_owned(),
    };
    format!("no upstream is configured: the built-in demo backend answers, and {state}")
}

/// Which dialects are in a mode, in a sentence for each.
fn modes(config: &Config) -> Vec<String> {
    let sentence = |(dialect, said): (&String, &mode::Config)| {
        let mode = said.mode.name();
        let but = if said.operations.is_empty() && said.principals.is_empty() {
            ""
        } else {
            ", but for some operations or principals"
        };
        let old = config.legacy.get(dialect).map(|old| format!("; its old upstream is {}", old.base));
        format!("the mode of {dialect} is {mode}{but}{}", old.unwrap_or_default())
    };
    config.modes.iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, process::ExitCode};

    use super::super::testing::{acme, file, ran, ran_in_acme};
    use super::*;
    use crate::ids::embedded::Store;

    #[test]
    fn a_file_that_a_setting_names_is_told_with_the_line_before_anything_is_bound() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let tls = "tls = { certificate = \"no.pem\", key = \"no.key\" }\n";
        let text = format!("[[server.listener]]\naddress = \"{address}\"\n{tls}");
        let config = file("config.toml", &text);
        let path = config.path_text();
        let served = ran(&["serve", "--config", path]);
        assert!(served.err.contains("error[C0304]: cannot read the certificate `no.pem`"), "{}", served.err);
        assert!(served.err.contains(&format!("{path}:3:23")), "{}", served.err);
        assert!(served.err.ends_with("\n2 errors\n"), "{}", served.err);
        assert_eq!(served.status, ExitCode::from(1));

        let checked = ran(&["check", "--tries", "0", "--config", path]);
        assert!(
            checked.err.contains("warning[C0304]: cannot read the certificate `no.pem`"),
            "{}",
            checked.err
        );
        assert_eq!(checked.status, ExitCode::SUCCESS, "they may well be where the proxy runs");
    }

    #[test]
    fn what_cannot_be_answered_is_declared_or_nothing_is_served_and_no_reload_is_taken() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let listener = format!("[[server.listener]]\naddress = \"{address}\"\n");
        let undeclared = "[upstream]\nbase = \"http://127.0.0.1:1\"\ndialect = \"acme\"\n";
        let config = file("config.toml", &format!("{listener}{undeclared}"));
        let served = ran_in_acme(&["serve", "--config", config.path_text()]);
        assert!(served.err.contains("error[C0303]"), "{}", served.err);
        assert!(served.err.contains(&format!("{}:5:11", config.path_text())), "{}", served.err);
        assert_eq!(served.status, ExitCode::from(1), "nobody tried to bind an address");

        let read_again = |text: &str| {
            let config = file("config.toml", text);
            let (mappings, schemas) = (Some(acme("mappings").into()), Some(acme("schemas").into()));
            let files = Files { config: Some(config.path().to_owned()), mappings, schemas };
            let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
            let read = reread(&Arguments::default(), &files)(&mut sources, &mut found).unwrap().unwrap();
            let codes: Vec<_> = found.into_vec().iter().map(|one| one.code.as_str()).collect();
            (read.registry.is_some(), codes)
        };
        assert_eq!(read_again(undeclared), (false, vec!["C0303", "C0303"]));
        let declared = "[upstream.inexpressible]\nacme = [\"add_by_slug\"]\ncanonical = \"any\"\n";
        let declared = format!("{undeclared}{declared}");
        assert_eq!(read_again(&declared), (true, vec![]));
    }

    #[test]
    fn a_database_that_cannot_be_used_is_told_with_the_line() {
        let table = file("ids.csv", &"external,canonical\n".repeat(50));
        let text = format!("[ids]\nstore = {:?}\n", table.path_text());
        let config = file("config.toml", &text);
        let files = Files { config: Some(config.path().to_owned()), ..Files::default() };
        let (mut sources, mut err) = (Sources::default(), Vec::new());
        let mut console = Console::new(std::io::sink(), &mut err);
        let read = files.load_from(&mut sources, &mut console).unwrap().unwrap().config;
        let error = Store::open(table.path()).unwrap_err();
        let outcome = Settings::of(&files, &sources, &read).blamed(error.into(), &mut console).unwrap();
        drop(console);
        let err = String::from_utf8(err).unwrap();
        assert!(err.contains(&format!("{}:2:9", config.path_text())), "{err}");
        assert!(err.contains("error[C0305]: id map"), "{err}");
        assert_eq!(outcome, Outcome::Findings);
    }

    #[test]
    fn nothing_is_bound_if_anything_is_wrong() {
        // The port is taken: whoever tried to bind it would fail, with another status.
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let config = file("config.toml", "[server]\nworkers = 0\n");
        let ran = ran(&["serve", "--listen", &address, "--config", config.path_text()]);

        assert!(ran.err.contains("error[C0207]"), "{}", ran.err);
        assert_eq!(ran.status, ExitCode::from(1));
    }

    #[test]
    fn a_password_in_the_settings_is_told_and_not_shown() {
        for url in ["http://me:hunter2@b", "http://me:hunter2\\u0040b", "http://b/?q=@hunter2@"] {
            let config = file("config.toml", &format!("[upstream]\nbase = \"{url}\"\n"));
            let ran = ran(&["serve", "--config", config.path_text()]);
            assert!(ran.err.contains("error[C0205]") && ran.err.contains("config.toml:2:8"), "{}", ran.err);
            assert!(!ran.err.contains("hunter2"), "{}", ran.err);
        }
    }

    #[test]
    fn mappings_that_cannot_be_read_are_status_2() {
        let schemas = acme("schemas");
        let ran = ran(&["serve", "--mappings", &schemas, "--schemas", &schemas]);

        let expected = format!("interlingua: there is no mapping (`<dialect>.toml`) in `{schemas}`\n");
        assert_eq!(ran.err, expected);
        assert_eq!(ran.status, ExitCode::from(2));
    }

    #[test]
    fn it_is_said_which_dialects_are_in_a_mode() {
        let mut config = Config::default();
        assert_eq!(modes(&config), [""; 0]);
        let old = crate::upstream::Config::new("http://10.0.0.8:9000/".parse().unwrap());
        config.legacy.insert("acme".to_owned(), old);
        let shadow = mode::Config { mode: mode::Mode::Shadow, ..mode::Config::default() };
        config.modes.insert("acme".to_owned(), shadow);
        let operations = [("get".to_owned(), mode::Mode::Legacy)].into();
        config.modes.insert("umbrella".to_owned(), mode::Config { operations, ..mode::Config::default() });
        assert_eq!(
            modes(&config),
            [
                "the mode of acme is shadow; its old upstream is http://10.0.0.8:9000/",
                "the mode of umbrella is canonical, but for some operations or principals"
            ]
        );
    }

    #[test]
    fn an_address_that_is_none_is_told_what_one_is() {
        for text in ["localhost:8080", "8080", ":8080"] {
            assert!(address(text).unwrap_err().contains("an IP address and a port"), "{text}");
        }
        assert_eq!(address("127.0.0.1:80"), Ok(([127, 0, 0, 1], 80).into()));
    }

    #[test]
    fn it_is_said_who_answers() {
        let mut config = Config::default();
        assert_eq!(
            backend(&config),
            "no upstream is configured: the built-in demo backend answers, and forgets everything when the \
             program ends"
        );
        config.backend.seed = false;
        assert!(backend(&config).ends_with("knows no token, because `backend.seed` is false"));
        config.backend.database = Some("demo.db".into());
        assert!(backend(&config).ends_with("keeps its data in demo.db"));
        config.upstream = Some(crate::upstream::Config::new("http://10.0.0.7:9000/".parse().unwrap()));
        assert_eq!(backend(&config), "requests go to http://10.0.0.7:9000/");
    }
}

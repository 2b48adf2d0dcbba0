//! Logs and metrics: how they are set up, and what things are called in them.
//!
//! Nothing here ever sees a credential or a body; the rule for everyone who logs is that values clients wrote stay out,
//! and the panic hook keeps to it too.

use std::{
    any::Any,
    io::{self, IsTerminal, Write},
    panic::{self, PanicHookInfo},
};

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

mod backend;
mod explanations;
mod loads;
mod metrics;
pub mod names;
mod outcome;
mod request_id;
mod shadow;
mod writer;

pub use backend::{BackendMetrics, BreakerState};
pub use explanations::Explanations;
pub use loads::{LoadMetrics, LoadResult};
pub use metrics::{LegacyMetrics, Metrics, OperationMetrics, ResolverMetrics, UpstreamMetrics, UsageLost};
pub use outcome::{HandshakeOutcome, ResolverOutcome, UpstreamOutcome};
pub use request_id::{RequestId, X_REQUEST_ID};
pub use shadow::{Different, Places, ShadowOutcome};
pub use writer::Flush;
use writer::Lines;

/// How the process logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The shape of a line.
    pub format: LogFormat,
    /// What is logged, in tracing's filter syntax: `info`, or `warn,interlingua::upstream=debug`.
    pub filter: String,
    /// Whether events of requests name the addresses of clients, which are personal data.
    pub addresses: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { format: LogFormat::Text, filter: "info".into(), addresses: false }
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object.
    Json,
    /// For people.
    Text,
}

/// Why logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Something else already collects this process's logs.
    #[error("logging was already set up")]
    Again(#[from] tracing::subscriber::SetGlobalDefaultError),
    /// The filter does not parse.
    #[error("log filter is not understood")]
    Filter(#[from] ParseError),
    /// The thread that writes the log cannot be started.
    #[error("cannot start the log thread")]
    Thread(#[from] io::Error),
}

/// Sends the process's logs to standard error, panics included, until the returned guard is dropped.
pub fn install(config: &Config) -> Result<Flush, InstallError> {
    let colour = io::stderr().is_terminal();
    let (subscriber, flush) = subscriber(config, io::stderr(), colour)?;
    tracing::subscriber::set_global_default(subscriber)?;
    panic::set_hook(Box::new(report));
    Ok(flush)
}

type BoxSubscriber = Box<dyn Subscriber + Send + Sync>;

fn subscriber(
    config: &Config,
    sink: impl Write + Send + 'static,
    colour: bool,
) -> Result<(BoxSubscriber, Flush), InstallError> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let (lines, flush) = Lines::to(sink)?;
    let builder = fmt::Subscriber::builder().with_env_filter(filter).with_writer(lines);
    let subscriber: BoxSubscriber = match config.format {
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
        LogFormat::Text => Box::new(builder.with_ansi(colour).finish()),
    };
    Ok((subscriber, flush))
}

/// The panic hook: one event that says where.
fn report(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(location, "panicked: {}", masked(panic.payload()));
}

/// What may be shown of a panic's message: only text that stands in the source. A formatted one may quote a value.
fn masked(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("message withheld, it may hold a client's data")
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;

    use super::{names::field, writer::tests::Sink, *};

    /// What is written while `log` runs.
    fn logged(config: &Config, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let (subscriber, flush) = subscriber(config, sink.clone(), false).unwrap();
        with_default(subscriber, log);
        drop(flush);
        sink.text()
    }

    #[test]
    fn json_lines_carry_fields_under_their_names() {
        let config = Config { format: LogFormat::Json, ..Config::default() };
        let text = logged(&config, || {
            tracing::info!({ field::DIALECT } = "acme", { field::STATUS } = 200, "request");
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "request");
        assert_eq!(line["dialect.id"], "acme");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn text_lines_are_one_line_each() {
        let text = logged(&Config::default(), || {
            tracing::info!(answer = 42, "one");
            tracing::warn!("two");
        });
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("one answer=42"), "{text}");
    }

    #[test]
    fn the_filter_decides_what_is_written() {
        let config = Config { filter: "warn".into(), ..Config::default() };
        assert_eq!(logged(&config, || tracing::info!("too quiet")), "");
    }

    #[test]
    fn a_filter_that_does_not_parse_is_refused() {
        let config = Config { filter: "interlingua=loud".into(), ..Config::default() };
        assert!(matches!(subscriber(&config, Sink::default(), false), Err(InstallError::Filter(_))));
    }

    #[test]
    fn a_panic_message_that_was_formatted_is_withheld() {
        assert_eq!(masked(&"index out of bounds"), "index out of bounds");
        assert!(!masked(&String::from("no member `secret`")).contains("secret"));
    }
}

//! Logs and metrics: how they are set up and what things are called.

mod metrics;
pub mod names;
mod request_id;

pub use metrics::{Metrics, OperationMetrics, ResolverOutcome, UpstreamOutcome};
pub use request_id::RequestId;

/// How the process logs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The shape of a line.
    pub format: LogFormat,
    /// What is logged, in tracing's filter syntax: `info`, or `warn,interlingua::upstream=debug`.
    pub filter: String,
}

impl Default for Config {
    fn default() -> Config {
        Config { format: LogFormat::Text, filter: "info".into() }
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
    /// The filter does not parse.
    #[error("log filter is not understood")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Something else already collects this process's logs.
    #[error("logging was already set up")]
    Again(#[source] tracing::subscriber::SetGlobalDefaultError),
}

/// Sends the process's logs to standard error.
pub fn install(_config: &Config) -> Result<(), InstallError> {
    todo!()
}

//! TEMPORARY stand-in, only the settings: the integrator replaces this file.

/// How to log.
#[derive(Clone, Debug)]
pub struct Config {
    /// Form of a line.
    pub format: LogFormat,
    /// Which events.
    pub filter: String,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

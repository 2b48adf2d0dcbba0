//! Why a command could not run.

use std::io;

use http::StatusCode;

use super::{
    ids::{Misused, Unmatchable},
    import,
    names::Unknown,
    replay, traffic,
    translate::Misasked,
};
use crate::{
    backend::OpenError,
    boot::{FileError, ServeError, explain::KeyError},
    ids::embedded::StoreError,
    telemetry::InstallError,
};

/// Why a command could not run: status 2.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The reference backend's database cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The key of explanations cannot be used.
    #[error(transparent)]
    ExplainKey(#[from] KeyError),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The id map cannot be used.
    #[error(transparent)]
    IdMap(#[from] StoreError),
    /// What to do with ids is not understood, or not enough.
    #[error(transparent)]
    Ids(#[from] Misused),
    /// Records of two sides cannot be matched.
    #[error(transparent)]
    Match(#[from] Unmatchable),
    /// A document cannot be imported, or not there.
    #[error(transparent)]
    Import(#[from] import::Refused),
    /// There is nothing to make a digest of.
    #[error("there is no credential")]
    NoCredential,
    /// There is none in a file of them.
    #[error("there is no credential in `{0}`")]
    NoCredentialIn(String),
    /// What a digest is wanted of is no credential.
    #[error("this is not a credential alone: {0}")]
    NoCredentialAlone(&'static str),
    /// Nobody says where it was counted.
    #[error("nobody says where it was counted: name files, say `--from URL`, or set `file` under `[usage]`")]
    NothingCounted,
    /// The reference backend has no address, or could not go on.
    #[error("{what}")]
    Io {
        /// What cannot be done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A ledger is neither a test nor a finding.
    #[error("`--ledger` is printed as `text` or `json` only")]
    LedgerFormat,
    /// The log cannot be set up.
    #[error("cannot set up the log")]
    Log(#[from] InstallError),
    /// No diagnostic has this code.
    #[error("there is no code `{0}`; `interlingua explain` lists all of them")]
    NoCode(String),
    /// Nobody says which key.
    #[error("no key is configured: set `key` under `[explain]`, or give `--key FILE`")]
    NoExplainKey,
    /// There is no schema that documents could fit.
    #[error("`{operation}` takes no body")]
    NoRequestSchema {
        /// The operation.
        operation: String,
    },
    /// There is no schema that answers could fit.
    #[error("no schema says what `{operation}` answers{}", with(.statuses))]
    NoAnswerSchema {
        /// The operation.
        operation: String,
        /// The statuses of which one says that, if there are any.
        statuses: Vec<StatusCode>,
    },
    /// The result cannot be written.
    #[error("cannot write the result")]
    Output(#[from] io::Error),
    /// What was recorded cannot be sent again.
    #[error(transparent)]
    Replay(#[from] replay::Unplayable),
    /// The proxy cannot be started, or ended otherwise than it should.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Two arguments are `-`.
    #[error("standard input, `-`, can be read only once")]
    StdinTwice,
    /// What to translate is not understood, or not enough.
    #[error(transparent)]
    Translate(#[from] Misasked),
    /// A name nothing answers to.
    #[error("{0}")]
    Unknown(Box<Unknown>),
    /// A file of what was counted cannot be used.
    #[error(transparent)]
    Usage(#[from] crate::usage::store::StoreError),
    /// What to look at is not understood, or not enough.
    #[error(transparent)]
    Traffic(#[from] traffic::ask::Misasked),
}

fn with(statuses: &[StatusCode]) -> String {
    let statuses: Vec<_> = statuses.iter().map(StatusCode::as_str).collect();
    if statuses.is_empty() { String::new() } else { format!(" so; it answers {}", statuses.join(", ")) }
}

impl From<Unknown> for Failure {
    fn from(unknown: Unknown) -> Failure {
        Failure::Unknown(Box::new(unknown))
    }
}

impl Failure {
    /// Says what the system would not do, for `map_err`.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
        |source| Failure::Io { what: what.into(), source }
    }
}

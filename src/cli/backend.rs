//! `backend`: the reference backend alone, for trying the canonical API or a proxy of one's own.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use tokio::{net::TcpListener, runtime};

use super::{Failure, Outcome, console::Console, files::Files};
use crate::{
    backend::{Backend, Config},
    server::Drain,
    telemetry::{self, names::field},
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Database file; without it, everything is kept in memory
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Fill an empty database with the demo organizations
    #[arg(long)]
    seed: bool,
}

pub(super) fn run(
    arguments: Arguments,
    files: &Files,
    console: &mut Console<'_>,
) -> Result<Outcome, Failure> {
    let Some(config) = files.settings(console)? else { return Ok(Outcome::Findings) };
    let Arguments { listen, database, seed } = arguments;
    // Without a configuration only the argument counts: who runs the backend alone may well want it empty.
    let seed = seed || files.config.is_some() && config.backend.seed;
    let settings = Config { database: database.or(config.backend.database), seed };
    let backend = Backend::open(&settings)?;
    let _flush = telemetry::install(&config.telemetry)?;
    let drain = Drain::on_signals(Duration::ZERO).map_err(Failure::io("cannot catch signals"))?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let serve = async {
        let listener =
            TcpListener::bind(listen).await.map_err(Failure::io(format!("cannot listen on {listen}")))?;
        let address = listener.local_addr().unwrap_or(listen);
        tracing::info!({ field::ADDRESS } = %address, "backend listening");
        let begun = drain.clone();
        let serve = backend.serve(listener, async move { begun.begun().await });
        tokio::select! {
            () = drain.ended() => Ok(()),
            served = serve => served.map_err(Failure::io("cannot serve requests")),
        }
    };
    runtime.map_err(Failure::io("cannot start a runtime"))?.block_on(serve)?;
    Ok(Outcome::Clean)
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::super::testing::{file, ran};

    #[test]
    fn a_database_that_cannot_be_opened_is_status_2() {
        let ran = ran(&["backend", "--database", "/dev/null/database"]);

        assert!(
            ran.err.starts_with("interlingua: database `/dev/null/database` cannot be used: "),
            "{}",
            ran.err
        );
        assert_eq!(ran.status, ExitCode::from(2));
    }

    #[test]
    fn the_database_of_the_configuration_is_used_unless_another_is_named() {
        let config = file("config.toml", "[backend]\ndatabase = \"/dev/null/set\"\n");
        let path = config.path().display().to_string();
        let ran = ran(&["backend", "--config", &path]);

        assert!(ran.err.contains("database `/dev/null/set` cannot be used"), "{}", ran.err);
    }
}

//! The files every command may be given: the configuration, the mappings and the schemas.

use std::path::PathBuf;

use clap::Args;

use super::{
    Failure,
    console::{Console, Format},
};
use crate::{
    boot::{self, DataFiles, FileError},
    config::{Config, Known},
    diag::{Diagnostics, Severity, Sources, code},
    dialect::Registry,
    mapping::{Proof, Trials},
    schema::Store,
};

/// Which files to use.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Files")]
pub(super) struct Files {
    /// Configuration file; without it, the documented defaults
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Folder of mappings; without it, those built in
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) mappings: Option<PathBuf>,
    /// Folder of schemas; without it, those built in
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) schemas: Option<PathBuf>,
}

/// Everything the files say, found good.
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) registry: Registry,
    pub(super) schemas: Store,
    pub(super) proofs: Vec<Proof>,
}

impl Files {
    /// Loads everything, or prints what is wrong with it. Warnings are printed in any case, notes only by `check`.
    pub(super) fn load(&self, console: &mut Console<'_>) -> Result<Option<Loaded>, Failure> {
        self.load_from(&mut Sources::default(), console)
    }

    /// The same, and the texts are kept.
    pub(super) fn load_from(
        &self,
        sources: &mut Sources,
        console: &mut Console<'_>,
    ) -> Result<Option<Loaded>, Failure> {
        let mut found = Diagnostics::default();
        let loaded = self.look(sources, &mut found)?;
        let mut found = found.into_vec();
        found.retain(|diagnostic| diagnostic.severity != Severity::Note);
        console.diagnostics(&found, sources, Format::Text)?;
        Ok(loaded)
    }

    /// Whether there is any that somebody could change.
    pub(super) fn are_named(&self) -> bool {
        self.config.is_some() || self.mappings.is_some() || self.schemas.is_some()
    }

    /// The settings, or what is wrong with them printed.
    pub(super) fn settings(&self, console: &mut Console<'_>) -> Result<Option<Config>, Failure> {
        let mut sources = Sources::default();
        let mut found = Diagnostics::default();
        let config = self.configuration(&mut sources, &mut found)?;
        console.diagnostics(&found.into_vec(), &sources, Format::Text)?;
        Ok(config)
    }

    /// Loads everything. What is wrong is found in all files at once, and nothing is loaded then.
    pub(super) fn look(
        &self,
        sources: &mut Sources,
        found: &mut Diagnostics,
    ) -> Result<Option<Loaded>, Failure> {
        self.look_with(sources, found, boot::load)
    }

    /// The same, with as many trials as are asked for, whatever the files are.
    pub(super) fn look_and_try(
        &self,
        sources: &mut Sources,
        found: &mut Diagnostics,
        trials: Trials,
    ) -> Result<Option<Loaded>, Failure> {
        self.look_with(sources, found, |files, sources| boot::load_and_try(files, sources, Some(trials)))
    }

    fn look_with(
        &self,
        sources: &mut Sources,
        found: &mut Diagnostics,
        load: impl FnOnce(&DataFiles, &mut Sources) -> Result<boot::Loaded, FileError>,
    ) -> Result<Option<Loaded>, Failure> {
        let config = self.configuration(sources, found)?;
        let Some(files) = self.data(config.as_ref()) else { return Ok(None) };
        let boot::Loaded { registry, schemas, proofs, diagnostics } = load(&files, sources)?;
        sources.mask_unread(&diagnostics, code::M0101);
        found.extend(diagnostics);
        if let Some((config, registry)) = config.as_ref().zip(registry.as_ref()) {
            let known: Vec<_> = registry.dialects().iter().map(|one| Known::from(&**one)).collect();
            found.extend(config.strangers(&known));
        }
        Ok(config.zip(registry).filter(|_| !found.has_errors()).map(|(config, registry)| Loaded {
            config,
            registry,
            schemas,
            proofs,
        }))
    }

    fn configuration(
        &self,
        sources: &mut Sources,
        found: &mut Diagnostics,
    ) -> Result<Option<Config>, Failure> {
        let Some(path) = &self.config else { return Ok(Some(Config::default())) };
        let source = boot::files::read(path, sources)?;
        let mut told = Diagnostics::default();
        let config = Config::parse(source, sources.text(source), &mut told);
        sources.mask_settings(source, &told);
        found.extend(told);
        Ok(config)
    }

    /// Where mappings and schemas are: an argument counts more than a setting. None if only the settings know, and
    /// those cannot be read.
    fn data(&self, config: Option<&Config>) -> Option<DataFiles> {
        let (mappings, schemas) = (self.mappings.clone(), self.schemas.clone());
        match config {
            Some(Config { files, .. }) => Some(DataFiles {
                mappings: mappings.or_else(|| files.mappings.clone()),
                schemas: schemas.or_else(|| files.schemas.clone()),
            }),
            None if mappings.is_some() && schemas.is_some() => Some(DataFiles { mappings, schemas }),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{file, ran_in_acme};
    use super::*;

    fn files(mappings: Option<&str>, schemas: Option<&str>) -> Files {
        Files { config: None, mappings: mappings.map(Into::into), schemas: schemas.map(Into::into) }
    }

    #[test]
    fn an_argument_counts_more_than_a_setting_and_a_setting_more_than_what_is_built_in() {
        let mut config = Config::default();
        assert_eq!(files(None, None).data(Some(&config)), Some(DataFiles::default()));

        config.files.mappings = Some("set/mappings".into());
        config.files.schemas = Some("set/schemas".into());
        let data = files(Some("given"), None).data(Some(&config)).unwrap();
        assert_eq!(data.mappings, Some("given".into()));
        assert_eq!(data.schemas, Some("set/schemas".into()));
    }

    #[test]
    fn what_only_a_broken_configuration_could_name_is_not_looked_at() {
        assert_eq!(files(None, None).data(None), None);
        assert_eq!(files(Some("given"), None).data(None), None);
        assert!(files(Some("given"), Some("given")).data(None).is_some());
    }

    #[test]
    fn a_setting_for_a_dialect_that_does_not_exist_keeps_everything_from_starting() {
        let config = file("config.toml", "[answers.dialects]\nacmee = \"report\"\n");
        for command in [&["check"][..], &["routes"], &["serve", "--listen", "127.0.0.1:0"]] {
            let ran = ran_in_acme(&[command, &["--config", config.path_text()]].concat());
            assert!(ran.err.contains("error[C0213]: there is no dialect `acmee`"), "{}", ran.err);
            assert!(ran.err.contains("did you mean `acme`?"), "{}", ran.err);
            assert_eq!(ran.status, std::process::ExitCode::from(1), "{command:?}");
        }
    }
}

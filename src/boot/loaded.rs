//! From mappings and schemas to the dialects that can be served, and to what is wrong with them.

use super::files::{DataFiles, FileError};
use crate::{
    diag::{Diagnostics, Sources},
    dialect::Registry,
    mapping::{self, Compiled, Proof, Trials},
    schema::Store,
};

/// What the files say, and what is wrong with them.
pub struct Loaded {
    /// Every dialect, compiled; none if there is any error.
    pub registry: Option<Registry>,
    /// The schemas that were found good.
    pub schemas: Store,
    /// How much of each dialect was proved, and how much tried.
    pub proofs: Vec<Proof>,
    /// Everything that is wrong, and what is doubtful.
    pub diagnostics: Diagnostics,
}

/// Reads, checks and compiles every mapping and schema. What is built into the program is not tried anew: nobody can
/// have changed it since the tests of this very build did.
///
/// # Errors
///
/// When a file cannot be read. What is wrong *in* the files is no error here: it is among the diagnostics.
pub fn load(files: &DataFiles, sources: &mut Sources) -> Result<Loaded, FileError> {
    let trials = (*files != DataFiles::default()).then(Trials::default);
    load_and_try(files, sources, trials)
}

/// The same, with as many trials as are asked for.
///
/// # Errors
///
/// When a file cannot be read.
pub fn load_and_try(
    files: &DataFiles,
    sources: &mut Sources,
    trials: Option<Trials>,
) -> Result<Loaded, FileError> {
    let texts = files.read(sources)?;
    let mut diagnostics = Diagnostics::default();
    let (schemas, found) = Store::load(texts.schemas);
    diagnostics.extend(found);
    let Compiled { registry, proofs, found } =
        mapping::load_and_try(&texts.mappings, sources, &schemas, trials);
    diagnostics.extend(found);
    // What is built in is whole; whoever has mappings of their own need not have a dialect for each schema of it.
    if files.schemas.is_some() {
        let names = texts.mappings.iter().map(|mapping| mapping.name.as_str());
        let known: Vec<_> = names.chain([mapping::CANONICAL]).collect();
        diagnostics.extend(schemas.of_nobody(&known));
    }
    let registry = registry.filter(|_| !diagnostics.has_errors());
    Ok(Loaded { registry, schemas, proofs, diagnostics })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_anywhere_and_there_is_no_registry() {
        let fixture = format!("{}/tests/fixtures/acme", env!("CARGO_MANIFEST_DIR"));
        let schemas = tempfile::tempdir().unwrap();
        for folder in ["acme", "canonical", "unused"] {
            std::fs::create_dir(schemas.path().join(folder)).unwrap();
        }
        for folder in ["acme", "canonical"] {
            for entry in std::fs::read_dir(format!("{fixture}/schemas/{folder}")).unwrap() {
                let path = entry.unwrap().path();
                let copy = schemas.path().join(folder).join(path.file_name().unwrap());
                std::fs::copy(path, copy).unwrap();
            }
        }
        let files = DataFiles {
            mappings: Some(format!("{fixture}/mappings").into()),
            schemas: Some(schemas.path().to_owned()),
        };
        assert!(load(&files, &mut Sources::default()).unwrap().registry.is_some());

        std::fs::write(schemas.path().join("unused/broken.json"), "{").unwrap();
        let loaded = load(&files, &mut Sources::default()).unwrap();
        assert!(loaded.registry.is_none());
        assert_eq!(loaded.diagnostics.len(), 1);
    }
}

//! The schema library's own check of a schema: slower than the [program](super::program), and it says what is wrong.

use jsonschema::{Draft, Registry, RegistryBuilder, Validator};

use super::checks;
use super::library::{File, Library};
use super::tape::Tape;

/// Compiles a file, given the names of those of its folder that were found good; or says why that cannot be, and where.
pub(super) fn of(
    library: &Library,
    file: &File,
    known: &[String],
) -> Result<Validator<Tape>, (String, String)> {
    let known = known.iter().filter_map(|name| library.file(&file.folder, name));
    let registry = Registry::new()
        .draft(Draft::Draft202012)
        .extend(known.map(|file| (file.uri(), &file.tree)))
        .and_then(RegistryBuilder::prepare)
        .map_err(|error| (error.to_string(), "refers to others".to_owned()))?;
    let options = checks::options().with_registry(&registry).with_base_uri(file.uri());
    options
        .build(&file.tree)
        .map_err(|error| (error.masked().to_string(), format!("at `{}`", error.instance_path())))
}

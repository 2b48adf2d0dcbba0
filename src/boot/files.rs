//! Mappings and schemas as texts: from folders on disk, or from those built into the program.
//!
//! Every text is named the way a person would find it: a file of a given folder by its path, a built-in one by its
//! path in the source tree (`mappings/canonical.toml`). Files come in alphabetical order wherever they come from, so
//! that two runs say the same things in the same order.
//!
//! This module never looks at what a file says.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use rust_embed::RustEmbed;

use crate::{
    diag::{SourceId, Sources},
    mapping::MappingText,
    schema::SchemaFile,
};

/// Bytes of a file: several times as many as the largest OpenAPI documents have, and no more than there is memory for.
const BYTES_MAX: u64 = 64 << 20;

/// Which mappings and schemas to use; none means those built into the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataFiles {
    /// A folder of mappings, `<dialect>.toml` each.
    pub mappings: Option<PathBuf>,
    /// A folder with one folder of schemas for each dialect, `<dialect>/<name>.json` each.
    pub schemas: Option<PathBuf>,
}

/// The texts, and where each stands among the sources.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    pub(super) mappings: Vec<MappingText>,
    pub(super) schemas: Vec<SchemaFile>,
}

/// Why a file that was named cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is nothing in the folder that could be used.
    #[error("there is no {expected} in `{}`", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// It would be one to read, and has a name that nothing can say.
    #[error("the name of `{}` is not UTF-8 text: rename it, or move it elsewhere", path.display())]
    Name {
        /// The file or folder.
        path: PathBuf,
    },
    /// It is not there, not ours to read, or no file.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder, a pipe, a socket or a device.
    #[error("`{}` is no file that can be read again", path.display())]
    Kind {
        /// What stands there.
        path: PathBuf,
    },
    /// It is larger than any file that would be meant.
    #[error("`{}` is larger than {} MiB", path.display(), BYTES_MAX >> 20)]
    Size {
        /// The file.
        path: PathBuf,
    },
    /// It holds bytes that are no text.
    #[error("`{}` is not UTF-8 text: byte {at} is no part of a character", path.display())]
    Utf8 {
        /// The file.
        path: PathBuf,
        /// The offset of the first such byte.
        at: usize,
    },
}

impl DataFiles {
    /// Reads everything there is and keeps it among the sources.
    pub(super) fn read(&self, sources: &mut Sources) -> Result<Texts, FileError> {
        let mappings = match &self.mappings {
            Some(folder) => mappings_in(folder, sources)?,
            None => built_in_mappings(sources),
        };
        let schemas = match &self.schemas {
            Some(folder) => schemas_in(folder, sources)?,
            None => built_in_schemas(sources),
        };
        Ok(Texts { mappings, schemas })
    }
}

/// Reads a text file and keeps it among the sources under its path.
pub fn read(path: &Path, sources: &mut Sources) -> Result<SourceId, FileError> {
    let text = String::from_utf8(bytes(path)?)
        .map_err(|error| FileError::Utf8 { path: path.to_owned(), at: error.utf8_error().valid_up_to() })?;
    Ok(sources.add(path.display().to_string(), text))
}

fn bytes(path: &Path) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(FileError::Size { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Refuses what cannot be read a second time, and what may have no end: to open a pipe waits for whoever writes, and behind a
/// reload that waits all others wait. A start may be given a pipe.
pub fn expect_file(path: &Path) -> Result<(), FileError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(FileError::Kind { path: path.to_owned() }),
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
    }
}

fn mappings_in(folder: &Path, sources: &mut Sources) -> Result<Vec<MappingText>, FileError> {
    let mut mappings = Vec::new();
    for path in listing(folder)? {
        let Some(name) = name_without(&path, ".toml")? else { continue };
        expect_file(&path)?;
        let source = read(&path, sources)?;
        mappings.push(MappingText { name: name.to_owned(), source });
    }
    if mappings.is_empty() {
        return Err(FileError::Empty { path: folder.to_owned(), expected: "mapping (`<dialect>.toml`)" });
    }
    Ok(mappings)
}

fn schemas_in(root: &Path, sources: &mut Sources) -> Result<Vec<SchemaFile>, FileError> {
    let mut schemas = Vec::new();
    for folder in listing(root)?.into_iter().filter(|path| path.is_dir()) {
        let Some(folder_name) = name_without(&folder, "")? else { continue };
        for path in listing(&folder)? {
            let Some(name) = name_without(&path, ".json")? else { continue };
            expect_file(&path)?;
            let source = read(&path, sources)?;
            schemas.push(schema(folder_name, name, source, sources));
        }
    }
    if schemas.is_empty() {
        return Err(FileError::Empty { path: root.to_owned(), expected: "schema (`<dialect>/<name>.json`)" });
    }
    Ok(schemas)
}

/// What is in a folder, in alphabetical order.
fn listing(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    let mut paths = entries.map_err(|source| FileError::Read { path: folder.to_owned(), source })?;
    paths.sort();
    Ok(paths)
}

/// The name of a file without its ending. None for other endings, and for hidden files: editors and mounted volumes
/// leave those behind.
fn name_without<'a>(path: &'a Path, ending: &str) -> Result<Option<&'a str>, FileError> {
    let Some(name) = path.file_name() else { return Ok(None) };
    match name.to_str() {
        Some(name) => Ok(stem(name, ending)),
        // One that would be read must not be left out because of its name.
        None if stem(&name.to_string_lossy(), ending).is_some() => {
            Err(FileError::Name { path: path.to_owned() })
        }
        None => Ok(None),
    }
}

fn stem<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    name.strip_suffix(ending).filter(|name| !name.is_empty() && !name.starts_with('.'))
}

fn schema(folder: &str, name: &str, source: SourceId, sources: &Sources) -> SchemaFile {
    SchemaFile {
        source,
        folder: folder.to_owned(),
        name: name.to_owned(),
        text: sources.text(source).to_owned(),
    }
}

#[derive(RustEmbed)]
#[folder = "mappings/"]
#[include = "*.toml"]
struct BuiltInMappings;

#[derive(RustEmbed)]
#[folder = "schemas/"]
#[include = "*.json"]
struct BuiltInSchemas;

fn built_in_mappings(sources: &mut Sources) -> Vec<MappingText> {
    let keep = |(path, text): (String, String)| {
        let name = stem(&path, ".toml")?.to_owned();
        Some(MappingText { name, source: sources.add(format!("mappings/{path}"), text) })
    };
    built_in::<BuiltInMappings>().into_iter().filter_map(keep).collect()
}

fn built_in_schemas(sources: &mut Sources) -> Vec<SchemaFile> {
    let keep = |(path, text): (String, String)| {
        let (folder, file) = path.split_once('/')?;
        let name = stem(file, ".json")?;
        let source = sources.add(format!("schemas/{path}"), text);
        Some(schema(folder, name, source, sources))
    };
    built_in::<BuiltInSchemas>().into_iter().filter_map(keep).collect()
}

/// Path and text of every file, in alphabetical order.
fn built_in<E: RustEmbed>() -> Vec<(String, String)> {
    let mut paths: Vec<_> = E::iter().collect();
    // By their parts, as folders are listed: as texts, `a-b/c` would come before `a/c`.
    paths.sort_by(|left, right| Path::new(&**left).cmp(Path::new(&**right)));
    let text = |path: &str| {
        let bytes = E::get(path)?.data.into_owned();
        Some(String::from_utf8(bytes).expect("a test reads every file that is built in"))
    };
    paths.into_iter().filter_map(|path| Some((path.to_string(), text(&path)?))).collect()
}

#[cfg(test)]
mod tests {
    use std::{error::Error, ffi::OsString, os::unix::ffi::OsStringExt as _};

    use tempfile::TempDir;

    use super::*;

    /// A folder with these files in it.
    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        root
    }

    fn mappings(folder: &Path) -> (Result<Vec<String>, FileError>, Sources) {
        let mut sources = Sources::default();
        let found = mappings_in(folder, &mut sources);
        (found.map(|texts| texts.into_iter().map(|text| text.name).collect()), sources)
    }

    #[test]
    fn the_built_in_files_are_those_of_the_source_tree() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders =
            DataFiles { mappings: Some(root.join("mappings")), schemas: Some(root.join("schemas")) };
        let (mut built_in, mut on_disk) = (Sources::default(), Sources::default());
        let texts = DataFiles::default().read(&mut built_in).unwrap();
        let expected = folders.read(&mut on_disk).unwrap();

        let names = |texts: &Texts| texts.mappings.iter().map(|text| text.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&texts), names(&expected));
        let schemas = |texts: &Texts| {
            let parts = |file: &SchemaFile| (file.folder.clone(), file.name.clone());
            texts.schemas.iter().map(parts).collect::<Vec<_>>()
        };
        assert_eq!(schemas(&texts), schemas(&expected));
        for (own, file) in texts.schemas.iter().zip(&expected.schemas) {
            assert!(own.text == file.text, "schemas/{}/{}.json is another", file.folder, file.name);
        }
        let text = &texts.mappings[0];
        assert_eq!(built_in.path(text.source), format!("mappings/{}.toml", text.name));
        assert_eq!(built_in.text(text.source), on_disk.text(expected.mappings[0].source));
        let schema = &texts.schemas[0];
        assert_eq!(built_in.path(schema.source), format!("schemas/{}/{}.json", schema.folder, schema.name));
    }

    #[test]
    fn a_folder_of_mappings_is_its_toml_files_by_name() {
        let root = folder(&[
            ("b.toml", b"b"),
            ("a.toml", b"a"),
            (".hidden.toml", b""),
            ("a.toml~", b""),
            ("README.md", b""),
            ("more/c.toml", b""),
        ]);
        let (names, sources) = mappings(root.path());

        assert_eq!(names.unwrap(), ["a", "b"]);
        let first = Sources::default().add("", "");
        assert_eq!(sources.path(first), root.path().join("a.toml").display().to_string());
        assert_eq!(sources.text(first), "a");
    }

    #[test]
    fn a_folder_of_schemas_has_a_folder_for_each_dialect() {
        let root = folder(&[
            ("acme/member.json", b"{}"),
            ("acme/notes.txt", b""),
            ("canonical/user.json", b"{}"),
            ("stray.json", b""),
            (".git/config.json", b""),
        ]);
        let mut sources = Sources::default();
        let schemas = schemas_in(root.path(), &mut sources).unwrap();

        let names: Vec<_> = schemas.iter().map(|file| (&*file.folder, &*file.name)).collect();
        assert_eq!(names, [("acme", "member"), ("canonical", "user")]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_with_the_reason() {
        let missing = folder(&[]).path().join("nowhere");
        let error = mappings(&missing).0.unwrap_err();

        assert_eq!(error.to_string(), format!("cannot read `{}`", missing.display()));
        assert!(error.source().unwrap().to_string().starts_with("No such file or directory"));
    }

    #[test]
    fn a_file_is_no_folder() {
        let root = folder(&[("a.toml", b"")]);
        let error = mappings(&root.path().join("a.toml")).0.unwrap_err();

        assert!(matches!(error, FileError::Read { .. }), "{error}");
    }

    #[test]
    fn a_folder_that_is_named_like_a_mapping_cannot_be_read_as_one() {
        let root = folder(&[("a.toml/b.toml", b"")]);
        let error = mappings(root.path()).0.unwrap_err();

        let path = root.path().join("a.toml");
        assert_eq!(error.to_string(), format!("`{}` is no file that can be read again", path.display()));
    }

    #[test]
    fn what_has_no_end_is_not_waited_for() {
        let root = folder(&[("acme/a.json", b"{}")]);
        for path in ["a.toml", "acme/b.json"] {
            std::os::unix::fs::symlink("/dev/zero", root.path().join(path)).unwrap();
        }
        let mut sources = Sources::default();
        for error in [
            mappings(root.path()).0.unwrap_err(),
            schemas_in(root.path(), &mut sources).unwrap_err(),
            expect_file(&root.path().join("a.toml")).unwrap_err(),
        ] {
            assert!(matches!(error, FileError::Kind { .. }), "{error}");
        }
        let error = read(Path::new("/dev/zero"), &mut sources).unwrap_err();
        assert_eq!(error.to_string(), "`/dev/zero` is larger than 64 MiB");
    }

    #[test]
    fn a_file_that_is_no_text_is_refused_with_the_byte() {
        let root = folder(&[("a.toml", b"x = \"\xff\"")]);
        let error = mappings(root.path()).0.unwrap_err();

        let path = root.path().join("a.toml");
        let expected = format!("`{}` is not UTF-8 text: byte 5 is no part of a character", path.display());
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_name_that_is_no_text_is_refused_where_the_file_would_be_read() {
        let root = folder(&[("a.toml", b""), ("acme/a.json", b"{}")]);
        let named = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        for ignored in [b"\xff.txt".as_slice(), b".\xff.toml", b"\xff.toml~"] {
            fs::write(root.path().join(named(ignored)), "").unwrap();
        }
        assert_eq!(mappings(root.path()).0.unwrap(), ["a"]);
        assert_eq!(schemas_in(root.path(), &mut Sources::default()).unwrap().len(), 1);

        fs::write(root.path().join(named(b"f\xff.toml")), "").unwrap();
        fs::write(root.path().join("acme").join(named(b"f\xff.json")), "{}").unwrap();
        let error = mappings(root.path()).0.unwrap_err().to_string();
        assert!(
            error.ends_with("f\u{fffd}.toml` is not UTF-8 text: rename it, or move it elsewhere"),
            "{error}"
        );
        let error = schemas_in(root.path(), &mut Sources::default()).unwrap_err().to_string();
        assert!(error.contains("acme/f\u{fffd}.json` is not UTF-8 text"), "{error}");
    }

    #[test]
    fn a_folder_without_what_it_should_hold_is_refused() {
        let root = folder(&[("member.json", b"{}")]);
        let path = root.path().display();

        let error = mappings(root.path()).0.unwrap_err();
        assert_eq!(error.to_string(), format!("there is no mapping (`<dialect>.toml`) in `{path}`"));
        let error = schemas_in(root.path(), &mut Sources::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("there is no schema (`<dialect>/<name>.json`) in `{path}`"));
    }
}

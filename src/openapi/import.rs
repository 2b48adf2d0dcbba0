//! Schemas and the skeleton of a mapping from somebody's `OpenAPI` document.
//!
//! A document of 3.0 or 3.1, in JSON or YAML, becomes `schemas/<dialect>/*.json` as our loader wants them and
//! `mappings/<dialect>.toml` with everything the document says. What it cannot say, what a field means here, is left
//! as `TODO` for a person; nothing is guessed in silence.
//!
//! The document is hostile input: its size, its depth and what its references and aliases repeat are bounded, its
//! names become names of ours, and what is not understood is told with its place while everything else goes on. This
//! module never opens a file.
//!
//! ```
//! use interlingua::openapi::import::{Options, import};
//!
//! let document = r#"{
//!     "openapi": "3.1.0",
//!     "info": {"title": "Acme", "version": "1"},
//!     "paths": {"/members/{id}": {"get": {
//!         "operationId": "getMember",
//!         "responses": {"200": {"description": "", "content": {"application/json": {"schema": {
//!             "type": "object", "properties": {"email": {"type": "string"}}
//!         }}}}}
//!     }}}
//! }"#;
//! let imported = import(document, &Options { name: "acme".into(), only: Vec::new() })?;
//! let names: Vec<_> = imported.files.iter().map(|file| file.path.as_str()).collect();
//! assert_eq!(names, ["mappings/acme.toml", "schemas/acme/get_member_answer.json"]);
//! assert!(imported.files[0].text.contains(r#"email = "TODO""#));
//! # Ok::<(), interlingua::openapi::import::ImportError>(())
//! ```

mod convert;
mod document;
mod names;
mod notes;
mod operation;
mod plan;
mod read;
mod schemas;
mod shape;
mod skeleton;
mod toml;
mod yaml;

pub use document::Unusable;
pub use notes::Note;
pub use read::ReadError;

use crate::diag::suggest::did_you_mean;

use document::Document;
use notes::Notes;

/// What is to be imported.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the dialect is to be called: a word that can be a file name.
    pub name: String,
    /// The operations, by `operationId` or as `METHOD /path`; none means all.
    pub only: Vec<String>,
}

/// What came of a document.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The files, the mapping first.
    pub files: Vec<File>,
    /// What was left out.
    pub notes: Vec<Note>,
    /// How many operations there are.
    pub operations: usize,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where, below the folder with `mappings` and `schemas` in it.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Why nothing came of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The name cannot be that of a dialect.
    #[error(
        "`{0}` cannot be the name of a dialect: it takes letters, digits, `-` and `_`, at most 64 of them, and `canonical` is taken"
    )]
    Name(String),
    /// There is no operation in it.
    #[error("the document has no operation that could be imported")]
    Nothing,
    /// The text cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An operation that was asked for is not there.
    #[error(
        "the document has no operation `{asked}`; {}`--only` takes an `operationId` or `METHOD /path` as they are in it",
        near.as_ref().map(|near| format!("did you mean `{near}`? ")).unwrap_or_default()
    )]
    Unknown {
        /// What was asked for.
        asked: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// It is no document that is understood.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

/// Makes the files of a dialect.
///
/// # Errors
///
/// If the document cannot be read, or there is nothing in it.
pub fn import(text: &str, options: &Options) -> Result<Imported, ImportError> {
    let name = options.name.as_str();
    if !is_name(name) {
        return Err(ImportError::Name(name.chars().take(80).collect()));
    }
    let root = read::read(text)?;
    let document = Document::open(&root)?;
    let mut notes = Notes::default();
    let (operations, missed) = operation::operations(&document, &options.only, &mut notes);
    if let Some(asked) = missed.into_iter().next() {
        let known = operation::names(&document);
        let near = did_you_mean(&asked, known.iter().map(String::as_str)).map(str::to_owned);
        return Err(ImportError::Unknown { asked, near });
    }
    if operations.is_empty() {
        return Err(ImportError::Nothing);
    }
    let count = operations.len();
    let plan = plan::plan(document, operations, &mut notes);
    let mapping = skeleton::write(name, document, &plan, &mut notes);
    let mut files = vec![File { path: format!("mappings/{name}.toml"), text: mapping }];
    for (file, schema) in plan.shapes.into_files() {
        files.push(File { path: format!("schemas/{name}/{file}.json"), text: format!("{schema:#}\n") });
    }
    Ok(Imported { files, notes: notes.into_vec(), operations: count })
}

/// Whether a dialect may be called so: its name is that of a file and of a segment of a path.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&name.len())
        && name.bytes().all(is_plain)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name != "canonical"
}

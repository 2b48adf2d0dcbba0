//! Modes that were said on the admin listener, and what becomes of them when files are read anew.
//!
//! Whoever spoke last of a dialect counts. So a reload for the sake of something else, such as a renewed certificate, does
//! not undo a step back; one of files that say something else of the dialect than they did does.

use std::{collections::BTreeMap, path::Path};

use http::StatusCode;
use serde_json::{Value, json};

use self::kept::Entry;
use super::parts::Parts;
use crate::{
    admin::modes::{Told, What},
    config::{Config, Known, ModeError},
    diag::{Diagnostic, Diagnostics, Sources, render},
    dialect::Registry,
    gateway::mode,
    telemetry::names::field,
};

mod kept;

pub use self::kept::KeptError;

/// What was said of which dialect, and what the files said when it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Said(BTreeMap<String, (mode::Config, Option<mode::Config>)>);

/// A change that can be made.
pub(super) struct Change {
    pub(super) said: Said,
    pub(super) dialect: String,
    /// What to answer once it is made.
    pub(super) told: Told,
}

impl Said {
    /// What was said before this process began and still counts, given what the files say now. The file that keeps it is made
    /// where there is none, so that it is known at the start whether anything can be kept.
    pub(super) fn kept(path: &Path, files: &Config, registry: &Registry) -> Result<Said, KeptError> {
        let entries = kept::read(path)?;
        let (known, was_there) = (known(registry), entries.is_some());
        let mut said = BTreeMap::new();
        let mut is_same = was_there;
        for (dialect, Entry { said: mode, instead_of }) in entries.into_iter().flatten() {
            let now = files.modes.get(&dialect);
            let why = if now.map(shown).unwrap_or_default() == instead_of {
                let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
                let json = mode.to_string();
                match files.parse_mode(&dialect, json.as_bytes(), &known, &mut sources, &mut found) {
                    Ok(Some(mode)) => {
                        tell_kept(&dialect, mode.mode.name());
                        said.insert(dialect, (mode, now.cloned()));
                        continue;
                    }
                    Ok(None) | Err(_) => "the files have no room for it any more",
                }
            } else {
                "the files say something else of the dialect than they did"
            };
            is_same = false;
            tracing::warn!(
                { field::DIALECT } = dialect,
                "a mode that was said before this start is dropped: {why}"
            );
        }
        let said = Said(said);
        if !is_same {
            // What was dropped must not count again when the files say what they once did.
            said.keep(path)?;
        }
        Ok(said)
    }

    /// Keeps it for the next start.
    pub(super) fn keep(&self, path: &Path) -> Result<(), KeptError> {
        let entry = |(dialect, (said, instead_of)): (&String, &(mode::Config, Option<mode::Config>))| {
            let instead_of = instead_of.as_ref().map(shown).unwrap_or_default();
            (dialect.clone(), Entry { said: shown(said), instead_of })
        };
        kept::write(path, self.0.iter().map(entry))
    }

    /// Whether the same was said.
    pub(super) fn is(&self, other: &Said) -> bool {
        self.0 == other.0
    }

    /// What counts, given what the files say.
    pub(super) fn over(&self, files: &Config) -> Config {
        let mut config = files.clone();
        for (dialect, (said, _)) in &self.0 {
            config.modes.insert(dialect.clone(), said.clone());
        }
        config
    }

    /// What still counts when the files have become these, or why they cannot be taken.
    pub(super) fn after(&self, files: &Config, registry: &Registry) -> Result<Said, String> {
        let stays = |(dialect, (_, instead_of)): &(&String, &(mode::Config, Option<mode::Config>))| {
            files.modes.get(*dialect) == instead_of.as_ref()
        };
        let said: BTreeMap<_, _> =
            self.0.iter().filter(stays).map(|(name, said)| (name.clone(), said.clone())).collect();
        let known = known(registry);
        match said.iter().find(|(dialect, (said, _))| !files.takes(dialect, said, &known)) {
            Some((dialect, _)) => Err(format!(
                "`PUT /modes/{dialect}` said what these files have no old upstream or operation for: \
                 `DELETE /modes/{dialect}`, or say something else of it"
            )),
            None => Ok(Said(said)),
        }
    }

    /// What is doubtful about it beside these files.
    pub(super) fn doubts(&self, files: &Config, registry: &Registry) -> Vec<Diagnostic> {
        let known = known(registry);
        self.0.iter().filter_map(|(dialect, (said, _))| files.unseen(dialect, said, &known)).collect()
    }

    /// What is asked for: the change to make, or what to answer where there is none.
    pub(super) fn ask(&self, what: What, files: &Config, parts: &Parts) -> Result<Change, Told> {
        let is_kept = files.modes_file.is_some();
        match what {
            What::Show => Err(self.show(files, parts)),
            What::Unset { dialect } => {
                if parts.shared.registry().dialect(&dialect).is_none() {
                    return Err(refused(StatusCode::NOT_FOUND, "there is no such dialect"));
                }
                let mut said = self.clone();
                said.0.remove(&dialect);
                let mode = files.modes.get(&dialect);
                let said_by = if mode.is_some() { "files" } else { "nobody" };
                let json = json!({"result": "taken", "dialect": dialect, "mode": mode.map(shown), "said_by": said_by,
                    "persisted": is_kept});
                Ok(Change { said, dialect, told: Told { status: StatusCode::OK, json: json.to_string() } })
            }
            What::Set { dialect, json } => self.set(dialect, &json, files, parts),
        }
    }

    fn set(&self, dialect: String, json: &[u8], files: &Config, parts: &Parts) -> Result<Change, Told> {
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let known = known(parts.shared.registry());
        let mode = files.parse_mode(&dialect, json, &known, &mut sources, &mut found);
        let diagnostics = |found: Diagnostics| render::array(&found.into_vec(), &sources);
        let mode = match mode {
            Ok(Some(mode)) => mode,
            Ok(None) => {
                let json =
                    json!({"result": "refused", "dialect": dialect, "diagnostics": diagnostics(found)});
                return Err(Told { status: StatusCode::UNPROCESSABLE_ENTITY, json: json.to_string() });
            }
            Err(why @ ModeError::NoDialect) => return Err(refused(StatusCode::NOT_FOUND, &why.to_string())),
            Err(why) => return Err(refused(StatusCode::BAD_REQUEST, &why.to_string())),
        };
        let json = json!({
            "result": "taken",
            "dialect": dialect,
            "mode": shown(&mode),
            "said_by": "admin",
            "persisted": files.modes_file.is_some(),
            "until": match files.modes_file {
                Some(_) => format!("`DELETE /modes/{dialect}`, or files that say something else of it"),
                None => format!(
                    "the program ends, `DELETE /modes/{dialect}`, or a reload of files that say something else of it"
                ),
            },
            "diagnostics": diagnostics(found),
        });
        let mut said = self.clone();
        said.0.insert(dialect.clone(), (mode, files.modes.get(&dialect).cloned()));
        Ok(Change { said, dialect, told: Told { status: StatusCode::OK, json: json.to_string() } })
    }

    /// All dialects, with who said what of them.
    fn show(&self, files: &Config, parts: &Parts) -> Told {
        let config = self.over(files);
        let dialects = parts.shared.registry().dialects().iter().map(|dialect| {
            let names = || std::iter::once(&dialect.name).chain(&dialect.extends);
            let of = names().find(|name| config.modes.contains_key(*name));
            let said_by = match of {
                Some(name) if self.0.contains_key(name) => "admin",
                Some(_) => "files",
                None => "nobody",
            };
            let usual = mode::Config::default();
            let mode = of.and_then(|name| config.modes.get(name)).unwrap_or(&usual);
            let has_legacy = names().any(|name| config.legacy.contains_key(name));
            let one =
                json!({"mode": shown(mode), "said_by": said_by, "said_of": of, "has_legacy": has_legacy});
            (dialect.name.clone(), one)
        });
        let dialects: serde_json::Map<String, Value> = dialects.collect();
        Told { status: StatusCode::OK, json: json!({ "dialects": dialects }).to_string() }
    }
}

/// What is in the way of reading a file that keeps modes, if anything is.
pub(super) fn look(path: &Path) -> Result<(), KeptError> {
    kept::read(path).map(drop)
}

fn tell_kept(dialect: &str, mode: &str) {
    tracing::warn!(
        { field::DIALECT } = dialect,
        { field::MODE } = mode,
        said_by = "admin",
        "a mode that was said before this start is in use, and not what the files say"
    );
}

fn known(registry: &Registry) -> Vec<Known<'_>> {
    registry.dialects().iter().map(|dialect| Known::from(&**dialect)).collect()
}

fn refused(status: StatusCode, why: &str) -> Told {
    Told { status, json: json!({"result": "refused", "cause": why}).to_string() }
}

/// As it can be said again.
fn shown(config: &mode::Config) -> Value {
    let mode::Config {
        mode,
        share,
        validate,
        answers,
        noise,
        extra,
        read_back,
        known,
        operations,
        principals,
    } = config;
    let mut shown = serde_json::Map::new();
    shown.insert("mode".to_owned(), mode.name().into());
    if config.splits() {
        shown.insert("share".to_owned(), (*share).into());
    }
    if config.shadows() {
        shown.insert("answers".to_owned(), answers.name().into());
        shown.insert("noise".to_owned(), (*noise).into());
        if *extra != mode::Config::default().extra {
            shown.insert("extra".to_owned(), (*extra).into());
        }
        if !read_back {
            shown.insert("read_back".to_owned(), false.into());
        }
        if !known.is_empty() {
            shown.insert("known".to_owned(), known.as_slice().into());
        }
    }
    if *validate {
        shown.insert("validate".to_owned(), true.into());
    }
    if !operations.is_empty() {
        let operations: serde_json::Map<_, _> =
            operations.iter().map(|(name, mode)| (name.clone(), mode.name().into())).collect();
        shown.insert("operations".to_owned(), operations.into());
    }
    if !principals.is_empty() {
        let principals: serde_json::Map<_, _> =
            principals.iter().map(|(who, mode)| (who.to_string(), mode.name().into())).collect();
        shown.insert("principals".to_owned(), principals.into());
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::boot::{DataFiles, load};

    #[test]
    fn what_was_said_is_held_against_files_by_which_parts_retire_now() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retiring");
        let (mappings, schemas) = (Some(folder.join("mappings")), Some(folder.join("schemas")));
        let loaded = load(&DataFiles { mappings, schemas }, &mut Sources::default()).unwrap();
        let registry = loaded.registry.unwrap();
        let told = |validate: bool| {
            let legacy = mode::Config { mode: mode::Mode::Legacy, validate, ..mode::Config::default() };
            let said = Said([("bureau".to_owned(), (legacy, None))].into());
            let doubts = said.doubts(&Config::default(), &registry);
            doubts.into_iter().map(|one| (one.code.as_str(), one.notes)).collect::<Vec<_>>()
        };
        let [("C0407", notes)] = &told(false)[..] else { panic!("{:?}", told(false)) };
        assert_eq!(notes[0], "`PUT /modes/bureau` has requests go to the old upstream");
        assert_eq!(told(true), []);
    }
}

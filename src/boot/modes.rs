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
    admin::{
        modes::{Told, What},
        reload::Ended,
    },
    config::{Config, Known, ModeError},
    diag::{Diagnostic, Diagnostics, Severity, Sources, render},
    dialect::Registry,
    gateway::mode,
    telemetry::names::field,
};

mod keeper;
mod kept;
mod place;

pub use self::kept::KeptError;
pub(super) use self::{
    keeper::{Keeper, Keeping},
    kept::Kept,
};

/// What was said of which dialect, and what the files said when it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said(BTreeMap<String, One>);

/// What was said of a dialect.
#[derive(Clone, Debug, PartialEq)]
struct One {
    mode: mode::Config,
    /// What the files [mean](meant), and meant when it was said: if they come to mean something else, they spoke last.
    instead_of: Value,
}

/// A change that can be made.
pub(super) struct Change {
    pub(super) said: Said,
    pub(super) dialect: String,
    /// What to answer once it is made.
    pub(super) told: Told,
}

impl Said {
    /// What was said before this process began and still counts, given what the files say now, and where it is kept. Nothing
    /// is written.
    ///
    /// # Errors
    ///
    /// If what is kept cannot be read, is something else, or is another process's to read; if nothing can be kept there.
    pub(super) fn read(path: &Path, files: &Config, registry: &Registry) -> Result<(Said, Kept), KeptError> {
        let known = known(registry);
        let (kept, entries) = Kept::open(path)?;
        let mut said = BTreeMap::new();
        for (dialect, Entry { said: mode, instead_of }) in entries {
            let why = if meant(files.modes.get(&dialect)) == instead_of {
                let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
                let json = mode.to_string();
                match files.parse_mode(&dialect, json.as_bytes(), &known, &mut sources, &mut found) {
                    Ok(Some(mode)) => {
                        tell_kept(&dialect, mode.mode.name());
                        said.insert(dialect, One { mode, instead_of });
                        continue;
                    }
                    Ok(None) => {
                        let error = found.into_vec().into_iter().find(|one| one.severity == Severity::Error);
                        let why = error.map(|error| format!(": {} ({})", error.message, error.code));
                        format!("the files have no room for it any more{}", why.unwrap_or_default())
                    }
                    Err(why) => format!("the files have no room for it any more: {why}"),
                }
            } else {
                "the files say something else of the dialect than they did".to_owned()
            };
            tracing::warn!(
                { field::DIALECT } = dialect,
                "a mode that was said before this start is dropped: {why}"
            );
        }
        Ok((Said(said), kept))
    }

    fn entries(&self) -> impl Iterator<Item = (String, Entry)> {
        let entry = |(dialect, One { mode, instead_of }): (&String, &One)| {
            (dialect.clone(), Entry { said: shown(mode), instead_of: instead_of.clone() })
        };
        self.0.iter().map(entry)
    }

    /// What counts, given what the files say.
    pub(super) fn over(&self, files: &Config) -> Config {
        let mut config = files.clone();
        for (dialect, One { mode, .. }) in &self.0 {
            config.modes.insert(dialect.clone(), mode.clone());
        }
        config
    }

    /// What still counts when the files have become these, or why they cannot be taken.
    pub(super) fn after(&self, files: &Config, registry: &Registry) -> Result<Said, String> {
        let stays = |(dialect, one): &(&String, &One)| meant(files.modes.get(*dialect)) == one.instead_of;
        let said: BTreeMap<_, _> =
            self.0.iter().filter(stays).map(|(name, said)| (name.clone(), said.clone())).collect();
        let known = known(registry);
        match said.iter().find(|(dialect, one)| !files.takes(dialect, &one.mode, &known)) {
            Some((dialect, _)) => Err(format!(
                "`PUT /modes/{dialect}` said what these files have no old upstream or operation for: \
                 `DELETE /modes/{dialect}`, or say something else of it"
            )),
            None => Ok(Said(said)),
        }
    }

    /// What of it has come to an end where these files are taken and `after` is what still counts.
    pub(super) fn ended(&self, after: &Said, files: &Config) -> Vec<Ended> {
        let ended = self.0.iter().filter(|(dialect, _)| !after.0.contains_key(*dialect));
        let ended = ended.map(|(dialect, one)| Ended {
            dialect: dialect.clone(),
            said: one.mode.mode.name(),
            files: files.modes.get(dialect).map(|config| config.mode.name()),
        });
        ended.collect()
    }

    /// What is doubtful about it beside these files.
    pub(super) fn doubts(&self, files: &Config, registry: &Registry) -> Vec<Diagnostic> {
        let known = known(registry);
        // Of a generation that was said another mode of, its own counts.
        let all = self.over(files);
        self.0.iter().filter_map(|(dialect, one)| all.unseen(dialect, &one.mode, &known)).collect()
    }

    /// What is asked for: the change to make, or what to answer where there is none.
    /// `keeper` keeps it, where there is a file for it.
    pub(super) fn ask(
        &self,
        what: What,
        (files, parts): (&Config, &Parts),
        keeper: Option<&Keeper>,
    ) -> Result<Change, Told> {
        let is_kept = keeper.is_some();
        match what {
            What::Show => Err(self.show(files, parts, keeper.is_some_and(Keeper::has_kept))),
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
                Ok(Change { said, dialect, told: Told { status: StatusCode::OK, json } })
            }
            What::Set { dialect, json } => self.set(dialect, &json, (files, parts), is_kept),
        }
    }

    fn set(
        &self,
        dialect: String,
        json: &[u8],
        (files, parts): (&Config, &Parts),
        is_kept: bool,
    ) -> Result<Change, Told> {
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let known = known(parts.shared.registry());
        let mode = files.parse_mode(&dialect, json, &known, &mut sources, &mut found);
        let diagnostics = |found: Diagnostics| render::array(&found.into_vec(), &sources);
        let mode = match mode {
            Ok(Some(mode)) => mode,
            Ok(None) => {
                let json =
                    json!({"result": "refused", "dialect": dialect, "diagnostics": diagnostics(found)});
                return Err(Told { status: StatusCode::UNPROCESSABLE_ENTITY, json });
            }
            Err(why @ ModeError::NoDialect) => return Err(refused(StatusCode::NOT_FOUND, &why.to_string())),
            Err(why) => return Err(refused(StatusCode::BAD_REQUEST, &why.to_string())),
        };
        let json = json!({
            "result": "taken",
            "dialect": dialect,
            "mode": shown(&mode),
            "said_by": "admin",
            "persisted": is_kept,
            "until": if is_kept {
                format!("`DELETE /modes/{dialect}`, or files that say something else of it")
            } else {
                format!(
                    "the program ends, `DELETE /modes/{dialect}`, or a reload of files that say something else of it"
                )
            },
            "diagnostics": diagnostics(found),
        });
        let mut said = self.clone();
        let instead_of = meant(files.modes.get(&dialect));
        said.0.insert(dialect.clone(), One { mode, instead_of });
        Ok(Change { said, dialect, told: Told { status: StatusCode::OK, json } })
    }

    /// All dialects, with who said what of them, and whether the next start would find it so.
    fn show(&self, files: &Config, parts: &Parts, is_kept: bool) -> Told {
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
        Told { status: StatusCode::OK, json: json!({ "dialects": dialects, "persisted": is_kept }) }
    }
}

/// What can be seen, without a trace, to be in the way of a file that keeps modes.
pub(super) fn look(path: &Path) -> Result<(), KeptError> {
    kept::look(path)
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
    Told { status, json: json!({"result": "refused", "cause": why}) }
}

/// What files mean by what they say of a dialect, in the words of a mode. What has no effect in the mode is left out, and
/// what is as usual: who writes that out has changed nothing.
fn meant(files: Option<&mode::Config>) -> Value {
    let Some(config) = files else { return Value::Null };
    let mut meant = shown(config);
    let usual = mode::Config::default();
    if let Some(meant) = meant.as_object_mut() {
        if config.answers == usual.answers {
            meant.remove("answers");
        }
        if config.noise == usual.noise {
            meant.remove("noise");
        }
    }
    meant
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

    /// Another version may have others as usual: what nobody wrote must not look as if somebody had changed it.
    #[test]
    fn what_files_mean_is_without_what_is_usual_or_has_no_effect() {
        let shadow = mode::Config { mode: mode::Mode::Shadow, share: 20, ..mode::Config::default() };
        assert_eq!(meant(Some(&shadow)), json!({"mode": "shadow"}));
        let other = mode::Config { noise: 7, ..shadow.clone() };
        assert_eq!(meant(Some(&other)), json!({"mode": "shadow", "noise": 7}));
        let split = mode::Config { mode: mode::Mode::Split, ..shadow };
        assert_eq!(meant(Some(&split)), json!({"mode": "split", "share": 20}));
        assert_eq!(meant(None), Value::Null);
    }

    #[test]
    fn what_was_said_is_held_against_files_by_which_parts_retire_now() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/retiring");
        let (mappings, schemas) = (Some(folder.join("mappings")), Some(folder.join("schemas")));
        let loaded = load(&DataFiles { mappings, schemas }, &mut Sources::default()).unwrap();
        let registry = loaded.registry.unwrap();
        let told = |validate: bool| {
            let legacy = mode::Config { mode: mode::Mode::Legacy, validate, ..mode::Config::default() };
            let said = Said([("bureau".to_owned(), One { mode: legacy, instead_of: Value::Null })].into());
            let doubts = said.doubts(&Config::default(), &registry);
            doubts.into_iter().map(|one| (one.code.as_str(), one.notes)).collect::<Vec<_>>()
        };
        let [("C0407", notes)] = &told(false)[..] else { panic!("{:?}", told(false)) };
        assert_eq!(notes[0], "`PUT /modes/bureau` has requests go to the old upstream");
        assert_eq!(told(true), []);
    }
}

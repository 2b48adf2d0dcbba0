//! What is measured: phases of a request, and whole requests, each as something that is done again and again.

use std::{error::Error, fs, path::Path};

use interlingua::{
    boot::{self, DataFiles},
    diag::Sources,
    dialect::Registry,
    json::{Document, Limits},
};

pub mod backend;
pub mod case;
mod codecs;
mod served;
mod steps;
mod whole;

use self::{backend::Child, case::Case};

/// Something that is done again and again.
pub struct Phase {
    /// What it is called, as in `lift/invite`.
    pub name: String,
    /// How often, the first time it is counted.
    pub rounds: u32,
    work: Box<dyn FnMut()>,
}

impl Phase {
    fn new(name: impl Into<String>, rounds: u32, work: impl FnMut() + 'static) -> Phase {
        Phase { name: name.into(), rounds, work: Box::new(work) }
    }

    /// Does it that often.
    pub fn run(&mut self, rounds: u32) {
        for _ in 0..rounds {
            (self.work)();
        }
    }
}

/// Every phase that needs no backend, of the cases in a folder that `workloads.py` wrote.
pub fn steps(folder: &Path) -> Result<Vec<Phase>, Box<dyn Error>> {
    let mut phases = codecs::phases();
    phases.extend(steps::phases(&load(folder)?, &cases(folder)?)?);
    Ok(phases)
}

/// Whole requests too.
pub fn all(folder: &Path, backend: &Child) -> Result<Vec<Phase>, Box<dyn Error>> {
    let (registry, cases) = (load(folder)?, cases(folder)?);
    let mut phases = codecs::phases();
    phases.extend(steps::phases(&registry, &cases)?);
    let served = served::phases(&registry, &cases, backend)?;
    phases.extend(whole::phases(registry, &cases, backend)?);
    phases.extend(served);
    Ok(phases)
}

/// The cases in a folder.
pub fn cases(folder: &Path) -> Result<Vec<Case>, Box<dyn Error>> {
    let path = folder.join("cases.json");
    let text =
        fs::read(&path).map_err(|error| format!("{} (workloads.py writes it): {error}", path.display()))?;
    Case::all(&serde_json::from_slice(&text)?)
}

/// The dialects in a folder: what ships but for its quotas, behind which nothing could be measured.
fn load(folder: &Path) -> Result<Registry, Box<dyn Error>> {
    let files = DataFiles { mappings: Some(folder.join("mappings")), schemas: None };
    let loaded = boot::load(&files, &mut Sources::default())?;
    loaded.registry.ok_or_else(|| "the mappings do not load; `check` says why".into())
}

/// A document of ours.
fn document(text: &[u8]) -> Result<Document, Box<dyn Error>> {
    Ok(Document::parse(text.to_vec(), &Limits::default())?)
}

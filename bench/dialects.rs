//! Writes as many dialects as are asked for, each of the size of one that ships, into a folder: what `check` costs when
//! a company has hundreds of them.
//!
//! ```sh
//! cargo run --release --example dialects -- target/many 200
//! time target/release/interlingua check --mappings target/many/mappings --schemas target/many/schemas
//! ```
//!
//! Each is a copy of a shipped one, in turn, with a name, hosts, a prefix and schemas of its own. What comes out depends
//! on nothing but what ships and the number.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some(folder), Some(count)) =
        (arguments.next(), arguments.next().and_then(|count| count.parse().ok()))
    else {
        return Err(io::Error::other("usage: dialects FOLDER COUNT"));
    };
    write(Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(&folder), count)
}

/// Writes `count` dialects after what ships in `root`.
pub(crate) fn write(root: &Path, folder: &Path, count: usize) -> io::Result<()> {
    let (mappings, schemas) = (folder.join("mappings"), folder.join("schemas"));
    fs::create_dir_all(&mappings)?;
    fs::copy(root.join("mappings/canonical.toml"), mappings.join("canonical.toml"))?;
    copy_all(&root.join("schemas/canonical"), &schemas.join("canonical"))?;
    let bases = bases(&root.join("mappings"))?;
    for number in 0..count {
        let (name, text) = &bases[number % bases.len()];
        let copy = format!("{name}-copy-{number:03}");
        fs::write(mappings.join(format!("{copy}.toml")), renamed(text, number))?;
        copy_all(&root.join("schemas").join(name), &schemas.join(&copy))?;
    }
    Ok(())
}

/// The mappings that extend no other, in the order of their names.
fn bases(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut bases = Vec::new();
    for path in entries(folder)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)?;
        if name != "canonical" && !text.lines().any(|line| line.starts_with("extends")) {
            bases.push((name, text));
        }
    }
    Ok(bases)
}

/// The text with hosts and a prefix that no other copy has.
fn renamed(text: &str, number: usize) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let key = line.split('=').next().unwrap_or_default().trim();
        lines.push(match key {
            "hosts" => {
                line.replace("[\"", &format!("[\"n{number}.")).replace(", \"", &format!(", \"n{number}."))
            }
            "prefix" if line.contains("= \"/") => line.replacen("= \"/", &format!("= \"/n{number}/"), 1),
            _ => line.to_owned(),
        });
    }
    lines.join("\n") + "\n"
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for path in entries(from)? {
        fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

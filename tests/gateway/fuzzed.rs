//! What the fuzzer is made of, without it: each target is given everything in its corpus, and every beginning of a few of
//! those inputs. The targets are the fuzzer's own (`fuzz/src`); so is the corpus, where what it found is kept.

use std::fs;
use std::path::{Path, PathBuf};

#[allow(unreachable_pub, reason = "it is a crate of its own, too")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// The files of a folder of the tree.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

/// The inputs of a target, by their paths: its own corpus, and what other tests have for the same code, as `fuzz/run` has
/// it too.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths = files(&format!("fuzz/corpus/{target}"));
    match target {
        "json" => paths
            .extend(["accept", "reject"].iter().flat_map(|way| files(&format!("tests/fixtures/json/{way}")))),
        "mapping" => {
            paths.extend(files("mappings").into_iter().chain(files("tests/diagnostics/base/mappings")));
        }
        "settings" => {
            paths.extend(files("").into_iter().filter(|path| path.ends_with("config.toml")));
        }
        _ => {}
    }
    // What goes on for long is for the fuzzer.
    let read = paths.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap()));
    read.filter(|(_, bytes)| bytes.len() < 100_000).collect()
}

fn replay(target: &str, check: fn(&[u8])) {
    let inputs = corpus(target);
    assert!(inputs.len() >= 10, "{target}: {} inputs", inputs.len());
    for (path, bytes) in &inputs {
        // Whoever fails says at what.
        println!("{}", path.display());
        check(bytes);
    }
    // Cut off in the middle, of a few that are short enough.
    for (path, bytes) in inputs.iter().filter(|(_, bytes)| bytes.len() < 600).step_by(7).take(3) {
        println!("{} cut off", path.display());
        (0..bytes.len()).step_by(11).for_each(|end| check(&bytes[..end]));
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name), targets::$name::check);
        })*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($name)),*];
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
            for folder in ["fuzz_targets", "corpus"] {
                for entry in fs::read_dir(root.join(folder)).unwrap() {
                    let path = entry.unwrap().path();
                    let stem = path.file_stem().unwrap().to_str().unwrap();
                    assert!(replayed.contains(&stem), "{} is not replayed", path.display());
                }
            }
        }
    };
}

targets! { answer chunked framing headers ids json lens mapping request settings }

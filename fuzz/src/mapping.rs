//! The loader of mappings, with any text as a mapping.
//!
//! What must hold of any text:
//!
//! - it is told what is wrong, or there is a registry, and never both or neither;
//! - every place that is pointed at lies in its text, between characters, and each way to print what was found does so;
//! - the same text is told the same;
//! - what was compiled is what the text says: the dialect is there by its name, and a lens brings what it lifts or lowers
//!   to an end on documents that are nothing like those of its schema.

use std::path::Path;
use std::sync::LazyLock;

use interlingua::boot::DataFiles;
use interlingua::diag::render::{Case, Format, Report};
use interlingua::diag::{Diagnostic, Severity, Sources};
use interlingua::json::{Document, Limits, Writer};
use interlingua::lens::{Direction, Input, Resolutions, Run};
use interlingua::mapping::{self, Compiled, MappingText, Trials};
use interlingua::schema::Store;

/// What the text is loaded beside: the canonical mapping and the schemas of the cases of diagnostics.
struct Base {
    canonical: String,
    sources: Sources,
    schemas: Store,
}

static BASE: LazyLock<Base> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = if root.ends_with("fuzz") { root.parent().expect("it is in a folder") } else { root };
    let base = root.join("tests/diagnostics/base");
    let files = DataFiles { mappings: Some(base.join("mappings")), schemas: Some(base.join("schemas")) };
    let mut sources = Sources::default();
    let loaded = interlingua::boot::load(&files, &mut sources).expect("the base can be read");
    let canonical = std::fs::read_to_string(base.join("mappings/canonical.toml")).expect("it is there");
    Base { canonical, sources, schemas: loaded.schemas }
});

/// Looks at any bytes as the mapping of a dialect.
///
/// # Panics
///
/// If something does not hold.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (mut sources, schemas) = (BASE.sources.clone(), &BASE.schemas);
    let texts = [("canonical", BASE.canonical.as_str()), ("acme", text)];
    let texts = texts.map(|(name, text)| MappingText {
        name: name.to_owned(),
        source: sources.add(format!("mappings/{name}.toml"), text),
    });
    let trials = Some(Trials { others: 1, seed: 1 });
    let Compiled { registry, found, .. } = mapping::load_and_try(&texts, &sources, schemas, trials);
    let again = mapping::load_and_try(&texts, &sources, schemas, trials);
    let found: Vec<_> = found.iter().cloned().collect();
    assert_eq!(
        format!("{found:?}"),
        format!("{:?}", again.found.iter().collect::<Vec<_>>()),
        "told otherwise"
    );

    let is_wrong = found.iter().any(|one| one.severity == Severity::Error);
    assert_eq!(registry.is_none(), is_wrong, "{found:?}");
    for one in &found {
        points_into(one, &sources);
    }
    for format in [Format::Text, Format::Json, Format::Junit, Format::Sarif, Format::Github] {
        let mut report = Report::new(format, "fuzz", None);
        let case = Case { suite: "fuzz", name: "acme", found: &found, skipped: None };
        let told = report.case(&case, &sources) + &report.finish();
        assert!(found.is_empty() || !told.is_empty(), "nothing is printed of {found:?}");
    }
    let Some(registry) = registry else { return };
    let dialect = registry.dialect("acme").expect("the dialect is there");
    for shaped in dialect.lenses.values() {
        for json in ["null", "{}", "[]", r#"{"id":"x","email":[],"role":{"role":[]}}"#, r#""text""#] {
            let document = Document::parse(json.into(), &Limits::default()).expect("it is JSON");
            for direction in [Direction::Lift, Direction::Lower] {
                let resolutions = Resolutions::default();
                let mut run = Run::new(direction, &resolutions);
                let input = Input { body: Some(document.root()), ..Input::default() };
                let body = shaped.lens.run(input, &mut run, Writer::new()).body.into_vec();
                let is_whole = run.refusals().is_empty() && run.needs().is_empty() && !body.is_empty();
                assert!(!is_whole || Document::parse(body, &Limits::default()).is_ok(), "no JSON of {json}");
            }
        }
    }
}

fn points_into(found: &Diagnostic, sources: &Sources) {
    for label in &found.labels {
        let (text, range) = (sources.text(label.span.source), label.span.range());
        assert!(text.get(range.clone()).is_some(), "{}: {range:?} of {} bytes", found.code, text.len());
    }
}

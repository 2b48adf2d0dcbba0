//! Every metric stands in `docs/metrics.md`, and nothing that is none.

/// Metrics that the constants name and the page does not, and the other way round.
pub(super) fn findings(constants: &str, page: &str) -> Vec<String> {
    let named = names(constants);
    let told: Vec<_> = page.lines().filter_map(told).collect();
    let is_of = |metric: &str, name: &str| {
        metric.strip_prefix(name).is_some_and(|unit| ["", "_total", "_info", "_seconds"].contains(&unit))
    };
    let missing = named.iter().filter(|name| !told.iter().any(|metric| is_of(metric, name)));
    let unknown = told.iter().filter(|metric| !named.iter().any(|name| is_of(metric, name)));
    let missing = missing.map(|name| format!("docs/metrics.md: without {name}"));
    missing.chain(unknown.map(|metric| format!("docs/metrics.md: {metric} is none"))).collect()
}

/// The names of the module `metric`, with their prefix.
fn names(constants: &str) -> Vec<String> {
    let (_, metrics) =
        constants.split_once("pub mod metric {").expect("metrics are constants of a module of their own");
    let mut all = metrics.lines().filter_map(|line| {
        let (name, value) = line.trim().strip_prefix("pub const ")?.split_once(": &str = ")?;
        Some((name, value.trim_matches(['"', ';'])))
    });
    let (_, prefix) = all.next().filter(|(name, _)| *name == "PREFIX").expect("the prefix comes first");
    all.map(|(_, name)| format!("{prefix}_{name}")).collect()
}

/// The metric in the first cell of a row.
fn told(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split_once('`').map(|(metric, _)| metric)
}

#[test]
fn what_is_missing_and_what_is_none_is_found() {
    let constants = "pub mod metric {\n    pub const PREFIX: &str = \"x\";\n    pub const A: &str = \"calls\";\n    pub const B: &str = \"time\";\n}";
    assert_eq!(findings(constants, "| `x_calls_total` | |\n| `x_time_seconds` | |"), [""; 0]);
    let found = findings(constants, "| `x_calls_total` | |\n| `x_times` | |");
    assert_eq!(found, ["docs/metrics.md: without x_time", "docs/metrics.md: x_times is none"]);
}

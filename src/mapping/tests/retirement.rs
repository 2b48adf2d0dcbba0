//! Brown-outs as they were written become windows, or a reason why not.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::*;
use crate::dialect::retirement::Step;
use crate::problem::Root;
use crate::time::{http_date, rfc3339};

/// 1 March 2026, from when on everything here is deprecated.
fn beginning() -> SystemTime {
    httpdate::parse_http_date("Sun, 01 Mar 2026 00:00:00 GMT").unwrap()
}

fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

/// What one entry of `brown_outs` becomes, by counting on and on.
fn windows(from: u64, lasts: u64, every: Option<u64>, sunset: u64) -> Option<Vec<Range<u64>>> {
    let mut windows = Vec::new();
    let mut start = from;
    while start + lasts <= sunset && windows.len() <= 1 {
        windows.push(start..start + lasts);
        match every {
            Some(every) => start += every,
            None => break,
        }
    }
    let is_sound = lasts > 0 && every != Some(0) && !windows.is_empty();
    if !is_sound || windows.windows(2).any(|pair| pair[1].start <= pair[0].end) {
        return None;
    }
    let count = every.map_or(1, |every| (sunset - from - lasts) / every + 1);
    // Until the sunset it is served for as long as it is refused, at least.
    if 2 * count * lasts > sunset {
        return None;
    }
    let start = |index| from + index * every.unwrap_or_default();
    Some((0..count).map(|index| start(index)..start(index) + lasts).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn brown_outs_are_windows_up_to_the_sunset(
        from in 0_u64..100,
        lasts in 0_u64..12,
        every in prop::option::of(0_u64..40),
        sunset in 0_u64..200,
    ) {
        let date = |at: u64| rfc3339(beginning() + hours(at));
        let again = every.map_or_else(String::new, |every| format!(", every = \"{every}h\""));
        let table = format!(
            "[retirement]\ndeprecated = 2026-03-01\nsunset = {}\nbrown_outs = [{{ from = {}, lasts = \"{lasts}h\"{again} }}]\n\n[errors]",
            date(sunset), date(from),
        );
        let text = MAPPING_TEXT.replacen("[errors]", &table, 1);
        let texts = [(CANONICAL, CANONICAL_TEXT), ("acme", text.as_str())];
        let (registry, found) = compile_texts(&texts, &small_store(), None);
        match windows(from, lasts, every, sunset) {
            None => prop_assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [code::M1003]),
            Some(expected) => {
                prop_assert_eq!(found, []);
                let registry = registry.unwrap();
                let dates = registry.dialect("acme").unwrap().retirement.as_ref().unwrap().dates();
                let at = |range: &Range<u64>| beginning() + hours(range.start)..beginning() + hours(range.end);
                prop_assert_eq!(&dates.brown_outs, &expected.iter().map(at).collect::<Vec<_>>());
                prop_assert_eq!(http_date(dates.deprecated), "Sun, 01 Mar 2026 00:00:00 GMT");
            }
        }
    }
}

#[test]
fn an_operation_that_says_nothing_retires_with_its_dialect_and_one_that_stays_does_not() {
    let retirement = |own: &str| {
        let text = MAPPING_TEXT.replacen("[errors]", "[retirement]\ndeprecated = 2026-03-01\n\n[errors]", 1);
        let answers = r#"answers = { 201 = { status = 200, body = "thing" } }"#;
        let text = text.replacen(answers, &format!("{answers}\n{own}"), 1);
        let texts = [(CANONICAL, CANONICAL_TEXT), ("acme", text.as_str())];
        let (registry, found) = compile_texts(&texts, &small_store(), None);
        assert_eq!(found, []);
        let registry = registry.unwrap();
        let retirement = registry.dialect("acme").unwrap().operations[0].retirement.clone();
        retirement.map(|retirement| retirement.dates().clone())
    };
    let whole = retirement("").unwrap();
    assert_eq!((whole.deprecated, whole.sunset), (beginning(), None));
    assert_eq!(retirement("retirement = false"), None);
    let own = retirement("retirement = { sunset = 2026-03-02 }").unwrap();
    assert_eq!((own.deprecated, own.sunset), (beginning(), Some(beginning() + hours(24))));
}

#[test]
fn a_generation_does_not_retire_because_its_elder_does() {
    let text = MAPPING_TEXT.replacen("[errors]", "[retirement]\ndeprecated = 2026-03-01\n\n[errors]", 1);
    let younger = "[dialect]\nextends = \"acme\"\ntitle = \"Acme 2\"\nprefix = \"/api\"\n";
    let texts = [(CANONICAL, CANONICAL_TEXT), ("acme", text.as_str()), ("acme2", younger)];
    let (registry, found) = compile_texts(&texts, &small_store(), None);
    assert_eq!(found, []);
    let registry = registry.unwrap();
    let retires = |name: &str| registry.dialect(name).unwrap().operations[0].retirement.is_some();
    assert!(retires("acme") && !retires("acme2"));
}

#[test]
fn what_an_elder_says_of_its_parts_is_not_said_of_the_younger() {
    let answers = r#"answers = { 201 = { status = 200, body = "thing" } }"#;
    let part = "retirement = { deprecated = 2026-03-01, successor = \"https://acme.example\" }";
    for (whole, own) in
        [("deprecated = 2026-03-01", "{ sunset = 2026-03-02 }"), ("deprecated = 2026-03-01", "false")]
    {
        let text = MAPPING_TEXT
            .replacen("[errors]", &format!("[retirement]\n{whole}\n\n[errors]"), 1)
            .replacen(answers, &format!("{answers}\nretirement = {own}"), 1)
            .replacen("role = true }", &format!("role = true, {part} }}"), 1)
            .replacen("may  = [\"*\"]", &format!("may  = [\"*\"]\n{part}"), 1);
        let younger = "[dialect]\nextends = \"acme\"\ntitle = \"Acme 2\"\nprefix = \"/api\"\n";
        let retiring = format!("{younger}\n[retirement]\ndeprecated = 2026-05-01\n");
        let texts = [
            (CANONICAL, CANONICAL_TEXT),
            ("acme", text.as_str()),
            ("acme2", younger),
            ("acme3", retiring.as_str()),
        ];
        let (registry, found) = compile_texts(&texts, &small_store(), None);
        assert_eq!(found, [], "{own}");
        let registry = registry.unwrap();
        let operation = |name: &str| &registry.dialect(name).unwrap().operations[0];
        assert_eq!(operation("acme").watches.len(), 2, "the field, and the word in it");
        assert_eq!((operation("acme2").retirement.is_some(), operation("acme2").watches.len()), (false, 0));
        let dates =
            operation("acme3").retirement.as_ref().map(|retirement| retirement.dates().clone()).unwrap();
        assert_eq!(
            (http_date(dates.deprecated).as_str(), dates.sunset),
            ("Fri, 01 May 2026 00:00:00 GMT", None)
        );
    }
}

#[test]
fn what_is_read_from_the_path_is_not_looked_for_in_the_body() {
    let retires = r#"{ at = "place.room", from = "$path.group", retirement = { deprecated = 2026-03-01, successor = "https://acme.example" } }"#;
    let text = MAPPING_TEXT.replacen("place = \"place.room\"", &format!("place = {retires}"), 1);
    let texts = [(CANONICAL, CANONICAL_TEXT), ("acme", text.as_str())];
    let (registry, found) = compile_texts(&texts, &small_store(), None);
    assert_eq!(found, []);
    let registry = registry.unwrap();
    let watches = &registry.dialect("acme").unwrap().operations[0].watches;
    let ways: Vec<_> = watches.iter().map(|watch| (watch.root, watch.way.clone())).collect();
    assert_eq!(ways, [(Root::Body, vec![Step::Member("place".into())])]);
}

#[test]
fn where_two_tables_contradict_each_other_it_is_said_how_one_takes_back_what_the_other_says() {
    let helps = |own: &str| {
        let whole = "[retirement]\ndeprecated = 2026-03-01\nsunset = 2027-03-01\n\
            brown_outs = [{ from = 2027-02-01, lasts = \"1h\" }]\n\n[errors]";
        let answers = r#"answers = { 201 = { status = 200, body = "thing" } }"#;
        let text = MAPPING_TEXT.replacen("[errors]", whole, 1);
        let text = text.replacen(answers, &format!("{answers}\nretirement = {{ {own} }}"), 1);
        let texts = [(CANONICAL, CANONICAL_TEXT), ("acme", text.as_str())];
        let (_, found) = compile_texts(&texts, &small_store(), None);
        found.into_iter().map(|one| (one.code, one.help.unwrap_or_default())).collect::<Vec<_>>()
    };
    let found = helps("sunset = 2026-12-01");
    assert!(
        matches!(found.as_slice(), [(code::M1003, help)] if help.contains("`brown_outs = []`")),
        "{found:?}"
    );
    let found = helps("sunset = 2026-01-01, brown_outs = []");
    assert!(
        matches!(found.as_slice(), [(code::M1002, help)] if help.contains("`[retirement]`")),
        "{found:?}"
    );
    assert_eq!(helps("sunset = 2026-12-01, brown_outs = []"), []);
}

#[test]
fn a_word_that_every_request_needs_goes_no_earlier_than_its_operations() {
    const GONE: &str = "deprecated = 2026-03-01, sunset = 2027-03-01, gone = 2027-03-01";
    const LATER: &str = "deprecated = 2026-03-01, sunset = 2027-04-01, gone = 2027-04-01";
    const AN_HOUR: &str =
        "deprecated = 2026-03-01, sunset = 2027-03-01, brown_outs = [{ from = 2026-10-01, lasts = \"1h\" }]";
    const TWO_HOURS: &str =
        "deprecated = 2026-03-01, sunset = 2027-03-01, brown_outs = [{ from = 2026-10-01, lasts = \"2h\" }]";
    let answers = r#"answers = { 201 = { status = 200, body = "thing" } }"#;
    let other = format!(
        "\n[[operation]]\nname = \"put\"\nrequest = \"POST /{{group}}/others\"\npath = {{ group = {{ at = \"group_id\", \
         resolve = \"group\" }} }}\nbody = \"thing_add\"\ncalls = \"things.add\"\n{answers}\n"
    );
    let codes_of = |mapping: &str, word: &str, whole: &str, besides: &str| {
        let whole = if whole.is_empty() { String::new() } else { format!("retirement = {{ {whole} }}") };
        let text = mapping
            .replacen("may  = [\"*\"]", &format!("may  = [\"*\"]\nretirement = {{ {word} }}"), 1)
            .replacen(answers, &format!("{answers}\n{whole}\n{besides}"), 1);
        let texts = [(CANONICAL, CANONICAL_TEXT), ("acme", text.as_str())];
        let (_, found) = compile_texts(&texts, &small_store(), None);
        found.into_iter().map(|one| one.code.as_str()).collect::<Vec<_>>()
    };
    let codes = |word: &str, whole: &str, besides: &str| codes_of(MAPPING_TEXT, word, whole, besides);
    // All go at once, or all are switched off at once: that of the operation is what clients are told.
    assert_eq!(codes(GONE, GONE, ""), [""; 0]);
    assert_eq!(codes(AN_HOUR, TWO_HOURS, ""), [""; 0]);
    for (word, whole) in [(GONE, ""), (GONE, LATER), (GONE, AN_HOUR), (TWO_HOURS, AN_HOUR), (AN_HOUR, LATER)]
    {
        assert_eq!(codes(word, whole, ""), ["M1006"], "{word}; {whole}");
    }
    // One operation goes, another that says the same word stays.
    assert_eq!(codes(GONE, GONE, &other), ["M1006"]);
    let late = "deprecated = 2027-03-01, successor = \"https://acme.example\"";
    assert_eq!(codes(late, GONE, ""), ["M1002"]);
    assert_eq!(codes(late, LATER, ""), [""; 0]);
    assert_eq!(codes(late, GONE, &other), [""; 0]);
    assert_eq!(codes("deprecated = 2027-03-01", "", ""), ["M1006"], "nobody is told what to do instead");

    // Another role that is told as the word is sent back as long as there is an operation to send it with.
    let refused = "guest = { refuse = \"no word is as weak\" }";
    let lands = MAPPING_TEXT.replacen(refused, "guest = { as = \"boss\" }", 1);
    let is_warned = |word: &str, whole: &str, besides: &str| {
        codes_of(&lands, word, whole, besides).contains(&code::M1009.as_str())
    };
    assert!(!is_warned(GONE, GONE, "") && !is_warned(AN_HOUR, TWO_HOURS, ""));
    assert!(is_warned(GONE, "", "") && is_warned(GONE, LATER, "") && is_warned(GONE, GONE, &other));
}

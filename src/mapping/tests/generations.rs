//! Mappings that extend the small one, and which of them a request is given to.

use http::{HeaderMap, HeaderValue, Method};

use super::*;
use crate::dialect::operation::AnswerPlan;

/// Loads the small mapping and others that extend it, by name.
fn load_with(generations: &[(&str, &str)]) -> (Option<Registry>, Vec<Diagnostic>) {
    let texts = [&[(CANONICAL, CANONICAL_TEXT), ("acme", MAPPING_TEXT)], generations].concat();
    load_texts(&texts, &small_store())
}

/// What becomes of the small mapping when a generation says this besides.
fn generation(text: &str) -> Arc<Dialect> {
    let text = format!("[dialect]\nextends = \"acme\"\n{text}");
    let (registry, found) = load_with(&[("acme-old", &text)]);
    assert_eq!(found, [], "{text}");
    Arc::clone(registry.unwrap().dialect("acme-old").unwrap())
}

fn said_with(text: &str) -> Vec<(&'static str, String)> {
    let text = format!("[dialect]\nextends = \"acme\"\n{text}");
    let (_, found) = load_with(&[("acme-old", &text)]);
    found.into_iter().map(|one| (one.code.as_str(), one.message)).collect()
}

fn status_of(dialect: &Dialect) -> u16 {
    match &dialect.operations[0].answer {
        AnswerPlan::One(answers) => answers[0].status.as_u16(),
        AnswerPlan::Collect(_) => 0,
    }
}

#[test]
fn who_says_nothing_different_is_what_it_extends() {
    let (registry, found) = load_with(&[("acme-old", "[dialect]\nextends = \"acme\"\n")]);
    assert_eq!(found, []);
    let registry = registry.unwrap();
    let [base, old] = registry.dialects() else { panic!("two dialects") };

    assert_eq!((base.name.as_str(), old.name.as_str()), ("acme", "acme-old"));
    assert_eq!(old.extends, ["acme"]);
    assert_eq!(
        (&old.title, &old.prefix, &old.quota.windows),
        (&base.title, &base.prefix, &base.quota.windows)
    );
    assert!(old.hosts.is_empty(), "a host belongs to one dialect");
    assert_eq!(format!("{:?}", old.operations), format!("{:?}", base.operations));
}

#[test]
fn keys_replace_each_other_one_by_one() {
    let title = generation("title = \"Old Acme\"\n");
    assert_eq!((title.title.as_str(), title.prefix.as_str()), ("Old Acme", "/api"));

    let renamed =
        generation("\n[[operation]]\nname = \"add\"\nanswers = { 201 = { status = 201, body = \"thing\" } }");
    assert_eq!(renamed.operations.len(), 1);
    assert_eq!((renamed.operations[0].template().as_str(), status_of(&renamed)), ("/{group}/things", 201));
    assert_eq!(status_of(&generation("")), 200);
}

#[test]
fn what_has_a_name_is_replaced_whole() {
    let said = said_with("\n[resolver.group]\nfind = \"slug\"\n");
    assert!(said.iter().all(|(code, _)| *code == "M0104") && said.len() == 4, "{said:?}");
}

const MORE: &str = r#"
[[operation]]
name    = "more"
request = "POST /{group}/more"
path    = { group = { at = "group_id", resolve = "group" } }
body    = "thing_add"
calls   = "things.add"
answers = { 201 = { status = 200, body = "thing" } }
"#;

#[test]
fn a_new_operation_comes_after_the_others() {
    let names: Vec<_> = generation(MORE).operations.iter().map(|one| one.name.clone()).collect();
    assert_eq!(names, ["add", "more"]);
    let twice = said_with(&format!("{MORE}{MORE}"));
    assert!(twice.iter().any(|(code, _)| *code == "R0103"), "{twice:?}");
}

#[test]
fn what_an_operation_taken_away_used_is_not_held_against_the_generation() {
    assert!(generation("without = [\"add\"]\n").operations.is_empty());
    let said = said_with(&format!("without = [\"add\"]\n\n[id.own]\nform = \"uuid\"\n{MORE}"));
    assert_eq!(said, [("M0211", "id kind `own` is never used".to_owned())]);
}

#[test]
fn a_loss_can_be_taken_back_and_a_field_be_lost_instead() {
    let said = said_with("\n[lens.thing]\nwithout = [\"slug\"]\n");
    assert_eq!(said.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["M0501"]);

    let lost = "\n[lens.thing]\nwithout = [\"state\"]\n\n[lens.thing.drops]\nstate = \"old\"\n\n\
                [lens.thing.ignores]\nstate = \"old\"\n";
    assert_eq!(generation(lost).lenses["thing"].lens.fields().len(), 1);
}

#[test]
fn a_new_row_is_where_its_role_is_found_from_then_on() {
    let row = "\n[[role.row]]\nword = \"visitor\"\nis = \"guest\"\nmay = [\"thing.read\"]\n";
    // The schema that is extended knows no such word, and nothing else is wrong.
    assert_eq!(said_with(row).iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["M0302"]);

    let changed = generation("\n[[role.row]]\nword = \"boss\"\nlabel = \"Boss\"\n");
    let roles = changed.roles.as_ref().unwrap();
    assert_eq!((roles.rows.len(), roles.rows[0].label.as_deref()), (1, Some("Boss")));
}

#[test]
fn a_generation_may_extend_a_generation() {
    let old = "[dialect]\nextends = \"acme\"\ntitle = \"Old\"\nhosts = [\"old.example\"]\n";
    let (registry, found) = load_with(&[
        ("acme-old", old),
        ("acme-first", "[dialect]\nextends = \"acme-old\"\nprefix = \"/v0\"\n"),
    ]);
    assert_eq!(found, []);
    let registry = registry.unwrap();
    let first = registry.dialect("acme-first").unwrap();
    assert_eq!(first.extends, ["acme-old", "acme"]);
    assert_eq!((first.title.as_str(), first.prefix.as_str()), ("Old", "/v0"));
}

#[test]
fn a_fault_of_what_is_extended_is_told_once() {
    let broken = MAPPING_TEXT.replace("is   = \"owner\"", "is   = \"ower\"");
    let old = "[dialect]\nextends = \"acme\"\n";
    let (_, found) =
        load_texts(&[(CANONICAL, CANONICAL_TEXT), ("acme", &broken), ("acme-old", old)], &small_store());
    assert_eq!(found.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["M0203"]);
}

#[test]
fn a_fault_that_only_a_generation_brings_about_says_so() {
    let old = "[dialect]\nextends = \"acme\"\n\n[id.any]\nform = \"guid\"\n";
    let (_, found) = load_with(&[("acme-old", old)]);
    assert_eq!(found.iter().map(|one| one.code.as_str()).collect::<Vec<_>>(), ["M0109"]);
    assert!(found[0].notes.is_empty(), "it stands in the generation's own file");

    let old = "[dialect]\nextends = \"acme\"\n\n[[operation]]\nname = \"add\"\nwithout = [\"path\"]\n";
    let (_, found) = load_with(&[("acme-old", old)]);
    let told = found.iter().find(|one| one.code.as_str() == "M0212").expect("the path has a parameter");
    assert_eq!(told.notes, ["as a part of `acme-old`, which extends this mapping"]);
}

#[test]
fn nothing_is_looked_for_below_a_text_that_cannot_be_read() {
    let said = said_with("\n[[operation]]\nname = \"ad\"\nrequest = oops\n");
    assert_eq!(said.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["M0101"]);
}

const OLD: &str = "[dialect]\nextends = \"acme\"\nhosts = [\"old.example\"]\n\n\
                   [dialect.select]\nheader = \"User-Agent\"\npattern = 'acme/0[.][0-9]+'\n";
const FIRST: &str = "[dialect]\nextends = \"acme-old\"\n\n\
                     [dialect.select]\nheader = \"User-Agent\"\npattern = 'acme/0[.]0'\n";

/// The dialect such a request is given to, and whether an operation of it was found.
fn selected(host: Option<&str>, path: &str, agent: &str) -> (Option<String>, bool) {
    static REGISTRY: LazyLock<Registry> =
        LazyLock::new(|| load_with(&[("acme-old", OLD), ("acme-first", FIRST)]).0.unwrap());
    let headers: HeaderMap =
        [(http::header::USER_AGENT, HeaderValue::from_str(agent).unwrap())].into_iter().collect();
    match REGISTRY.select(&Method::POST, host, path, &headers) {
        Ok(selected) => (Some(selected.dialect.name.clone()), true),
        Err(unselected) => (unselected.dialect.map(|dialect| dialect.name.clone()), false),
    }
}

#[test]
fn the_header_counts_however_the_request_came_to_the_dialect() {
    let came = [
        (Some("acme.example"), "/api/main/things"),
        (None, "/acme/api/main/things"),
        (None, "/api/main/things"),
    ];
    for (host, path) in came {
        let dialect = |agent| selected(host, path, agent);
        assert_eq!(dialect("acme/1.0"), (Some("acme".to_owned()), true), "{path}");
        assert_eq!(dialect("acme/0.9"), (Some("acme-old".to_owned()), true), "{path}");
        assert_eq!(dialect("not-acme/0.9"), (Some("acme".to_owned()), true), "{path}");
        // The first in the order of the names is given what both could have.
        assert_eq!(dialect("acme/0.0"), (Some("acme-first".to_owned()), true), "{path}");
    }
}

#[test]
fn who_asks_a_generation_itself_gets_that_one_or_one_that_extends_it() {
    for (host, path) in [(Some("old.example:80"), "/api/main/things"), (None, "/acme-old/api/main/things")] {
        assert_eq!(selected(host, path, "acme/1.0"), (Some("acme-old".to_owned()), true), "{path}");
        assert_eq!(selected(host, path, "acme/0.0"), (Some("acme-first".to_owned()), true), "{path}");
    }
    let first = selected(None, "/acme-first/api/main/things", "acme/0.9");
    assert_eq!(first, (Some("acme-first".to_owned()), true));
}

#[test]
fn a_request_without_an_operation_is_refused_by_the_generation() {
    assert_eq!(
        selected(Some("acme.example"), "/api/nowhere", "acme/0.9"),
        (Some("acme-old".to_owned()), false)
    );
    assert_eq!(selected(None, "/api/nowhere", "acme/0.9"), (Some("acme-old".to_owned()), false));
    assert_eq!(selected(None, "/elsewhere", "acme/0.9"), (None, false));
}

#[test]
fn an_exception_of_a_chain_between_dialects_is_needed_by_it() {
    let roles = |boss: &str| {
        format!("[[role.row]]\nword = \"boss\"\n{boss}\n\n[role.lands]\nowner = {{ refuse = \"nobody\" }}\n")
    };
    let codes = |boss: &str| said_with(&roles(boss)).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    let weaker = "is = \"guest\"\nmay = [\"thing.read\"]";
    let excepted = format!("{weaker}\nwidens = \"the old ones are few\"");

    assert_eq!(codes(weaker), ["M0606"]);
    assert_eq!(codes(&excepted), ["M0607"]);

    let needless = "[[role.row]]\nword = \"boss\"\nwidens = \"the old ones are few\"\n";
    let said: Vec<_> = said_with(needless).into_iter().map(|(code, _)| code).collect();
    assert_eq!(said, ["M0603"]);
}

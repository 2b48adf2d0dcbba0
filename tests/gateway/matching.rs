//! `ids match`: records of two real sides, made on either of them, are found to be the same, and are reached on both by the
//! ids of both; conflicts are told and change nothing; and a search that is killed leaves the map as it was or as it should be.

mod scripted;
mod sides;

use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use uuid::Uuid;

use self::scripted::{Answer, Scripted, page};
use self::sides::{Pair, Sides, TOKEN};
use crate::ids::{Place, kill, until_written};

/// Enough that writing them takes the store more than its cache.
const MANY: u128 = 40_000;

const NORTH: Uuid = Uuid::from_u128(1 << 100);

/// Runs the program with the map of a place.
fn matching(place: &Place, arguments: &[&str]) -> Command {
    let credential = place.path("credential");
    std::fs::write(&credential, format!("{TOKEN}\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_interlingua"));
    command.args(["ids", "match", "--dialect", "gitbook", "--store"]).arg(place.path("ids.sqlite"));
    command.arg("--credential-file").arg(credential).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Its exit status, and what it printed.
fn ran(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(stdout), text(stderr));
    assert!(!out.contains(TOKEN) && !err.contains(TOKEN), "the credential is shown: {err}");
    (status.code(), out, err)
}

/// Imports organizations.
fn import(place: &Place, pairs: &[&Pair]) {
    for pair in pairs {
        place.imported("entity", &[(&pair.old, &pair.new.to_string())]);
    }
}

#[test]
fn what_was_made_on_either_side_is_found_and_reached_on_both_by_the_ids_of_both() {
    let place = Place::new();
    place.imported("entity", &[("nobody-7", &Uuid::new_v4().to_string())]);
    let sides = Sides::start(&place);
    // The one is made on the old side and copied, the other on the canonical side and copied back.
    let old_made = sides.found_on_both("Made of old");
    let new_made = sides.found_on_both("Made of new");
    // Nothing that this dialect tells of an organization is its alone: those are imported.
    import(&place, &[&old_made, &new_made]);
    let person = sides.person_on_both(&old_made, "new.person@example.org");
    let other = sides.person_on_both(&new_made, "other.person@example.org");
    let bases = sides.bases();
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();

    // Looking changes nothing, and what is printed can be imported.
    let (status, out, err) = ran(&mut matching(&place, &[&bases[..], &["--kind", "user"]].concat()));
    assert_eq!(status, Some(0), "{err}");
    let mut expected: Vec<String> = vec![person.row(), other.row()];
    expected.sort();
    let mut rows: Vec<&str> = out.lines().collect();
    assert_eq!(rows.remove(0), "external,canonical,organization");
    assert_eq!(rows, expected);
    assert!(err.contains("2 pairs are new"), "{err}");
    assert!(!err.contains("example.org"), "an address is shown: {err}");

    let (status, out, err) = ran(&mut matching(&place, &[&bases[..], &["--write"]].concat()));
    assert_eq!((status, out.as_str()), (Some(0), ""), "{err}");
    assert!(err.contains("2 pairs are written"), "{err}");
    assert!(place.is_sound());
    let (status, _, err) = ran(&mut matching(&place, &[&bases[..], &["--write"]].concat()));
    assert_eq!(status, Some(0), "{err}");
    assert!(err.contains("0 pairs are written, 4 were in the id map"), "{err}");

    let sides = sides.with_a_new_proxy(&place);
    for mode in ["canonical", "legacy"] {
        sides.put(&json!({ "mode": mode }));
        for (pair, title) in [(&old_made, "Made of old"), (&new_made, "Made of new")] {
            for id in pair.spellings() {
                let told = sides.read(&format!("/orgs/{id}"));
                assert_eq!((&told["title"], &told["id"]), (&json!(title), &json!(pair.old)), "{mode} {id}");
            }
        }
        for (around, member, email) in
            [(&old_made, &person, "new.person@example.org"), (&new_made, &other, "other.person@example.org")]
        {
            for organization in around.spellings() {
                for user in member.spellings() {
                    let told = sides.read(&format!("/orgs/{organization}/members/{user}"));
                    assert_eq!(told["user"]["email"], email, "{mode} {organization} {user}");
                    assert_eq!(told["id"], json!(member.old), "{mode}");
                }
            }
        }
    }
}

#[test]
fn a_record_that_is_another_in_the_map_is_a_conflict_and_nothing_changes() {
    let place = Place::new();
    place.imported("entity", &[("nobody-7", &Uuid::new_v4().to_string())]);
    let sides = Sides::start(&place);
    let around = sides.found_on_both("One name");
    import(&place, &[&around]);
    let same = sides.person_on_both(&around, "new.person@example.org");
    let other = Uuid::new_v4();
    place.imported("user", &[(&same.old, &other.to_string())]);

    let bases = sides.bases();
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let (status, out, err) = ran(&mut matching(&place, &[&bases[..], &["--write"]].concat()));
    assert_eq!((status, out.as_str()), (Some(1), ""), "{err}");
    let expected = format!(
        "error[V0203]: `{}` would be {}, and in the id map is {other}\n |\n = note: ids of kind `user`\n",
        same.old, same.new
    );
    assert!(err.contains(&expected), "{err}");
    assert!(err.contains("0 pairs are written"), "{err}");
    let exported = Command::new(env!("CARGO_BIN_EXE_interlingua"))
        .args(["ids", "export", "--dialect", "gitbook", "--kind", "user", "--store"])
        .arg(place.path("ids.sqlite"))
        .output()
        .unwrap();
    let exported = String::from_utf8(exported.stdout).unwrap();
    assert!(exported.contains(&format!("{},{other},\n", same.old)), "{exported}");
    assert_eq!(exported.lines().count(), 2, "{exported}");
}

/// A dialect's list of organizations.
fn organizations(all: &[(&str, &str)]) -> Value {
    let items: Vec<_> =
        all.iter().map(|(id, title)| json!({"object": "organization", "id": id, "title": title})).collect();
    json!({ "count": items.len(), "items": items })
}

/// The canonical one.
fn canonical(all: &[(Uuid, &str)]) -> Value {
    let items: Vec<_> =
        all.iter().map(|(id, name)| json!({"id": id.to_string(), "slug": "s", "name": name})).collect();
    json!({ "total": items.len(), "items": items })
}

/// Members by user and address, as each side tells them.
fn members(all: &[(&str, &str)]) -> Value {
    let item = |(id, email): &(&str, &str)| json!({"id": id, "user": {"id": id, "email": email}});
    json!({ "count": all.len(), "items": all.iter().map(item).collect::<Vec<_>>() })
}

fn canonical_members(all: &[(Uuid, &str)]) -> Value {
    let item = |(id, email): &(Uuid, &str)| json!({"user": {"id": id.to_string(), "email": email}});
    json!({ "total": all.len(), "items": all.iter().map(item).collect::<Vec<_>>() })
}

/// Both sides as scripts say.
fn scripted(old: fn(&str) -> Answer, new: fn(&str) -> Answer) -> (Scripted, Scripted, Vec<String>) {
    let (old, new) = (Scripted::start(old), Scripted::start(new));
    let bases = vec!["--old".to_owned(), old.base(), "--new".to_owned(), new.base()];
    (old, new, bases)
}

#[test]
fn whatever_cannot_be_a_pair_is_told_and_the_rest_is_written() {
    const SOUTH: Uuid = Uuid::from_u128(0x2000);
    const ADA: Uuid = Uuid::from_u128(0xada);
    const BOB: Uuid = Uuid::from_u128(0xb0b);
    const EVE: Uuid = Uuid::from_u128(0xe7e);
    const TWIN: Uuid = Uuid::from_u128(0x3);
    const JOE: Uuid = Uuid::from_u128(0x70e);
    let old = |path: &str| match path {
        "/v1/orgs" => Answer::of(organizations(&[("o-1", "North"), ("o-2", "South"), ("o-3", "West")])),
        // Ada has an account in each organization; Bob's id is how another's is spelt; Eve's address is written otherwise; two
        // have one address; and Joe's id would lead elsewhere.
        "/v1/orgs/o-1/members" => Answer::of(members(&[
            ("u-1", "ada@example.org"),
            ("u-3", "Eve@Example.org"),
            ("u-4", "twin@example.org"),
            ("u-5", "twin@example.org"),
            ("../joe", "joe@example.org"),
        ])),
        "/v1/orgs/o-2/members" => {
            Answer::of(members(&[("u-2", "ada@example.org"), (&EVE.to_string(), "bob@example.org")]))
        }
        _ => Answer::status(404),
    };
    let new = |path: &str| {
        let members_of = |id: Uuid| format!("/v1/organizations/{id}/members");
        match path {
            "/v1/organizations" => {
                Answer::of(canonical(&[(NORTH, "North"), (SOUTH, "South"), (Uuid::from_u128(3), "West")]))
            }
            path if path == members_of(NORTH) => Answer::of(canonical_members(&[
                (ADA, "ada@example.org"),
                (EVE, "eve@example.org"),
                (TWIN, "twin@example.org"),
                (JOE, "joe@example.org"),
            ])),
            path if path == members_of(SOUTH) => {
                Answer::of(canonical_members(&[(ADA, "ada@example.org"), (BOB, "bob@example.org")]))
            }
            _ => Answer::status(404),
        }
    };
    let place = Place::new();
    place.imported("entity", &[("o-1", &NORTH.to_string()), ("o-2", &SOUTH.to_string())]);
    let (_old, _new, bases) = scripted(old, new);
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let (status, _, err) = ran(&mut matching(&place, &[&bases[..], &["--write"]].concat()));
    assert_eq!(status, Some(1), "{err}");
    for expected in [
        "at the old upstream: `u-4`, `u-5`; at the canonical side: `00000000-0000-0000-0000-000000000003`"
            .to_owned(),
        format!("error[V0202]: `u-1` would be {ADA}, and {ADA} would be `u-2`"),
        format!("error[V0204]: `{EVE}` would be {BOB}, and is how {EVE} is spelt"),
        "1 pairs are written".to_owned(),
        "3 conflicts".to_owned(),
    ] {
        assert!(err.contains(&expected), "{expected}\n{err}");
    }
    assert!(err.contains("error[V0201]: one key (") && err.contains("is that of several `user`"), "{err}");
    for never in ["example.org", "Example.org", "../joe"] {
        assert!(!err.contains(never), "{never} is shown: {err}");
    }
    assert_eq!(place.count(), 1, "u-3 is Eve");
}

#[test]
fn lists_are_read_as_they_are_paged_and_a_list_that_is_hidden_is_left_out() {
    let old = |path: &str| match path {
        "/v1/orgs" => page(&["o-1", "o-2", "o-3"].map(|id| json!({"id": id, "title": id})), 1),
        "/v1/orgs/o-2/members" => Answer::status(403),
        path if path.ends_with("/members") => {
            let all: Vec<_> = (0..1_234).map(|n| json!({"id": format!("u-{n}"), "user": {"id": format!("u-{n}"), "email": format!("p{n}@example.org")}})).collect();
            page(&all, 500)
        }
        _ => Answer::status(404),
    };
    let new = |path: &str| match path {
        "/v1/organizations" => {
            Answer::of(canonical(&[(NORTH, "o-1"), (Uuid::from_u128(2), "o-2"), (Uuid::from_u128(3), "o-3")]))
        }
        path if path.ends_with("/members") => {
            // In another order.
            let all: Vec<_> = (0..1_234_u128)
                .rev()
                .map(|n| (Uuid::from_u128(n + 1), format!("p{n}@example.org")))
                .collect();
            Answer::listed(
                all.iter()
                    .map(|(id, email)| json!({"user": {"id": id.to_string(), "email": email}}))
                    .collect(),
            )
        }
        _ => Answer::status(404),
    };
    let place = Place::new();
    let known: Vec<_> = [NORTH, Uuid::from_u128(2), Uuid::from_u128(3)].map(|id| id.to_string()).into();
    place.imported("entity", &[("o-1", &known[0]), ("o-2", &known[1]), ("o-3", &known[2])]);
    let (old, new, bases) = scripted(old, new);
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let (status, out, err) = ran(&mut matching(&place, &[&bases[..], &["--kind", "user"]].concat()));
    assert_eq!(status, Some(0), "{err}");
    let mut expected: Vec<_> =
        (0..1_234_u128).map(|n| format!("u-{n},{},", Uuid::from_u128(n + 1))).collect();
    expected.sort();
    assert_eq!(out.lines().skip(1).collect::<Vec<_>>(), expected);
    let hidden = format!(
        "the old upstream answers `listMembersInOrganizationById` in {} with 403",
        Uuid::from_u128(2)
    );
    assert!(err.contains(&hidden), "{err}");
    let asked =
        |side: &Scripted, begin: &str| side.asked().iter().filter(|line| line.starts_with(begin)).count();
    assert_eq!(asked(&old, "/v1/orgs?"), 3, "each page names the next");
    assert_eq!(asked(&old, "/v1/orgs/o-1/members?"), 3);
    assert_eq!(asked(&new, &format!("/v1/organizations/{NORTH}/members?")), 3);
}

#[test]
fn what_cannot_be_asked_is_no_conflict() {
    let nothing = |_: &str| Answer::status(503);
    let place = Place::new();
    let (_old, _new, bases) = scripted(nothing, nothing);
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let (status, out, err) = ran(&mut matching(&place, &[&bases[..], &["--write"]].concat()));
    assert_eq!((status, out.as_str()), (Some(2), ""), "{err}");
    assert!(
        err.contains("the old upstream did not tell `listOrganizationsForAuthenticatedUser`: it answers 503"),
        "{err}"
    );
    let (status, _, err) = ran(&mut matching(&place, &["--kind", "user"]));
    assert_eq!(status, Some(2));
    assert!(
        err.contains(
            "nobody says where the old upstream is: give `--old URL`, or set `base` under `[legacy.gitbook]`"
        ),
        "{err}"
    );
    let (status, _, err) = ran(&mut matching(&place, &[&bases[..], &["--kind", "content"]].concat()));
    assert_eq!(status, Some(2));
    assert!(err.contains("ids of `content` cannot have been imported; these can: `entity`, `user`"), "{err}");
    let (status, _, err) = ran(&mut matching(&place, &[&bases[..], &["--kind", "entity"]].concat()));
    assert_eq!(status, Some(2));
    assert!(err.contains("no list of `gitbook` tells ids of `entity` together with a key"), "{err}");
}

#[test]
fn a_name_that_is_not_unique_pairs_nothing() {
    let old = |path: &str| match path {
        "/v1/orgs" => Answer::of(organizations(&[("o-1", "Docs")])),
        "/v1/orgs/o-1/members" => Answer::of(members(&[("u-1", "ada@example.org")])),
        _ => Answer::status(404),
    };
    let new = |path: &str| match path {
        "/v1/organizations" => Answer::of(canonical(&[(NORTH, "Docs")])),
        path if path.ends_with("/members") => {
            Answer::of(canonical_members(&[(Uuid::from_u128(1), "ada@example.org")]))
        }
        _ => Answer::status(404),
    };
    let place = Place::new();
    let (old, _new, bases) = scripted(old, new);
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let (status, _, err) = ran(&mut matching(&place, &[&bases[..], &["--write"]].concat()));
    assert_eq!(status, Some(0), "{err}");
    assert!(err.contains("0 pairs are written"), "{err}");
    assert!(!old.asked().iter().any(|line| line.contains("members")), "nobody said that they are one");
}

/// They would change the path of a request that has one of them.
#[test]
fn ids_that_no_map_can_have_are_left_out() {
    let old = |path: &str| match path {
        "/v1/orgs" => Answer::of(organizations(&[("o-1", "North")])),
        "/v1/orgs/o-1/members" => Answer::of(members(&[
            ("u-1", "ada@example.org"),
            ("u/2", "bob@example.org"),
            ("..", "eve@example.org"),
        ])),
        _ => Answer::status(404),
    };
    let new = |path: &str| match path {
        "/v1/organizations" => Answer::of(canonical(&[(NORTH, "North")])),
        path if path.ends_with("/members") => Answer::of(canonical_members(&[
            (Uuid::from_u128(1), "ada@example.org"),
            (Uuid::from_u128(2), "bob@example.org"),
        ])),
        _ => Answer::status(404),
    };
    let place = Place::new();
    place.imported("entity", &[("o-1", &NORTH.to_string())]);
    let (_old, _new, bases) = scripted(old, new);
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let (status, out, err) = ran(&mut matching(&place, &[&bases[..], &["--kind", "user"]].concat()));
    assert_eq!(status, Some(0), "{err}");
    let rows: Vec<_> = out.lines().skip(1).map(str::to_owned).collect();
    assert_eq!(rows, [format!("u-1,{},", Uuid::from_u128(1))], "{out}");
    assert!(
        err.contains("without a counterpart are 0 ids of the old upstream and 1 of the canonical side"),
        "{err}"
    );
}

#[test]
fn a_list_that_breaks_off_is_no_hidden_one() {
    let old = |path: &str| match path {
        "/v1/orgs" => Answer::Broken(json!({"id": "o-1", "title": "North"}), 404),
        _ => Answer::status(404),
    };
    let new = |_: &str| Answer::of(canonical(&[(NORTH, "North")]));
    let place = Place::new();
    let (_old, _new, bases) = scripted(old, new);
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let (status, _, err) = ran(&mut matching(&place, &[&bases[..], &["--write"]].concat()));
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("it answers 404"), "{err}");
}

#[test]
fn pages_that_lead_in_circles_are_told() {
    let old = |path: &str| match path {
        "/v1/orgs" => Answer::Circle(json!({"id": "o-1", "title": "North"})),
        _ => Answer::status(404),
    };
    let new = |_: &str| Answer::of(canonical(&[(NORTH, "North")]));
    let place = Place::new();
    let (old, _new, bases) = scripted(old, new);
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let (status, _, err) = ran(&mut matching(&place, &[&bases[..], &["--write"]].concat()));
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("a page begins as the one before it did"), "{err}");
    assert_eq!(old.asked().len(), 2);
}

#[test]
fn a_search_that_is_killed_while_it_writes_leaves_the_map_as_before_or_as_after() {
    let old = |path: &str| match path {
        "/v1/orgs" => Answer::of(organizations(&[("o-1", "North")])),
        "/v1/orgs/o-1/members" => {
            let user = |n| json!({"id": format!("u-{n}"), "user": {"id": format!("u-{n}"), "email": format!("p{n}@e.org")}});
            page(&(0..MANY).map(user).collect::<Vec<_>>(), 500)
        }
        _ => Answer::status(404),
    };
    let new = |path: &str| match path {
        "/v1/organizations" => Answer::of(canonical(&[(NORTH, "North")])),
        path if path.ends_with("/members") => {
            let user = |n| json!({"user": {"id": Uuid::from_u128(n + 1).to_string(), "email": format!("p{n}@e.org")}});
            Answer::listed((0..MANY).map(user).collect())
        }
        _ => Answer::status(404),
    };
    let place = Place::new();
    place.imported("entity", &[("o-1", &NORTH.to_string())]);
    place.imported("user", &[("before", &NORTH.to_string())]);
    let (_old, _new, bases) = scripted(old, new);
    let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
    let all = i64::try_from(MANY).unwrap() + 1;
    for written in [0, 1 << 20] {
        let mut child: Child = matching(&place, &[&bases[..], &["--write"]].concat()).spawn().unwrap();
        until_written(&mut child, &place.path("ids.sqlite-wal"), written);
        let output = kill(child);
        let said = String::from_utf8_lossy(&output.stderr).contains("pairs are written");
        let count = place.count();
        assert!(count == all || count == 1 && !said, "{count} pairs, killed at {written}");
        assert!(place.is_sound());
    }
    let (status, _, err) = ran(&mut matching(&place, &[&bases[..], &["--write"]].concat()));
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(place.count(), all);
    assert!(place.is_sound());
    assert!(!err.contains("e.org"), "{err}");
}

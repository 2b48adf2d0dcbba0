//! Changes that are made while others are looked at: which are known, and what is told of what they may have done.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::select;
use http::{HeaderMap, Method};
use tokio::task::yield_now;

use super::acme;
use super::modes::LAMP;
use super::shadows::{NORTH, count, planted, shadow, with_things};
use super::support::TestGateway;
use crate::gateway::mode::{Config, Legacies, Mode, Modes, Side};
use crate::upstream::{self, Upstream};

/// A change at that path of a dialect has begun and ended since another of a record did, whose name is decoded.
fn is_changed_by(dialect: &str, path: &str, record: &str) -> bool {
    let registry = acme::with_generations(&["acme-1"]);
    let modes =
        Modes::new(&registry, &[("acme".to_owned(), shadow(Side::Legacy))].into(), &Legacies::default());
    let begin = |dialect: &str, path: &str| {
        let path = format!("/{dialect}/api/orgs/{path}/things");
        let target = registry.select(&Method::POST, None, &path, &HeaderMap::new()).unwrap();
        let plan = Arc::clone(modes.of(&target.dialect).unwrap());
        (modes.begin_write(&target).unwrap().end(), plan)
    };
    let (passage, plan) = begin("acme", "ada%40x");
    assert!(plan.is_unchanged_since(passage, [record].into_iter()));
    begin(dialect, path);
    !plan.is_unchanged_since(passage, [record].into_iter())
}

#[test]
fn a_record_is_the_same_however_its_path_is_written_and_in_whichever_generation() {
    for (dialect, path) in [("acme", "ada%40x"), ("acme", "ada@x"), ("acme", "%61DA@x"), ("acme-1", "ada@x")]
    {
        assert!(is_changed_by(dialect, path, "ada@x"), "{dialect} {path}");
    }
    // Some records are taken for one by chance: each of these as one in a thousand times.
    let others = ["bo@x", "cy@x", "di@x", "ed@x"];
    assert!(others.iter().any(|other| !is_changed_by("acme", other, "ada@x")));
}

/// A change that is under way in one mode while another follows, of a dialect with an old upstream.
#[tokio::test]
async fn changes_stay_known_whatever_modes_follow_and_only_where_there_is_an_old_upstream() {
    let registry = acme::with_generations(&["acme-1"]);
    let old = Upstream::new(Arc::new(upstream::Config::new("http://127.0.0.1:1".parse().unwrap()))).unwrap();
    let legacies: Legacies = [("acme".to_owned(), old)].into_iter().collect();
    let said = |mode: Mode| [("acme".to_owned(), Config { mode, ..Config::default() })].into();
    let target = |dialect: &str| {
        let path = format!("/{dialect}/api/orgs/north/things");
        registry.select(&Method::POST, None, &path, &HeaderMap::new()).unwrap()
    };
    let nothing = Modes::new(&registry, &BTreeMap::new(), &Legacies::default());
    assert!(nothing.begin_write(&target("acme")).is_none(), "there is no other side");

    // Of the first of these nothing is said.
    let mut before = nothing.followed_by(&registry, &BTreeMap::new(), &legacies);
    for mode in [Mode::Canonical, Mode::Legacy, Mode::Split] {
        let under_way = before.begin_write(&target("acme-1")).unwrap();
        let after = before.followed_by(&registry, &said(Mode::Shadow), &legacies);
        before.supersede(&after);
        let plan = after.of(&target("acme").dialect).unwrap();
        let is_alone = || {
            let passage = after.begin_write(&target("acme")).unwrap().end();
            plan.is_unchanged_since(passage, ["north"].into_iter())
        };
        assert!(!is_alone(), "{mode:?}");
        drop(under_way);
        assert!(is_alone(), "{mode:?}");
        before = after.followed_by(&registry, &said(mode), &legacies);
        after.supersede(&before);
    }

    let last = before.followed_by(&registry, &said(Mode::Shadow), &legacies);
    let plan = last.of(&target("acme").dialect).unwrap();
    let passage = last.begin_write(&target("acme")).unwrap().end();
    last.supersede(&last.followed_by(&registry, &BTreeMap::new(), &Legacies::default()));
    let is_known = plan.is_unchanged_since(passage, ["north"].into_iter());
    assert!(!is_known, "where nobody notes changes any more, nobody knows");
}

#[tokio::test]
async fn what_differs_while_somebody_changes_the_record_is_no_difference() {
    for is_changed in [false, true] {
        let (gateway, _seen) = TestGateway::start_moving(with_things, planted, shadow(Side::Canonical)).await;
        let (gateway, work) = gateway.shadowing();
        let path = format!("/orgs/{NORTH}/things");
        let mut change = Box::pin(gateway.post(&path, LAMP));
        if is_changed {
            assert!(change.as_mut().now_or_never().is_none(), "it is under way");
        }
        assert_eq!(gateway.read(&format!("/lists/{NORTH}/things")).await.0, 200);
        let is_compared = async {
            while count(&gateway.metrics(), "") == 0 {
                yield_now().await;
            }
        };
        select(pin!(work.run()), pin!(is_compared)).await;
        let outcome = if is_changed { "unsteady" } else { "different" };
        assert_eq!(count(&gateway.metrics(), outcome), 1, "{}", gateway.metrics());
    }
}

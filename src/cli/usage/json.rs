//! For programs.

use std::collections::BTreeMap;

use serde_json::{Value as Tree, json};

use super::axis::DAY;
use super::compared::{Compared, Seen};
use super::ending::Ending;
use super::met::Loss;
use super::verdict::Moving;
use super::{Told, is_exact};
use crate::dialect::retirement::Dates;
use crate::limit::Principal;
use crate::time::rfc3339;
use crate::usage::heavy::Use;
use crate::usage::snapshot::{date, moment};
use crate::usage::{Part, UNCONFIRMED};

/// The report.
pub(super) fn written(told: &Told) -> Tree {
    let all = &told.counted;
    let removing = told.removal.as_ref().map(|removal| {
        let users: Vec<_> = removal.users.iter().map(|(who, known)| entry(told, who, known)).collect();
        let unconfirmed = removal.unconfirmed.map(|known| entry(told, &UNCONFIRMED, &known));
        json!({"part": removal.part, "certain": removal.is_certain(), "missed": removal.missed, "unconfirmed": unconfirmed,
            "users": users})
    });
    let verdicts = told.verdicts.iter().map(|verdict| {
        let hindrances = |moving: Moving| {
            let found = verdict.hindrances.iter().filter(move |one| one.moving == moving);
            let found = found.map(|one| {
                let mut told = entry(told, &verdict.who, &one.known);
                told["part"] = one.part.to_string().into();
                told["reason"] = one.reason.as_str().into();
                told
            });
            found.collect::<Vec<_>>()
        };
        let requests = verdict.dialects.iter().map(|(dialect, known)| {
            let mut requests = entry(told, &verdict.who, known);
            requests["dialect"] = dialect.as_str().into();
            requests
        });
        json!({
            "principal": verdict.who.to_string(),
            "name": told.name(&verdict.who),
            "moving": verdict.moving().word(),
            "safe": verdict.moving() == Moving::Safe,
            "parts": verdict.parts,
            "dialects": requests.collect::<Vec<_>>(),
            "clients": verdict.clients,
            "blocks": hindrances(Moving::Blocked),
            "doubts": hindrances(Moving::Unknown),
            "notes": verdict.remarks,
            "only_shown": verdict.unread,
        })
    });
    json!({
        "replicas": told.replicas,
        "requests": told.requests(),
        "exact": is_exact(&all.uses),
        "error": told.error(),
        "removing": removing,
        "retiring": retiring(told),
        "principals": verdicts.collect::<Vec<_>>(),
        "remaining": remaining(told),
        "comparisons": comparisons(told),
        "differences": differences(&told.met.differences),
        "shown": differences(&told.met.shown),
        "places": told.places.iter().map(|of| of.covers.json((&of.dialect, &of.operation), of.answers)).collect::<Vec<_>>(),
        "losses": losses(told),
        "counted": all.to_json(),
    })
}

/// What retires, and who still uses it.
fn retiring(told: &Told) -> Tree {
    let of = |ending: &Ending| {
        let Dates { deprecated, sunset, gone, brown_outs, docs, successor } = &ending.dates;
        let places = ending.places.iter().map(|place| {
            json!({"part": place.to_string(), "dialect": place.dialect, "operation": place.operation,
                "field": place.field, "values": place.values})
        });
        let windows =
            brown_outs.iter().map(|window| json!({"from": rfc3339(window.start), "to": rfc3339(window.end)}));
        let users = ending.users.iter().map(|(who, known)| entry(told, who, known));
        let unconfirmed = ending.unconfirmed.map(|known| entry(told, &UNCONFIRMED, &known));
        json!({
            "places": places.collect::<Vec<_>>(),
            "state": ending.state,
            "deprecated": rfc3339(*deprecated),
            "sunset": sunset.map(rfc3339),
            "gone": gone.map(rfc3339),
            "brown_outs": windows.collect::<Vec<_>>(),
            "docs": docs,
            "successor": successor,
            "certain": told.untouched == 0 && ending.is_certain(),
            "missed": ending.missed,
            "unconfirmed": unconfirmed,
            "users": users.collect::<Vec<_>>(),
        })
    };
    told.endings.iter().map(of).collect()
}

/// How many principals used each dialect on each day.
fn remaining(told: &Told) -> Tree {
    let days = told.met.remaining.iter().flat_map(|(day, dialects)| {
        let table = told.counted.days.get(day);
        dialects.iter().map(move |(dialect, count)| {
            let others = (UNCONFIRMED, dialect.clone());
            let is_exact = table.is_none_or(|table| table.missed == 0 && table.get(&others).is_none());
            json!({"day": date(day * DAY), "dialect": dialect, "principals": count, "exact": is_exact})
        })
    });
    days.collect()
}

fn comparisons(told: &Told) -> Tree {
    let of = |((dialect, operation), of): (&(String, String), &Compared)| {
        let failed: BTreeMap<_, _> = of.failed.iter().map(|(outcome, seen)| (outcome, seen.count)).collect();
        json!({"dialect": dialect, "operation": operation, "compared": of.answers.count,
            "different": of.different.count, "refused": of.refused.count, "fits": of.fits.count,
            "untried": of.untried.count, "not_compared": failed})
    };
    told.met.compared.iter().map(of).collect()
}

/// Places where the sides differ.
fn differences(places: &BTreeMap<Part, Seen>) -> Tree {
    let of = |(part, seen): (&Part, &Seen)| {
        let own = json!({"dialect": part.dialect, "operation": part.operation, "place": part.field});
        with_seen(own, seen)
    };
    places.iter().map(of).collect()
}

/// Declared losses, met or not.
fn losses(told: &Told) -> Tree {
    let of = |loss: &Loss| {
        let of = if loss.is_of_answers { "answer" } else { "request" };
        let own = json!({"dialect": loss.dialect, "loss": loss.name, "of": of, "reason": loss.reason});
        with_seen(own, &loss.met)
    };
    told.met.losses.iter().map(of).collect()
}

fn with_seen(mut of: Tree, seen: &Seen) -> Tree {
    of["count"] = seen.count.into();
    of["first"] = seen.days.map(|(first, _)| date(first * DAY)).into();
    of["last"] = seen.days.map(|(_, last)| date(last * DAY)).into();
    of
}

fn entry(told: &Told, who: &Principal, known: &Use<()>) -> Tree {
    json!({"principal": who.to_string(), "name": told.name(who), "count": known.count, "error": known.error,
        "first": moment(known.first), "last": moment(known.last)})
}

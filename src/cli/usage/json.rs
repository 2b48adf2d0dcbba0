//! For programs.

use serde_json::{Value as Tree, json};

use super::verdict::Moving;
use super::{Told, is_exact};
use crate::usage::Who;
use crate::usage::heavy::Use;
use crate::usage::snapshot::moment;

/// The report.
pub(super) fn written(told: &Told) -> Tree {
    let all = &told.counted;
    let removing = told.removal.as_ref().map(|removal| {
        let users: Vec<_> = removal.users.iter().map(|(who, known)| entry(told, who, known)).collect();
        json!({"part": removal.part, "missed": removal.missed, "users": users})
    });
    let verdicts = told.verdicts.iter().map(|verdict| {
        let blocks = verdict.blocks.iter().map(|(part, reason, known)| {
            let mut block = entry(told, &verdict.who, known);
            block["part"] = part.to_string().into();
            block["reason"] = reason.as_str().into();
            block
        });
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
            "blocks": blocks.collect::<Vec<_>>(),
            "notes": verdict.remarks,
        })
    });
    json!({
        "replicas": told.replicas,
        "requests": told.requests(),
        "exact": is_exact(&all.uses),
        "error": told.error(),
        "removing": removing,
        "principals": verdicts.collect::<Vec<_>>(),
        "counted": all.to_json(),
    })
}

fn entry(told: &Told, who: &Who, known: &Use<()>) -> Tree {
    json!({"principal": who.to_string(), "name": told.name(who), "count": known.count, "error": known.error,
        "first": moment(known.first), "last": moment(known.last)})
}

//! Roles and other words: what each means, and what a role promises.

use super::{Around, TODO, Todos, closest, is_open};
use crate::canonical::role::{Capabilities, Roles};
use crate::diag::Spanned;
use crate::diag::alike::alike;
use crate::lens::path::Literal;
use crate::mapping::canonical::matching;
use crate::mapping::file::{Landing, MappingFile, RowPart, TablePart, Text};

pub(super) fn take(todos: &mut Todos, file: &mut MappingFile, around: &Around<'_>) {
    let roles = &around.canonical.api.roles;
    if let Some(table) = &mut file.roles {
        table.rows.retain(|row| !role(todos, row, roles));
        lands(todos, table);
        table.is_whole &= !todos.marks.iter().any(|(_, path)| path.starts_with("role"));
    }
    for named in &mut file.tables {
        let name = named.name.value.clone();
        let Some(table) = &mut named.part else { continue };
        let before = table.rows.len() + table.lands.len();
        table.rows.retain(|row| {
            let open = [&row.word, &row.is].into_iter().find(|word| is_open_word(word));
            if let Some(open) = open {
                let message =
                    format!("the word {} of table `{name}` means nothing yet", row.word.value.json());
                todos.tell(&text(open), message, "the canonical word", &[]);
            }
            open.is_none()
        });
        lands(todos, table);
        table.is_whole &= before == table.rows.len() + table.lands.len();
    }
}

/// Tells what is open in the row of a role, and says whether anything is.
fn role(todos: &mut Todos, row: &RowPart, roles: &Roles) -> bool {
    let word = row.word.value.json();
    let promised = row.may.iter().find(|may| is_open(may));
    if is_open_word(&row.is) {
        let may = promised.is_none().then(|| promise(row, roles)).flatten();
        let message = format!("role {word} is not placed yet");
        let help = match closest(&near(row, roles, may)) {
            Some(closest) if may.is_some() => format!("{closest}: they grant no more than it promises"),
            Some(closest) => format!(
                "{closest}, by their names; say what it promises first, then it is known what it can be"
            ),
            None => "say what it promises first, then it is known what it can be".to_owned(),
        };
        todos.tell_with(&text(&row.is), message, "the canonical role", Some(help));
    }
    if let Some(may) = promised {
        let names: Vec<_> =
            roles.capability_names(Capabilities::ALL).map(|name| format!("`{name}`")).collect();
        let message = format!("nobody has said what the role {word} promises");
        let help =
            format!("look in the documentation of the API, and list what it has of {}", names.join(", "));
        todos.tell_with(may, message, "what it may do", Some(help));
    }
    promised.is_some() || is_open_word(&row.is)
}

/// What a row promises, if that is understood.
fn promise(row: &RowPart, roles: &Roles) -> Option<Capabilities> {
    let sets: Option<Vec<_>> = row.may.iter().map(|pattern| matching(roles, &pattern.value)).collect();
    Some(sets?.into_iter().fold(Capabilities::NONE, |all, one| all | one))
}

/// The canonical roles that a word is likeliest: those that grant no more than it promises, the greatest first; or,
/// where that is not known, those that are called like it.
fn near(row: &RowPart, roles: &Roles, may: Option<Capabilities>) -> Vec<String> {
    let word = row.word.value.value().as_str().unwrap_or_default().into_owned();
    let likeness = |name: &str| alike(&word.to_lowercase(), name);
    let Some(may) = may else {
        let named = roles.all().map(|role| roles.name(role)).filter(|name| likeness(name) > 0);
        let mut named: Vec<_> = named.map(str::to_owned).collect();
        named.sort_by_key(|name| std::cmp::Reverse(likeness(name)));
        named.truncate(3);
        return named;
    };
    let size = |set: Capabilities| roles.capability_names(set).count();
    let mut within: Vec<_> = roles.all().filter(|role| may.includes(roles.grants(*role))).collect();
    within.sort_by_key(|role| std::cmp::Reverse((size(roles.grants(*role)), likeness(roles.name(*role)))));
    within.into_iter().take(3).map(|role| roles.name(role).to_owned()).collect()
}

fn lands(todos: &mut Todos, table: &mut TablePart) {
    table.lands.retain(|land| {
        let open = match &land.landing {
            Landing::As(word) if is_open_word(word) => text(word),
            Landing::Refuse(reason) if is_open(reason.said()) => reason.said().clone(),
            Landing::As(_) | Landing::Refuse(_) => return true,
        };
        let message = format!("`{}` has no landing yet", land.canonical.value);
        let help = "`as` a word that grants no more, or `refuse` with the reason".to_owned();
        todos.tell_with(&open, message, "what stands for it", Some(help));
        false
    });
}

fn is_open_word(word: &Spanned<Literal>) -> bool {
    word.value.value().as_str().is_some_and(|text| text == TODO)
}

fn text(word: &Spanned<Literal>) -> Text {
    Text { value: TODO.to_owned(), span: word.span }
}

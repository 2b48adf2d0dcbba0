//! Credentials, errors, ids, pages and resolvers: what is taken out because something in it is not decided.

use super::operation::is_some_open;
use super::{Todos, is_open};
use crate::dialect::errors::Slot;
use crate::dialect::page::PageSlot;
use crate::mapping::file::{IdPart, MappingFile, TemplatePart};

pub(super) fn take(todos: &mut Todos, file: &mut MappingFile) {
    file.credentials.retain(|part| {
        if is_open(&part.header) {
            let help = "as in `Authorization` with `scheme = \"Bearer\"`, or `X-API-Key`".to_owned();
            let message = "it is not decided how a credential travels".to_owned();
            todos.tell_with(&part.header, message, "the header it stands in", Some(help));
        }
        if is_open(&part.pattern) {
            let message =
                format!("it is not decided what a credential in `{}` looks like", part.header.value);
            let help = "the shape of a real one, as in `^acme_[0-9A-Za-z]{32}$`; nothing else is let in";
            todos.tell_with(&part.pattern, message, "a regular expression", Some(help.to_owned()));
        }
        !is_open(&part.header) && !is_open(&part.pattern) && !is_some_open(part.scheme.as_ref())
    });
    file.quota.windows.retain(|window| !is_open(window));
    file.quota.headers.retain(|family| !is_open(family));
    if let Some(errors) = &mut file.errors {
        for template in [&mut errors.plain, &mut errors.invalid, &mut errors.item].into_iter().flatten() {
            template_of(todos, template);
        }
        errors.words.retain(|(status, word)| !is_open(status) && !is_open(word));
        errors.kinds.retain(|(ours, theirs)| !is_open(ours) && !is_open(theirs));
    }
    for named in &mut file.pages {
        let Some(page) = &named.part else { continue };
        for (member, slot) in page.fields.iter().filter(|(_, slot)| is_open(slot)) {
            let message =
                format!("it is not decided what `{}` of page `{}` holds", member.value, named.name.value);
            todos.tell_with(
                slot,
                message,
                "a slot",
                Some(slots(PageSlot::NAMES.iter().map(|(name, _)| *name))),
            );
        }
        if is_open(&page.limit.query) {
            let message = format!("page `{}` has no parameter that bounds it yet", named.name.value);
            let help =
                "one the document does not name will do: no client sends it, and `default` holds".to_owned();
            todos.tell_with(&page.limit.query, message, "how many items are wanted", Some(help));
        }
        let texts = [&page.style, &page.start, &page.limit.query];
        let members = page.fields.iter().flat_map(|(member, slot)| [member, slot]);
        if texts.into_iter().chain(members).any(is_open) {
            named.part = None;
        }
    }
    for named in &mut file.ids {
        let is_undecided =
            |id: &IdPart| std::iter::once(&id.form).chain(&id.accept).chain(&id.within).any(is_open);
        named.part.take_if(|id| is_undecided(id));
    }
    for named in &mut file.resolvers {
        named.part.take_if(|part| {
            let texts = [&part.calls, &part.rows, &part.left, &part.right].into_iter();
            texts.chain(&part.scope).chain(&part.find).chain(&part.pattern).chain(&part.id).any(is_open)
        });
    }
}

fn template_of(todos: &mut Todos, template: &mut TemplatePart) {
    template.retain(|(place, part)| {
        let slot = part.slot.as_ref().filter(|slot| is_open(slot));
        if let Some(slot) = slot {
            let message = match place.value.as_str() {
                super::TODO => "it is not decided what refusals look like".to_owned(),
                place => format!("it is not decided what `{place}` of a refusal holds"),
            };
            todos.tell_with(slot, message, "a slot", Some(slots(Slot::NAMES)));
            // A place that is not known either is the same thing to decide.
            todos.told.insert(place.span);
        }
        if is_open(place) && slot.is_none() {
            todos.tell(place, "it is not decided where in a refusal this stands".to_owned(), "a place", &[]);
        }
        let mut texts = part.item.iter().flat_map(|(member, slot)| [member, slot]);
        slot.is_none() && !is_open(place) && !texts.any(is_open)
    });
}

fn slots<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    format!("one of {}, or a constant", names.join(", "))
}

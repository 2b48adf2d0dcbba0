//! Which line of a mapping says what of its operations, pages and errors, for explanations.

use super::file::{ErrorsPart, MappingFile, OperationPart};
use crate::dialect::origins::Origins;

/// The lines of a mapping.
pub(super) fn of(file: &MappingFile) -> Origins {
    let mut origins = Origins::default();
    for resolver in &file.resolvers {
        origins.note(&["resolver", &resolver.name.value], resolver.name.span);
    }
    for operation in &file.operations {
        origins.note(&[&operation.name.value], operation.request.span);
        note_operation(operation, file, &mut origins);
        for case in &operation.cases {
            note_operation(&case.operation, file, &mut origins);
        }
    }
    if let Some(errors) = &file.errors {
        note_errors(errors, &mut origins);
    }
    origins
}

fn note_operation(operation: &OperationPart, file: &MappingFile, origins: &mut Origins) {
    let (name, calls) = (operation.name.value.as_str(), operation.calls.value.as_str());
    origins.note(&[name, calls, "calls"], operation.calls.span);
    for (key, text) in [("parameters", &operation.parameters), ("body", &operation.body)] {
        if let Some(text) = text {
            origins.note(&[name, key], text.span);
        }
    }
    if let Some(each) = &operation.each {
        origins.note(&[name, "body"], each.schema.span);
        origins.note(&[name, "each"], each.limit.map_or(each.over.span, |limit| limit.span));
    }
    if let Some(gather) = &operation.gather {
        origins.note(&[name, calls, "gather"], gather.span);
    }
    let page = operation.page.as_ref();
    if let Some(page) = page.and_then(|page| file.pages.iter().find(|known| known.name.value == page.value)) {
        origins.note(&[name, calls, "page"], page.name.span);
        if let Some(part) = &page.part {
            origins.note(&[name, calls, "page", "start"], part.start.span);
            origins.note(&[name, calls, "page", "limit"], part.limit.query.span);
            for (field, _) in &part.fields {
                origins.note(&[name, calls, "page", "fields", &field.value], field.span);
            }
        }
    }
    for (status, _) in &operation.answers {
        origins.note(&[name, calls, "answers", &status.value], status.span);
    }
    if let Some(collect) = &operation.collect {
        origins.note(&[name, calls, "collect"], collect.header);
        for (member, _) in &collect.fields {
            origins.note(&[name, calls, "collect", &member.value], member.span);
        }
    }
    for (status, _) in &operation.folds {
        origins.note(&[name, "folds", &status.value], status.span);
    }
}

fn note_errors(errors: &ErrorsPart, origins: &mut Origins) {
    for (status, _) in &errors.folds {
        origins.note(&["errors", "folds", &status.value], status.span);
    }
    let templates = [
        ("plain", errors.plain.as_ref()),
        ("invalid", errors.invalid.as_ref()),
        ("item", errors.item.as_ref()),
    ];
    for (name, template) in templates {
        let fields = template.iter().copied().flatten();
        fields.for_each(|(place, _)| origins.note(&["errors", name, &place.value], place.span));
    }
}

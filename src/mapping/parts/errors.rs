//! The shape of a dialect's errors: words, kinds, and templates with slots.

use http::{HeaderValue, StatusCode};

use crate::diag::{Diagnostic, Spanned, code};
use crate::dialect::ErrorShape;
use crate::dialect::errors::{Slot, Template, ViolationSlot, Words};
use crate::lens::path::Address;
use crate::mapping::compile::{Compiler, StatusSort};
use crate::mapping::file::{ErrorsPart, SlotPart, TemplatePart, Text};
use crate::problem::Root;

impl Compiler<'_> {
    /// The shape of errors; that of RFC 9457 where the mapping says nothing.
    pub(in crate::mapping) fn errors(&mut self) -> Option<ErrorShape> {
        let Some(part) = &self.file.errors else { return Some(ErrorShape::standard()) };
        let content_type = part.content_type.as_ref().and_then(|text| self.media_type(text));
        let folds = self.folds(&part.folds);
        let words = self.words(part);
        let kinds = part.kinds.iter().filter(|(ours, _)| ours.value != OTHER);
        let kinds = kinds.map(|(ours, theirs)| (ours.value.clone(), theirs.value.clone())).collect();
        let other_kind = part.kinds.iter().find(|(ours, _)| ours.value == OTHER);
        let plain = part.plain.as_ref().map(|template| self.template(template));
        if plain.is_none() {
            self.report(
                Diagnostic::error(code::M0104, "missing key `errors.plain`")
                    .at(part.header, "needs the body of an error, `[errors.plain]`"),
            );
        }
        let invalid = part.invalid.as_ref().map(|template| self.template(template));
        Some(ErrorShape {
            content_type: content_type?,
            folds,
            words,
            kinds,
            other_kind: other_kind.map(|(_, theirs)| theirs.value.clone()),
            plain: plain?,
            invalid,
        })
    }

    /// Statuses that are told as others.
    pub(in crate::mapping) fn folds(
        &mut self,
        folds: &[(Text, Spanned<i64>)],
    ) -> Vec<(StatusCode, StatusCode)> {
        let mut read = Vec::new();
        for (from, to) in folds {
            let (from, to) = (self.status_text(from), self.status_of(StatusSort::Error, *to));
            read.extend(from.zip(to));
        }
        read
    }

    fn media_type(&mut self, text: &Text) -> Option<HeaderValue> {
        let is_media_type =
            text.value.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
        let value = HeaderValue::from_str(&text.value).ok().filter(|_| is_media_type);
        if value.is_none() {
            self.report(
                Diagnostic::error(code::M0109, format!("`{}` is no media type", text.value))
                    .at(text.span, "expected one such as `application/json`"),
            );
        }
        value
    }

    fn words(&mut self, part: &ErrorsPart) -> Words {
        let mut words = Words::default();
        for (status, word) in &part.words {
            match status.value.as_str() {
                "4xx" => words.client = Some(word.value.clone()),
                OTHER => words.other.clone_from(&word.value),
                _ => words.exact.extend(self.status_text(status).map(|status| (status, word.value.clone()))),
            }
        }
        words
    }

    pub(in crate::mapping) fn template(&mut self, template: &TemplatePart) -> Template {
        let (mut fields, mut members) = (Vec::new(), Vec::new());
        for (place, part) in template {
            let path = if place.value.is_empty() { Some(Vec::new()) } else { self.member(place) };
            members.extend(path.clone().map(|path| (place, path)));
            let slot = self.slot(place, part);
            fields.extend(path.zip(slot));
        }
        self.check_members(&members);
        Template::new(fields)
    }

    fn slot(&mut self, place: &Text, part: &SlotPart) -> Option<Slot> {
        let name = match (&part.slot, &part.constant) {
            (Some(name), None) => name,
            (None, Some(constant)) => return Some(Slot::Constant(constant.value.clone())),
            (None, None) => {
                let message = "an error template needs a `slot` or a `constant` in each place";
                let found = Diagnostic::error(code::M0106, message);
                self.report(found.at(place.span, "nothing fills this place"));
                return None;
            }
            (Some(name), Some(_)) => {
                let message = "an error template has one of `slot` and `constant` in each place";
                self.report(Diagnostic::error(code::M0106, message).at(name.span, "and a constant besides"));
                return None;
            }
        };
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.value.clone()).unwrap_or_default();
        let slots = [
            Slot::ByField { other: text(&part.other) },
            Slot::Code,
            Slot::Input(self.input(part)?),
            Slot::Message,
            Slot::MessageWithPlaces,
            Slot::RetryAfter,
            Slot::Retryable,
            Slot::Status,
            Slot::Time,
            Slot::Title,
            Slot::Violations(self.violation_members(&part.item)?),
            Slot::Word { prefix: text(&part.prefix) },
        ];
        let names: Vec<_> = Slot::NAMES.into_iter().zip(0..).collect();
        let index: usize = self.word("slot", name, &names)?;
        slots.into_iter().nth(index)
    }

    /// Which part of what was sent is shown again; without a path all of it.
    fn input(&mut self, part: &SlotPart) -> Option<Address> {
        let Some(at) = part.at.as_ref().filter(|at| !at.value.is_empty()) else {
            return Some(Address { root: Root::Body, path: Vec::new() });
        };
        self.address(at)
    }

    fn violation_members(&mut self, item: &[(Text, Text)]) -> Option<Vec<(String, ViolationSlot)>> {
        let members: Vec<_> = item
            .iter()
            .map(|(member, slot)| {
                let slot = self.word("slot of a violation", slot, &ViolationSlot::NAMES)?;
                Some((member.value.clone(), slot))
            })
            .collect();
        members.into_iter().collect()
    }
}

const OTHER: &str = "other";

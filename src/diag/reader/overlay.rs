//! One text laid over another that it extends: what it does not say is as the other says it.
//!
//! Both stay what they are, trees of keys and values that know their places; a [`Layout`] says which of them go
//! together key by key, which row by row, and which replace each other. So a key that only one reader knows is laid
//! over like any other.

mod layout;
mod place;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

pub use self::layout::{Displaces, Keys, Layout, Rule, Without};
use self::place::{shifted, spelt};
use super::{Broken, Context, Reader};
use crate::diag::Diagnostic;
use crate::diag::suggest::{did_you_mean, known_here};

impl<'t> Reader<'t> {
    /// Lays this text over the one it extends. What was found wrong with that one is not told again.
    #[must_use]
    pub fn over(self, base: Reader<'t>, layout: &Layout) -> Reader<'t> {
        let shift = base.context.end + 1;
        let mut context = base.context;
        context.found = self.context.found;
        context.root = shift + self.context.root;
        context.end = shift + self.context.end;
        context.texts.extend(self.context.texts.iter().map(|(start, source)| (shift + start, *source)));
        let ranks = self.context.ranks.into_iter().map(|(place, rank)| (shift + place, shift + rank));
        context.ranks.extend(ranks);
        let broken = self.context.broken.into_iter().map(|broken| Broken {
            unread: shift + broken.unread.start..shift + broken.unread.end,
            hides: shift + broken.hides.start..shift + broken.hides.end,
        });
        context.broken.extend(broken);

        let own = self.tree.iter().map(|(key, value)| (place::moved(key, shift), shifted(value, shift)));
        let mut overlay = Overlay { context, layout };
        let tree = overlay.table(base.tree, own.collect(), &layout.root, "");
        Reader { tree, context: overlay.context }
    }
}

struct Overlay<'l> {
    context: Context,
    layout: &'l Layout,
}

impl Overlay<'_> {
    fn table<'t>(&mut self, base: DeTable<'t>, mut own: DeTable<'t>, keys: &Keys, path: &str) -> DeTable<'t> {
        let is_taken = |key: &str| !matches!(keys.rule(key), Rule::Own);
        let mut base: DeTable<'t> = base.into_iter().filter(|(key, _)| is_taken(key.get_ref())).collect();
        if let Some(without) = &keys.without {
            self.take_away(&mut base, &mut own, keys, without, path);
        }
        if let Some(displaces) = &keys.displaces {
            displace(&mut base, &own, displaces);
        }
        let entries: Vec<_> = own.into_iter().collect();
        for (key, value) in entries {
            let rule = keys.rule(key.get_ref());
            let inner =
                if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
            let below = base.remove_entry(key.get_ref().as_ref());
            match (rule, &below) {
                (Rule::Fixed, _) => {
                    self.report_fixed(&inner, &key);
                    base.extend(below);
                    continue;
                }
                (Rule::Keys(keys), None) if is_change_of_nothing(keys, &value) => {
                    let known: Vec<_> = base.keys().map(|key| key.get_ref().to_string()).collect();
                    self.report_absent(noun(path), key.get_ref(), key.span().start, &known, keys.needs);
                    continue;
                }
                _ => {}
            }
            if let Some((replaced, _)) = &below {
                let place = replaced.span().start;
                let rank = self.context.ranks.get(&place).copied().unwrap_or(place);
                self.context.ranks.insert(key.span().start, rank);
            }
            let value = self.value(below.map(|(_, value)| value), value, rule, &inner);
            base.insert(key, value);
        }
        base
    }

    fn value<'t>(
        &mut self,
        base: Option<Spanned<DeValue<'t>>>,
        own: Spanned<DeValue<'t>>,
        rule: Rule,
        path: &str,
    ) -> Spanned<DeValue<'t>> {
        let place = own.span();
        let base = base.map(Spanned::into_inner);
        let laid = match (rule, own.into_inner()) {
            (Rule::Keys(keys), DeValue::Table(own)) => {
                let base = if let Some(DeValue::Table(base)) = base { base } else { DeTable::new() };
                DeValue::Table(self.table(base, own, keys, path))
            }
            (Rule::Rows(by, keys), DeValue::Array(own)) => {
                let base = if let Some(DeValue::Array(base)) = base { base } else { DeArray::new() };
                DeValue::Array(self.rows(&base, &own, by, keys, path))
            }
            (Rule::Fixed | Rule::Keys(_) | Rule::Own | Rule::Replace | Rule::Rows(..), own) => own,
        };
        Spanned::new(place, laid)
    }

    /// Each row below is changed once at most, so that one said twice is still found to be.
    fn rows<'t>(
        &mut self,
        base: &DeArray<'t>,
        own: &DeArray<'t>,
        by: &str,
        keys: &'static Keys,
        path: &str,
    ) -> DeArray<'t> {
        let mut rows: Vec<_> = base.iter().cloned().map(|row| (name_of(&row, by), row, false)).collect();
        for row in &**own {
            let name = name_of(row, by);
            let below =
                rows.iter_mut().find(|(known, _, is_own)| !is_own && name.is_some() && *known == name);
            if let Some(below) = below {
                below.2 = true;
                below.1 = self.value(Some(below.1.clone()), row.clone(), Rule::Keys(keys), path);
            } else if let Some(name) = name.as_deref().filter(|_| is_change_of_nothing(keys, row)) {
                let known: Vec<_> = rows.iter().filter_map(|(name, ..)| name.clone()).collect();
                let place = member(row, by).map_or(row.span().start, |value| value.span().start);
                self.report_absent(path, name, place, &known, keys.needs);
            } else {
                rows.push((name, row.clone(), true));
            }
        }
        let mut laid = DeArray::new();
        for (_, row, _) in rows {
            laid.push(row);
        }
        laid
    }

    fn take_away<'t>(
        &mut self,
        base: &mut DeTable<'t>,
        own: &mut DeTable<'t>,
        keys: &Keys,
        without: &Without,
        path: &str,
    ) {
        let Some(list) = place::removed(own, without.list) else { return };
        for named in &*list {
            let name = spelt(named.get_ref());
            let mut is_taken = without.from.is_empty() && base.remove(name.as_str()).is_some();
            let mut known: Vec<String> = Vec::new();
            for from in without.from {
                match (base.get_mut(*from).map(Spanned::get_mut), keys.rule(from)) {
                    (Some(DeValue::Table(table)), _) => {
                        is_taken |= table.remove(name.as_str()).is_some();
                        known.extend(table.keys().map(|key| key.get_ref().to_string()));
                    }
                    (Some(DeValue::Array(array)), Rule::Rows(by, _)) => {
                        let before = array.len();
                        let mut left = DeArray::new();
                        let rows = array.iter().filter(|row| name_of(row, by).as_deref() != Some(&*name));
                        rows.for_each(|row| left.push(row.clone()));
                        is_taken |= left.len() < before;
                        known.extend(left.iter().filter_map(|row| name_of(row, by)));
                        *array = left;
                    }
                    _ => {}
                }
            }
            if without.from.is_empty() {
                known.extend(base.keys().map(|key| key.get_ref().to_string()));
            }
            if !is_taken {
                let place = if path.is_empty() { String::new() } else { format!(" from `{path}`") };
                let message = format!("there is no `{name}` to take away{place}");
                self.report(message, &name, named.span(), &known, None);
            }
        }
    }

    fn report_absent(&mut self, noun: &str, name: &str, at: usize, known: &[String], needs: Option<&str>) {
        let message = format!("there is no `{noun}` called `{name}` to change");
        self.report(message, name, at..at + name.len(), known, needs);
    }

    fn report(
        &mut self,
        message: String,
        name: &str,
        at: std::ops::Range<usize>,
        known: &[String],
        needs: Option<&str>,
    ) {
        // What cannot be found may stand on a line that could not be read.
        if !self.context.broken.is_empty() {
            return;
        }
        let near = did_you_mean(name, known.iter().map(String::as_str));
        let label = near.map_or_else(
            || "the mapping that is extended has none".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let mut diagnostic = Diagnostic::error(self.layout.absent, message).at(self.context.span(at), label);
        let help = match needs {
            Some(needs) => Some(format!("a new one needs `{needs}`")),
            None => known_here(known.iter().map(String::as_str)),
        };
        if let Some(help) = help {
            diagnostic = diagnostic.help(help);
        }
        self.context.report(diagnostic);
    }

    fn report_fixed(&mut self, path: &str, key: &Spanned<std::borrow::Cow<'_, str>>) {
        let message = format!("`{path}` is what the mapping that is extended says");
        let diagnostic = Diagnostic::error(self.layout.fixed, message)
            .at(self.context.span(key.span()), "cannot be said again")
            .help("remove it here");
        self.context.report(diagnostic);
    }
}

/// Whether a table says too little to be a new one.
fn is_change_of_nothing(keys: &Keys, value: &Spanned<DeValue<'_>>) -> bool {
    let lacks = |needed| value.get_ref().as_table().is_some_and(|table| table.get(needed).is_none());
    keys.needs.is_some_and(lacks)
}

/// What the tables of `[[operation]]` or `[lens.x]` are called.
fn noun(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn member<'a, 't>(row: &'a Spanned<DeValue<'t>>, key: &str) -> Option<&'a Spanned<DeValue<'t>>> {
    row.get_ref().as_table()?.get(key)
}

fn name_of(row: &Spanned<DeValue<'_>>, by: &str) -> Option<String> {
    member(row, by).map(|value| spelt(value.get_ref()))
}

fn displace(base: &mut DeTable<'_>, own: &DeTable<'_>, displaces: &Displaces) {
    let Some(rows) = own.get(displaces.rows).and_then(|rows| rows.get_ref().as_array()) else { return };
    let Some(DeValue::Table(entries)) = base.get_mut(displaces.from).map(Spanned::get_mut) else { return };
    for name in rows.iter().filter_map(|row| name_of(row, displaces.key)) {
        entries.remove(name.as_str());
    }
}

#[cfg(test)]
mod tests;

//! What is said of fields and words, held against the operations that have them.
//!
//! A part that nobody can meet, or that no request can do without, was meant otherwise: clients would be told what is not so.

use std::sync::Arc;
use std::time::SystemTime;

use super::watches::{Below, SUCCESSOR, is_required, shape_of};
use crate::diag::{Diagnostic, Span, code};
use crate::dialect::Retirement;
use crate::dialect::retirement::Standing;
use crate::lens::path::{Address, Literal};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{FieldPart, Landing, OpPart, RetirementPart, RowPart, TablePart};

impl Compiler<'_> {
    /// Notes whether a part can be met before its operation is gone.
    pub(super) fn note_met(&mut self, part: &RetirementPart, whole: Option<&Retirement>) {
        let gone = whole.and_then(|whole| Some((whole.dates().gone?, whole.origin())));
        if let Some((gone, origin)) = gone
            && part.deprecated.is_some_and(|deprecated| gone <= deprecated.value)
        {
            self.retirements.too_late.insert(part.span, origin);
        } else {
            self.retirements.met.insert(part.span);
        }
    }

    /// What begins to retire when every operation that has it is gone.
    pub(super) fn check_met_in_time(&mut self, part: &RetirementPart) {
        if self.retirements.met.contains(&part.span) {
            return;
        }
        let Some(origin) = self.retirements.too_late.get(&part.span).copied() else { return };
        let span = part.deprecated.map_or(part.span, |deprecated| deprecated.span);
        let found = Diagnostic::error(code::M1002, "it retires when it cannot be sent any more")
            .at(span, "every operation that has it is gone by then");
        self.report(match origin {
            Some(origin) => found.also(origin, "gone here"),
            None => found,
        });
    }

    /// Whether requests can go on saying what they need, where a field is read as a role.
    pub(super) fn check_words(&mut self, field: &FieldPart, at: &Address, below: Below<'_>) {
        let file = self.file;
        let Some(roles) = &file.roles else { return };
        for row in &roles.rows {
            let retirement = row.retirement.as_ref().and_then(|part| self.retires(part));
            let Some(retirement) = retirement else { continue };
            let is_meant = field.default.as_ref().is_some_and(|default| has_word(row, &default.value));
            if is_meant && refused_alone(&[retirement], below.whole).is_some() {
                self.report_default(field, row.retirement.as_ref().map_or(row.span, |part| part.span));
            }
        }
        let is_needed = below.schema.is_some_and(|schema| is_required(&schema.shape(), at));
        if !is_needed {
            return;
        }
        let Some(rows) = sayable(roles, field, at, below) else { return };
        let retiring = rows.iter().map(|row| {
            let part = row.retirement.as_ref()?;
            Some((part, self.retires(part)?))
        });
        let Some(retiring) = retiring.collect::<Option<Vec<_>>>() else { return };
        let all: Vec<_> = retiring.iter().map(|(_, retirement)| Arc::clone(retirement)).collect();
        let refused = refused_alone(&all, below.whole);
        // The one by which it is true of all.
        let last = retiring.iter().max_by_key(|(_, retirement)| match refused {
            Some(moment) => begins(retirement, moment),
            None => Some(retirement.dates().deprecated),
        });
        let Some((last, _)) = last else { return };
        // Clients of an operation that goes as a whole are told by that what to do instead.
        let is_told = below.whole.is_some() || all.iter().any(|one| one.dates().successor.is_some());
        if refused.is_none() && is_told {
            return;
        }
        if !self.retirements.told.insert(last.span) {
            return;
        }
        let message = format!("every word of `{}` retires, and every request needs one", field.left.value);
        let found = Diagnostic::error(code::M1006, message).also(field.span, "needed here");
        self.report(if refused.is_some() {
            found
                .at(last.span, "by this the last of them is refused, and so is every request")
                .help("say it of the operation, let a word stay, or let the schema not require the field")
        } else {
            found.at(last.span, "no client can do without them").help(SUCCESSOR)
        });
    }

    /// Whether a value that retires is what a request means that leaves the field out, or what answers tell instead of another.
    pub(super) fn check_values(&mut self, field: &FieldPart, part: &RetirementPart, below: Below<'_>) {
        let Some(retirement) = self.retires(part) else { return };
        if refused_alone(&[retirement], below.whole).is_none() {
            return;
        }
        let values = part.values.iter().flatten();
        if let Some(default) = &field.default
            && let Some(value) = values.clone().find(|value| value.value == default.value)
        {
            self.report_default(field, value.span);
        }
        let file = self.file;
        let table = match &field.op {
            Some(OpPart::Table(name)) => {
                let table = file.tables.iter().find(|table| table.name.value == name.value);
                table.and_then(|table| table.part.as_ref())
            }
            Some(OpPart::Role) => file.roles.as_ref(),
            _ => None,
        };
        let Some(table) = table else { return };
        for value in values {
            self.warn_of_landings(table, &value.value, value.span);
        }
    }

    /// Roles that are told as a word that will be refused while somebody can send it.
    pub(super) fn check_landings(&mut self) {
        let file = self.file;
        let Some(roles) = &file.roles else { return };
        for row in &roles.rows {
            let Some(part) = &row.retirement else { continue };
            if self.retirements.alone.contains(&part.span) {
                self.warn_of_landings(roles, &row.word.value, part.span);
            }
        }
    }

    fn warn_of_landings(&mut self, table: &TablePart, word: &Literal, retires: Span) {
        for land in &table.lands {
            let Landing::As(other) = &land.landing else { continue };
            if other.value == *word && self.retirements.told.insert(other.span) {
                let message = format!("`{}` is told as a word that will be refused", land.canonical.value);
                self.report(
                    Diagnostic::warning(code::M1009, message)
                        .at(other.span, "whoever sends back what is shown is refused")
                        .also(retires, "retires here")
                        .help("let it land on a word that stays, or refuse it"),
                );
            }
        }
    }

    fn report_default(&mut self, field: &FieldPart, retires: Span) {
        if !self.retirements.told.insert(retires) {
            return;
        }
        let message = format!("what is meant without `{}` is refused when it is said", field.left.value);
        let found = Diagnostic::error(code::M1006, message).at(retires, "who says it is refused");
        self.report(match &field.default {
            Some(default) => found.also(default.span, "who says nothing means this, and is served"),
            None => found,
        });
    }

    /// How a part retires, if that could be understood.
    fn retires(&self, part: &RetirementPart) -> Option<Arc<Retirement>> {
        self.retirements.parts.get(&part.span).map(Arc::clone)
    }
}

fn has_word(row: &RowPart, word: &Literal) -> bool {
    std::iter::once(&row.word).chain(&row.also).any(|own| own.value == *word)
}

/// The rows whose words a field may have; none if it may have something else, such as null.
fn sayable<'r>(
    roles: &'r TablePart,
    field: &FieldPart,
    at: &Address,
    below: Below<'_>,
) -> Option<Vec<&'r RowPart>> {
    let shape = shape_of(field, at, below.schema?)?;
    let Some(known) = shape.enumeration() else {
        return (!shape.nullable()).then(|| roles.rows.iter().collect());
    };
    let words = |row: &RowPart| {
        std::iter::once(&row.word)
            .chain(&row.also)
            .map(|word| word.value.value().to_value())
            .collect::<Vec<_>>()
    };
    let is_known = |row: &&RowPart| words(row).iter().any(|word| known.contains(word));
    let rows: Vec<_> = roles.rows.iter().filter(is_known).collect();
    known.iter().all(|value| rows.iter().any(|row| words(row).contains(value))).then_some(rows)
}

/// Whether it is refused at a moment at which the operation is not.
pub(super) fn is_refused_alone(retirement: &Arc<Retirement>, whole: Option<&Retirement>) -> bool {
    refused_alone(std::slice::from_ref(retirement), whole).is_some()
}

/// The first moment at which all of them are refused and the operation is not, if there is one.
fn refused_alone(all: &[Arc<Retirement>], whole: Option<&Retirement>) -> Option<SystemTime> {
    let is_served = |retirement: &Retirement, moment| retirement.standing(moment) == Standing::Served;
    let own = all.iter().flat_map(|one| {
        let dates = one.dates();
        dates.brown_outs.iter().map(|window| window.start).chain(dates.gone)
    });
    // What was refused together with the operation may go on alone.
    let after = whole.into_iter().flat_map(|whole| whole.dates().brown_outs.iter().map(|window| window.end));
    let moments = own.chain(after).filter(|moment| {
        all.iter().all(|one| !is_served(one, *moment)) && whole.is_none_or(|whole| is_served(whole, *moment))
    });
    moments.min()
}

/// When the refusal began that holds at a moment.
fn begins(retirement: &Retirement, moment: SystemTime) -> Option<SystemTime> {
    let dates = retirement.dates();
    let starts = dates.brown_outs.iter().map(|window| window.start).chain(dates.gone);
    starts.filter(|start| *start <= moment).max()
}

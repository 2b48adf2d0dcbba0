//! One field: its two places, what happens between them, and what happens when it is not there.

use std::sync::Arc;

use super::path::{Schemas, shape_at};
use crate::diag::{Diagnostic, code};
use crate::lens::op::Op;
use crate::lens::op::each::{Each, Item};
use crate::lens::op::filter::Filter;
use crate::lens::op::fixed::Fixed;
use crate::lens::op::has::Has;
use crate::lens::op::label::Label;
use crate::lens::op::nested::Nested;
use crate::lens::op::prefix::Prefix;
use crate::lens::op::resolve::Resolve;
use crate::lens::op::row::Row;
use crate::lens::op::table::Table;
use crate::lens::path::{Address, Literal};
use crate::lens::{Field, Presence};
use crate::mapping::canonical::suggest;
use crate::mapping::compile::{Compiler, Kind};
use crate::mapping::file::{FieldPart, OpPart, Text};
use crate::problem::Root;
use crate::schema::Schema;

/// A field with the places it is about, also if it could not be compiled.
#[derive(Debug)]
pub(in crate::mapping) struct Line<'a> {
    pub(in crate::mapping) part: &'a FieldPart,
    pub(in crate::mapping) left: Side,
    pub(in crate::mapping) right: Side,
    pub(in crate::mapping) field: Option<Field>,
}

/// The places of a field on one side.
#[derive(Debug, Default)]
pub(in crate::mapping) struct Side {
    /// Where it lives.
    pub(in crate::mapping) at: Option<Address>,
    /// Where it looks or writes besides.
    pub(in crate::mapping) besides: Vec<Address>,
    /// Whether one of its places is wrong, so that nobody knows what was meant.
    pub(in crate::mapping) is_doubtful: bool,
}

/// The schemas on the two sides of a lens.
#[derive(Clone, Copy, Default)]
pub(in crate::mapping) struct Shapes<'s> {
    pub(in crate::mapping) left: Option<&'s Schema>,
    pub(in crate::mapping) right: Option<&'s Schema>,
}

impl<'a> Compiler<'a> {
    /// Compiles a field that lives at `left` in the dialect. A canonical place that names nothing to begin in is in
    /// `root`.
    pub(in crate::mapping) fn field(
        &mut self,
        part: &'a FieldPart,
        left: Option<Address>,
        root: Root,
        shapes: Shapes<'_>,
    ) -> Line<'a> {
        let is_doubtful = match &left {
            Some(left) => !self.check_path(&part.left, left, shapes.left, Schemas::Dialect),
            None => true,
        };
        let left = Side { at: left, besides: Vec::new(), is_doubtful };
        let mut line = Line { part, left, right: Side::default(), field: None };
        self.canonical_place(&mut line, root, shapes);
        let when = self.presence(&mut line, shapes);

        let Some(op) = &part.op else { return line };
        let op = self.op(part, op);
        let has_place = line.right.at.is_some() || is_one_sided(part);
        let (Some(op), Some(left), true) = (op, &line.left.at, has_place) else { return line };
        self.check_default(part, &op);
        if let (Op::Has(_), Some(at), Some(right)) = (&op, &line.right.at, shapes.right) {
            self.check_word(part, at, right);
        }
        let shown = when.shown || self.is_shown(part);
        line.field = Some(Field {
            left: Some(left.clone()),
            right: line.right.at.clone(),
            op,
            when: Presence { shown, ..when },
            origin: Some(part.span),
        });
        line
    }

    fn canonical_place(&mut self, line: &mut Line<'a>, root: Root, shapes: Shapes<'_>) {
        let part = line.part;
        let Some(at) = &part.at else {
            if part.op.is_some() && !is_one_sided(part) {
                let message =
                    format!("field `{}` does not say where it lives in the canonical model", part.left.value);
                self.report(Diagnostic::error(code::M0106, message).at(part.span, "needs `at = \"...\"`"));
            }
            line.right.is_doubtful = !is_one_sided(part);
            return;
        };
        if is_one_sided(part) {
            let message = format!("field `{}` has both a constant and a canonical place", part.left.value);
            self.report(Diagnostic::error(code::M0106, message).at(part.span, "one of the two"));
            line.right.is_doubtful = true;
            return;
        }
        let Some(mut address) = self.address(at) else {
            line.right.is_doubtful = true;
            return;
        };
        if address.root == Root::Body && root != Root::Body {
            address = Address { root, path: vec![address.path.join(".").into()] };
        }
        line.right.is_doubtful = !self.check_path(at, &address, shapes.right, Schemas::Canonical);
        line.right.at = Some(address);
    }

    fn presence(&mut self, line: &mut Line<'a>, shapes: Shapes<'_>) -> Presence {
        let part = line.part;
        let fallback = part
            .from
            .as_ref()
            .and_then(|path| self.place(path, &mut line.left, shapes.left, Schemas::Dialect));
        let lift_when = part.when.as_ref().and_then(|(path, values)| {
            let at = self.place(path, &mut line.left, shapes.left, Schemas::Dialect)?;
            for value in values {
                self.check_met(value, &at, shapes.left);
            }
            Some((at, values.iter().map(|value| value.value.clone()).collect()))
        });
        let tag = part.tag.as_ref().and_then(|(path, value)| {
            let at = self.place(path, &mut line.right, shapes.right, Schemas::Canonical)?;
            self.check_met(value, &at, shapes.right);
            Some((at, value.value.clone()))
        });
        let instead = part.instead.as_ref().and_then(|path| {
            let at = self.address(path)?;
            line.right.is_doubtful |= !self.check_path(path, &at, shapes.right, Schemas::Canonical);
            Some(at)
        });
        if let (Some(absent), true) = (&part.absent, part.optional) {
            let message = format!("field `{}` is both left out and told as something", part.left.value);
            let label = "one of `absent` and `optional`";
            self.report(Diagnostic::error(code::M0106, message).at(absent.span, label));
        }
        // What is null has nothing in it that would be told by saying so.
        if part.tag.as_ref().is_some_and(|(_, value)| value.value.json() == "null") {
            line.right.besides.clear();
        }
        Presence {
            fallback,
            default: part.default.as_ref().map(|default| default.value.clone()),
            absent: part.absent.as_ref().map(|absent| absent.value.clone()),
            lift_when,
            tag,
            shown: instead.is_some()
                || matches!(part.op, Some(OpPart::Constant(_) | OpPart::Has(_) | OpPart::Label)),
            optional: part.optional,
            instead,
        }
    }

    /// A place a field names besides its own.
    fn place(
        &mut self,
        path: &Text,
        side: &mut Side,
        schema: Option<&Schema>,
        of: Schemas,
    ) -> Option<Address> {
        let address = self.address(path);
        let is_right = address.as_ref().is_some_and(|at| self.check_path(path, at, schema, of));
        side.is_doubtful |= !is_right;
        side.besides.extend(address.clone());
        address
    }

    fn op(&mut self, part: &FieldPart, op: &OpPart) -> Option<Op> {
        Some(match op {
            OpPart::Constant(literal) => Op::Constant(literal.value.clone()),
            OpPart::Copy => Op::Copy,
            OpPart::Each => Op::Each(Each { item: Item::Copy, only: self.told(part, None) }),
            OpPart::EachId(kind) => {
                Op::Each(Each { item: Item::Id(self.id_kind(kind)?), only: self.told(part, None) })
            }
            OpPart::EachLens(name) => {
                let item = Item::Lens(self.lens_named(name)?);
                Op::Each(Each { item, only: self.told(part, Some(name)) })
            }
            OpPart::Filter(name) if name.value == "role" => Op::Filter(Filter(self.role_table(part)?)),
            OpPart::Filter(name) => Op::Filter(Filter(self.table_named(name)?)),
            OpPart::Fixed(literal) => Op::Fixed(Fixed(literal.value.clone())),
            OpPart::Has(word) => Op::Has(Has(word.value.clone())),
            OpPart::Id(kind) => Op::Id(self.id_kind(kind)?),
            OpPart::IdAfter(kind, prefix) => {
                Op::Prefix(Prefix { before: prefix.value.as_str().into(), id: Some(self.id_kind(kind)?) })
            }
            OpPart::Label => Op::Label(Label(self.role_table(part)?)),
            OpPart::Lens(name) => Op::Nested(Nested { lens: self.lens_named(name)? }),
            OpPart::Prefix(prefix) => Op::Prefix(Prefix { before: prefix.value.as_str().into(), id: None }),
            OpPart::Resolve(name) => Op::Resolve(Resolve(self.resolver_named(name)?)),
            OpPart::Role => Op::Table(self.role_table(part)?),
            OpPart::Row(name) => {
                let (resolver, table) = (self.resolver_named(name), self.role_table(part));
                Op::Row(Row { resolver: resolver?, table: table? })
            }
            OpPart::Table(name) => Op::Table(self.table_named(name)?),
        })
    }

    /// Which elements are told: values of places in the canonical schema of the lens they go through.
    fn told(&mut self, part: &FieldPart, lens: Option<&Text>) -> Vec<(Address, Literal)> {
        let built = lens.and_then(|name| self.lenses.get(name.value.as_str()));
        let schema = built.and_then(|built| built.right.clone());
        let mut told = Vec::new();
        for (path, value) in &part.only {
            let Some(at) = self.address(path) else { continue };
            if self.check_path(path, &at, schema.as_deref(), Schemas::Canonical) {
                self.check_met(value, &at, schema.as_deref());
                told.push((at, value.value.clone()));
            }
        }
        told
    }

    fn table_named(&mut self, name: &Text) -> Option<Arc<Table>> {
        let declared = self.refer(Kind::Table, name);
        self.tables.get(name.value.as_str()).filter(|_| declared).map(Arc::clone)
    }

    fn role_table(&mut self, part: &FieldPart) -> Option<Arc<Table>> {
        if self.roles.is_none() && self.file.roles.is_none() {
            let found = Diagnostic::error(code::M0205, "there is no table `role`");
            self.report(found.at(part.span, "not declared in this file"));
        }
        self.roles.clone()
    }

    /// A default is brought to the other side once, at the start: its op has to be able to.
    fn check_default(&mut self, part: &FieldPart, op: &Op) {
        let Some(default) = &part.default else { return };
        let has_whole_table = match &part.op {
            Some(OpPart::Role) => self.file.roles.as_ref().is_some_and(|table| table.is_whole),
            Some(OpPart::Table(name)) => {
                let table = self.file.tables.iter().find(|table| table.name.value == name.value);
                table.and_then(|table| table.part.as_ref()).is_some_and(|table| table.is_whole)
            }
            _ => true,
        };
        if !has_whole_table || op.beforehand(&default.value).is_some() {
            return;
        }
        let message = format!("field `{}` has a default that is no value of it", part.left.value);
        let label = match op {
            Op::Resolve(_) | Op::Row(_) => {
                "would have to be looked up, and a default is computed at the start"
            }
            _ => "the op of this field refuses it or makes nothing of it",
        };
        self.report(Diagnostic::error(code::M0106, message).at(default.span, label));
    }

    /// A word that is looked for in a list is one the list can hold.
    fn check_word(&mut self, part: &FieldPart, at: &Address, schema: &Schema) {
        let Some(OpPart::Has(word)) = &part.op else { return };
        let shape = shape_at(schema.shape(), &at.path).ok().flatten();
        let Some(known) = shape.and_then(|shape| shape.items()?.enumeration()) else { return };
        if !known.contains(&word.value.value().to_value()) {
            let message = format!("the canonical word {} does not exist", word.value.json());
            let diagnostic = Diagnostic::error(code::M0302, message).at(word.span, "can never be met");
            let asked = word.value.value().as_str().unwrap_or_default();
            self.report(suggest(diagnostic, &asked, known.iter().filter_map(|known| known.as_str())));
        }
    }

    /// Whether the field's op is a lens that is shown and never read.
    fn is_shown(&self, part: &FieldPart) -> bool {
        let Some(OpPart::Lens(name)) = &part.op else { return false };
        self.lenses.get(name.value.as_str()).is_some_and(|built| built.part.shows)
    }
}

/// Whether a field has no canonical place: it is always the same.
fn is_one_sided(part: &FieldPart) -> bool {
    matches!(part.op, Some(OpPart::Constant(_) | OpPart::Fixed(_)))
}

//! Lenses: fields as they were written become fields that run, and paths are looked for in the schemas.

use std::sync::Arc;

use super::canonical::suggest;
use super::compile::{Compiler, Kind};
use super::file::{FieldPart, LensPart, Named, OpPart, Text};
use crate::canonical::id::{IdCodec, IdForm};
use crate::diag::{Diagnostic, code};
use crate::lens::op::Op;
use crate::lens::op::each::{Each, Item};
use crate::lens::op::fixed::Fixed;
use crate::lens::op::id::Id;
use crate::lens::op::label::Label;
use crate::lens::op::nested::Nested;
use crate::lens::op::prefix::Prefix;
use crate::lens::op::resolve::Resolve;
use crate::lens::op::row::Row;
use crate::lens::op::table::Table;
use crate::lens::path::Address;
use crate::lens::{Field, Lens, Presence, Wrap};
use crate::problem::Root;
use crate::schema::{Schema, Shape, Type};

/// A lens that was built, with what the checks need to know of it.
#[derive(Debug)]
pub(super) struct Built<'a> {
    pub(super) lens: Arc<Lens>,
    pub(super) name: &'a Text,
    pub(super) part: &'a LensPart,
    /// The dialect's schema.
    pub(super) left: Option<Arc<Schema>>,
    /// The canonical schema.
    pub(super) right: Option<Arc<Schema>>,
    /// Its fields.
    pub(super) lines: Vec<Line<'a>>,
    /// What it writes as it is told to.
    pub(super) sets: Vec<(&'a Text, Address)>,
}

/// A field with the places it is about, also if it could not be compiled.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) part: &'a FieldPart,
    pub(super) left: Side,
    pub(super) right: Side,
    pub(super) field: Option<Field>,
}

/// The places of a field on one side.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Where it lives.
    pub(super) at: Option<Address>,
    /// Where it looks or writes besides.
    pub(super) besides: Vec<Address>,
    /// Whether one of its places is wrong, so that nobody knows what was meant.
    pub(super) is_doubtful: bool,
}

impl Built<'_> {
    /// Whether it is known what the lens is about on the dialect's side.
    pub(super) fn knows_left(&self) -> bool {
        self.lines.iter().all(|line| !line.left.is_doubtful)
    }

    /// Whether it is known what the lens is about on the canonical side.
    pub(super) fn knows_right(&self) -> bool {
        self.lines.iter().all(|line| !line.right.is_doubtful) && self.sets.len() == self.part.sets.len()
    }
}

impl<'a> Compiler<'a> {
    /// Builds each lens after those inside it.
    pub(super) fn build_lenses(&mut self) {
        let file = self.file;
        let mut waiting: Vec<(&'a Text, &'a LensPart)> =
            file.lenses.iter().filter_map(|Named { name, part }| Some((name, part.as_ref()?))).collect();
        loop {
            let (blocked, ready): (Vec<_>, Vec<_>) = waiting.iter().partition(|(_, part)| {
                inner(part).any(|inner| waiting.iter().any(|(name, _)| name.value == inner.value))
            });
            if ready.is_empty() {
                break;
            }
            for (name, part) in ready {
                let built = self.lens(name, part);
                self.lenses.insert(&name.value, built);
            }
            waiting = blocked;
        }
        for (name, _) in &waiting {
            self.saw_all = false;
            if contains(&waiting, &name.value, &name.value) {
                let found = Diagnostic::error(code::M0217, format!("lens `{}` contains itself", name.value));
                self.report(found.at(name.span, "its fields lead back to it"));
            }
        }
    }

    /// The lens of that name, if it could be built.
    pub(super) fn lens_named(&mut self, name: &Text) -> Option<Arc<Lens>> {
        if !self.refer(Kind::Lens, name) {
            return None;
        }
        self.lenses.get(name.value.as_str()).map(|built| Arc::clone(&built.lens))
    }

    fn lens(&mut self, name: &'a Text, part: &'a LensPart) -> Built<'a> {
        let left = part.schema.as_ref().and_then(|schema| self.schema(schema));
        let right = self.canonical_schema(&part.canonical);
        let shapes = Shapes { left: left.as_deref(), right: right.as_deref() };

        let mut lines = Vec::new();
        for field in &part.fields {
            let at = self.address(&field.left);
            lines.push(self.field(field, at, Root::Body, shapes));
        }
        let mut sets = Vec::new();
        let mut fields: Vec<_> = lines.iter().filter_map(|line| line.field.clone()).collect();
        for (path, literal) in &part.sets {
            let Some(at) = self.address(path) else { continue };
            if self.check_path(path, &at, shapes.right, Schemas::Canonical) {
                sets.push((path, at.clone()));
            }
            fields.push(Field {
                left: None,
                right: Some(at),
                op: Op::Constant(literal.value.clone()),
                when: Presence::default(),
                origin: Some(path.span),
            });
        }
        let wrap = self.wrap(name, part, &fields);
        let lens = Arc::new(Lens::new(name.value.as_str(), wrap, fields));
        Built { lens, name, part, left, right, lines, sets }
    }

    fn wrap(&mut self, name: &Text, part: &LensPart, fields: &[Field]) -> Wrap {
        let (field, wrap): (_, fn(usize) -> Wrap) = match (&part.bare, &part.scalar) {
            (None, None) => return Wrap::Object,
            (Some(field), None) => (field, Wrap::Bare),
            (None, Some(field)) => (field, Wrap::Scalar),
            (Some(bare), Some(_)) => {
                let message = format!("lens `{}` is both `bare` and `scalar`", name.value);
                self.report(Diagnostic::error(code::M0106, message).at(bare.span, "one of the two"));
                return Wrap::Object;
            }
        };
        if !part.fields.iter().any(|declared| declared.left.value == field.value) {
            let message = format!("lens `{}` has no field `{}`", name.value, field.value);
            let diagnostic = Diagnostic::error(code::M0201, message).at(field.span, "not among its fields");
            let known = part.fields.iter().map(|field| field.left.value.as_str());
            self.report(suggest(diagnostic, &field.value, known));
        }
        let at = Address::parse(&field.value);
        let index = fields.iter().position(|known| known.left.is_some() && known.left == at);
        index.map_or(Wrap::Object, wrap)
    }

    /// Compiles a field that lives at `left` in the dialect. A canonical place that names nothing to begin in is in
    /// `root`.
    pub(super) fn field(
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
            Some((at, values.iter().map(|value| value.value.clone()).collect()))
        });
        let tag = part.tag.as_ref().and_then(|(path, value)| {
            let at = self.place(path, &mut line.right, shapes.right, Schemas::Canonical)?;
            Some((at, value.value.clone()))
        });
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
            shown: matches!(part.op, Some(OpPart::Constant(_) | OpPart::Label)),
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
            OpPart::Each => Op::Each(Each { item: Item::Copy }),
            OpPart::EachId(kind) => Op::Each(Each { item: Item::Id(self.id(kind)?) }),
            OpPart::EachLens(name) => Op::Each(Each { item: Item::Lens(self.lens_named(name)?) }),
            OpPart::Fixed(literal) => Op::Fixed(Fixed(literal.value.clone())),
            OpPart::Id(kind) => Op::Id(self.id(kind)?),
            OpPart::Label => Op::Label(Label(self.role_table(part)?)),
            OpPart::Lens(name) => Op::Nested(Nested { lens: self.lens_named(name)? }),
            OpPart::Prefix(prefix) => Op::Prefix(Prefix(prefix.value.as_str().into())),
            OpPart::Resolve(name) => Op::Resolve(Resolve(self.resolver_named(name)?)),
            OpPart::Role => Op::Table(self.role_table(part)?),
            OpPart::Row(name) => {
                let (resolver, table) = (self.resolver_named(name), self.role_table(part));
                Op::Row(Row { resolver: resolver?, table: table? })
            }
            OpPart::Table(name) => {
                let declared = self.refer(Kind::Table, name);
                let table = self.tables.get(name.value.as_str()).filter(|_| declared)?;
                Op::Table(Arc::clone(table))
            }
        })
    }

    fn id(&mut self, kind: &Text) -> Option<Id> {
        let dialect = self.id_named(kind)?;
        Some(Id { canonical: canonical_codec(&dialect), dialect })
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
            _ => "the op of this field refuses it",
        };
        self.report(Diagnostic::error(code::M0106, message).at(default.span, label));
    }

    /// Whether the field's op is a lens that is shown and never read.
    fn is_shown(&self, part: &FieldPart) -> bool {
        let Some(OpPart::Lens(name)) = &part.op else { return false };
        self.lenses.get(name.value.as_str()).is_some_and(|built| built.part.shows)
    }

    /// Reads a path.
    pub(super) fn address(&mut self, path: &Text) -> Option<Address> {
        let address = Address::parse(&path.value);
        if address.is_none() {
            self.report(no_path(path));
        }
        address
    }

    /// Looks for a path of the body in its schema, and says whether it may be there.
    pub(super) fn check_path(
        &mut self,
        path: &Text,
        address: &Address,
        schema: Option<&Schema>,
        of: Schemas,
    ) -> bool {
        let Some(schema) = schema.filter(|_| address.root == Root::Body) else { return true };
        let Err((missing, known)) = shape_at(schema.shape(), &address.path) else { return true };
        let (code, whose) = match of {
            Schemas::Canonical => (code::M0202, "the canonical schema"),
            Schemas::Dialect => (code::M0201, "the dialect's schema"),
        };
        let diagnostic = Diagnostic::error(code, format!("{whose} has no `{}`", path.value))
            .at(path.span, format!("there is no `{missing}`"));
        self.report(suggest(diagnostic, &missing, known.iter().map(String::as_str)));
        false
    }
}

/// The schemas on the two sides of a lens.
#[derive(Clone, Copy, Default)]
pub(super) struct Shapes<'s> {
    pub(super) left: Option<&'s Schema>,
    pub(super) right: Option<&'s Schema>,
}

/// Whose schema a path is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schemas {
    Canonical,
    Dialect,
}

/// What is at a path. None if that is free: below an object whose members nobody lists, everything may be.
///
/// The error is the first name that leads nowhere, and the names that were there.
pub(super) fn shape_at<'s>(
    shape: Shape<'s>,
    path: &[Box<str>],
) -> Result<Option<Shape<'s>>, (String, Vec<String>)> {
    let mut here = shape;
    for name in path {
        let known = here.properties();
        match here.property(name) {
            Some(next) => here = next,
            None if known.is_empty() && here.open() && here.types().contains(Type::Object) => {
                return Ok(None);
            }
            None => return Err((name.to_string(), known)),
        }
    }
    Ok(Some(here))
}

pub(super) fn no_path(path: &Text) -> Diagnostic {
    Diagnostic::error(code::M0114, format!("`{}` is no path", path.value)).at(
        path.span,
        "names joined by dots, after `$path.`, `$query.` or `$outer.` where it is not the body",
    )
}

/// What an id is in the canonical form: a UUID, unless the dialect has ids of another sort and they are kept.
pub(super) fn canonical_codec(dialect: &IdCodec) -> IdCodec {
    let form = match dialect.written {
        IdForm::Opaque => IdForm::Opaque,
        IdForm::Integer => IdForm::Integer,
        IdForm::ShortUuid | IdForm::Uuid => IdForm::Uuid,
    };
    IdCodec { written: form, accepted: vec![form] }
}

/// Whether a field has no canonical place: it is always the same.
fn is_one_sided(part: &FieldPart) -> bool {
    matches!(part.op, Some(OpPart::Constant(_) | OpPart::Fixed(_)))
}

/// The names of the lenses inside a lens.
fn inner(part: &LensPart) -> impl Iterator<Item = &Text> {
    part.fields.iter().filter_map(|field| match &field.op {
        Some(OpPart::Lens(name) | OpPart::EachLens(name)) => Some(name),
        _ => None,
    })
}

/// Whether following the lenses inside `from` leads to `to`.
fn contains(lenses: &[(&Text, &LensPart)], from: &str, to: &str) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        let Some((_, part)) = lenses.iter().find(|(known, _)| known.value == name) else { continue };
        for inner in inner(part) {
            if inner.value == to {
                return true;
            }
            if !seen.contains(&inner.value.as_str()) {
                seen.push(&inner.value);
                open.push(&inner.value);
            }
        }
    }
    false
}

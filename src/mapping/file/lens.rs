//! `[lens.<name>]` and the fields in it, as they were written.

use crate::diag::reader::{Node, Table};
use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::lens::path::Literal;

use super::reason::{Reasons, reasons};
use super::value::{entries, extends_nothing, flag, literal, literals, single, texts};
use super::{RetirementPart, Text};

/// `[lens.<name>]`
#[derive(Debug)]
pub(in crate::mapping) struct LensPart {
    pub(in crate::mapping) schema: Option<Text>,
    pub(in crate::mapping) canonical: Text,
    pub(in crate::mapping) bare: Option<Text>,
    pub(in crate::mapping) scalar: Option<Text>,
    pub(in crate::mapping) shows: bool,
    /// Parameters of look-ups inside the lens, and the canonical fields that give them.
    pub(in crate::mapping) scope: Vec<(Text, Text)>,
    pub(in crate::mapping) fields: Vec<FieldPart>,
    pub(in crate::mapping) sets: Vec<(Text, Spanned<Literal>)>,
    pub(in crate::mapping) drops: Reasons,
    pub(in crate::mapping) ignores: Reasons,
    /// Fields that tell more than the dialect's schema promises, with the reason.
    pub(in crate::mapping) exceeds: Reasons,
    /// Canonical places of roles that are written without the table of roles, with the reason.
    pub(in crate::mapping) widens: Reasons,
    /// Whether there is no field that could not be read.
    pub(in crate::mapping) is_whole: bool,
}

/// `left = "right"`, or a table that says more.
#[derive(Clone, Debug)]
pub(in crate::mapping) struct FieldPart {
    /// The dialect's place.
    pub(in crate::mapping) left: Text,
    /// Where the right side is written.
    pub(in crate::mapping) span: Span,
    /// The canonical place.
    pub(in crate::mapping) at: Option<Text>,
    /// What happens in between; none if that could not be read.
    pub(in crate::mapping) op: Option<OpPart>,
    pub(in crate::mapping) from: Option<Text>,
    pub(in crate::mapping) default: Option<Spanned<Literal>>,
    pub(in crate::mapping) absent: Option<Spanned<Literal>>,
    /// What is shown where the canonical place holds nothing.
    pub(in crate::mapping) instead: Option<Text>,
    /// Whether null is told by leaving the field out.
    pub(in crate::mapping) optional: bool,
    pub(in crate::mapping) when: Option<(Text, Vec<Spanned<Literal>>)>,
    pub(in crate::mapping) tag: Option<(Text, Spanned<Literal>)>,
    /// Values of the elements that are told.
    pub(in crate::mapping) only: Vec<(Text, Spanned<Literal>)>,
    /// How it retires, or some of its values.
    pub(in crate::mapping) retirement: Option<RetirementPart>,
}

/// The op of a field, by the names it uses.
#[derive(Clone, Debug)]
pub(in crate::mapping) enum OpPart {
    Constant(Spanned<Literal>),
    Copy,
    Each,
    EachId(Text),
    EachLens(Text),
    Filter(Text),
    Fixed(Spanned<Literal>),
    Has(Spanned<Literal>),
    Id(Text),
    IdAfter(Text, Text),
    Label,
    Lens(Text),
    Prefix(Text),
    Resolve(Text),
    Role,
    Row(Text),
    Table(Text),
}

impl LensPart {
    pub(super) fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let fields = table.required_table("fields");
            let has_fields = fields.is_some();
            let fields = FieldPart::read_all(fields);
            let sets = entries(table.table("sets"), literal);
            let schema = table.text("schema");
            let canonical = table.required_text("canonical");
            let bare = table.text("bare");
            let scalar = table.text("scalar");
            let shows = flag(table, "shows");
            let scope = texts(table.table("scope"));
            let drops = reasons(table.table("drops"));
            let ignores = reasons(table.table("ignores"));
            let exceeds = reasons(table.table("exceeds"));
            let widens = reasons(table.table("widens"));
            extends_nothing(table);
            if !has_fields {
                return None;
            }
            let is_whole = fields.iter().all(|field| field.op.is_some());
            let canonical = canonical?;
            Some(Self {
                schema,
                canonical,
                bare,
                scalar,
                shows,
                scope,
                fields,
                sets,
                drops,
                ignores,
                exceeds,
                widens,
                is_whole,
            })
        })
    }
}

impl FieldPart {
    /// Reads every field of a table, also those that turn out to be unreadable.
    pub(super) fn read_all(table: Option<Table<'_>>) -> Vec<Self> {
        let fields = entries(table, |node| Some(node.clone()));
        fields.into_iter().flat_map(|(left, node)| Self::ways(left, &node)).collect()
    }

    /// Reads a field, or the several ways to fill its place: the first that gives something counts.
    fn ways(left: Text, node: &Node<'_>) -> Vec<Self> {
        match node.as_array().filter(|ways| !ways.is_empty()) {
            Some(ways) => ways.iter().map(|way| Self::read(left.clone(), way)).collect(),
            None => vec![Self::read(left, node)],
        }
    }

    fn read(left: Text, node: &Node<'_>) -> Self {
        let mut part = Self {
            left,
            span: node.span(),
            at: node.as_text(),
            op: None,
            from: None,
            default: None,
            absent: None,
            instead: None,
            optional: false,
            when: None,
            tag: None,
            only: Vec::new(),
            retirement: None,
        };
        if part.at.is_some() {
            part.op = Some(OpPart::Copy);
            return part;
        }
        let Some(mut table) = node.as_table() else {
            node.wrong_type("a path or a table");
            return part;
        };
        part.at = table.text("at");
        part.op = OpPart::read(&part.left.value, &mut table);
        part.from = table.text("from");
        part.default = table.node("default").and_then(|node| literal(&node));
        part.absent = table.node("absent").and_then(|node| literal(&node));
        part.instead = table.text("instead");
        part.optional = flag(&mut table, "optional");
        part.when = table.node("when").and_then(|node| condition(&node));
        part.only = entries(table.table("where"), literal);
        part.retirement = table.table("retirement").map(RetirementPart::read_of_field);
        part.tag = table.node("tag").and_then(|node| {
            let (path, value) = single(&node)?;
            Some((path, literal(&value)?))
        });
        table.finish();
        part
    }
}

/// `{ "path" = [values] }`
pub(super) fn condition(node: &Node<'_>) -> Option<(Text, Vec<Spanned<Literal>>)> {
    let (path, values) = single(node)?;
    Some((path, literals(&values)))
}

impl OpPart {
    /// Reads the keys that are ops; there is one of them, or two that go together, or none, which means to copy.
    fn read(field: &str, table: &mut Table<'_>) -> Option<Self> {
        let mut written: Vec<Key> = Vec::new();
        for (key, op) in LITERAL {
            written.extend(table.node(key).map(|node| literal(&node).map(op).into()));
        }
        written.extend(table.node("each").map(|node| Self::read_each(&node)));
        for (key, op) in NAMING {
            written.extend(table.node(key).map(|node| node.text().map(op).into()));
        }
        written.extend(table.node("label").map(|node| Key::switch(node.boolean(), Self::Label)));
        written.extend(table.node("role").map(|node| Key::switch(node.boolean(), Self::Role)));

        let mut ops = Vec::new();
        for key in written {
            match key {
                Key::Off => {}
                Key::Op(op) => ops.push(op),
                Key::Unreadable => return None, // reported; what it would go with is not known
            }
        }
        match (ops.pop(), ops.pop(), ops.is_empty()) {
            (None, ..) => Some(Self::Copy),
            (Some(Self::Row(_)), None, _) => Self::several(field, table),
            (Some(op), None, _) => Some(op),
            (Some(Self::Role), Some(Self::Row(resolver)), true) => Some(Self::Row(resolver)),
            (Some(Self::Id(kind)), Some(Self::Each), true) => Some(Self::EachId(kind)),
            (Some(Self::Prefix(prefix)), Some(Self::Id(kind)), true) => Some(Self::IdAfter(kind, prefix)),
            (Some(_), Some(_), _) => Self::several(field, table),
        }
    }

    /// `each = "lens"` or `each = true`
    fn read_each(node: &Node<'_>) -> Key {
        if let Some(lens) = node.as_text() {
            return Key::Op(Self::EachLens(lens));
        }
        let switch = node.as_boolean();
        if switch.is_none() {
            node.wrong_type("the name of a lens or `true`");
        }
        Key::switch(switch, Self::Each)
    }

    fn several(field: &str, table: &Table<'_>) -> Option<Self> {
        let message = format!("field `{field}` has ops that do not go together");
        table.report(
            Diagnostic::error(code::M0106, message)
                .at(table.span(), "several ops here")
                .help("a field has one op; only `row` with `role`, `each = true` with `id`, and `id` with `prefix` go together"),
        );
        None
    }
}

/// What came of a key that is there.
enum Key {
    /// A switch that is off, which is as good as no key.
    Off,
    Op(OpPart),
    Unreadable,
}

impl Key {
    fn switch(switch: Option<Spanned<bool>>, op: OpPart) -> Self {
        match switch {
            Some(switch) if switch.value => Self::Op(op),
            Some(_) => Self::Off,
            None => Self::Unreadable,
        }
    }
}

impl From<Option<OpPart>> for Key {
    fn from(op: Option<OpPart>) -> Self {
        op.map_or(Self::Unreadable, Self::Op)
    }
}

/// A key that is an op, and the op that its value makes.
type OpKey<T> = (&'static str, fn(T) -> OpPart);

/// The ops that say a value.
const LITERAL: [OpKey<Spanned<Literal>>; 3] =
    [("constant", OpPart::Constant), ("fixed", OpPart::Fixed), ("has", OpPart::Has)];

/// The ops that name something.
const NAMING: [OpKey<Text>; 7] = [
    ("filter", OpPart::Filter),
    ("id", OpPart::Id),
    ("lens", OpPart::Lens),
    ("prefix", OpPart::Prefix),
    ("resolve", OpPart::Resolve),
    ("table", OpPart::Table),
    ("row", OpPart::Row),
];

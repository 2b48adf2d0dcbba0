//! `[lens.<name>]` and the fields in it, as they were written.

use crate::diag::reader::{Node, Table};
use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::lens::path::Literal;

use super::Text;
use super::value::{entries, flag, literal, literals, single, texts};

/// `[lens.<name>]`
#[derive(Debug)]
pub(in crate::mapping) struct LensPart {
    pub(in crate::mapping) schema: Option<Text>,
    pub(in crate::mapping) canonical: Text,
    pub(in crate::mapping) bare: Option<Text>,
    pub(in crate::mapping) scalar: Option<Text>,
    pub(in crate::mapping) shows: bool,
    pub(in crate::mapping) fields: Vec<FieldPart>,
    pub(in crate::mapping) sets: Vec<(Text, Spanned<Literal>)>,
    pub(in crate::mapping) drops: Vec<(Text, Text)>,
    pub(in crate::mapping) ignores: Vec<(Text, Text)>,
    /// Whether there is no field that could not be read.
    pub(in crate::mapping) is_whole: bool,
}

/// `left = "right"`, or a table that says more.
#[derive(Debug)]
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
    pub(in crate::mapping) when: Option<(Text, Vec<Spanned<Literal>>)>,
    pub(in crate::mapping) tag: Option<(Text, Spanned<Literal>)>,
}

/// The op of a field, by the names it uses.
#[derive(Debug)]
pub(in crate::mapping) enum OpPart {
    Constant(Spanned<Literal>),
    Copy,
    Each,
    EachId(Text),
    EachLens(Text),
    Fixed(Spanned<Literal>),
    Id(Text),
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
            let drops = texts(table.table("drops"));
            let ignores = texts(table.table("ignores"));
            if !has_fields {
                return None;
            }
            let is_whole = fields.iter().all(|field| field.op.is_some());
            let canonical = canonical?;
            Some(Self { schema, canonical, bare, scalar, shows, fields, sets, drops, ignores, is_whole })
        })
    }
}

impl FieldPart {
    /// Reads every field of a table, also those that turn out to be unreadable.
    pub(super) fn read_all(table: Option<Table<'_>>) -> Vec<Self> {
        let fields = entries(table, |node| Some(node.clone()));
        fields.into_iter().map(|(left, node)| Self::read(left, &node)).collect()
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
            when: None,
            tag: None,
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
        part.when = table.node("when").and_then(|node| condition(&node));
        part.tag = table.node("tag").and_then(|node| {
            let (path, value) = single(&node)?;
            Some((path, literal(&value)?))
        });
        table.finish();
        part
    }
}

/// `{ "path" = [values] }`
fn condition(node: &Node<'_>) -> Option<(Text, Vec<Spanned<Literal>>)> {
    let (path, values) = single(node)?;
    Some((path, literals(&values)))
}

impl OpPart {
    /// Reads the keys that are ops; there is one of them, or two that go together, or none, which means to copy.
    fn read(field: &str, table: &mut Table<'_>) -> Option<Self> {
        let mut ops: Vec<Option<Self>> = Vec::new();
        for (key, op) in [("constant", Self::Constant as fn(_) -> _), ("fixed", Self::Fixed)] {
            ops.extend(table.node(key).map(|node| literal(&node).map(op)));
        }
        ops.extend(table.node("each").and_then(|node| Self::read_each(&node)));
        for (key, op) in NAMING {
            ops.extend(table.node(key).map(|node| node.text().map(op)));
        }
        for (key, op) in [("label", Self::Label), ("role", Self::Role)] {
            ops.extend(table.node(key).and_then(|node| match node.boolean() {
                Some(flag) if !flag.value => None,
                Some(_) => Some(Some(op)),
                None => Some(None),
            }));
        }

        // An op that could not be read has been reported; what it would go with is not known.
        let mut ops = ops.into_iter().collect::<Option<Vec<Self>>>()?;
        match (ops.pop(), ops.pop(), ops.is_empty()) {
            (None, ..) => Some(Self::Copy),
            (Some(Self::Row(_)), None, _) => Self::several(field, table),
            (Some(op), None, _) => Some(op),
            (Some(Self::Role), Some(Self::Row(resolver)), true) => Some(Self::Row(resolver)),
            (Some(Self::Id(kind)), Some(Self::Each), true) => Some(Self::EachId(kind)),
            (Some(_), Some(_), _) => Self::several(field, table),
        }
    }

    /// `each = "lens"` or `each = true`; outside, none means that there is no such op.
    fn read_each(node: &Node<'_>) -> Option<Option<Self>> {
        if let Some(lens) = node.as_text() {
            return Some(Some(Self::EachLens(lens)));
        }
        match node.as_boolean() {
            Some(flag) if !flag.value => None,
            Some(_) => Some(Some(Self::Each)),
            None => {
                node.wrong_type("the name of a lens or `true`");
                Some(None)
            }
        }
    }

    fn several(field: &str, table: &Table<'_>) -> Option<Self> {
        let message = format!("field `{field}` has ops that do not go together");
        table.report(
            Diagnostic::error(code::M0106, message)
                .at(table.span(), "several ops here")
                .help("a field has one op; only `row` with `role`, and `each = true` with `id`, go together"),
        );
        None
    }
}

/// The ops that name something.
const NAMING: [(&str, fn(Text) -> OpPart); 6] = [
    ("id", OpPart::Id),
    ("lens", OpPart::Lens),
    ("prefix", OpPart::Prefix),
    ("resolve", OpPart::Resolve),
    ("table", OpPart::Table),
    ("row", OpPart::Row),
];

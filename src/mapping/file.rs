//! What a mapping file may say, as it was written, with the place of everything.
//!
//! Reading finds out whether keys and types are right, and nothing else: a path is still a text, a name may name
//! nothing. A part that lacks what it cannot do without is left out; its name stays declared, so that nobody is told
//! that it is unknown.

mod errors;
mod lens;
mod operation;
mod reason;
mod retirement;
mod table;
mod value;

use crate::diag::reader::{Reader, Table};
use crate::diag::{SourceId, Span, Spanned};

pub(super) use errors::{ErrorsPart, SlotPart, TemplatePart};
pub(super) use lens::{FieldPart, LensPart, OpPart};
pub(super) use operation::{
    AnswerPart, CasePart, CollectPart, EachPart, GatherPart, LocationPart, OperationPart,
};
pub(super) use reason::Reason;
pub(super) use retirement::{BrownOutPart, RetirementPart, Retires};
pub(super) use table::{Landing, RowPart, TablePart};

use value::{extends_nothing, named, texts};

/// A text and where it stands.
pub(super) type Text = Spanned<String>;

/// A part with a name of its own; none if it could not be read.
#[derive(Debug)]
pub(super) struct Named<T> {
    pub(super) name: Text,
    pub(super) part: Option<T>,
}

/// A whole mapping.
#[derive(Debug)]
pub(super) struct MappingFile {
    /// The text that was read; what it does not say may stand in those it extends.
    pub(super) source: SourceId,
    pub(super) dialect: Option<DialectPart>,
    pub(super) credentials: Vec<CredentialPart>,
    pub(super) quota: QuotaPart,
    pub(super) retirement: Option<RetirementPart>,
    pub(super) errors: Option<ErrorsPart>,
    pub(super) ids: Vec<Named<IdPart>>,
    pub(super) roles: Option<TablePart>,
    pub(super) tables: Vec<Named<TablePart>>,
    pub(super) resolvers: Vec<Named<ResolverPart>>,
    pub(super) pages: Vec<Named<PagePart>>,
    pub(super) lenses: Vec<Named<LensPart>>,
    pub(super) operations: Vec<OperationPart>,
    /// Whether everything that could refer to something was read.
    pub(super) is_whole: bool,
}

/// `[dialect]`
#[derive(Debug)]
pub(super) struct DialectPart {
    pub(super) title: String,
    pub(super) hosts: Vec<Text>,
    pub(super) prefix: Text,
    pub(super) wrong_slash: Option<Spanned<i64>>,
    pub(super) select: Option<SelectPart>,
}

/// `[dialect.select]`
#[derive(Debug)]
pub(super) struct SelectPart {
    pub(super) span: Span,
    pub(super) header: Text,
    pub(super) pattern: Text,
}

/// `[[credential]]`
#[derive(Debug)]
pub(super) struct CredentialPart {
    pub(super) header: Text,
    pub(super) scheme: Option<Text>,
    pub(super) pattern: Text,
}

/// `[quota]`
#[derive(Debug, Default)]
pub(super) struct QuotaPart {
    pub(super) windows: Vec<Text>,
    pub(super) headers: Vec<Text>,
}

/// `[id.<name>]`
#[derive(Debug)]
pub(super) struct IdPart {
    pub(super) form: Text,
    pub(super) accept: Vec<Text>,
    pub(super) imported: Option<Spanned<bool>>,
    pub(super) within: Option<Text>,
}

/// `[resolver.<name>]`
#[derive(Debug)]
pub(super) struct ResolverPart {
    pub(super) calls: Text,
    pub(super) scope: Vec<Text>,
    pub(super) find: Option<Text>,
    pub(super) rows: Text,
    pub(super) left: Text,
    pub(super) right: Text,
    pub(super) pattern: Option<Text>,
    /// The kind of id the dialect's keys are.
    pub(super) id: Option<Text>,
    pub(super) accept: Vec<Text>,
    pub(super) remember: Option<Text>,
    pub(super) misses: Option<Text>,
}

/// `[page.<name>]`
#[derive(Debug)]
pub(super) struct PagePart {
    pub(super) style: Text,
    pub(super) start: Text,
    pub(super) limit: LimitPart,
    pub(super) fields: Vec<(Text, Text)>,
}

/// `limit = { query = "...", default = ..., max = ... }`
#[derive(Debug)]
pub(super) struct LimitPart {
    pub(super) query: Text,
    pub(super) default: Option<Spanned<i64>>,
    pub(super) max: Option<Spanned<i64>>,
}

impl MappingFile {
    /// Every operation, and after it its cases.
    pub(super) fn parts(&self) -> impl Iterator<Item = &OperationPart> {
        let with_cases = |whole| std::iter::once(whole).chain(cases(whole));
        self.operations.iter().flat_map(with_cases)
    }

    /// Reads every key there is; what is wrong with any of them stays with the reader.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let mut root = reader.root();
        let source = root.span().source;
        let dialect = root.required_table("dialect").and_then(DialectPart::read);
        let credentials = root.required("credential").map(|node| node.tables()).unwrap_or_default();
        let credentials = credentials.into_iter().filter_map(CredentialPart::read).collect();
        let quota = root.table("quota").map(QuotaPart::read).unwrap_or_default();
        let retirement = root.table("retirement").map(RetirementPart::read);
        let errors = root.table("errors").map(ErrorsPart::read);
        let ids = named(&mut root, "id", |_, table| IdPart::read(table));
        let roles_at = root.key_span("role");
        let roles = root.table("role").zip(roles_at).map(|(table, at)| TablePart::read_roles(table, at));
        let tables = named(&mut root, "table", |name, table| Some(TablePart::read(name, table)));
        let resolvers = named(&mut root, "resolver", |_, table| ResolverPart::read(table));
        let pages = named(&mut root, "page", |_, table| PagePart::read(table));
        let lenses = named(&mut root, "lens", |_, table| LensPart::read(table));
        let operations_at = root.key_span("operation");
        let operations: Vec<_> = root.tables("operation").into_iter().map(OperationPart::read).collect();
        root.finish();

        let is_whole = operations.iter().all(|part| part.as_ref().is_some_and(|part| part.is_whole))
            && (operations_at.is_none() || !operations.is_empty())
            && lenses.iter().all(|lens| lens.part.as_ref().is_some_and(|part| part.is_whole));
        let operations = operations.into_iter().flatten().collect();
        Self {
            source,
            dialect,
            credentials,
            quota,
            retirement,
            errors,
            ids,
            roles,
            tables,
            resolvers,
            pages,
            lenses,
            operations,
            is_whole,
        }
    }
}

impl DialectPart {
    fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let title = table.required_text("title");
            let hosts = table.texts("hosts");
            let prefix = table.required_text("prefix");
            let wrong_slash = table.integer("wrong_slash");
            let select = table.table("select").map(SelectPart::read);
            table.text("extends"); // read before the others, by whoever laid this text over the one it names
            extends_nothing(table);
            Some(Self { title: title?.value, hosts, prefix: prefix?, wrong_slash, select: select.flatten() })
        })
    }
}

impl SelectPart {
    fn read(table: Table<'_>) -> Option<Self> {
        let span = table.span();
        table.read(|table| {
            let header = table.required_text("header");
            let pattern = table.required_text("pattern");
            Some(Self { span, header: header?, pattern: pattern? })
        })
    }
}

impl CredentialPart {
    fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let header = table.required_text("header");
            let scheme = table.text("scheme");
            let pattern = table.required_text("pattern");
            Some(Self { header: header?, scheme, pattern: pattern? })
        })
    }
}

impl QuotaPart {
    fn read(table: Table<'_>) -> Self {
        table.read(|table| Self { windows: table.texts("windows"), headers: table.texts("headers") })
    }
}

impl IdPart {
    fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let form = table.required_text("form");
            let accept = table.texts("accept");
            let imported = table.boolean("imported");
            let within = table.text("within");
            Some(Self { form: form?, accept, imported, within })
        })
    }
}

impl ResolverPart {
    fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let calls = table.required_text("calls");
            let rows = table.required_text("rows");
            let left = table.required_text("left");
            let right = table.required_text("right");
            let scope = table.texts("scope");
            let find = table.text("find");
            let pattern = table.text("pattern");
            let id = table.text("id");
            let accept = table.texts("accept");
            let remember = table.text("remember");
            let misses = table.text("misses");
            Some(Self {
                calls: calls?,
                scope,
                find,
                rows: rows?,
                left: left?,
                right: right?,
                pattern,
                id,
                accept,
                remember,
                misses,
            })
        })
    }
}

impl PagePart {
    fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let style = table.required_text("style");
            let start = table.required_text("start");
            let limit = table.required_table("limit").and_then(LimitPart::read);
            let fields = table.required_table("fields");
            Some(Self { style: style?, start: start?, limit: limit?, fields: texts(fields) })
        })
    }
}

impl LimitPart {
    fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let query = table.required_text("query");
            let default = table.integer("default");
            let max = table.integer("max");
            Some(Self { query: query?, default, max })
        })
    }
}

fn cases(whole: &OperationPart) -> impl Iterator<Item = &OperationPart> {
    whole.cases.iter().map(|case| &case.operation)
}

//! `[[operation]]`, as it was written.

use crate::diag::reader::{Node, Table};
use crate::diag::{Span, Spanned};
use crate::lens::path::Literal;

use super::lens::condition;
use super::reason::{Reason, Reasons, reasons};
use super::value::{entries, extends_nothing, flag, integers, literal, texts};
use super::{FieldPart, Retires, Text};

/// `[[operation]]`
#[derive(Debug)]
pub(in crate::mapping) struct OperationPart {
    pub(in crate::mapping) name: Text,
    pub(in crate::mapping) request: Text,
    pub(in crate::mapping) calls: Text,
    /// Why it is asked by a method that should change nothing, and does.
    pub(in crate::mapping) changes: Option<Reason>,
    pub(in crate::mapping) path: Vec<FieldPart>,
    pub(in crate::mapping) query: Vec<FieldPart>,
    pub(in crate::mapping) sets: Vec<(Text, Spanned<Literal>)>,
    /// Canonical places of roles that are set, with the reason.
    pub(in crate::mapping) widens: Reasons,
    /// The schema of the query.
    pub(in crate::mapping) parameters: Option<Text>,
    /// Query parameters that nothing is made of, with the reason.
    pub(in crate::mapping) ignores: Reasons,
    pub(in crate::mapping) body: Option<Text>,
    /// Of a case: the lens of the operation's body, which its clients write.
    pub(in crate::mapping) written: Option<Text>,
    /// Of a case: what of that body nothing is made of, with the reason.
    pub(in crate::mapping) unread: Reasons,
    pub(in crate::mapping) each: Option<EachPart>,
    pub(in crate::mapping) page: Option<Text>,
    pub(in crate::mapping) gather: Option<Spanned<i64>>,
    pub(in crate::mapping) cases: Vec<CasePart>,
    /// By canonical status.
    pub(in crate::mapping) answers: Vec<(Text, AnswerPart)>,
    pub(in crate::mapping) collect: Option<CollectPart>,
    pub(in crate::mapping) folds: Vec<(Text, Spanned<i64>)>,
    /// How it retires, if that is said of it; a case retires as its operation does.
    pub(in crate::mapping) retirement: Option<Retires>,
    /// Whether there is nothing that could not be read.
    pub(in crate::mapping) is_whole: bool,
}

/// `[[operation.case]]`
#[derive(Debug)]
pub(in crate::mapping) struct CasePart {
    /// The field of the body that decides, and its values.
    pub(in crate::mapping) when: (Text, Vec<Spanned<Literal>>),
    /// The operation as it is in this case.
    pub(in crate::mapping) operation: OperationPart,
}

/// `location = { operation = "get_thing", parameters = { thing_id = "id" } }`
#[derive(Clone, Debug)]
pub(in crate::mapping) struct LocationPart {
    pub(in crate::mapping) operation: Text,
    /// The parameters of its path, and the places in the canonical body that fill them.
    pub(in crate::mapping) parameters: Vec<(Text, Text)>,
}

/// `each = { schema = "...", over = "...", one = true, limit = 100 }`
#[derive(Debug)]
pub(in crate::mapping) struct EachPart {
    pub(in crate::mapping) schema: Text,
    pub(in crate::mapping) over: Text,
    pub(in crate::mapping) one: bool,
    pub(in crate::mapping) limit: Option<Spanned<i64>>,
    pub(in crate::mapping) otherwise: Option<Text>,
}

/// `201 = { status = 200, body = "lens" }`
#[derive(Debug)]
pub(in crate::mapping) struct AnswerPart {
    pub(in crate::mapping) status: Spanned<i64>,
    pub(in crate::mapping) body: Option<Text>,
    pub(in crate::mapping) items: Option<Text>,
    /// The member that holds the items of a list without pages.
    pub(in crate::mapping) under: Option<Text>,
    pub(in crate::mapping) constant: Option<Spanned<Literal>>,
    pub(in crate::mapping) schema: Option<Text>,
    pub(in crate::mapping) location: Option<LocationPart>,
    /// The canonical operation the answer is read with.
    pub(in crate::mapping) reads: Option<Text>,
    /// The body where the lens has no words for what was answered.
    pub(in crate::mapping) otherwise: Option<Spanned<Literal>>,
    /// Why nothing is told of what was answered.
    pub(in crate::mapping) drops: Option<Reason>,
    /// Why items without words in the dialect are left out of a list.
    pub(in crate::mapping) omits: Option<Reason>,
    /// Values of the items of a list that are told.
    pub(in crate::mapping) only: Vec<(Text, Spanned<Literal>)>,
}

/// `[operation.collect]`
#[derive(Debug)]
pub(in crate::mapping) struct CollectPart {
    pub(in crate::mapping) header: Span,
    pub(in crate::mapping) schema: Option<Text>,
    pub(in crate::mapping) status: Vec<(Text, Spanned<i64>)>,
    pub(in crate::mapping) fields: Vec<(Text, GatherPart)>,
    /// Why the rest of what was answered is not told.
    pub(in crate::mapping) drops: Option<Reason>,
}

/// `member = { of = "succeeded", body = "lens" }`
#[derive(Debug)]
pub(in crate::mapping) struct GatherPart {
    pub(in crate::mapping) of: Option<Text>,
    pub(in crate::mapping) count: Option<Text>,
    pub(in crate::mapping) body: Option<Text>,
    pub(in crate::mapping) at: Option<Text>,
    pub(in crate::mapping) id: Option<Text>,
    pub(in crate::mapping) only: Vec<(Text, Spanned<Literal>)>,
    pub(in crate::mapping) optional: bool,
}

impl OperationPart {
    pub(super) fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let name = table.required_text("name");
            let request = table.required_text("request");
            let calls = table.required_text("calls");
            let changes = Reason::under(table, "changes");
            let path = FieldPart::read_all(table.table("path"));
            let query = FieldPart::read_all(table.table("query"));
            let parameters = table.text("parameters");
            let ignores = reasons(table.table("ignores"));
            let body = table.text("body");
            let each = table.table("each").map(EachPart::read);
            let page = table.text("page");
            let gather = table.integer("gather");
            let collect = table.table("collect").map(CollectPart::read);
            let folds = integers(table.table("folds"));
            let retirement = table.node("retirement").map(|node| Retires::read(&node));
            let cases = table.tables("case");
            let outcome = Outcome::read(table);
            extends_nothing(table);

            let is_whole = path.iter().chain(&query).all(|field| field.op.is_some())
                && outcome.is_whole
                && each.as_ref().is_none_or(Option::is_some)
                && collect.as_ref().is_none_or(Option::is_some);
            let mut operation = Self {
                name: name?,
                request: request?,
                calls: calls?,
                changes,
                path,
                query,
                sets: outcome.sets,
                widens: outcome.widens,
                parameters,
                ignores,
                body,
                written: None,
                unread: Vec::new(),
                each: each.flatten(),
                page,
                gather,
                cases: Vec::new(),
                answers: outcome.answers,
                collect: collect.flatten(),
                folds,
                retirement: retirement.flatten(),
                is_whole,
            };
            let cases: Vec<_> = cases.into_iter().map(|case| CasePart::read(case, &operation)).collect();
            operation.is_whole &= cases.iter().all(Option::is_some);
            operation.cases = cases.into_iter().flatten().collect();
            Some(operation)
        })
    }
}

/// What an operation and a case of it both say: what is set, and how it is answered.
struct Outcome {
    sets: Vec<(Text, Spanned<Literal>)>,
    widens: Reasons,
    answers: Vec<(Text, AnswerPart)>,
    is_whole: bool,
}

impl Outcome {
    fn read(table: &mut Table<'_>) -> Self {
        let sets = entries(table.table("sets"), literal);
        let widens = reasons(table.table("widens"));
        let answers = entries(table.table("answers"), |node| Some(AnswerPart::read(node)));
        let is_whole = answers.iter().all(|(_, answer)| answer.is_some());
        let answers = answers.into_iter().filter_map(|(status, answer)| Some((status, answer?))).collect();
        Self { sets, widens, answers, is_whole }
    }
}

impl CasePart {
    /// Reads a case of `operation`: another call, with what goes along, for the same request.
    fn read(table: Table<'_>, operation: &OperationPart) -> Option<Self> {
        table.read(|table| {
            let when = table.required("when").and_then(|node| condition(&node));
            let calls = table.required_text("calls");
            let body = table.text("body");
            let unread = reasons(table.table("ignores"));
            let Outcome { sets, widens, answers, is_whole } = Outcome::read(table);
            let operation = OperationPart {
                name: operation.name.clone(),
                request: operation.request.clone(),
                calls: calls?,
                changes: None,
                path: operation.path.clone(),
                query: Vec::new(),
                sets,
                widens,
                parameters: None,
                ignores: Vec::new(),
                body,
                written: operation.body.clone(),
                unread,
                each: None,
                page: None,
                gather: None,
                cases: Vec::new(),
                answers,
                collect: None,
                folds: operation.folds.clone(),
                retirement: None,
                is_whole: operation.is_whole && is_whole,
            };
            Some(Self { when: when?, operation })
        })
    }
}

impl EachPart {
    fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let schema = table.required_text("schema");
            let over = table.required_text("over");
            let one = flag(table, "one");
            let limit = table.integer("limit");
            let otherwise = table.text("otherwise");
            Some(Self { schema: schema?, over: over?, one, limit, otherwise })
        })
    }
}

impl AnswerPart {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.table()?.read(|table| {
            let status = table.required("status").and_then(|node| node.integer());
            let body = table.text("body");
            let items = table.text("items");
            let under = table.text("under");
            let constant = table.node("constant").and_then(|node| literal(&node));
            let schema = table.text("schema");
            let location = table.table("location").map(LocationPart::read);
            let location = match location {
                Some(location) => Some(location?),
                None => None,
            };
            let drops = Reason::under(table, "drops");
            let omits = Reason::under(table, "omits");
            let only = entries(table.table("where"), literal);
            let reads = table.text("reads");
            let otherwise = table.node("otherwise").and_then(|node| literal(&node));
            Some(Self {
                status: status?,
                body,
                items,
                under,
                constant,
                schema,
                location,
                reads,
                otherwise,
                drops,
                omits,
                only,
            })
        })
    }
}

impl LocationPart {
    fn read(table: Table<'_>) -> Option<Self> {
        table.read(|table| {
            let operation = table.required_text("operation");
            let parameters = texts(table.table("parameters"));
            Some(Self { operation: operation?, parameters })
        })
    }
}

impl CollectPart {
    fn read(table: Table<'_>) -> Option<Self> {
        let header = table.span();
        table.read(|table| {
            let schema = table.text("schema");
            let status = table.required_table("status");
            let fields = table.required_table("fields");
            let drops = Reason::under(table, "drops");
            let (has_status, has_fields) = (status.is_some(), fields.is_some());
            let (status, fields) = (integers(status), entries(fields, GatherPart::read));
            (has_status && has_fields).then_some(Self { header, schema, status, fields, drops })
        })
    }
}

impl GatherPart {
    fn read(node: &Node<'_>) -> Option<Self> {
        let part = node.table()?.read(|table| Self {
            of: table.text("of"),
            count: table.text("count"),
            body: table.text("body"),
            at: table.text("at"),
            id: table.text("id"),
            only: entries(table.table("where"), literal),
            optional: flag(table, "optional"),
        });
        Some(part)
    }
}

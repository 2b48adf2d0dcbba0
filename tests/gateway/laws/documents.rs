//! Documents and requests that nobody thought of, each made of a seed: what a client may write of a schema, with words that
//! the mapping knows.

use std::sync::Arc;

use http::uri::PathAndQuery;
use interlingua::dialect::operation::RequestBody;
use interlingua::dialect::url::Url;
use interlingua::dialect::{Dialect, Operation, Selected};
use interlingua::json::{Document, Limits};
use interlingua::lens::op::Op;
use interlingua::lens::op::each::Item;
use interlingua::lens::op::id::Id;
use interlingua::lens::op::table::Word;
use interlingua::lens::path::Address;
use interlingua::lens::{Field, Lens, Wrap};
use interlingua::problem::Root;
use interlingua::schema::Schema;
use interlingua::translate::{self, Request};
use serde_json::{Map, Value, json};

use super::instances::{Node, Random};
use super::row_id;
use crate::support::Dialects;

/// A dialect's document for a lens. Fields that share a canonical place get values that agree.
pub(super) fn left_document(shipped: &Dialects, dialect: &Dialect, lens: &Lens, seed: u64) -> Option<Value> {
    let shaped = dialect.lenses.get(lens.name())?;
    let schema = shaped.left.as_ref()?;
    let root = Node::root(&shipped.schemas, schema.folder(), schema.name());
    let mut document = json!({});
    let mut random = Random::new(seed);
    let tags: Vec<_> =
        lens.fields().iter().filter_map(|field| field.when.tag.as_ref()).map(|(_, tag)| tag.json()).collect();
    let variant = (!tags.is_empty()).then(|| (*random.pick(&tags)).to_owned());
    for field in lens.fields() {
        let Some(left) = field.left.as_ref().filter(|left| left.root == Root::Body) else { continue };
        let node = left.path.iter().try_fold(root.clone(), |node, name| node.property(name));
        let Some(node) = node else { continue };
        if field.when.tag.as_ref().is_some_and(|(_, tag)| Some(tag.json()) != variant.as_deref()) {
            continue;
        }
        let parent =
            left.path[..left.path.len() - 1].iter().try_fold(root.clone(), |node, name| node.property(name));
        let last = left.path.last().unwrap();
        let required = parent.is_some_and(|parent| parent.is_required(last));
        if required || !random.next().is_multiple_of(4) {
            put(&mut document, &left.path, left_value(shipped, dialect, field, &node, seed)?);
        }
    }
    let text = Document::parse(document.to_string().into_bytes(), &Limits::default()).unwrap();
    schema.is_valid(text.root()).then_some(document)
}

fn left_value(
    shipped: &Dialects,
    dialect: &Dialect,
    field: &Field,
    node: &Node<'_>,
    seed: u64,
) -> Option<Value> {
    let place = field
        .right
        .as_ref()
        .map_or_else(|| field.left.as_ref().map(Address::to_string), |right| Some(right.to_string()));
    let mut random = Random::of(seed, &place.unwrap_or_default());
    let name = field.left.as_ref().and_then(|left| left.path.last()).map_or("", |name| name);
    Some(match &field.op {
        Op::Constant(literal) => literal.value().to_value(),
        Op::Fixed(fixed) => fixed.0.value().to_value(),
        Op::Copy => node.instance(name, &mut random),
        Op::Id(id) => json!(spelling(id, &mut random)),
        // A filter stands in a query, which these instances are not about; its law is with the op.
        Op::Filter(filter) => tree(&random.pick(&filter.0.rows).word),
        Op::Table(table) => tree(&random.pick(&table.rows).word),
        Op::Label(label) => json!(random.pick(&label.0.rows).label),
        Op::Row(row) => json!(row_id(&random.pick(&row.table.rows).is.text())),
        Op::Resolve(_) => json!("acme-corp"),
        // A list is shown as one word of it being there.
        Op::Has(_) => json!(random.below(2) == 0),
        Op::Prefix(prefix) => {
            let rest = prefix.id.as_ref().map(|id| spelling(id, &mut random));
            json!(format!("{}{}", prefix.before, rest.unwrap_or_else(|| random.word())))
        }
        Op::Nested(nested) => left_document(shipped, dialect, &nested.lens, seed)?,
        Op::Each(each) => match &each.item {
            Item::Copy => node.instance(name, &mut random),
            Item::Id(_) => json!([random.uuid().to_string(), random.uuid().to_string()]),
            Item::Lens(lens) if matches!(lens.wrap(), Wrap::Scalar(_)) => {
                json!([random.uuid().to_string(), random.uuid().to_string()])
            }
            Item::Lens(lens) => {
                let items = (0..2).map(|index| left_document(shipped, dialect, lens, seed + index));
                items.collect::<Option<Value>>()?
            }
        },
    })
}

/// A canonical document, as good as the generator knows how to make one.
pub(super) fn canonical(dialects: &Dialects, schema: &Schema, seed: u64) -> Value {
    Node::root(&dialects.schemas, "canonical", schema.name()).instance("", &mut Random::new(seed))
}

pub(super) fn valid_body(shipped: &Dialects, operation: &Operation, seed: u64) -> Option<Value> {
    let schema = match &operation.body {
        RequestBody::None => return None,
        RequestBody::One { schema } | RequestBody::Each { schema, .. } => schema,
    };
    Some(Node::root(&shipped.schemas, schema.folder(), schema.name()).instance("", &mut Random::new(seed)))
}

/// A request whose body is valid and whose ids can be ids.
pub(super) fn valid_request(
    shipped: &Dialects,
    dialect: &Arc<Dialect>,
    operation: &Arc<Operation>,
    seed: u64,
) -> Option<Request> {
    let mut random = Random::new(seed);
    let path = operation.parameters().map(|name| {
        let field = operation.request.fields().iter().find(|field| {
            field.left.as_ref().is_some_and(|left| left.root == Root::Path && *left.path[0] == *name)
        });
        let is_slug = matches!(field.map(|field| &field.op), Some(Op::Resolve(by)) if by.0.id.is_none());
        (name.into(), if is_slug { "acme-corp".to_owned() } else { random.uuid().to_string() })
    });
    let path = path.collect();
    let body = valid_body(shipped, operation, seed)
        .map(|body| Document::parse(body.to_string().into_bytes(), &Limits::default()).unwrap());
    let selected =
        Selected { dialect: Arc::clone(dialect), operation: Arc::clone(operation), mount: 0, path };
    let request = Request::new(selected, Url::of(PathAndQuery::from_static("/")), body).unwrap();
    translate::check(&request).is_ok().then_some(request)
}

pub(super) fn put(value: &mut Value, path: &[Box<str>], member: Value) {
    let mut at = value;
    for name in path {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = at.as_object_mut().unwrap().entry(&**name).or_insert(Value::Null);
    }
    *at = member;
}

/// Some id as the dialect spells it.
fn spelling(id: &Id, random: &mut Random) -> String {
    let canonical = match id.dialect.written.name() {
        "integer" => id.dialect.read(&random.below(1000).to_string()),
        "opaque" => id.dialect.read(&random.word()),
        _ => interlingua::canonical::id::IdForm::Uuid.read(&random.uuid().to_string()),
    };
    let mut text = String::new();
    id.dialect.write(&canonical.unwrap(), &mut text).unwrap();
    text
}

pub(super) fn tree(word: &Word) -> Value {
    word.value().to_value()
}

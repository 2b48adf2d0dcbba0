//! Fields of an update that a client may write back as it read them without changing anything, although two canonical
//! values are told alike there.
//!
//! A dialect that has one word for two roles tells both as that word. Who reads a record and writes it back asks for no
//! change, and lifting the word would make one. So what the client wrote is compared with what the record is told as
//! *now*: where both lift to the same, the field is kept, which is to say that it is left out of the update.
//!
//! What a field is told as is what the views say that show the same place to clients: a view may show `true` where
//! nothing is stored, or find the value in another place than the update writes it to. What no view shows, although it
//! can be written, is told as the request's own lens would tell it.
//!
//! Law: a field is kept only if the client's view of it is the same before and after. What differs from every view is
//! written exactly as without all this.

use super::path::Address;
use super::{Direction, Field, Input, Lens, Need, Presence, Resolutions, Run, Wrap};
use crate::diag::Span;
use crate::json::{Document, Limits, Value, Writer};
use crate::problem::Root;

/// The fields of a request lens that may have to be kept.
#[derive(Debug)]
pub struct Keep {
    groups: Vec<Group>,
}

/// Fields that share a place on either side, and are kept together.
#[derive(Debug)]
struct Group {
    /// Their indices in the request lens.
    fields: Vec<usize>,
    /// Their places in the dialect.
    names: Vec<String>,
    origin: Option<Span>,
    /// Lifts what the client sent of them.
    sent: Lens,
    /// Lifts what a view tells of them.
    told: Lens,
    /// Tell the record, each in its own way; what none of them shows, the last.
    views: Vec<Lens>,
}

impl Keep {
    /// The fields of `request` that may have to be kept, where clients are shown the record by `views`. `records`
    /// says whether a canonical place is one of the record.
    pub fn new(request: &Lens, views: &[&Lens], records: impl Fn(&Address) -> bool) -> Keep {
        let groups = groups(request.fields());
        let groups = groups.into_iter().filter(|group| is_lossy(request, group, views));
        Keep { groups: groups.map(|fields| Group::new(request, fields, views, &records)).collect() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Their places in the dialect, and where the mapping has them.
    pub fn places(&self) -> impl Iterator<Item = (&[String], Option<Span>)> {
        self.groups.iter().map(|group| (group.names.as_slice(), group.origin))
    }

    /// The fields that an update writes to, by their places in the dialect.
    pub fn written(&self, update: &Update<'_>) -> Vec<&[String]> {
        let written = self.groups.iter().filter(|group| group.lifted(update).is_some());
        written.map(|group| group.names.as_slice()).collect()
    }

    /// The fields that an update writes what `record` is told as to.
    ///
    /// # Errors
    ///
    /// What has to be looked up to know.
    pub fn kept(&self, update: &Update<'_>, record: Value<'_>) -> Result<Vec<Kept<'_>>, Vec<Need>> {
        let (mut kept, mut needs) = (Vec::new(), Vec::new());
        for group in &self.groups {
            match group.is_same(update, record) {
                Ok(true) => kept.push(Kept { fields: &group.fields, names: &group.names }),
                Ok(false) => {}
                Err(more) => needs.extend(more),
            }
        }
        if needs.is_empty() { Ok(kept) } else { Err(needs) }
    }
}

/// An update that is about to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// What it was lifted from.
    pub sent: Input<'a>,
    /// The path parameters of the call.
    pub path: &'a [(Box<str>, String)],
    /// What was looked up.
    pub known: &'a Resolutions,
}

/// Fields that are kept together.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'k> {
    /// Their indices in the request lens.
    pub fields: &'k [usize],
    /// Their places in the dialect.
    pub names: &'k [String],
}

impl Group {
    fn new(request: &Lens, fields: Vec<usize>, views: &[&Lens], records: impl Fn(&Address) -> bool) -> Group {
        let all = request.fields();
        let own: Vec<&Field> = fields.iter().map(|index| &all[*index]).collect();
        // A tag that is no place of the record says what to do with it, not what it is.
        let tag = |field: &Field| field.when.tag.clone().filter(|(at, _)| records(at));

        let sent = all.iter().enumerate().map(|(index, field)| {
            if !fields.contains(&index) {
                return Field { right: None, ..field.clone() };
            }
            // Only what the client says can be what it read.
            let when = Presence { default: None, tag: tag(field), ..field.when.clone() };
            Field { when, ..field.clone() }
        });
        let sent = Lens::new(request.name(), request.wrap(), sent.collect());
        let alone = own.iter().map(|field| Field {
            left: field.left.as_ref().map(in_body),
            when: Presence {
                fallback: None,
                default: None,
                lift_when: None,
                tag: tag(field),
                ..field.when.clone()
            },
            ..(*field).clone()
        });
        let shows = |field: &&Field| own.iter().any(|own| own.left.as_ref().map(in_body) == field.left);
        let shown: Vec<Vec<Field>> =
            views.iter().map(|view| view.fields().iter().filter(shows).cloned().collect()).collect();
        // What nobody is shown is known by what would be written.
        let is_hidden = |field: &Field| !shown.iter().flatten().any(|shown| shown.left == field.left);
        let hidden = alone.clone().filter(is_hidden).collect();
        let views = shown.iter().cloned().chain([hidden]).filter(|fields| !fields.is_empty());
        Group {
            names: names(&own),
            origin: own.first().and_then(|field| field.origin),
            sent,
            told: Lens::new(request.name(), Wrap::Object, alone.collect()),
            views: views.map(|fields| Lens::new(request.name(), Wrap::Object, fields)).collect(),
            fields,
        }
    }

    /// What the client wrote here, if anything.
    fn lifted(&self, update: &Update<'_>) -> Option<Document> {
        brought(&self.sent, Direction::Lift, update.sent, update).ok().flatten()
    }

    /// Whether the client wrote what one of the views tells.
    fn is_same(&self, update: &Update<'_>, record: Value<'_>) -> Result<bool, Vec<Need>> {
        let Some(sent) = self.lifted(update) else { return Ok(false) };
        let mut needs = Vec::new();
        for view in &self.views {
            match self.told(view, update, record) {
                Ok(Some(told)) if told.root().same(sent.root()) => return Ok(true),
                Ok(_) => {}
                Err(more) => needs.extend(more),
            }
        }
        if needs.is_empty() { Ok(false) } else { Err(needs) }
    }

    /// What would be lifted if a client wrote back what the view shows it; nothing if it shows nothing, or has no words.
    fn told(
        &self,
        view: &Lens,
        update: &Update<'_>,
        record: Value<'_>,
    ) -> Result<Option<Document>, Vec<Need>> {
        let record = Input { body: Some(record), path: update.path, ..Input::default() };
        let Some(shown) = brought(view, Direction::Lower, record, update)? else { return Ok(None) };
        let shown = Input { body: Some(shown.root()), ..Input::default() };
        brought(&self.told, Direction::Lift, shown, update)
    }
}

/// The body on the other side; none if there is nothing in it, or if something has no words there.
fn brought(
    lens: &Lens,
    direction: Direction,
    input: Input<'_>,
    update: &Update<'_>,
) -> Result<Option<Document>, Vec<Need>> {
    let mut run = Run::new(direction, update.known);
    // Look-ups are in the scope of the call, whatever part of it is lifted.
    run.params = update.path.to_vec();
    let output = lens.run(input, &mut run, Writer::new());
    if !run.needs().is_empty() {
        return Err(run.needs().to_vec());
    }
    if !run.refusals().is_empty() {
        return Ok(None);
    }
    let body = output.body.into_vec();
    let limits = Limits { bytes_max: body.len(), nodes_max: usize::MAX, ..Limits::default() };
    let document = Document::parse(body, &limits).ok();
    Ok(document.filter(|document| !is_nothing(document.root())))
}

fn is_nothing(value: Value<'_>) -> bool {
    value.members().next().is_none()
}

/// The fields that read the body and write to it, in groups of those that share a place on either side: one of them is
/// another way to say the other.
fn groups(fields: &[Field]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        if !is_written(field) {
            continue;
        }
        let shares = |other: &usize| {
            let other = &fields[*other];
            other.left == field.left || other.right == field.right
        };
        let (shared, apart): (Vec<_>, Vec<_>) =
            std::mem::take(&mut groups).into_iter().partition(|group| group.iter().any(shares));
        groups = apart;
        let mut group: Vec<usize> = shared.into_iter().flatten().collect();
        group.push(index);
        groups.push(group);
    }
    groups
}

fn is_written(field: &Field) -> bool {
    let reads = field.left.as_ref().is_some_and(|at| matches!(at.root, Root::Body | Root::Outer));
    let writes = field.right.as_ref().is_some_and(|at| at.root == Root::Body);
    reads && writes && !field.when.shown
}

/// Whether writing back what clients are shown of a group could change it.
fn is_lossy(request: &Lens, group: &[usize], views: &[&Lens]) -> bool {
    group.iter().map(|index| &request.fields()[*index]).any(|field| {
        let at = field.left.as_ref().map(in_body);
        let mut shown = views.iter().flat_map(|view| view.fields()).filter(|shown| shown.left == at);
        !field.is_lossless() || shown.any(|shown| !is_told_alike(field, shown))
    })
}

/// Whether what a view shows of a field is surely what the field is lifted from.
fn is_told_alike(field: &Field, shown: &Field) -> bool {
    let when = &shown.when;
    shown.op.is_lossless()
        && shown.op.is_like(&field.op)
        && (when.absent.is_none() || when.absent == field.when.absent)
        && when.instead.is_none()
}

fn names(fields: &[&Field]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in fields.iter().filter_map(|field| field.left.as_ref()).map(Address::to_string) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The same place in a document of its own.
fn in_body(at: &Address) -> Address {
    Address { root: Root::Body, path: at.path.clone() }
}

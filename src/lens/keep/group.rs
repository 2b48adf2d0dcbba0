//! Fields that are kept together: what a client sent of them, and what the record is told as.

use super::Update;
use super::lossy::in_body;
use crate::diag::Span;
use crate::json::{Document, Limits, Value, Writer};
use crate::lens::path::Address;
use crate::lens::{Direction, Field, Input, Lens, Need, Presence, Run, Wrap};

/// Fields that share a place on either side, and are kept together.
#[derive(Debug)]
pub(super) struct Group {
    /// Their indices in the request lens.
    pub(super) fields: Vec<usize>,
    /// Their places in the dialect.
    pub(super) names: Vec<String>,
    pub(super) origin: Option<Span>,
    /// Lifts what the client sent of them.
    sent: Lens,
    /// Lifts what a view tells of them.
    told: Lens,
    /// Tell the record, each in its own way; what none of them shows, the last.
    views: Vec<Lens>,
}

impl Group {
    pub(super) fn new(
        request: &Lens,
        fields: Vec<usize>,
        views: &[&Lens],
        records: impl Fn(&Address) -> bool,
    ) -> Group {
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
        let is_theirs = |field: &&Field| own.iter().any(|own| own.left.as_ref().map(in_body) == field.left);
        let shown: Vec<Vec<Field>> =
            views.iter().map(|view| view.fields().iter().filter(is_theirs).cloned().collect()).collect();
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
    fn lifted(&self, update: &Update<'_>) -> Result<Option<Document>, Vec<Need>> {
        brought(&self.sent, Direction::Lift, update.sent, update)
    }

    /// Whether the client wrote anything here.
    pub(super) fn is_written(&self, update: &Update<'_>) -> bool {
        // What cannot be told yet may be something.
        !matches!(self.lifted(update), Ok(None))
    }

    /// Whether the client wrote what one of the views tells.
    pub(super) fn is_same(&self, update: &Update<'_>, record: Value<'_>) -> Result<bool, Vec<Need>> {
        let Some(sent) = self.lifted(update)? else { return Ok(false) };
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
    run.given = update.path;
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

fn names(fields: &[&Field]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in fields.iter().filter_map(|field| field.left.as_ref()).map(Address::to_string) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

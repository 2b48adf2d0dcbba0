//! What becomes of each part of an operation's requests, asked by the names that people have for parts.
//!
//! It is read from the lenses that run and from the losses they declare, cases and bulk items included. Whatever neither
//! says anything of is not known to cross.

use crate::dialect::operation::{AnswerBody, AnswerPlan, Operation, RequestBody};
use crate::lens::op::Taking;
use crate::lens::op::table::{Landing, Table};
use crate::lens::path::Address;
use crate::lens::{Direction, Lens};
use crate::problem::Root;

/// How deep lenses are followed into each other.
const DEPTH_MAX: usize = 8;

/// What becomes of a part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// It has a place on the other side for the values that are known of it: they say the rest.
    ByValue,
    /// What is in it has places of its own; alone it has none.
    Inside,
    /// It is declared as lost.
    Lost {
        /// Why.
        reason: String,
        /// Whether it crosses at other times.
        sometimes: bool,
    },
    /// It is told as this other word, as JSON, when it is read back.
    Merged(String),
    /// Any value but this one, as JSON, is refused.
    Refused(String),
    /// It crosses, and is read back in this spelling, as JSON.
    Respelt(String),
    /// It is only shown, and never read.
    Shown,
    /// The mapping does not say.
    Unknown,
    /// It crosses, and nothing of it is lost.
    Whole,
}

/// What becomes of the parts of an operation's requests.
#[derive(Debug)]
pub struct Crossings<'d> {
    /// Places by name, each as often as something is said of it.
    places: Vec<(String, Said<'d>)>,
    /// Fields that a body cannot lack.
    required: Vec<String>,
}

/// What the mapping says of a place.
#[derive(Clone, Copy, Debug)]
enum Said<'d> {
    Lost(&'d str),
    Taken(Taking<'d>),
}

impl<'d> Crossings<'d> {
    /// Those of an operation and of all its cases.
    pub fn of(operation: &'d Operation) -> Crossings<'d> {
        let mut all = Crossings { places: Vec::new(), required: Vec::new() };
        for one in operation.with_cases() {
            match &one.body {
                RequestBody::Each { over, one: may_be_one, .. } => {
                    let list = over.path.join(".");
                    all.lens(&one.request, &format!("{list}[]"), 0);
                    // A single item may stand where the list would.
                    if *may_be_one {
                        all.lens(&one.request, &list, 0);
                    }
                }
                RequestBody::None | RequestBody::One { .. } => all.lens(&one.request, "", 0),
            }
        }
        for parameter in operation.page.iter().flat_map(|page| [&page.start, &page.limit]) {
            all.places.push((format!("?{parameter}"), Said::Taken(Taking::Value)));
        }
        if let RequestBody::One { schema } | RequestBody::Each { schema, .. } = &operation.body {
            let shape = schema.shape();
            all.required = shape.properties().into_iter().filter(|name| shape.is_required(name)).collect();
        }
        all
    }

    /// The fields that a body cannot lack: a request without them was refused, or not read so far.
    pub fn required(&self) -> &[String] {
        &self.required
    }

    /// What becomes of a field: `user.name`, `items[].role`, `?limit` in the query, `{id}` in the path.
    pub fn field(&self, field: &str) -> Crossing {
        let read = || self.said(field).filter(Said::is_read);
        if let Some(reason) = self.said(field).find_map(Said::loss) {
            return Crossing::Lost { reason: reason.to_owned(), sometimes: read().next().is_some() };
        }
        if read().any(|said| matches!(said, Said::Taken(Taking::Only(_) | Taking::Word(_)))) {
            return Crossing::ByValue;
        }
        let is_inside = |(place, _): &(String, _)| place != field && is_below(place, field);
        if read().next().is_some() {
            Crossing::Whole
        } else if self.said(field).next().is_some() {
            Crossing::Shown
        } else if self.places.iter().any(is_inside) {
            Crossing::Inside
        } else {
            Crossing::Unknown
        }
    }

    /// What becomes of a value, as JSON, of a field that can have only few.
    pub fn value(&self, field: &str, value: &str) -> Crossing {
        match self.field(field) {
            Crossing::ByValue => {}
            other => return other,
        }
        let all = self.said(field).filter_map(|said| match said {
            Said::Taken(Taking::Only(literal)) if literal.json() == value => Some(Crossing::Whole),
            Said::Taken(Taking::Only(literal)) => Some(Crossing::Refused(literal.json().to_owned())),
            Said::Taken(Taking::Word(table)) => Some(word(table, value)),
            Said::Taken(_) | Said::Lost(_) => None,
        });
        // Where several fields read it, the worst of what becomes of it.
        let badness = |crossing: &Crossing| match crossing {
            Crossing::Whole => 0,
            Crossing::Respelt(_) => 1,
            _ => 2,
        };
        all.max_by_key(badness).unwrap_or(Crossing::Unknown)
    }

    /// What becomes of an id that may be spelt in several forms, whichever it is.
    pub fn id(&self, field: &str) -> Crossing {
        let is_id =
            self.said(field).any(|said| matches!(said, Said::Taken(Taking::Id(_) | Taking::LookedUp)));
        match self.field(field) {
            Crossing::Whole if !is_id => Crossing::Unknown,
            other => other,
        }
    }

    /// What is said of a place, or of what it lies in as far as that says something of all that is in it.
    fn said<'s>(&'s self, field: &'s str) -> impl Iterator<Item = Said<'d>> + 's {
        let is_in_body = !field.starts_with(['?', '{']);
        let is_about = move |(place, said): &&(String, Said<'d>)| {
            let is_around = if place.is_empty() { is_in_body } else { is_below(field, place) };
            place == field || is_around && said.is_of_all()
        };
        self.places.iter().filter(is_about).map(|(_, said)| *said)
    }

    /// What a lens makes of a request, or of what is at a place of it.
    fn lens(&mut self, lens: &'d Lens, below: &str, depth: usize) {
        if depth >= DEPTH_MAX {
            return;
        }
        for loss in lens.losses().iter().filter(|loss| loss.direction == Direction::Lift) {
            self.places.push((place(&loss.at, below), Said::Lost(&loss.reason)));
        }
        for field in lens.fields() {
            for at in field.left.iter().chain(&field.when.fallback) {
                self.taken(place(at, below), field.taking(), depth);
            }
        }
    }

    fn taken(&mut self, at: String, taking: Taking<'d>, depth: usize) {
        match taking {
            Taking::EachId(codec) => self.places.push((format!("{at}[]"), Said::Taken(Taking::Id(codec)))),
            Taking::EachInside(lens) => self.lens(lens, &format!("{at}[]"), depth + 1),
            Taking::Inside(lens) => self.lens(lens, &at, depth + 1),
            Taking::Id(_)
            | Taking::LookedUp
            | Taking::Nothing
            | Taking::Only(_)
            | Taking::Value
            | Taking::Whole
            | Taking::Word(_) => {}
        }
        self.places.push((at, Said::Taken(taking)));
    }
}

impl<'d> Said<'d> {
    fn loss(self) -> Option<&'d str> {
        match self {
            Said::Lost(reason) => Some(reason),
            Said::Taken(_) => None,
        }
    }

    /// Whether something is made of what is written.
    fn is_read(&self) -> bool {
        !matches!(self, Said::Lost(_) | Said::Taken(Taking::Nothing))
    }

    /// Whether it holds of all that is in the place, too.
    fn is_of_all(&self) -> bool {
        matches!(self, Said::Lost(_) | Said::Taken(Taking::Nothing | Taking::Whole))
    }
}

/// The canonical words that the answers of an operation tell as others: the table, the canonical word and the dialect's, as
/// JSON.
pub fn landings(operation: &Operation) -> Vec<(&Table, String, String)> {
    let mut landings = Vec::new();
    for one in operation.with_cases() {
        let AnswerPlan::One(answers) = &one.answer else { continue };
        for answer in answers {
            match &answer.body {
                AnswerBody::Items { lens, .. } | AnswerBody::Lens(lens) => land(lens, 0, &mut landings),
                AnswerBody::Constant(_) | AnswerBody::Empty => {}
            }
        }
    }
    landings
}

fn land<'d>(lens: &'d Lens, depth: usize, landings: &mut Vec<(&'d Table, String, String)>) {
    if depth >= DEPTH_MAX {
        return;
    }
    for field in lens.fields() {
        if let Taking::EachInside(inside) | Taking::Inside(inside) = field.op.taking() {
            land(inside, depth + 1, landings);
        }
        let Some(table) = super::table(&field.op) else { continue };
        for (word, landing) in &table.lands {
            if let Landing::Row(row) = landing {
                landings.push((table, word.json().to_owned(), table.rows[*row].word.json().to_owned()));
            }
        }
    }
}

/// What becomes of a word of a table.
fn word(table: &Table, value: &str) -> Crossing {
    let found = table.read_back().find(|(word, _, _)| word.json() == value);
    found.map_or(Crossing::Unknown, |(word, shown, is_own)| {
        let json = shown.word.json().to_owned();
        if !is_own {
            Crossing::Merged(json)
        } else if *word == shown.word {
            Crossing::Whole
        } else {
            Crossing::Respelt(json)
        }
    })
}

/// Whether a place is another one, or lies in it.
fn is_below(place: &str, other: &str) -> bool {
    place.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A place by the name that people have for it.
fn place(at: &Address, below: &str) -> String {
    let path = at.path.join(".");
    match at.root {
        Root::Path => format!("{{{path}}}"),
        Root::Query => format!("?{path}"),
        Root::Body if !below.is_empty() && !path.is_empty() => format!("{below}.{path}"),
        Root::Body if path.is_empty() => below.to_owned(),
        Root::Body | Root::Outer => path,
    }
}

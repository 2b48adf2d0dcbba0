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

mod group;
mod lossy;
#[cfg(test)]
mod tests;

use super::path::Address;
use super::{Input, Lens, Need, Resolutions};
use crate::diag::Span;
use crate::json::Value;
use group::Group;

/// The fields of a request lens that may have to be kept.
#[derive(Debug)]
pub struct Keep {
    groups: Vec<Group>,
}

impl Keep {
    /// The fields of `request` that may have to be kept, where clients are shown the record by `views`. `records`
    /// says whether a canonical place is one of the record.
    pub fn new(request: &Lens, views: &[&Lens], records: impl Fn(&Address) -> bool) -> Keep {
        let groups = lossy::groups(request.fields());
        let groups = groups.into_iter().filter(|group| lossy::is_lossy(request, group, views));
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
        let written = self.groups.iter().filter(|group| group.is_written(update));
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

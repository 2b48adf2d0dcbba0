//! From canonical places to the dialect's: what an error of the backend is about, in the client's words.

use super::op::Op;
use super::op::each::Item;
use super::{Field, Lens, Wrap};
use crate::json::{Kind, Value};
use crate::problem::{Place, Root, Segment};

impl Lens {
    /// The dialect's name for a canonical place of what became of `sent`: that of the field that reaches furthest
    /// towards it. None if no field has to do with it.
    pub fn backwards(&self, place: &Place, sent: Option<Value<'_>>) -> Option<Place> {
        self.furthest(place, sent).map(|(_, place)| place)
    }

    /// The same, with how many segments of the place were understood.
    fn furthest(&self, place: &Place, sent: Option<Value<'_>>) -> Option<(usize, Place)> {
        // Nothing is read of what is only shown, and of fields that exclude each other one was sent.
        let is_told = |field: &&Field| {
            !field.when.shown && (field.when.tag.is_none() || sent.is_none_or(|sent| field.is_in(sent)))
        };
        let candidates = self.fields.iter().filter(is_told).filter_map(|field| {
            let (reach, found) = field_backwards(field, place, sent)?;
            Some(((reach, sent.is_some_and(|sent| field.is_in(sent))), found))
        });
        // Of those that reach as far one that was sent, and of equals the first: `role` stands before the label that
        // is made of it.
        let best = candidates.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|((reach, _), place)| (reach, self.unwrapped(place, sent)))
    }

    /// A value that is all there is has no name of its own.
    fn unwrapped(&self, mut place: Place, sent: Option<Value<'_>>) -> Place {
        let alone = match self.wrap {
            Wrap::Scalar(index) => Some(index),
            Wrap::Bare(index) => sent.filter(|sent| sent.kind() != Kind::Object).map(|_| index),
            Wrap::Object => None,
        };
        if let Some(left) = alone.and_then(|index| self.fields[index].left.as_ref())
            && place.root == left.root
        {
            place.segments.drain(..left.path.len().min(place.segments.len()));
        }
        place
    }
}

impl Field {
    /// Whether what was sent has the field. What lies elsewhere than in the body may have it.
    pub(super) fn is_in(&self, sent: Value<'_>) -> bool {
        let Some(left) = self.left.as_ref().filter(|left| left.root == Root::Body) else { return true };
        left.path.iter().try_fold(sent, |value, name| value.member(name)).is_some()
    }
}

/// How far the field reaches towards the place, and what its end is called on the left.
fn field_backwards(field: &Field, place: &Place, sent: Option<Value<'_>>) -> Option<(usize, Place)> {
    let (left, right) = (field.left.as_ref()?, field.right.as_ref()?);
    // What is written beside the field says no more than that it was sent.
    if let Some((tag, _)) = field.when.tag.as_ref().filter(|(tag, _)| tag.root == place.root)
        && place.segments.starts_with(&tag.segments())
    {
        return Some((tag.path.len(), Place { root: left.root, segments: left.segments() }));
    }
    if right.root != place.root {
        return None;
    }
    // What was not sent came from its fallback, if it has one.
    let fallback = field.when.fallback.as_ref().filter(|_| sent.is_some_and(|sent| !field.is_in(sent)));
    let left = fallback.unwrap_or(left);
    let own = right.segments();
    let start = Place { root: left.root, segments: left.segments() };
    if let Some(rest) = place.segments.strip_prefix(own.as_slice()) {
        let inside = sent.and_then(|sent| left.path.iter().try_fold(sent, |value, name| value.member(name)));
        let (reach, deeper) = below(&field.op, rest, inside, Lens::furthest);
        let mut found = start;
        found.segments.extend(deeper);
        return Some((own.len() + reach, found));
    }
    // A place above the field: the backend complains of all of `user`, the dialect knows only `user_name`.
    let above = !place.segments.is_empty() && own.starts_with(&place.segments);
    above.then_some((place.segments.len(), start))
}

/// A direction of names: what a lens calls a place, seen from its other side, and with how many segments understood.
pub(super) type Furthest = fn(&Lens, &Place, Option<Value<'_>>) -> Option<(usize, Place)>;

/// What a place below a field's end is called below its other end, and how much of it was understood. Names change in the
/// lenses inside alone, which is why one function serves both directions.
pub(super) fn below(
    op: &Op,
    rest: &[Segment],
    sent: Option<Value<'_>>,
    furthest: Furthest,
) -> (usize, Vec<Segment>) {
    let inner = |lens: &Lens, rest: &[Segment], sent: Option<Value<'_>>| {
        let found = furthest(lens, &Place::body(rest.to_vec()), sent);
        found.map_or((0, Vec::new()), |(reach, place)| (reach, place.segments))
    };
    match (op, rest) {
        (Op::Copy, _) => (rest.len(), rest.to_vec()),
        (Op::Nested(nested), [_, ..]) => inner(&nested.lens, rest, sent),
        (Op::Each(each), [index @ Segment::Index(at), rest @ ..]) => {
            let (reach, deeper) = match &each.item {
                Item::Copy => (rest.len(), rest.to_vec()),
                Item::Lens(lens) => inner(lens, rest, sent.and_then(|sent| sent.elements().nth(*at))),
                Item::Id(_) => (0, Vec::new()),
            };
            (reach + 1, std::iter::once(index.clone()).chain(deeper).collect())
        }
        (
            Op::Constant(_)
            | Op::Each(_)
            | Op::Filter(_)
            | Op::Fixed(_)
            | Op::Has(_)
            | Op::Id(_)
            | Op::Label(_)
            | Op::Nested(_)
            | Op::Prefix(_)
            | Op::Resolve(_)
            | Op::Row(_)
            | Op::Table(_),
            _,
        ) => (0, Vec::new()),
    }
}

//! From the dialect's places to canonical ones: what an error in a dialect's words is about.

use super::backwards::below;
use super::{Field, Lens, Wrap};
use crate::json::{Kind, Value};
use crate::problem::{Place, Root};

impl Lens {
    /// The canonical name of a dialect's place in `sent`, or in any document if that is not known: that of the field that
    /// reaches furthest towards it. None if no field has to do with it.
    pub fn forwards(&self, place: &Place, sent: Option<Value<'_>>) -> Option<Place> {
        self.furthest_forwards(place, sent).map(|(_, place)| place)
    }

    /// The same, with how many segments of the place were understood.
    fn furthest_forwards(&self, place: &Place, sent: Option<Value<'_>>) -> Option<(usize, Place)> {
        let alone = match self.wrap {
            Wrap::Scalar(index) => Some(index),
            // Without a document in hand, who names no member speaks of the value that stands alone.
            Wrap::Bare(index) => match sent {
                Some(sent) => (sent.kind() != Kind::Object).then_some(index),
                None => place.segments.is_empty().then_some(index),
            },
            Wrap::Object => None,
        };
        if let Some(field) =
            alone.and_then(|index| self.fields.get(index)).filter(|_| place.root == Root::Body)
        {
            let (reach, deeper) = below(&field.op, &place.segments, sent, Lens::furthest_forwards);
            let right = field.right.as_ref()?;
            return Some((reach, Place { root: right.root, segments: [right.segments(), deeper].concat() }));
        }
        let read = self.fields.iter().filter(|field| !field.when.shown);
        let candidates = read.filter_map(|field| field_forwards(field, place, sent));
        // Of those that reach as far the first: it is the one that is read.
        candidates.reduce(|best, next| if next.0 > best.0 { next } else { best })
    }
}

/// How far the field reaches towards the place, and what its end is called on the right.
fn field_forwards(field: &Field, place: &Place, sent: Option<Value<'_>>) -> Option<(usize, Place)> {
    let right = field.right.as_ref()?;
    let lefts = [field.left.as_ref(), field.when.fallback.as_ref()];
    lefts.into_iter().flatten().filter(|left| left.root == place.root).find_map(|left| {
        let own = left.segments();
        let start = Place { root: right.root, segments: right.segments() };
        if let Some(rest) = place.segments.strip_prefix(own.as_slice()) {
            let inside =
                sent.and_then(|sent| left.path.iter().try_fold(sent, |value, name| value.member(name)));
            let (reach, deeper) = below(&field.op, rest, inside, Lens::furthest_forwards);
            let segments = [start.segments, deeper].concat();
            return Some((own.len() + reach, Place { root: start.root, segments }));
        }
        // A place above the field: the dialect complains of all of `user`, of which this is a part.
        let above = !place.segments.is_empty() && own.starts_with(&place.segments);
        above.then_some((place.segments.len(), start))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::lens::op::Op;
    use crate::lens::op::each::{Each, Item};
    use crate::lens::op::nested::Nested;
    use crate::lens::support::field;

    fn lens() -> Lens {
        let user = Lens::new("user", Wrap::Object, vec![field("mail", "email", Op::Copy)]);
        let grant = Lens::new("grant", Wrap::Object, vec![field("where", "resource.id", Op::Copy)]);
        let grants = Each { item: Item::Lens(Arc::new(grant)), only: Vec::new() };
        let fields = vec![
            field("user", "person", Op::Nested(Nested { lens: Arc::new(user) })),
            field("grants", "resource_grants", Op::Each(grants)),
            field("first_name", "name.first", Op::Copy),
        ];
        Lens::new("member", Wrap::Object, fields)
    }

    fn forwards(pointer: &str) -> Option<String> {
        lens().forwards(&Place::from_pointer(pointer).unwrap(), None).map(|place| place.pointer())
    }

    #[test]
    fn the_field_that_reaches_furthest_gives_the_name() {
        assert_eq!(forwards("/user/mail").as_deref(), Some("/person/email"));
        assert_eq!(forwards("/grants/2/where").as_deref(), Some("/resource_grants/2/resource/id"));
        assert_eq!(forwards("/first_name").as_deref(), Some("/name/first"));
        assert_eq!(forwards("/user/unknown").as_deref(), Some("/person"), "as far as it is understood");
        assert_eq!(forwards("/nobody"), None);
    }

    #[test]
    fn what_is_told_backwards_is_read_forwards() {
        for pointer in ["/person/email", "/resource_grants/1/resource/id", "/name/first"] {
            let place = Place::from_pointer(pointer).unwrap();
            let told = lens().backwards(&place, None).unwrap();
            assert_eq!(lens().forwards(&told, None), Some(place));
        }
    }
}

//! Lists: which element of one side is which of the other.
//!
//! What has an id is found by it, or by the id that stands for it; else by being the same but for what is generated; else by
//! what else names it, such as an address; and what is left is compared with what is most like it, unless that is named
//! otherwise.

use std::collections::{HashMap, VecDeque};

use super::{ANY, Comparing, What, generated};
use crate::canonical::api::Key;
use crate::json::{Kind, Value};
use crate::problem::Segment;
use crate::schema::Shape;

/// Up to how many values are looked at to find what is most alike among what is left: each as often as there is something
/// to compare it with. Beyond it elements are taken in their order.
const LOOKS_MAX: usize = 1 << 18;

/// The member that an element is known by.
pub(super) const ID: &str = "id";

impl Comparing<'_> {
    pub(super) fn lists(&mut self, shape: Option<&Shape<'_>>, one: Value<'_>, other: Value<'_>) {
        let inner = shape.and_then(Shape::items);
        let has_ids = match &inner {
            Some(inner) => inner.property(ID).is_some(),
            None => {
                [one, other].into_iter().flat_map(Value::elements).all(|element| element.member(ID).is_some())
            }
        };
        let is_set = shape.is_some_and(Shape::is_set);
        self.step(ANY, ANY, |own| {
            let pairs = if has_ids || is_set {
                own.matched(inner.as_ref(), one, other)
            } else {
                let (mut ones, mut others) = (one.elements(), other.elements());
                let longest = one.len().max(other.len());
                (0..longest).map(|_| (ones.next(), others.next())).collect()
            };
            let mut alone = [Vec::new(), Vec::new()];
            let is_on_page = own.by.list.is_page && own.is_item();
            for (one, other) in pairs {
                match (one, other) {
                    (Some(one), None) if is_on_page => alone[0].push(one),
                    (None, Some(other)) if is_on_page => alone[1].push(other),
                    (Some(one), None) => own.element_alone(inner.as_ref(), one, What::Missing),
                    (None, Some(other)) => own.element_alone(inner.as_ref(), other, What::Extra),
                    (one, other) => own.both(inner.as_ref(), one, other),
                }
            }
            own.on_one_page(inner.as_ref(), [one, other], alone);
        });
    }

    /// An element that only one side has: one difference, if the other side would tell anything of it.
    pub(super) fn element_alone(&mut self, shape: Option<&Shape<'_>>, element: Value<'_>, what: What) {
        if !self.would_be_told(shape, element) {
            return;
        }
        self.found.compared += 1;
        let (mask, nothing) = (self.by.masks.of(Some(element)), self.by.masks.of(None));
        let sides = if what == What::Missing { [mask, nothing] } else { [nothing, mask] };
        self.tell(self.shown.clone(), what, sides);
    }

    /// Whether the other side would tell anything of an element.
    pub(super) fn would_be_told(&mut self, shape: Option<&Shape<'_>>, element: Value<'_>) -> bool {
        let mut told = Vec::new();
        self.form(shape, element, &mut told, true);
        !told.is_empty() || (self.by.tells)(&self.at)
    }

    fn matched<'v>(
        &mut self,
        shape: Option<&Shape<'_>>,
        one: Value<'v>,
        other: Value<'v>,
    ) -> Vec<(Option<Value<'v>>, Option<Value<'v>>)> {
        let mut pairs = Vec::with_capacity(one.len());
        let mut others: Vec<Option<Value<'v>>> = other.elements().map(Some).collect();
        let id = |element: Value<'v>| element.member(ID).and_then(Value::as_str);
        let mut by_id: HashMap<_, VecDeque<usize>> = HashMap::new();
        for (index, element) in other.elements().enumerate() {
            if let Some(id) = id(element) {
                by_id.entry(id).or_default().push_back(index);
            }
        }
        let mut left = Vec::new();
        for element in one.elements() {
            let own = id(element);
            let stands_for = own.as_deref().and_then(|own| self.pairs.of(own));
            let known = stands_for.or(own.as_deref()).and_then(|id| by_id.get_mut(id));
            match known.and_then(VecDeque::pop_front).and_then(|index| others[index].take()) {
                Some(found) => pairs.push((Some(element), Some(found))),
                None => left.push(element),
            }
        }
        // Those that are the same but for what is generated, in their order.
        let mut alike: HashMap<Vec<u8>, VecDeque<usize>> = HashMap::new();
        if !left.is_empty() {
            for (index, element) in others.iter().enumerate() {
                if let Some(element) = element {
                    alike.entry(self.form_of(shape, *element)).or_default().push_back(index);
                }
            }
        }
        let mut unlike = Vec::new();
        for element in left {
            let found = alike.get_mut(&self.form_of(shape, element)).and_then(VecDeque::pop_front);
            match found.and_then(|index| others[index].take()) {
                Some(found) => pairs.push((Some(element), Some(found))),
                None => unlike.push(element),
            }
        }
        let mut rest: Vec<Option<Value<'v>>> = others.into_iter().flatten().map(Some).collect();
        // Those of one name, wherever they stand.
        let mut by_name: HashMap<Vec<String>, VecDeque<usize>> = HashMap::new();
        for (index, element) in rest.iter().enumerate() {
            if let Some(name) = element.and_then(|element| whole(self.names_of(element))) {
                by_name.entry(name).or_default().push_back(index);
            }
        }
        unlike.retain(|element| {
            let of_name = whole(self.names_of(*element)).and_then(|name| by_name.get_mut(&name));
            let found = of_name.and_then(VecDeque::pop_front).and_then(|index| rest[index].take());
            pairs.extend(found.map(|found| (Some(*element), Some(found))));
            found.is_none()
        });
        let rest: Vec<Value<'v>> = rest.into_iter().flatten().collect();
        let sizes = [&unlike, &rest].map(|side| side.iter().map(|element| element.nodes()).sum::<usize>());
        let looks = sizes[0].saturating_mul(rest.len()).saturating_add(sizes[1].saturating_mul(unlike.len()));
        if looks > LOOKS_MAX {
            let (mut ones, mut others) = (unlike.into_iter(), rest.into_iter());
            let longest = ones.len().max(others.len());
            for (one, other) in (0..longest).map(|_| (ones.next(), others.next())) {
                if let (Some(known), Some(as_another)) = (one, other)
                    && naming(&self.names_of(known), &self.names_of(as_another)) == Naming::Others
                {
                    pairs.extend([(one, None), (None, other)]);
                } else {
                    pairs.push((one, other));
                }
            }
            return pairs;
        }
        let of_rest: Vec<_> =
            rest.iter().map(|element| (self.members_of(shape, *element), self.names_of(*element))).collect();
        let mut rest: Vec<Option<Value<'v>>> = rest.into_iter().map(Some).collect();
        for element in unlike {
            let (own, names) = (self.members_of(shape, element), self.names_of(element));
            let free = of_rest.iter().enumerate().filter(|(index, _)| rest[*index].is_some());
            let likeness = free.map(|(index, (other, other_names))| match naming(&names, other_names) {
                Naming::Same => (usize::MAX, index),
                Naming::Others => (0, index),
                Naming::Unknown => (in_common(&own, other), index),
            });
            // The first of those that have most members in common; none if that is none.
            let best = likeness.filter(|(common, _)| *common > 0).rev().max_by_key(|(common, _)| *common);
            pairs.push((Some(element), best.and_then(|(_, index)| rest[index].take())));
        }
        pairs.extend(rest.into_iter().flatten().map(|element| (None, Some(element))));
        pairs
    }

    /// Whether an item of the list that the body is stands here.
    fn is_item(&self) -> bool {
        self.at.len() == 2
    }

    /// What names an item besides its id, as far as both sides tell it.
    fn names_of(&self, element: Value<'_>) -> Vec<Option<String>> {
        let keys = if self.is_item() { self.by.list.keys } else { &[] };
        let name = |key: &Key| {
            let steps = key.at.iter().map(|name| Segment::Name(name.to_string()));
            let at: Vec<_> = self.at.iter().cloned().chain(steps).collect();
            let value = key.at.iter().try_fold(element, |value, name| value.member(name))?;
            let text = match value.kind() {
                Kind::String => value.as_str()?.into_owned(),
                Kind::Integer => value.raw().to_owned(),
                _ => return None,
            };
            let text = if key.any_case { text.to_lowercase() } else { text };
            (self.by.tells)(&at).then_some(text)
        };
        keys.iter().map(name).collect()
    }

    /// The members of an element in a form that equal ones share, in order.
    fn members_of(&mut self, shape: Option<&Shape<'_>>, element: Value<'_>) -> Vec<Vec<u8>> {
        let mut members = Vec::new();
        for (name, value) in element.members() {
            let (name, mut form) = (name.as_str(), Vec::new());
            let inner = shape.and_then(|shape| shape.property(&name));
            form.extend(name.as_bytes());
            form.push(0);
            let before = form.len();
            self.at.push(Segment::Name(name.into_owned()));
            self.form(inner.as_ref(), value, &mut form, false);
            self.at.pop();
            if form.len() > before {
                members.push(form);
            }
        }
        members.sort_unstable();
        members
    }

    fn form_of(&mut self, shape: Option<&Shape<'_>>, element: Value<'_>) -> Vec<u8> {
        let mut form = Vec::new();
        self.form(shape, element, &mut form, false);
        form
    }

    /// Writes what is told of a value and not generated, in a form that values share which are the same; with `all`, what is
    /// generated too. Lists keep their order here: elements that differ in that alone are found by their likeness.
    pub(super) fn form(
        &mut self,
        shape: Option<&Shape<'_>>,
        value: Value<'_>,
        form: &mut Vec<u8>,
        all: bool,
    ) {
        match value.kind() {
            Kind::Object => {
                let mut members: Vec<_> =
                    value.members().map(|(name, value)| (name.as_str(), value)).collect();
                members.sort_unstable_by(|one, other| one.0.cmp(&other.0));
                for (name, value) in members {
                    let inner = shape.and_then(|shape| shape.property(&name));
                    let before = form.len();
                    form.extend(name.as_bytes());
                    form.push(0);
                    let start = form.len();
                    self.at.push(Segment::Name(name.into_owned()));
                    self.form(inner.as_ref(), value, form, all);
                    self.at.pop();
                    if form.len() == start {
                        form.truncate(before);
                    }
                }
            }
            Kind::Array => {
                let inner = shape.and_then(Shape::items);
                self.at.push(Segment::Name(ANY.to_owned()));
                for element in value.elements() {
                    self.form(inner.as_ref(), element, form, all);
                    form.push(1);
                }
                self.at.pop();
            }
            // Null is what may as well be left out.
            Kind::Null => {}
            _ if !(self.by.tells)(&self.at) || !all && generated(shape).is_some() => {}
            _ => crate::schema::write_form(value, form),
        }
    }
}

/// What names say of two items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    /// They are two.
    Others,
    /// They are one.
    Same,
    /// Nothing.
    Unknown,
}

/// What two items are called: the best that both have counts.
fn naming(ones: &[Option<String>], others: &[Option<String>]) -> Naming {
    let both = ones.iter().zip(others).find_map(|(one, other)| Some((one.as_ref()?, other.as_ref()?)));
    match both {
        Some((one, other)) if one == other => Naming::Same,
        Some(_) => Naming::Others,
        None => Naming::Unknown,
    }
}

/// How many forms are in both of two sorted lists.
fn in_common(ones: &[Vec<u8>], others: &[Vec<u8>]) -> usize {
    let mut others = others.iter().peekable();
    let is_there = |one: &&Vec<u8>| {
        while others.next_if(|other| other < one).is_some() {}
        others.next_if_eq(one).is_some()
    };
    ones.iter().filter(is_there).count()
}

/// What names an item, if all of it is told.
fn whole(names: Vec<Option<String>>) -> Option<Vec<String>> {
    names.into_iter().collect::<Option<Vec<_>>>().filter(|names| !names.is_empty())
}

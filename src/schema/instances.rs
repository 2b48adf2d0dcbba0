//! Instances: values that satisfy a schema, made from it.
//!
//! First the systematic ones: the smallest, the largest, and then as many as it takes until each property was there
//! and was not, each value of an enumeration occurred, each alternative was taken, and each length and number was at
//! its bounds. After them come as many others as are asked for, which depend on nothing but a seed.
//!
//! What is made is looked at before it is given: every instance is valid. Keywords the makers do not know (`not`,
//! `contains`, and such) can only lead to fewer instances, never to wrong ones. Where several choices at once make an
//! invalid one, each of them is made again among other choices; of which there is no valid one at all is counted.
//!
//! ```
//! use interlingua::diag::Sources;
//! use interlingua::schema::instances::Instances;
//! use interlingua::schema::{SchemaFile, Store};
//!
//! let text = r#"{"type": "object", "properties": {"role": {"enum": ["owner", "member"]}}}"#;
//! let source = Sources::default().add("invite.json", text);
//! let file = SchemaFile { source, folder: "acme".into(), name: "invite".into(), text: text.into() };
//! let (store, _) = Store::load(vec![file]);
//! let instances = Instances::of(store.schema("acme", "invite").expect("it was just loaded"), &[]);
//! let texts: Vec<String> = instances.systematic().map(|one| one.text().to_owned()).collect();
//! assert_eq!(texts, ["{}", r#"{"role":"member"}"#, r#"{"role":"owner"}"#, r#"{"role":"member"}"#, "{}"]);
//! ```

use std::cell::Cell;

use serde_json::Value as Tree;

use self::budget::TEXT_MAX;
use self::random::Random;
use self::recipe::{Recipe, Rest, Wanted};
use super::Schema;
use crate::diag::Span;
use crate::json::{Document, Limits, Writer};

mod alternatives;
mod budget;
mod compile;
mod number;
mod pattern;
pub mod random;
mod recipe;
mod text;

pub use budget::Untried;
pub use pattern::Pattern;
pub use text::uuid;

/// The greatest length that a folder's schemas bound a text with, of those that a text is made longer than (0 if there are
/// none), and where it says one that is greater than that.
pub fn longest_bound(schema: &Schema) -> (usize, Option<Span>) {
    let (mut longest, mut beyond) = (0, None);
    for file in schema.library.files_of(&schema.folder) {
        let text = file.document.text();
        for (at, keyword) in text.match_indices("\"maxLength\"") {
            let digits =
                text[at + keyword.len()..].trim_start_matches(|c: char| c == ':' || c.is_whitespace());
            let start = text.len() - digits.len();
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            match digits[..end].parse() {
                Ok(bound) if bound <= TEXT_MAX => longest = longest.max(bound),
                // What is no number is a name, and a number too large for us is too large for any text.
                _ if end > 0 => beyond = beyond.or(Some(Span::new(file.source, start..start + end))),
                _ => {}
            }
        }
    }
    (longest, beyond)
}

/// A step to a place of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the elements of an array.
    Items,
    /// To a member.
    Member(Box<str>),
}

/// What is known of a place besides its schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Guide {
    /// The place.
    pub at: Vec<Step>,
    /// What is there.
    pub values: Values,
}

/// What is at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// One of these, as far as the schema allows them, or null where it allows that.
    Only(Vec<Tree>),
    /// One of these, as far as the schema allows them, and it is there.
    Just(Vec<Tree>),
    /// None of these.
    Without(Vec<Tree>),
}

/// The maker of a schema's instances.
pub struct Instances<'s> {
    schema: &'s Schema,
    recipe: Option<Recipe>,
    untried: Vec<Untried>,
    /// How many choices were in invalid instances alone, so far.
    missed: Cell<usize>,
    /// Whether more is known of some places than the schema says.
    is_guided: bool,
    /// How long a text is made that nothing bounds.
    long: usize,
    /// Whether there was a valid one.
    is_any: Cell<bool>,
}

/// With how many sets of other choices one is tried again that made an invalid instance.
const AGAIN_MAX: usize = 8;

/// Bytes of text that there is room for from the beginning; most have fewer.
const BYTES: usize = 1024;

impl<'s> Instances<'s> {
    /// The instances of a schema, where more is known of some places than it says.
    pub fn of(schema: &'s Schema, guides: &[Guide]) -> Instances<'s> {
        Instances::up_to(schema, guides, text::UNBOUNDED)
    }

    /// The same, where a text that nothing bounds is long if it has so many characters.
    pub fn up_to(schema: &'s Schema, guides: &[Guide], long: usize) -> Instances<'s> {
        let is_guided = !guides.is_empty();
        let guides = guides.iter().map(|guide| (guide.at.as_slice(), &guide.values)).collect();
        let root = schema.library.root(schema.file());
        let (recipe, untried) = compile::within_budget(root, &guides, long);
        Instances { schema, recipe, untried, missed: Cell::new(0), is_guided, long, is_any: Cell::new(false) }
    }

    /// What the schema says that no instance shows: what would take too much, and choices that were in none of the valid
    /// ones, as far as they were made. Where there is no valid one at all, that is no matter of choices.
    pub fn untried(&self) -> Vec<Untried> {
        // What a guide says may exclude a choice, too: that is no fault of the schema.
        let is_alone = || {
            let plain = Instances::up_to(self.schema, &[], self.long);
            plain.systematic().count() > 0 && plain.missed.get() > 0
        };
        let missed = (self.missed.get() > 0 && self.is_any.get() && (!self.is_guided || is_alone()))
            .then(|| Untried { at: self.schema.span(), what: "a choice that only invalid instances make" });
        self.untried.iter().cloned().chain(missed).collect()
    }

    /// Those that make each choice at least once.
    pub fn systematic(&self) -> impl Iterator<Item = Document> {
        let count = self.recipe.as_ref().map_or(0, Recipe::count);
        let mut random = Random::new(0);
        (0..count).flat_map(move |number| match self.made(Wanted::Nth(number), &mut random) {
            Some(made) => vec![made],
            None => self.again(number, &mut random),
        })
    }

    /// The choices that made an invalid instance together, each of them among others.
    fn again(&self, number: usize, random: &mut Random) -> Vec<Document> {
        let mut found = Vec::new();
        for member in 0..self.recipe.as_ref().map_or(0, |recipe| recipe.width(number)) {
            let rests = [Rest::Smallest, Rest::Largest].into_iter().chain([Rest::Some; AGAIN_MAX]);
            let mut made = rests.filter_map(|rest| self.made(Wanted::Alone { number, member, rest }, random));
            match made.next() {
                Some(made) => found.push(made),
                None if self.recipe.as_ref().is_some_and(|recipe| recipe.is_own(number, member)) => {
                    self.missed.set(self.missed.get() + 1);
                }
                None => {}
            }
        }
        found
    }

    /// Up to that many others.
    pub fn others(&self, seed: u64, most: usize) -> impl Iterator<Item = Document> {
        let mut random = Random::of(seed, self.schema.name());
        (0..most).filter_map(move |_| self.made(Wanted::Some, &mut random))
    }

    fn made(&self, wanted: Wanted, random: &mut Random) -> Option<Document> {
        let mut out = Writer::with_capacity(BYTES);
        self.recipe.as_ref()?.write(wanted, random, &mut out);
        let document = parsed(out.into_vec())?;
        let is_valid = self.schema.is_valid(document.root());
        self.is_any.set(self.is_any.get() || is_valid);
        is_valid.then_some(document)
    }
}

/// A document made of instances, larger than those of clients may be: several long texts may be in one.
pub fn parsed(text: Vec<u8>) -> Option<Document> {
    Document::parse(text, &Limits { bytes_max: 1 << 24, ..Limits::default() }).ok()
}

#[cfg(test)]
pub(super) mod tests;

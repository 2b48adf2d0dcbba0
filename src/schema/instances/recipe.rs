//! How the instances of a schema are written: what is at each place, and what can be chosen there.

use super::number::Numbers;
use super::random::Random;
use super::text::Texts;
use crate::json::Writer;

mod object;

/// How many values an instance may have for the sake of one long list.
const NODES_MAX: usize = 120;

/// Of so many values that are any, one is a sample.
const SAMPLE_IN: usize = 8;

/// How values of one place are made.
#[derive(Clone, Debug)]
pub(super) enum Recipe {
    /// One of several values, written as JSON.
    Leaf { samples: Vec<Box<str>>, source: Source },
    /// A list.
    Array { item: Box<Recipe>, min: usize, max: Option<usize>, unique: bool },
    /// An object.
    Object(Object),
    /// One of these.
    Any(Vec<Recipe>),
}

/// Where a leaf has more values from than its samples.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Samples,
    Texts(Texts),
    Numbers(Numbers),
}

/// The members of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub(super) members: Vec<Member>,
    /// Names that may be added freely, and what is there.
    pub(super) free: Option<(Vec<Box<str>>, Box<Recipe>)>,
    pub(super) min: usize,
    pub(super) max: Option<usize>,
    /// If the first is there, so is the second.
    pub(super) together: Vec<(Box<str>, Box<str>)>,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: Box<str>,
    pub(super) required: bool,
    /// Whether the schema speaks of it.
    pub(super) declared: bool,
    pub(super) recipe: Recipe,
}

/// Which of the values is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The first, without anything that may be missing.
    Smallest,
    /// With everything there may be.
    Largest,
    /// The one of that number.
    Nth(usize),
    /// One member as in the one of that number, and the others otherwise.
    Alone {
        /// The number.
        number: usize,
        /// The member's index.
        member: usize,
        /// What the others are.
        rest: Rest,
    },
    /// Any.
    Some,
}

/// What the members are that stand beside the one that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Smallest,
    Largest,
    Some,
}

impl From<Rest> for Wanted {
    fn from(rest: Rest) -> Wanted {
        match rest {
            Rest::Smallest => Wanted::Smallest,
            Rest::Largest => Wanted::Largest,
            Rest::Some => Wanted::Some,
        }
    }
}

impl Recipe {
    /// How many numbers there are to ask for until each choice was made once.
    pub(super) fn count(&self) -> usize {
        match self {
            Recipe::Leaf { samples, .. } => samples.len(),
            Recipe::Array { max: Some(0), .. } => 1,
            Recipe::Array { item, .. } => 2 + item.count(),
            Recipe::Object(object) => object.count(),
            Recipe::Any(recipes) => recipes.iter().map(Recipe::count).sum(),
        }
    }

    /// How many members the object has that the instance of that number is, or is a list of.
    pub(super) fn width(&self, number: usize) -> usize {
        match self {
            Recipe::Leaf { .. } => 1,
            Recipe::Array { item, .. } => item.width(number.saturating_sub(2)),
            Recipe::Object(object) => object.members.len().max(1),
            Recipe::Any(recipes) => {
                let (recipe, inner) = nth(recipes, number);
                recipe.width(inner)
            }
        }
    }

    /// Whether a schema speaks of the member of that index, and not only a guide.
    pub(super) fn is_own(&self, number: usize, member: usize) -> bool {
        match self {
            Recipe::Leaf { .. } => true,
            Recipe::Array { item, .. } => item.is_own(number.saturating_sub(2), member),
            Recipe::Object(object) => object.members.get(member).is_none_or(|member| member.declared),
            Recipe::Any(recipes) => {
                let (recipe, inner) = nth(recipes, number);
                recipe.is_own(inner, member)
            }
        }
    }

    /// How many values an instance has, about.
    pub(super) fn weight(&self) -> usize {
        match self {
            Recipe::Leaf { .. } => 1,
            Recipe::Array { item, min, .. } => 1 + item.weight().saturating_mul((*min).max(1)),
            Recipe::Object(object) => {
                let free = object.free.as_ref().map_or(0, |(_, recipe)| recipe.weight());
                let missing = object.min.saturating_sub(object.members.len());
                let members = object.members.iter().map(|member| member.recipe.weight()).sum::<usize>();
                1 + members + free.saturating_mul(missing)
            }
            Recipe::Any(recipes) => recipes.iter().map(Recipe::weight).max().unwrap_or(1),
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Recipe::Leaf { source: Source::Texts(_), .. })
    }

    pub(super) fn write(&self, wanted: Wanted, random: &mut Random, out: &mut Writer) {
        match self {
            Recipe::Leaf { samples, source } => leaf(samples, source, wanted, random, out),
            Recipe::Array { item, min, max, unique } => {
                let long = (*min).max(max.unwrap_or(usize::MAX).min((NODES_MAX / item.weight()).max(2)));
                let one = (*min).max(1).min(max.unwrap_or(1));
                let (length, first) = match wanted {
                    Wanted::Smallest | Wanted::Nth(0) => (*min, Wanted::Smallest),
                    Wanted::Largest => (max.unwrap_or(2).min(2).max(*min), Wanted::Largest),
                    Wanted::Nth(1) => (long, Wanted::Smallest),
                    Wanted::Alone { number: 0 | 1, rest, .. } => (one, rest.into()),
                    Wanted::Nth(number) => (one, Wanted::Nth(number - 2)),
                    Wanted::Alone { number, member, rest } => {
                        (one, Wanted::Alone { number: number - 2, member, rest })
                    }
                    Wanted::Some => {
                        let length = min + random.below(4);
                        (max.map_or(length, |max| length.min(max)), Wanted::Some)
                    }
                };
                array(item, length, first, *unique, random, out);
            }
            Recipe::Object(object) => object.write(wanted, random, out),
            Recipe::Any(recipes) => {
                let (recipe, wanted) = chosen(recipes, wanted, random);
                recipe.write(wanted, random, out);
            }
        }
    }
}

fn leaf(samples: &[Box<str>], source: &Source, wanted: Wanted, random: &mut Random, out: &mut Writer) {
    let sample = match wanted {
        Wanted::Smallest => samples.first(),
        // The longest of each are for one at a time: all at once they would only be slow.
        Wanted::Largest if matches!(source, Source::Texts(_)) => samples.get(samples.len() / 2),
        Wanted::Largest => samples.last(),
        Wanted::Nth(number) | Wanted::Alone { number, .. } => samples.get(number % samples.len().max(1)),
        Wanted::Some => {
            let made = match source {
                // What is at a bound belongs among any others, too.
                _ if random.below(SAMPLE_IN) == 0 => None,
                Source::Samples => None,
                Source::Texts(texts) => texts.any(random).map(|text| quoted(&text)),
                Source::Numbers(numbers) => numbers.any(random).map(String::into_boxed_str),
            };
            if let Some(made) = made {
                out.raw(&made);
                return;
            }
            random.pick(samples)
        }
    };
    out.raw(sample.map_or("null", |sample| sample));
}

fn array(item: &Recipe, length: usize, first: Wanted, unique: bool, random: &mut Random, out: &mut Writer) {
    out.array_begin();
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for index in 0..length {
        let wanted = match first {
            Wanted::Nth(number) => Wanted::Nth(number + index),
            Wanted::Smallest if unique => Wanted::Nth(index),
            same => same,
        };
        if !unique {
            item.write(wanted, random, out);
            continue;
        }
        let mut element = Writer::new();
        item.write(wanted, random, &mut element);
        let element = element.into_vec();
        if !seen.contains(&element) {
            out.raw(&String::from_utf8_lossy(&element));
            seen.push(element);
        }
    }
    out.array_end();
}

fn chosen<'r>(recipes: &'r [Recipe], wanted: Wanted, random: &mut Random) -> (&'r Recipe, Wanted) {
    let first = &recipes[0];
    match wanted {
        Wanted::Smallest => (first, wanted),
        Wanted::Largest => {
            let heaviest = recipes.iter().rev().max_by_key(|recipe| recipe.weight());
            (heaviest.unwrap_or(first), wanted)
        }
        Wanted::Some => (random.pick(recipes).unwrap_or(first), wanted),
        Wanted::Nth(number) => {
            let (recipe, number) = nth(recipes, number);
            (recipe, Wanted::Nth(number))
        }
        Wanted::Alone { number, member, rest } => {
            let (recipe, number) = nth(recipes, number);
            (recipe, Wanted::Alone { number, member, rest })
        }
    }
}

/// The recipe that the instance of that number is made by, and its number there.
fn nth(recipes: &[Recipe], number: usize) -> (&Recipe, usize) {
    let all: usize = recipes.iter().map(Recipe::count).sum();
    let mut number = number % all.max(1);
    for recipe in recipes {
        let own = recipe.count();
        if number < own {
            return (recipe, number);
        }
        number -= own;
    }
    (&recipes[0], 0)
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> Box<str> {
    let mut out = Writer::new();
    out.string(text);
    String::from_utf8(out.into_vec()).expect("what the writer wrote is text").into_boxed_str()
}

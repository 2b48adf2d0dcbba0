//! Numbers of a schema: at its bounds, around zero, and in between.

use super::random::Random;
use crate::schema::library::Node;
use crate::schema::types::{Type, Types};

/// What schemas that hold together say about a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    min: Option<i64>,
    max: Option<i64>,
    step: i64,
    has_fractions: bool,
}

/// More than the bounds people write.
const UNBOUNDED: i64 = 1 << 40;

impl Numbers {
    pub(super) fn of(nodes: &[Node<'_>], types: Types) -> Numbers {
        let bounds = |keyword: &'static str, beside: i64| {
            nodes.iter().filter_map(move |node| Some(whole(node.keyword(keyword)?.raw())? + beside))
        };
        let step = nodes.iter().filter_map(|node| whole(node.keyword("multipleOf")?.raw())).max();
        Numbers {
            min: bounds("minimum", 0).chain(bounds("exclusiveMinimum", 1)).max(),
            max: bounds("maximum", 0).chain(bounds("exclusiveMaximum", -1)).min(),
            step: step.filter(|step| *step > 0).unwrap_or(1),
            has_fractions: types.contains(Type::Number) && step.is_none(),
        }
    }

    /// Those at the bounds and around zero, the least first, the greatest last.
    pub(super) fn samples(self) -> Vec<String> {
        let (least, most) = (self.min.unwrap_or(-UNBOUNDED), self.max.unwrap_or(UNBOUNDED));
        let mut whole: Vec<i64> =
            [least, -1, 0, 1, most].into_iter().filter_map(|near| self.near(near)).collect();
        whole.sort_unstable();
        whole.dedup();
        let mut samples: Vec<String> = whole.iter().map(i64::to_string).collect();
        if self.has_fractions && least <= 0 && most >= 1 {
            samples.insert(samples.len() - 1, "0.5".to_owned());
        }
        samples
    }

    /// Any number.
    pub(super) fn any(self, random: &mut Random) -> Option<String> {
        let (least, most) = (self.min.unwrap_or(-1000), self.max.unwrap_or(1000));
        let span = usize::try_from(most.saturating_sub(least)).ok()?;
        let drawn = least.checked_add(i64::try_from(random.below(span.checked_add(1)?)).ok()?)?;
        self.near(drawn).map(|number| number.to_string())
    }

    /// The multiple next to a number, if it is within the bounds.
    fn near(self, number: i64) -> Option<i64> {
        let down = number - number.rem_euclid(self.step);
        let fits =
            |near: &i64| self.min.is_none_or(|min| *near >= min) && self.max.is_none_or(|max| *near <= max);
        [down, down + self.step]
            .into_iter()
            .find(fits)
            .filter(|near| near.abs_diff(number) < self.step.unsigned_abs())
    }
}

/// A bound as a whole number.
fn whole(raw: &str) -> Option<i64> {
    raw.parse().ok().filter(|number: &i64| number.unsigned_abs() < UNBOUNDED.unsigned_abs())
}

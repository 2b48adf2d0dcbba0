//! Bars over days, as a drawing that needs nothing else.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::html::escaped;
use crate::usage::snapshot::date;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// More kinds than these share one colour, that of the others.
const KINDS_MAX: usize = 7;

/// The size of the drawing, and the room for what is written beside it.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 56.0;
const BELOW: f64 = 24.0;
const ABOVE: f64 = 10.0;

/// How much there was of each kind on each day since 1970.
#[derive(Default)]
pub(super) struct Plot {
    days: BTreeMap<u64, BTreeMap<String, u64>>,
    totals: BTreeMap<String, u64>,
}

impl Plot {
    pub(super) fn add(&mut self, day: u64, kind: &str, count: u64) {
        *self.days.entry(day).or_default().entry(kind.to_owned()).or_default() += count;
        *self.totals.entry(kind.to_owned()).or_default() += count;
    }

    /// The drawing with its legend; what it is about is said to those who do not see it.
    pub(super) fn drawn(&self, about: &str) -> String {
        let (Some((first, _)), Some((last, _))) = (self.days.first_key_value(), self.days.last_key_value())
        else {
            return "<p class=\"none\">There is nothing to draw yet.</p>".to_owned();
        };
        let kinds = self.kinds();
        let most = self.days.values().map(|day| day.values().sum::<u64>()).max().unwrap_or_default();
        let top = round_up(most);
        let mut out = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            escaped(&format!("{about}, {} to {}, at most {most} a day", date(first * DAY), date(last * DAY)))
        );
        let y = |count: u64| HEIGHT - BELOW - share(count, top) * (HEIGHT - BELOW - ABOVE);
        for step in 0..=2 {
            let count = top * step / 2;
            let (at, end) = (y(count), WIDTH - 4.0);
            put(
                &mut out,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{end}\" y2=\"{at:.1}\"/>"
                ),
            );
            let (x, at) = (LEFT - 8.0, at + 4.0);
            put(
                &mut out,
                format_args!("<text x=\"{x}\" y=\"{at:.1}\" text-anchor=\"end\">{}</text>", grouped(count)),
            );
        }
        let slots = last - first + 1;
        let wide = (WIDTH - LEFT - 4.0) / number(slots);
        let bar = (wide * 0.8).min(32.0);
        for (day, counts) in &self.days {
            let x = LEFT + number(day - first) * wide + (wide - bar) / 2.0;
            let mut below = 0;
            for (at, kind) in kinds.iter().enumerate() {
                let count = self.count(counts, &kinds, kind);
                if count == 0 {
                    continue;
                }
                let (from, to) = (y(below), y(below + count));
                let (height, title) =
                    ((from - to).max(0.5), format!("{}, {kind}: {}", date(day * DAY), grouped(count)));
                put(
                    &mut out,
                    format_args!(
                        "<rect class=\"k{at}\" x=\"{x:.1}\" y=\"{to:.1}\" width=\"{bar:.1}\" height=\"{height:.1}\"><title>{}</title></rect>",
                        escaped(&title)
                    ),
                );
                below += count;
            }
        }
        let labels = [*first, first + (slots - 1) / 2, *last];
        let shown = if slots < 3 { &labels[..1] } else { &labels[..] };
        for (at, day) in shown.iter().enumerate() {
            let x = LEFT + (number(day - first) + 0.5) * wide;
            let anchor = ["start", "middle", "end"][if slots < 3 { 1 } else { at }];
            let y = HEIGHT - 6.0;
            put(
                &mut out,
                format_args!(
                    "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>",
                    date(day * DAY)
                ),
            );
        }
        out.push_str("</svg><ul class=\"legend\">");
        for (at, kind) in kinds.iter().enumerate() {
            let total: u64 = self.days.values().map(|day| self.count(day, &kinds, kind)).sum();
            put(
                &mut out,
                format_args!("<li><i class=\"k{at}\"></i>{} <b>{}</b></li>", escaped(kind), grouped(total)),
            );
        }
        out.push_str("</ul>");
        out
    }

    /// The kinds that have a colour, the most frequent first, and one for the others if there are any.
    fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<_> = self.totals.iter().collect();
        kinds.sort_by_key(|(name, total)| (std::cmp::Reverse(**total), (*name).clone()));
        let mut names: Vec<String> = kinds.iter().take(KINDS_MAX).map(|(name, _)| (*name).clone()).collect();
        if kinds.len() > KINDS_MAX {
            names.push(format!("{} others", kinds.len() - KINDS_MAX));
        }
        names
    }

    /// How much of a kind there was; of the last, if it stands for the others, of all those.
    fn count(&self, day: &BTreeMap<String, u64>, kinds: &[String], kind: &String) -> u64 {
        if self.totals.contains_key(kind) {
            return day.get(kind).copied().unwrap_or_default();
        }
        day.iter().filter(|(name, _)| !kinds.contains(name)).map(|(_, count)| count).sum()
    }
}

/// A number that is easy to read, and even, so that half of it is whole.
fn round_up(most: u64) -> u64 {
    let mut unit = 1;
    loop {
        for step in [2, 4, 6, 8, 10] {
            if unit * step >= most {
                return unit * step;
            }
        }
        let Some(next) = u64::checked_mul(unit, 10).filter(|next| next.checked_mul(10).is_some()) else {
            return most;
        };
        unit = next;
    }
}

fn share(count: u64, top: u64) -> f64 {
    number(count) / number(top.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "nobody sees the difference in a drawing")]
fn number(count: u64) -> f64 {
    count as f64
}

/// With thin spaces between thousands.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    out
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string never fails");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_numbers_that_are_easy_to_read() {
        let ends = [0, 1, 3, 7, 11, 99, 100, 101, 12_345];
        assert_eq!(ends.map(round_up), [2, 2, 4, 8, 20, 100, 100, 200, 20_000]);
        assert_eq!(grouped(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!((grouped(999), round_up(u64::MAX)), ("999".to_owned(), u64::MAX));
    }
}

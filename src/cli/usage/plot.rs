//! Bars over days, as a drawing that needs nothing else.
//!
//! The drawing has no words in it, so that it may be as wide as the page is: what is written beside it keeps its size.

use std::collections::BTreeMap;

use super::html::{escaped, put};
use crate::usage::snapshot::date;

/// Seconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60;

/// More kinds than these share one colour, that of the others.
const KINDS_MAX: usize = 7;

/// Units of the drawing: its height, the width of a day, and that of a bar.
const HEIGHT: f64 = 1000.0;
const SLOT: u64 = 10;
const BAR: u64 = 8;

/// The least height of what is not nothing.
const LEAST: f64 = 4.0;

/// So many days without anything are drawn between two that have something. What is further away is not drawn beside the others:
/// a clock that was wrong for a day would leave nothing to be seen of them.
const GAP_MAX: u64 = 100;

/// So many days that are not drawn are told by their dates.
const ASTRAY_MAX: usize = 3;

/// The first and the last of the days to draw: of days that are no further apart, those that bear most, the later if two bear
/// the same; and up to the day in which it was written, if that is not far from them either.
pub(super) fn span(weights: &BTreeMap<u64, u64>, written: u64) -> (u64, u64) {
    let mut runs: Vec<(u64, u64, u64)> = Vec::new();
    for (&day, &weight) in weights {
        match runs.last_mut() {
            Some((_, last, all)) if day - *last <= GAP_MAX => (*last, *all) = (day, *all + weight),
            _ => runs.push((day, day, weight)),
        }
    }
    let Some((first, last, _)) = runs.into_iter().max_by_key(|(_, _, all)| *all) else {
        return (written, written);
    };
    let is_near = written > last && written - last <= GAP_MAX;
    (first, if is_near { written } else { last })
}

/// How much there was of each kind on each day since 1970.
#[derive(Debug)]
pub(super) struct Plot {
    /// The first day that is drawn and the last, whether there was anything or not.
    span: (u64, u64),
    days: BTreeMap<u64, BTreeMap<String, u64>>,
    totals: BTreeMap<String, u64>,
    /// Kinds in the order of their colours; what is not among them comes after.
    order: Vec<String>,
}

impl Plot {
    /// One of these days, in which kinds have the colours of their places in `order`.
    pub(super) fn new(span: (u64, u64), order: &[&str]) -> Plot {
        let order = order.iter().map(|kind| (*kind).to_owned()).collect();
        Plot { span, days: BTreeMap::new(), totals: BTreeMap::new(), order }
    }

    pub(super) fn add(&mut self, day: u64, kind: &str, count: u64) {
        *self.days.entry(day).or_default().entry(kind.to_owned()).or_default() += count;
        *self.totals.entry(kind.to_owned()).or_default() += count;
    }

    /// The drawing, with all kinds of a day on top of each other, its legend and its numbers; what it is about is said to
    /// those who do not see it.
    pub(super) fn stacked(&self, about: &str) -> String {
        if self.days.is_empty() {
            return "<p class=\"none\">There is nothing to draw yet.</p>".to_owned();
        }
        let kinds = self.kinds();
        let most = self.drawn().map(|(_, day)| day.values().sum::<u64>()).max().unwrap_or_default();
        let top = round_up(most);
        let (first, last) = (date(self.span.0 * DAY), date(self.span.1 * DAY));
        let told = format!("{about}, {first} to {last}, at most {} a day", grouped(most));
        let mut out = "<div class=\"plot\"><div class=\"scale\">".to_owned();
        for count in [top, top / 2, 0] {
            put(&mut out, format_args!("<span>{}</span>", grouped(count)));
        }
        put(&mut out, format_args!("</div>{}", self.drawing(&kinds, top, &told)));
        put(&mut out, format_args!("{}</div><ul class=\"legend\">", self.dates()));
        for (at, kind) in kinds.iter().enumerate() {
            let total: u64 = self.days.values().map(|day| self.count(day, &kinds, kind)).sum();
            let (colour, kind, total) = (self.colour(at, kind), escaped(kind), grouped(total));
            put(&mut out, format_args!("<li><i class=\"{colour}\"></i>{kind} <b>{total}</b></li>"));
        }
        put(&mut out, format_args!("</ul>{}{}", self.astray(), self.numbers(about, &kinds)));
        out
    }

    /// A drawing for each kind below the other, all of one scale, with how much there was on the last day and at most.
    pub(super) fn apart(&self, about: &str) -> String {
        if self.days.is_empty() {
            return "<p class=\"none\">There is nothing to draw yet.</p>".to_owned();
        }
        let kinds = self.kinds();
        let most = self.drawn().flat_map(|(_, day)| day.values()).copied().max().unwrap_or_default();
        let (first, last) = (date(self.span.0 * DAY), date(self.span.1 * DAY));
        let mut out = "<div class=\"strips\">".to_owned();
        for (at, kind) in kinds.iter().enumerate() {
            let on = |day: &u64| self.days.get(day).map_or(0, |day| self.count(day, &kinds, kind));
            let own = self.drawn().map(|(day, _)| on(day)).max().unwrap_or_default();
            let now = on(&self.span.1);
            let told =
                format!("{about}, {kind}, {first} to {last}: at most {own} on a day, {now} on the last");
            let one = self.days.iter().fold(Plot::new(self.span, &[]), |mut one, (day, counts)| {
                one.add(*day, kind, self.count(counts, &kinds, kind));
                one
            });
            let colour = self.colour(at, kind);
            let drawing = one.bars(std::slice::from_ref(kind), &[colour], most, &told);
            put(
                &mut out,
                format_args!(
                    "<div class=\"strip\"><span>{}</span>{drawing}<span class=\"soft\"><b>{now}</b> of {own}</span></div>",
                    escaped(kind)
                ),
            );
        }
        put(
            &mut out,
            format_args!(
                "<div class=\"strip\"><span></span>{}<span></span></div></div>{}{}",
                self.dates(),
                self.astray(),
                self.numbers(about, &kinds)
            ),
        );
        out
    }

    /// The days below a drawing; one alone stands in the middle, as its bar does.
    fn dates(&self) -> String {
        let (first, last) = self.span;
        let span = |day: u64| format!("<span>{}</span>", date(day * DAY));
        if first == last {
            return format!("<div class=\"dates one\">{}</div>", span(first));
        }
        let middle = if last - first >= 4 {
            format!("<span class=\"middle\">{}</span>", date((first + (last - first) / 2) * DAY))
        } else {
            String::new()
        };
        format!("<div class=\"dates\">{}{middle}{}</div>", span(first), span(last))
    }

    fn drawing(&self, kinds: &[String], top: u64, told: &str) -> String {
        let colours: Vec<_> = kinds.iter().enumerate().map(|(at, kind)| self.colour(at, kind)).collect();
        self.bars(kinds, &colours, top, told)
    }

    fn bars(&self, kinds: &[String], colours: &[String], top: u64, told: &str) -> String {
        let width = (self.span.1 - self.span.0 + 1) * SLOT;
        let mut out = format!(
            "<svg viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
            escaped(told)
        );
        for line in [0.0, HEIGHT / 2.0, HEIGHT] {
            put(
                &mut out,
                format_args!("<line class=\"grid\" x1=\"0\" y1=\"{line}\" x2=\"{width}\" y2=\"{line}\"/>"),
            );
        }
        for (day, counts) in self.drawn() {
            let x = (day - self.span.0) * SLOT + (SLOT - BAR) / 2;
            let mut below = 0.0;
            for (kind, colour) in kinds.iter().zip(colours) {
                let count = self.count(counts, kinds, kind);
                if count == 0 {
                    continue;
                }
                let height = (share(count, top) * HEIGHT).max(LEAST);
                let y = HEIGHT - below - height;
                let title = format!("{}, {kind}: {}", date(day * DAY), grouped(count));
                put(
                    &mut out,
                    format_args!(
                        "<rect class=\"{colour}\" x=\"{x}\" y=\"{y:.1}\" width=\"{BAR}\" height=\"{height:.1}\"><title>{}</title></rect>",
                        escaped(&title)
                    ),
                );
                below += height;
            }
        }
        out.push_str("</svg>");
        out
    }

    /// The days that are drawn and have anything.
    fn drawn(&self) -> impl Iterator<Item = (&u64, &BTreeMap<String, u64>)> {
        self.days.range(self.span.0..=self.span.1)
    }

    /// What is said of the days that are not.
    fn astray(&self) -> String {
        let days = self.days.keys().copied();
        astray(days, self.span)
            .map_or_else(String::new, |told| format!("<p class=\"soft\">Not drawn: {told}.</p>"))
    }

    /// The same as a table, for who does not see it or wants to know.
    fn numbers(&self, about: &str, kinds: &[String]) -> String {
        let mut out = "<details><summary>The numbers</summary><div class=\"wide\"><table>".to_owned();
        put(
            &mut out,
            format_args!("<caption>{}</caption><thead><tr><th scope=\"col\">Day</th>", escaped(about)),
        );
        for kind in kinds {
            put(&mut out, format_args!("<th class=\"n\" scope=\"col\">{}</th>", escaped(kind)));
        }
        out.push_str("</tr></thead><tbody>");
        for (day, counts) in &self.days {
            put(&mut out, format_args!("<tr><th class=\"d\" scope=\"row\">{}</th>", date(day * DAY)));
            for kind in kinds {
                let count = grouped(self.count(counts, kinds, kind));
                put(&mut out, format_args!("<td class=\"n\">{count}</td>"));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div></details>");
        out
    }

    /// The kinds that have a colour, those of the order first and then the most frequent, and one for the others if there
    /// are any.
    fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<_> = self.totals.iter().collect();
        let place = |name: &String| self.order.iter().position(|known| known == name);
        kinds.sort_by_key(|(name, total)| {
            (place(name).unwrap_or(usize::MAX), std::cmp::Reverse(**total), (*name).clone())
        });
        let mut names: Vec<String> = kinds.iter().take(KINDS_MAX).map(|(name, _)| (*name).clone()).collect();
        if kinds.len() > KINDS_MAX {
            let others = kinds.len() - KINDS_MAX;
            names.push(if others == 1 { "1 other".to_owned() } else { format!("{others} others") });
        }
        names
    }

    /// The class of its colour: that of its place in the order, whichever others are there.
    fn colour(&self, at: usize, kind: &String) -> String {
        let own = self.order.iter().position(|known| known == kind).unwrap_or(at);
        format!("k{}", own.min(KINDS_MAX))
    }

    /// How much of a kind there was; of the last, if it stands for the others, of all those.
    fn count(&self, day: &BTreeMap<String, u64>, kinds: &[String], kind: &String) -> u64 {
        if self.totals.contains_key(kind) {
            return day.get(kind).copied().unwrap_or_default();
        }
        day.iter().filter(|(name, _)| !kinds.contains(name)).map(|(_, count)| count).sum()
    }
}

/// Which of the days with anything lie outside of those that are drawn, if any do.
pub(super) fn astray(days: impl Iterator<Item = u64>, span: (u64, u64)) -> Option<String> {
    let days: Vec<_> = days.filter(|day| !(span.0..=span.1).contains(day)).collect();
    if days.is_empty() {
        return None;
    }
    let dates: Vec<_> = days.iter().take(ASTRAY_MAX).map(|day| date(day * DAY)).collect();
    let more = days.len().saturating_sub(ASTRAY_MAX);
    let more = if more > 0 { format!(" and {more} more days") } else { String::new() };
    Some(format!("{}{more}, far from all others, as a clock shows that is wrong", dates.join(", ")))
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

    #[test]
    fn a_kind_has_the_colour_of_its_place_whichever_others_are_there() {
        let mut plot = Plot::new((1, 9), &["first", "second", "third"]);
        plot.add(2, "third", 1);
        plot.add(3, "first", 100);
        let drawn = plot.stacked("what there is");
        assert!(drawn.contains("<i class=\"k2\"></i>third <b>1</b>"), "{drawn}");
        assert!(
            drawn.contains("<rect class=\"k2\" x=\"11\" y=\"990.0\" width=\"8\" height=\"10.0\">"),
            "{drawn}"
        );
        assert!(drawn.contains("aria-label=\"what there is, 1970-01-02 to 1970-01-10, at most 100 a day\""));
        assert!(
            drawn.contains("<th class=\"d\" scope=\"row\">1970-01-04</th><td class=\"n\">100</td>"),
            "{drawn}"
        );
    }

    #[test]
    fn a_day_alone_is_told_once_below_its_bar() {
        let dates = |span: (u64, u64)| {
            let mut plot = Plot::new(span, &[]);
            plot.add(span.0, "a", 1);
            let below = |drawn: &str| {
                let (_, below) = drawn.split_once("<div class=\"dates").unwrap();
                below.split_once("</div>").unwrap().0.to_owned()
            };
            let drawn = (below(&plot.stacked("what there is")), below(&plot.apart("who is left")));
            assert_eq!(drawn.0, drawn.1);
            drawn.0
        };
        assert_eq!(dates((1, 1)), " one\"><span>1970-01-02</span>");
        assert_eq!(dates((1, 2)), "\"><span>1970-01-02</span><span>1970-01-03</span>");
        let middle = "<span class=\"middle\">1970-01-04</span>";
        assert_eq!(dates((1, 5)), format!("\"><span>1970-01-02</span>{middle}<span>1970-01-06</span>"));
    }

    #[test]
    fn the_days_are_drawn_that_bear_most() {
        let days = |of: &[(u64, u64)]| of.iter().copied().collect::<BTreeMap<_, _>>();
        // 2026-11-22; a day of 1970, and one of 2100.
        for (weights, written, expected) in [
            (days(&[]), 20_779, (20_779, 20_779)),
            (days(&[(20_770, 5), (20_775, 1)]), 20_779, (20_770, 20_779)),
            (days(&[(0, 3), (20_770, 5), (20_775, 1), (47_482, 4)]), 20_779, (20_770, 20_779)),
            // Written when the clock was wrong.
            (days(&[(0, 3), (20_770, 5), (20_775, 1)]), 0, (20_770, 20_775)),
            (days(&[(20_770, 5)]), 47_482, (20_770, 20_770)),
            // As far apart as may be, and one more.
            (days(&[(20_670, 1), (20_770, 5)]), 20_779, (20_670, 20_779)),
            (days(&[(20_669, 1), (20_770, 5)]), 20_779, (20_770, 20_779)),
            (days(&[(20_000, 5), (20_770, 5)]), 20_779, (20_770, 20_779)),
        ] {
            assert_eq!(span(&weights, written), expected, "{weights:?} {written}");
        }
    }

    #[test]
    fn a_day_that_is_not_drawn_is_told_and_stretches_nothing() {
        let mut plot = Plot::new((20_770, 20_779), &[]);
        for (day, count) in [(0, 500), (20_770, 5), (20_779, 1), (47_482, 900)] {
            plot.add(day, "a", count);
        }
        let left_out = "<p class=\"soft\">Not drawn: 1970-01-01, 2100-01-01, far from all others, as a clock shows that is wrong.</p>";
        let drawn = plot.stacked("what there is");
        assert!(drawn.contains("viewBox=\"0 0 100 1000\"") && drawn.contains(left_out), "{drawn}");
        assert!(drawn.contains("2026-11-13 to 2026-11-22, at most 5 a day"), "{drawn}");
        assert_eq!(drawn.matches("<rect").count(), 2);
        assert!(
            drawn.contains("<th class=\"d\" scope=\"row\">2100-01-01</th><td class=\"n\">900</td>"),
            "{drawn}"
        );
        let drawn = plot.apart("who is left");
        assert!(drawn.contains("<b>1</b> of 5") && drawn.contains(left_out), "{drawn}");
        assert!(!Plot::new((1, 2), &[]).stacked("nothing").contains("Not drawn"));
        let many = astray([1, 2, 3, 4, 5].into_iter(), (9, 9)).unwrap();
        assert!(many.starts_with("1970-01-02, 1970-01-03, 1970-01-04 and 2 more days, "), "{many}");
    }

    #[test]
    fn drawings_apart_have_one_scale() {
        let mut plot = Plot::new((1, 2), &["few", "many"]);
        plot.add(2, "few", 1);
        plot.add(1, "many", 10);
        let drawn = plot.apart("who is left");
        assert!(drawn.contains("<b>1</b> of 1") && drawn.contains("<b>0</b> of 10"), "{drawn}");
        assert!(
            drawn.contains("y=\"900.0\" width=\"8\" height=\"100.0\"") && drawn.contains("height=\"1000.0\"")
        );
    }
}

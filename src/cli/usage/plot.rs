//! Bars over days, as a drawing that needs nothing else.
//!
//! The drawing has no words in it, so that it may be as wide as the page is: what is written beside it keeps its size.

use std::collections::BTreeMap;

use super::axis::{Axis, DAY};
use super::html::{escaped, put};
use crate::usage::snapshot::date;

/// More kinds than these share one colour, that of the others.
const KINDS_MAX: usize = 7;

/// Units of the drawing: its height, the width of a day, and that of a bar.
const HEIGHT: f64 = 1000.0;
const SLOT: u64 = 10;
const BAR: u64 = 8;

/// The least height of what is not nothing.
const LEAST: f64 = 4.0;

/// How much there was of each kind on each day since 1970.
#[derive(Debug)]
pub(super) struct Plot {
    /// The days that are drawn, whether there was anything or not.
    axis: Axis,
    days: BTreeMap<u64, BTreeMap<String, u64>>,
    totals: BTreeMap<String, u64>,
    /// Kinds in the order of their colours; what is not among them comes after.
    order: Vec<String>,
}

impl Plot {
    /// One of these days, in which kinds have the colours of their places in `order`.
    pub(super) fn new(axis: Axis, order: &[&str]) -> Plot {
        let order = order.iter().map(|kind| (*kind).to_owned()).collect();
        Plot { axis, days: BTreeMap::new(), totals: BTreeMap::new(), order }
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
        let (first, last) = (date(self.axis.first() * DAY), date(self.axis.last() * DAY));
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
        put(&mut out, format_args!("</ul>{}{}", self.not_drawn(), self.numbers(about, &kinds)));
        out
    }

    /// A drawing for each kind below the other, all of one scale, with how much there was on the last day and at most.
    pub(super) fn apart(&self, about: &str) -> String {
        if self.days.is_empty() {
            return "<p class=\"none\">There is nothing to draw yet.</p>".to_owned();
        }
        let kinds = self.kinds();
        let most = self.drawn().flat_map(|(_, day)| day.values()).copied().max().unwrap_or_default();
        let (first, last) = (date(self.axis.first() * DAY), date(self.axis.last() * DAY));
        let mut out = "<div class=\"strips\">".to_owned();
        for (at, kind) in kinds.iter().enumerate() {
            let on = |day: &u64| self.days.get(day).map_or(0, |day| self.count(day, &kinds, kind));
            let own = self.drawn().map(|(day, _)| on(day)).max().unwrap_or_default();
            let now = on(&self.axis.last());
            let told =
                format!("{about}, {kind}, {first} to {last}: at most {own} on a day, {now} on the last");
            let one = self.days.iter().fold(Plot::new(self.axis.clone(), &[]), |mut one, (day, counts)| {
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
                self.not_drawn(),
                self.numbers(about, &kinds)
            ),
        );
        out
    }

    /// The days below a drawing; one alone stands in the middle, as its bar does.
    fn dates(&self) -> String {
        let (first, last, width) = (self.axis.first(), self.axis.last(), self.axis.width());
        let span = |day: u64| format!("<span>{}</span>", date(day * DAY));
        if width == 1 {
            return format!("<div class=\"dates one\">{}</div>", span(first));
        }
        let middle = self.axis.days().flatten().find(|day| self.axis.place(*day) == Some((width - 1) / 2));
        let middle = middle
            .filter(|_| width > 4)
            .map(|day| format!("<span class=\"middle\">{}</span>", date(day * DAY)));
        format!("<div class=\"dates\">{}{}{}</div>", span(first), middle.unwrap_or_default(), span(last))
    }

    fn drawing(&self, kinds: &[String], top: u64, told: &str) -> String {
        let colours: Vec<_> = kinds.iter().enumerate().map(|(at, kind)| self.colour(at, kind)).collect();
        self.bars(kinds, &colours, top, told)
    }

    fn bars(&self, kinds: &[String], colours: &[String], top: u64, told: &str) -> String {
        let width = self.axis.width() * SLOT;
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
        for ((left, wide), (first, last)) in self.axis.breaks() {
            let (x, wide) = (left * SLOT, wide * SLOT);
            let title = format!("nothing was counted from {} to {}", date(first * DAY), date(last * DAY));
            put(
                &mut out,
                format_args!(
                    "<path class=\"break\" d=\"M{x} 0V{HEIGHT}H{}V0z\"><title>{title}</title></path>",
                    x + wide
                ),
            );
        }
        for (day, counts) in self.drawn() {
            let Some(place) = self.axis.place(*day) else { continue };
            let x = place * SLOT + (SLOT - BAR) / 2;
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
        self.days.iter().filter(|(day, _)| self.axis.place(**day).is_some())
    }

    /// What is said of the days that are not.
    fn not_drawn(&self) -> String {
        let astray = self.axis.astray(self.days.keys().copied()).map(|told| format!("Not drawn: {told}."));
        let breaks = self.axis.breaks_in_words().map(|told| format!("Drawn as a break: {told}."));
        let told = breaks.into_iter().chain(astray).map(|told| format!("<p class=\"soft\">{told}</p>"));
        told.collect()
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

    /// One of these days, of which the last is the day on which it was written.
    fn axis<const N: usize>(days: [u64; N]) -> Axis {
        Axis::of(&days.map(|day| (day, 1)).into(), days[0], days[N - 1])
    }

    #[test]
    fn axes_end_at_numbers_that_are_easy_to_read() {
        let ends = [0, 1, 3, 7, 11, 99, 100, 101, 12_345];
        assert_eq!(ends.map(round_up), [2, 2, 4, 8, 20, 100, 100, 200, 20_000]);
        assert_eq!(grouped(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!((grouped(999), round_up(u64::MAX)), ("999".to_owned(), u64::MAX));
    }

    #[test]
    fn a_kind_has_the_colour_of_its_place_whichever_others_are_there() {
        let mut plot = Plot::new(axis([1, 9]), &["first", "second", "third"]);
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
        let dates = |first: u64, last: u64| {
            let mut plot = Plot::new(axis([first, last]), &[]);
            plot.add(first, "a", 1);
            let below = |drawn: &str| {
                let (_, below) = drawn.split_once("<div class=\"dates").unwrap();
                below.split_once("</div>").unwrap().0.to_owned()
            };
            let drawn = (below(&plot.stacked("what there is")), below(&plot.apart("who is left")));
            assert_eq!(drawn.0, drawn.1);
            drawn.0
        };
        assert_eq!(dates(1, 1), " one\"><span>1970-01-02</span>");
        assert_eq!(dates(1, 2), "\"><span>1970-01-02</span><span>1970-01-03</span>");
        let middle = "<span class=\"middle\">1970-01-04</span>";
        assert_eq!(dates(1, 5), format!("\"><span>1970-01-02</span>{middle}<span>1970-01-06</span>"));
    }

    #[test]
    fn a_day_that_is_not_drawn_is_told_and_stretches_nothing() {
        let mut plot = Plot::new(axis([20_770, 20_779]), &[]);
        for (day, count) in [(0, 500), (20_770, 5), (20_779, 1), (47_482, 900)] {
            plot.add(day, "a", count);
        }
        let left_out = "<p class=\"soft\">Not drawn: 1970-01-01, 2100-01-01, before it was counted or after it was written, \
                        as a clock shows that is wrong.</p>";
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
        assert!(!Plot::new(axis([1, 2]), &[]).stacked("nothing").contains("Not drawn"));
    }

    #[test]
    fn a_long_silence_is_a_break_and_whoever_comes_after_it_is_left() {
        let mut plot = Plot::new(axis([20_590, 20_591, 20_779]), &[]);
        for (day, count) in [(20_590, 30), (20_591, 30), (20_779, 1)] {
            plot.add(day, "a", count);
        }
        let drawn = plot.apart("who is left");
        // Two days, a break as wide as four, and the last day.
        assert!(drawn.contains("viewBox=\"0 0 70 1000\"") && drawn.contains("<b>1</b> of 30"), "{drawn}");
        assert!(drawn.contains("<path class=\"break\" d=\"M20 0V1000H60V0z\">"), "{drawn}");
        assert!(drawn.contains("<rect class=\"k0\" x=\"61\""), "{drawn}");
        let told = "Drawn as a break: nothing was counted from 2026-05-19 to 2026-11-21.";
        assert!(drawn.contains(told) && !drawn.contains("Not drawn"), "{drawn}");
    }

    #[test]
    fn drawings_apart_have_one_scale() {
        let mut plot = Plot::new(axis([1, 2]), &["few", "many"]);
        plot.add(2, "few", 1);
        plot.add(1, "many", 10);
        let drawn = plot.apart("who is left");
        assert!(drawn.contains("<b>1</b> of 1") && drawn.contains("<b>0</b> of 10"), "{drawn}");
        assert!(
            drawn.contains("y=\"900.0\" width=\"8\" height=\"100.0\"") && drawn.contains("height=\"1000.0\"")
        );
    }
}

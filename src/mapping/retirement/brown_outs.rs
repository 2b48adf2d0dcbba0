//! Brown-outs: each with a beginning and an end, between the deprecation and the sunset.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use crate::diag::{Diagnostic, Span, Spanned, code};
use crate::mapping::compile::Compiler;
use crate::mapping::file::{BrownOutPart, Text};
use crate::time::parse_duration;

/// More than that are no rehearsal of the end but the end.
const WINDOWS_MAX: usize = 1000;

/// The time that brown-outs lie in.
#[derive(Clone, Copy)]
pub(super) struct Term {
    pub(super) deprecated: Spanned<SystemTime>,
    pub(super) sunset: Option<Spanned<SystemTime>>,
    pub(super) gone: Option<Spanned<SystemTime>>,
    /// Whether the brown-outs are those of the dialect, and the time is not.
    pub(super) is_another: bool,
}

impl Term {
    fn help(self, found: Diagnostic) -> Diagnostic {
        if !self.is_another {
            return found;
        }
        found.help(
            "these are the brown-outs of `[retirement]`: `brown_outs = []` says that the operation has none",
        )
    }
}

impl Compiler<'_> {
    /// Every window there is, in order, if all of them can be.
    pub(super) fn brown_outs(
        &mut self,
        parts: &[BrownOutPart],
        term: Term,
    ) -> Option<Vec<Range<SystemTime>>> {
        let mut all: Vec<(Range<SystemTime>, Span)> = Vec::new();
        let mut is_sound = true;
        for part in parts {
            match self.windows(part, term) {
                Some(windows) => all.extend(windows.into_iter().map(|window| (window, part.from.span))),
                None => is_sound = false,
            }
        }
        all.sort_by_key(|(window, _)| window.start);
        // Clients are told when a window ends, and come back then.
        let overlap = all.windows(2).find(|pair| pair[1].0.start <= pair[0].0.end);
        if let Some([(_, earlier), (_, later)]) = overlap {
            is_sound = false;
            let found = Diagnostic::error(code::M1003, "two brown-outs overlap, or are one");
            let found = found.at(*later, "begins before it was served again after another one");
            self.report(if earlier == later { found } else { found.also(*earlier, "that one") });
        }
        let last = all.last().zip(term.gone).filter(|((window, _), gone)| window.end == gone.value);
        if let Some(((_, span), gone)) = last {
            is_sound = false;
            let found = Diagnostic::error(code::M1003, "a brown-out after which it is not served again");
            let found = found.at(*span, "goes on until it is gone").also(gone.span, "gone from here on");
            self.report(term.help(found));
        }
        let refused: Duration = all.iter().map(|(window, _)| lasts(window)).sum();
        if let Some(sunset) = term.sunset
            && let Some((_, longest)) = all.iter().max_by_key(|(window, _)| lasts(window))
            && is_sound
            && refused > lasts(&(term.deprecated.value..sunset.value)) / 2
        {
            is_sound = false;
            let message = "it is refused for most of the time before its sunset";
            let found = Diagnostic::error(code::M1003, message);
            let found = found.at(*longest, "together they last longer than what is in between");
            self.report(term.help(found.also(sunset.span, "clients are told that they have until then")));
        }
        is_sound.then(|| all.into_iter().map(|(window, _)| window).collect())
    }

    fn windows(&mut self, part: &BrownOutPart, term: Term) -> Option<Vec<Range<SystemTime>>> {
        let Term { deprecated, sunset, .. } = term;
        let lasts = self.lasting(&part.lasts)?;
        let every = match &part.every {
            Some(every) => Some(Spanned::new(self.lasting(every)?, every.span)),
            None => None,
        };
        let first = part.from.value..part.from.value + lasts;
        if first.start < deprecated.value {
            let found = Diagnostic::error(code::M1003, "a brown-out begins before the deprecation");
            let found = found.at(part.from.span, "what is not deprecated is served");
            self.report(term.help(found.also(deprecated.span, "deprecated from here on")));
            return None;
        }
        if let Some(sunset) = sunset.filter(|sunset| sunset.value < first.end) {
            let found = Diagnostic::error(code::M1003, "a brown-out goes on after the sunset");
            let found = found.at(part.from.span, "it shows what the sunset will be like");
            self.report(term.help(found.also(sunset.span, "the sunset")));
            return None;
        }
        let Some(every) = every else { return Some(vec![first]) };
        let Some(sunset) = sunset else {
            let found = Diagnostic::error(code::M1003, "brown-outs come again and again without an end");
            self.report(found.at(every.span, "needs a `sunset`, up to which they do"));
            return None;
        };
        let starts = std::iter::successors(Some(first.start), |start| start.checked_add(every.value));
        let windows =
            starts.map(|start| start..start + lasts).take_while(|window| window.end <= sunset.value);
        let windows: Vec<_> = windows.take(WINDOWS_MAX + 1).collect();
        if windows.len() > WINDOWS_MAX {
            let message = format!("there are more than {WINDOWS_MAX} brown-outs");
            self.report(Diagnostic::error(code::M1003, message).at(every.span, "less often, or later"));
            return None;
        }
        Some(windows)
    }

    fn lasting(&mut self, text: &Text) -> Option<Duration> {
        /// Far beyond every sunset, and still in the range of dates.
        const MOST: Duration = Duration::from_hours(24 * 366);
        match parse_duration(&text.value) {
            Ok(duration) if !duration.is_zero() && duration <= MOST => Some(duration),
            Ok(_) => {
                let message = format!("a brown-out of `{}` is none", text.value);
                let found = Diagnostic::error(code::M1003, message);
                self.report(found.at(text.span, "lasts longer than nothing, and no more than a year"));
                None
            }
            Err(error) => {
                let found = Diagnostic::error(code::M0110, format!("`{}` is no duration", text.value));
                self.report(found.at(text.span, error.to_string()));
                None
            }
        }
    }
}

fn lasts(window: &Range<SystemTime>) -> Duration {
    window.end.duration_since(window.start).unwrap_or_default()
}

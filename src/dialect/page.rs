//! Pages: what a client asks for, what the backend is asked for, and what the client is told of the rest.
//!
//! The canonical API pages by `limit` and `offset`; every style a dialect has is turned into those two numbers.
//!
//! A page is an integer from 1 (`number`), an integer from 0 (`offset`), or an opaque word (`cursor`), which is the
//! offset in base64: a client can only send back what an earlier page gave it. Where another server makes cursors for the
//! same clients, ours have a mark, so that each is sent to whoever made it.

use percent_encoding::percent_decode_str;

use super::url::Url;
use crate::json::Writer;
use crate::problem::{Place, Root, Violation};

mod cursor;

pub use self::cursor::{Cursors, Maker, Mark};

/// How a list is paged.
#[derive(Clone, Debug)]
pub struct Page {
    /// What the start of a page is called by.
    pub style: Style,
    /// Query parameter that says where the page starts.
    pub start: String,
    /// Query parameter that says how many items it holds.
    pub limit: String,
    /// How many it holds if nothing is said.
    pub default: u32,
    /// How many it may hold.
    pub most: u32,
    /// The members of the answer: the way to each, and what it holds.
    pub fields: Vec<(Vec<Box<str>>, PageSlot)>,
}

/// What the start of a page is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A word from an earlier page.
    Cursor,
    /// The number of the page, from 1.
    Number,
    /// The number of items before it.
    Offset,
}

impl Style {
    /// The styles with their names in mappings.
    pub const NAMES: [(&str, Style); 3] =
        [("cursor", Style::Cursor), ("number", Style::Number), ("offset", Style::Offset)];
}

/// What a member of a page's answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSlot {
    /// Whether there is a page after this.
    HasNext,
    /// Whether there is a page before this.
    HasPrevious,
    /// The items.
    Items,
    /// How many items a page holds.
    Limit,
    /// The start of the next page; left out on the last.
    Next,
    /// The address of the next page as the client would ask for it; null on the last.
    NextUrl,
    /// The number of this page, from 1.
    Number,
    /// How many pages there are.
    Pages,
    /// The address of the page before this; null on the first.
    PreviousUrl,
    /// How many items there are on all pages.
    Total,
}

impl PageSlot {
    /// The slots with their names in mappings.
    pub const NAMES: [(&str, PageSlot); 10] = [
        ("has_next", PageSlot::HasNext),
        ("has_previous", PageSlot::HasPrevious),
        ("items", PageSlot::Items),
        ("limit", PageSlot::Limit),
        ("next", PageSlot::Next),
        ("next_url", PageSlot::NextUrl),
        ("number", PageSlot::Number),
        ("pages", PageSlot::Pages),
        ("previous_url", PageSlot::PreviousUrl),
        ("total", PageSlot::Total),
    ];

    /// Whether every page has something there, and not null: what leads to another page may lead nowhere.
    pub fn is_always_told(self) -> bool {
        match self {
            PageSlot::HasNext
            | PageSlot::HasPrevious
            | PageSlot::Items
            | PageSlot::Limit
            | PageSlot::Number
            | PageSlot::Pages
            | PageSlot::Total => true,
            PageSlot::Next | PageSlot::NextUrl | PageSlot::PreviousUrl => false,
        }
    }
}

/// The page a client wants, as the canonical API counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How many items.
    pub limit: u32,
    /// How many items before them.
    pub offset: u64,
}

impl Page {
    /// Reads the parameters of a query. More items than allowed are not refused: the page is shorter, as in every
    /// paged API.
    pub fn wanted(&self, query: &[(Box<str>, String)]) -> Result<Wanted, Violation> {
        let given =
            |name: &str| query.iter().find(|(given, _)| **given == *name).map(|(_, value)| value.as_str());
        let limit = match given(&self.limit) {
            None => self.default,
            Some(text) => match digits(text) {
                // Where a dialect allows it, nothing at all cannot be meant by it.
                Some(0) => self.default,
                Some(limit) => u32::try_from(limit).unwrap_or(u32::MAX),
                None if is_number(text) => u32::MAX,
                None => return Err(wrong(&self.limit, "must be an integer from 0")),
            },
        };
        let limit = limit.min(self.most);
        let offset = match (given(&self.start), self.style) {
            (None, _) => 0,
            (Some(text), Style::Offset) => {
                start(text).ok_or_else(|| wrong(&self.start, "must be an integer from 0"))?
            }
            (Some(text), Style::Number) => {
                let number = start(text).filter(|number| *number > 0);
                let number = number.ok_or_else(|| wrong(&self.start, "must be an integer from 1"))?;
                (number - 1).saturating_mul(u64::from(limit))
            }
            (Some(text), Style::Cursor) => {
                cursor::read(text).ok_or_else(|| wrong(&self.start, "must come from an earlier page"))?
            }
        };
        // What no list can be as long as was not read from an earlier page of ours.
        if offset > u64::from(u32::MAX) {
            return Err(wrong(&self.start, "is further than any list goes"));
        }
        Ok(Wanted { limit, offset })
    }

    /// Who made the cursor that an address asks for a page by, where ours have that mark; none if it asks by none, or nobody can
    /// tell: what we wrote before there was a mark may have been written by another of us.
    pub fn maker(&self, url: &Url, own: Mark) -> Option<Maker> {
        if self.style != Style::Cursor {
            return None;
        }
        let pairs = url.query().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut given = pairs.filter(|(name, _)| percent_decode_str(name).eq(self.start.bytes()));
        // What is given twice, or is no text, is nothing to either side.
        let (Some((_, cursor)), None) = (given.next(), given.next()) else { return None };
        let cursor = percent_decode_str(cursor).decode_utf8().ok().filter(|cursor| !cursor.is_empty())?;
        own.maker(&cursor)
    }

    /// What a slot holds, as JSON: `shown` items of `total` are on this page that was asked for at `url`. None if
    /// there is nothing to say.
    pub fn show(
        &self,
        slot: PageSlot,
        wanted: Wanted,
        shown: u64,
        total: u64,
        (url, cursors): (&Url, Cursors),
    ) -> Option<String> {
        let limit = u64::from(wanted.limit);
        let end = wanted.offset.saturating_add(shown);
        let has_next = shown > 0 && end < total;
        Some(match slot {
            PageSlot::HasNext => has_next.to_string(),
            PageSlot::HasPrevious => (wanted.offset > 0).to_string(),
            PageSlot::Items => return None,
            PageSlot::Limit => limit.to_string(),
            PageSlot::Next if !has_next => return None,
            PageSlot::Next => match self.style {
                Style::Cursor => quoted(&cursors.write(end)),
                Style::Number | Style::Offset => self.start_of(end, limit, cursors),
            },
            PageSlot::NextUrl if !has_next => "null".to_owned(),
            PageSlot::NextUrl => quoted(&url.with(&self.start, Some(&self.start_of(end, limit, cursors)))),
            PageSlot::PreviousUrl if wanted.offset == 0 => "null".to_owned(),
            PageSlot::PreviousUrl => {
                // The first page is the one that is asked for without saying where it starts.
                let before = wanted.offset.saturating_sub(limit);
                let start = (before > 0).then(|| self.start_of(before, limit, cursors));
                quoted(&url.with(&self.start, start.as_deref()))
            }
            PageSlot::Number => (wanted.offset / limit + 1).to_string(),
            PageSlot::Pages => total.div_ceil(limit).to_string(),
            PageSlot::Total => total.to_string(),
        })
    }

    /// The parameters of a query that ask for a page. None if it has no name: a cursor comes from the page before, and what
    /// another server calls its pages nobody else knows.
    pub fn asks(&self, wanted: Wanted) -> Option<Vec<(Box<str>, String)>> {
        let Wanted { limit, offset } = wanted;
        let is_named = match self.style {
            Style::Cursor => offset == 0,
            Style::Number => limit > 0 && offset.is_multiple_of(limit.into()),
            Style::Offset => true,
        };
        let start = (offset > 0)
            .then(|| (self.start.as_str().into(), self.start_of(offset, limit.into(), Cursors::Plain)));
        let limit = Some((self.limit.as_str().into(), limit.to_string()));
        is_named.then(|| start.into_iter().chain(limit).collect())
    }

    /// What the page that begins after `offset` items is called by.
    fn start_of(&self, offset: u64, limit: u64, cursors: Cursors) -> String {
        match self.style {
            Style::Cursor => cursors.write(offset),
            Style::Number => (offset / limit + 1).to_string(),
            Style::Offset => offset.to_string(),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = Writer::new();
    out.string(text);
    String::from_utf8(out.into_vec()).expect("the writer writes UTF-8")
}

fn wrong(parameter: &str, message: &str) -> Violation {
    let place = Place::parameter(Root::Query, parameter);
    Violation { place, kind: "type".into(), message: message.to_owned() }
}

/// The same of where a page starts: an integer that is larger than any list is one all the same.
fn start(text: &str) -> Option<u64> {
    digits(text).or_else(|| is_number(text).then_some(u64::MAX))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads decimal digits alone: no sign, no space, and few enough that nothing overflows.
fn digits(text: &str) -> Option<u64> {
    let plain = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use http::uri::{Authority, PathAndQuery, Scheme};
    use proptest::prelude::*;

    use super::*;

    fn page(style: Style) -> Page {
        let (start, limit) = ("start".to_owned(), "size".to_owned());
        Page { style, start, limit, default: 20, most: 50, fields: Vec::new() }
    }

    fn url() -> Url {
        Url {
            origin: Some((Scheme::HTTPS, Authority::from_static("old.example"))),
            target: PathAndQuery::from_static("/acme/things/?q=x%20y&start=2"),
            mount: 0,
        }
    }

    fn wanted(style: Style, query: &[(&str, &str)]) -> Result<Wanted, String> {
        let query: Vec<_> = query.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect();
        page(style).wanted(&query).map_err(|violation| violation.message)
    }

    #[test]
    fn every_style_becomes_limit_and_offset() {
        assert_eq!(wanted(Style::Number, &[]), Ok(Wanted { limit: 20, offset: 0 }));
        assert_eq!(
            wanted(Style::Number, &[("start", "3"), ("size", "10")]),
            Ok(Wanted { limit: 10, offset: 20 })
        );
        assert_eq!(wanted(Style::Offset, &[("start", "7")]), Ok(Wanted { limit: 20, offset: 7 }));
        assert_eq!(
            wanted(Style::Cursor, &[("start", "bzQw")]),
            Ok(Wanted { limit: 20, offset: 40 }),
            "base64 of o40"
        );
        assert_eq!(wanted(Style::Offset, &[("size", "0")]), Ok(Wanted { limit: 20, offset: 0 }));
        for size in ["9999999999", "99999999999999999999"] {
            assert_eq!(wanted(Style::Offset, &[("size", size)]), Ok(Wanted { limit: 50, offset: 0 }));
        }
    }

    #[test]
    fn a_cursor_names_who_made_it_where_that_is_certain() {
        let maker = |style, query: &str| {
            let url = Url::of(PathAndQuery::try_from(format!("/things?{query}")).unwrap());
            page(style).maker(&url, Mark::of(&["acme", "https://old.example"]))
        };
        // `printf interlingua:MARK:o40 | base64`, where MARK is the first eight digits of the SHA-256 of
        // `interlingua-cursor-1` and both parts, each behind its length; with another spelling of it, and of what it says.
        let ours = "aW50ZXJsaW5ndWE6MmE0NjFjZDQ6bzQw";
        assert_eq!(wanted(Style::Cursor, &[("start", ours)]), Ok(Wanted { limit: 20, offset: 40 }));
        for query in [format!("start={ours}"), format!("size=2&st%61rt=%61{}", &ours[1..])] {
            assert_eq!(maker(Style::Cursor, &query), Some(Maker::Ours), "{query}");
            assert_eq!(maker(Style::Offset, &query), None, "{query}");
        }
        // Spoilt, and nobody else's: it is for us to refuse.
        for spoilt in [format!("{ours}%3D"), format!("{}x", &ours[..28]), ours[..28].to_owned()] {
            assert_eq!(maker(Style::Cursor, &format!("start={spoilt}")), Some(Maker::Ours), "{spoilt}");
            assert!(wanted(Style::Cursor, &[("start", &spoilt)]).is_err(), "{spoilt}");
        }
        // The last two are another deployment's, and one of a version that had no words of deployments.
        for another in [
            "OLDbzQw",
            "40",
            "eyJvIjo0MH0",
            "a+b",
            "aW50ZXJsaW5ndWE6OWNhMWI0NTk6bzQw",
            "aW50ZXJsaW5ndWE6bzQw",
        ] {
            assert_eq!(maker(Style::Cursor, &format!("start={another}")), Some(Maker::Another), "{another}");
        }
        for nobodys in
            ["", "size=2", "start=", "start", "start=bzQw", "start=OLD&start=OLD", "start=%FF", "start2=OLD"]
        {
            assert_eq!(maker(Style::Cursor, nobodys), None, "{nobodys}");
        }
    }

    #[test]
    fn a_start_that_is_too_large_is_an_integer_all_the_same() {
        for start in ["9999999999", "99999999999", "9223372036854775807", "99999999999999999999"] {
            for style in [Style::Number, Style::Offset] {
                assert_eq!(
                    wanted(style, &[("start", start)]).unwrap_err(),
                    "is further than any list goes",
                    "{start}"
                );
            }
        }
        assert_eq!(wanted(Style::Number, &[("start", "1.0")]).unwrap_err(), "must be an integer from 1");
        assert_eq!(wanted(Style::Offset, &[("start", "")]).unwrap_err(), "must be an integer from 0");
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for start in ["0", "-1", "+1", " 1", "1.0", "", "99999999999", "one"] {
            assert!(wanted(Style::Number, &[("start", start)]).is_err(), "{start:?}");
        }
        // `bzA0MA` is `o040`; the last has bits that decode to nothing.
        for start in ["", "40", "bzA0MA", "bzQw=", "eDQw", "bzR"] {
            assert!(wanted(Style::Cursor, &[("start", start)]).is_err(), "{start:?}");
        }
        assert!(wanted(Style::Offset, &[("size", "-1")]).is_err());
    }

    #[test]
    fn a_start_beyond_every_list_is_refused_without_asking() {
        assert!(wanted(Style::Number, &[("start", "9999999999"), ("size", "50")]).is_err());
        assert!(wanted(Style::Offset, &[("start", "4294967296")]).is_err());
        assert!(wanted(Style::Cursor, &[("start", "bzk5OTk5OTk5OTk")]).is_err());
        assert!(wanted(Style::Offset, &[("start", "4294967295")]).is_ok());
    }

    #[test]
    fn the_rest_is_told_in_the_style_of_the_page() {
        let show = |style, slot, offset, shown| {
            page(style).show(slot, Wanted { limit: 20, offset }, shown, 45, (&url(), Cursors::Plain))
        };
        assert_eq!(show(Style::Cursor, PageSlot::Next, 20, 20).as_deref(), Some("\"bzQw\""));
        assert_eq!(show(Style::Number, PageSlot::Next, 20, 20).as_deref(), Some("3"));
        assert_eq!(show(Style::Offset, PageSlot::Next, 40, 5), None);
        assert_eq!(show(Style::Number, PageSlot::Pages, 0, 20).as_deref(), Some("3"));
        assert_eq!(show(Style::Number, PageSlot::Number, 40, 5).as_deref(), Some("3"));
        assert_eq!(show(Style::Number, PageSlot::HasNext, 40, 5).as_deref(), Some("false"));
        assert_eq!(show(Style::Number, PageSlot::HasPrevious, 0, 20).as_deref(), Some("false"));
    }

    #[test]
    fn the_addresses_of_other_pages_are_the_clients_own() {
        let show = |slot, offset, shown| {
            page(Style::Number)
                .show(slot, Wanted { limit: 20, offset }, shown, 45, (&url(), Cursors::Plain))
                .unwrap()
        };
        let at = |rest: &str| format!("\"https://old.example/acme/things/?{rest}\"");
        assert_eq!(show(PageSlot::NextUrl, 20, 20), at("q=x%20y&start=3"));
        assert_eq!(show(PageSlot::NextUrl, 40, 5), "null");
        assert_eq!(show(PageSlot::PreviousUrl, 40, 5), at("q=x%20y&start=2"));
        assert_eq!(show(PageSlot::PreviousUrl, 20, 20), at("q=x%20y"));
        assert_eq!(show(PageSlot::PreviousUrl, 0, 20), "null");
    }

    proptest! {
        #[test]
        fn following_the_cursor_shows_every_item_once(total in 0_u64..200, limit in 1_u32..60, marked: bool) {
            let cursors = if marked { Cursors::Marked(Mark::of(&["acme", "https://old.example"])) } else { Cursors::Plain };
            let page = Page { most: 60, ..page(Style::Cursor) };
            let (mut seen, mut start) = (0, None);
            loop {
                let mut query = vec![("size".into(), limit.to_string())];
                query.extend(start.map(|start: String| ("start".into(), start)));
                let wanted = page.wanted(&query).unwrap();
                prop_assert_eq!(wanted.offset, seen);
                let shown = u64::from(limit).min(total - seen);
                seen += shown;
                match page.show(PageSlot::Next, wanted, shown, total, (&url(), cursors)) {
                    Some(next) => start = Some(next.trim_matches('"').to_owned()),
                    None => break,
                }
            }
            prop_assert_eq!(seen, total);
        }

        #[test]
        fn no_start_of_a_page_panics(start in "\\PC*", size in "\\PC*") {
            for style in [Style::Cursor, Style::Number, Style::Offset] {
                let _outcome = wanted(style, &[("start", &start), ("size", &size)]);
            }
        }
    }
}

//! Headers are read by parsers of their own, and windows are looked at around their ends.

use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use sfv::{BareItem, Item, Parser};

use super::*;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn dates() -> Dates {
    Dates {
        deprecated: at(1_688_169_599),
        sunset: Some(at(1_719_791_999)),
        gone: None,
        brown_outs: Vec::new(),
        docs: Some("https://api.example/docs?why=v1#end".to_owned()),
        successor: Some("https://api.example/v2".to_owned()),
    }
}

/// What is told of parts alone.
fn headers(parts: &[Dates]) -> HeaderMap {
    told(None, parts)
}

fn told(whole: Option<&Dates>, parts: &[Dates]) -> HeaderMap {
    let whole = whole.map(|dates| Retirement::new(dates.clone(), None));
    let parts: Vec<_> = parts.iter().map(|dates| Retirement::new(dates.clone(), None)).collect();
    let mut headers = HeaderMap::new();
    Retirement::tell(whole.as_ref(), parts.iter(), &mut headers);
    headers
}

/// The links of the one line; no URL has a space.
fn links(headers: &HeaderMap) -> Vec<&str> {
    assert!(headers.get_all(LINK).iter().count() <= 1);
    headers.get(LINK).map_or_else(Vec::new, |line| line.to_str().unwrap().split(", ").collect())
}

#[test]
fn the_headers_are_those_of_the_specifications() {
    // RFC 9745, section 2.1, has this very date: 30 June 2023, 23:59:59 UTC.
    let headers = headers(&[dates()]);
    assert_eq!(headers["deprecation"], "@1688169599");
    assert_eq!(headers["sunset"], "Sun, 30 Jun 2024 23:59:59 GMT");
    assert_eq!(
        links(&headers),
        [
            r#"<https://api.example/docs?why=v1#end>; rel="deprecation""#,
            r#"<https://api.example/docs?why=v1#end>; rel="sunset""#,
            r#"<https://api.example/v2>; rel="successor-version""#,
        ]
    );
}

#[test]
fn what_never_ends_has_no_sunset_and_what_nobody_explains_no_link() {
    let headers = headers(&[Dates { sunset: None, docs: None, successor: None, ..dates() }]);
    assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["deprecation"]);
}

#[test]
fn of_several_the_earliest_moments_are_told_and_every_link_once() {
    let other = Dates {
        deprecated: at(1_700_000_000),
        sunset: Some(at(1_710_000_000)),
        successor: Some("https://api.example/v3".to_owned()),
        ..dates()
    };
    let unending = Dates { sunset: None, ..dates() };
    let headers = headers(&[other, dates(), unending]);
    assert_eq!(headers["deprecation"], "@1688169599");
    assert_eq!(headers["sunset"], "Sat, 09 Mar 2024 16:00:00 GMT");
    assert_eq!(links(&headers).len(), 4, "{headers:?}");
    assert_eq!(headers.get_all("deprecation").iter().count(), 1);
}

#[test]
fn the_earliest_of_each_may_be_of_different_ones() {
    let old = Dates { deprecated: at(1_600_000_000), sunset: None, docs: None, successor: None, ..dates() };
    let short = Dates { deprecated: at(1_700_000_000), sunset: Some(at(1_700_000_001)), ..dates() };
    let headers = headers(&[old, dates(), short]);
    assert_eq!(headers["deprecation"], "@1600000000");
    assert_eq!(headers["sunset"], "Tue, 14 Nov 2023 22:13:21 GMT");
}

#[test]
fn the_end_of_a_part_is_not_told_as_that_of_an_operation_that_has_its_own_dates() {
    let part = Dates { sunset: Some(at(1_700_000_000)), ..dates() };
    let stays = Dates { sunset: None, ..dates() };
    for (whole, sunset) in [
        (None, Some("Tue, 14 Nov 2023 22:13:20 GMT")),
        (Some(dates()), Some("Sun, 30 Jun 2024 23:59:59 GMT")),
        (Some(stays), None),
    ] {
        let headers = told(whole.as_ref(), std::slice::from_ref(&part));
        assert_eq!(headers.get("sunset").map(|value| value.to_str().unwrap()), sunset);
    }
}

#[test]
fn however_many_retire_at_once_their_links_are_one_short_line_and_the_operation_is_first() {
    let part = |index: usize| Dates {
        docs: Some(format!("https://api.example/docs/{index}/{}", "x".repeat(40))),
        successor: Some(format!("https://api.example/v2/{index}")),
        ..dates()
    };
    let parts: Vec<_> = (0..60).map(part).collect();
    let headers = told(Some(&dates()), &parts);
    let (links, own) = (links(&headers), told(Some(&dates()), &[]));
    assert_eq!(links.len(), 8);
    assert_eq!(links[..3].join(", "), own[LINK]);
    let long = Dates { docs: Some(format!("https://api.example/{}", "x".repeat(1900))), ..dates() };
    let headers = told(Some(&dates()), &[long.clone(), long]);
    assert!(headers[LINK].len() < 2100, "{}", headers[LINK].len());
}

proptest! {
    #[test]
    fn other_readers_read_the_moments_as_they_were(
        deprecated in 0_u64..253_402_300_800,
        sunset in 0_u64..253_402_300_800,
    ) {
        let headers = headers(&[Dates { deprecated: at(deprecated), sunset: Some(at(sunset)), ..dates() }]);
        let item: Item = Parser::new(headers["deprecation"].as_bytes()).parse().unwrap();
        let BareItem::Date(date) = item.bare_item else { panic!("{item:?}") };
        prop_assert_eq!(u64::try_from(i64::from(date.unix_seconds())).unwrap(), deprecated);
        prop_assert!(item.params.is_empty());
        let read = httpdate::parse_http_date(headers["sunset"].to_str().unwrap()).unwrap();
        prop_assert_eq!(read, at(sunset));
    }

    /// RFC 9745, section 4: a sunset must not be before the deprecation. If that holds of each, it holds of what is told.
    #[test]
    fn what_is_told_of_several_is_in_order(
        whole in prop::option::of((0_u64..50, prop::option::of(0_u64..50))),
        parts in prop::collection::vec((0_u64..50, prop::option::of(0_u64..50)), 0..5),
    ) {
        let lawful = |(deprecated, lasts): (u64, Option<u64>)| Dates {
            deprecated: at(deprecated),
            sunset: lasts.map(|lasts| at(deprecated + lasts)),
            ..dates()
        };
        let parts: Vec<_> = parts.into_iter().map(lawful).collect();
        let headers = told(whole.map(lawful).as_ref(), &parts);
        if let Some(sunset) = headers.get("sunset") {
            let deprecation = headers["deprecation"].to_str().unwrap()[1..].parse().unwrap();
            prop_assert!(httpdate::parse_http_date(sunset.to_str().unwrap()).unwrap() >= at(deprecation));
        }
    }

    /// The standing is what one finds by looking at every window.
    #[test]
    fn it_stands_as_the_windows_say(
        starts in prop::collection::btree_set(0_u64..60, 0..6),
        gone in prop::option::of(0_u64..80),
        now in 0_u64..90,
    ) {
        let starts: Vec<u64> = starts.into_iter().map(|start| start * 10).collect();
        let windows = starts.iter().map(|start| at(*start)..at(start + 7)).collect();
        let gone = gone.map(|gone| gone * 10);
        let retirement = Retirement::new(Dates { brown_outs: windows, gone: gone.map(at), ..dates() }, None);
        for now in [now * 10, now * 10 + 6, now * 10 + 7] {
            let within = starts.iter().find(|start| (**start..**start + 7).contains(&now));
            let expected = match (gone.filter(|gone| now >= *gone), within) {
                (Some(gone), _) => Standing::Gone(at(gone)),
                (None, Some(start)) => Standing::BrownOut(at(start + 7)),
                (None, None) => Standing::Served,
            };
            prop_assert_eq!(retirement.standing(at(now)), expected);
        }
    }
}

#[test]
fn what_is_refused_says_until_when_or_since_when_and_where_to_read_on() {
    let dates = Dates {
        brown_outs: vec![at(1_700_000_000)..at(1_700_003_600)],
        gone: Some(at(1_720_000_000)),
        ..dates()
    };
    let retirement = Retirement::new(dates, None);
    let problem = retirement.refusal(at(1_700_000_001)).unwrap();
    assert_eq!((problem.status.get().as_u16(), problem.label()), (503, "brown-out"));
    assert_eq!(problem.retry_after, Some(Duration::from_secs(3599)));
    assert_eq!(
        problem.detail,
        "this operation is switched off until 2023-11-14T23:13:20Z, because it ends on 2024-06-30T23:59:59Z: \
         see https://api.example/v2"
    );
    assert!(retirement.refusal(at(1_700_003_600)).is_none(), "the window is over");
    let problem = retirement.refusal(at(1_720_000_000)).unwrap();
    assert_eq!((problem.status.get().as_u16(), problem.label(), problem.retry_after), (410, "gone", None));
}

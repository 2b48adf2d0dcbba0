//! Whom a hop may speak for, and what of it is believed.

use proptest::prelude::*;

use super::*;

/// What hops of 10.0.0.0/8 and of `fd00::/8` say, in these headers.
fn told(headers: HopHeaders, lines: &[(&'static str, &str)]) -> Result<Option<Told>, Unreadable> {
    let trusted = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap()).into();
    let mut written = HeaderMap::new();
    for (name, value) in lines {
        written.append(*name, HeaderValue::from_str(value).unwrap());
    }
    HopsConfig { trusted, headers }.read(&written)
}

/// The client, the scheme and the host that `Forwarded` tells of, `-` for none.
fn forwarded(lines: &[&str]) -> Result<String, Unreadable> {
    let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
    told(HopHeaders::Forwarded, &lines).map(written)
}

/// All three of the older headers, each of which every hop writes.
const ALL: HopHeaders = HopHeaders::XForwarded { scheme: true, host: true };

/// The same of the three headers.
fn x_forwarded(clients: &str, schemes: &str, hosts: &str) -> Result<String, Unreadable> {
    let all = [("x-forwarded-for", clients), ("x-forwarded-proto", schemes), ("x-forwarded-host", hosts)];
    let lines: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    told(ALL, &lines).map(written)
}

fn written(told: Option<Told>) -> String {
    let Some(Told { client, scheme, host }) = told else { return "nothing".to_owned() };
    let text = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
    let parts = [
        client.map(|one| one.to_string()),
        scheme.map(|one| one.to_string()),
        host.map(|one| one.to_string()),
    ];
    parts.map(text).join(" ")
}

#[test]
fn the_client_is_the_first_from_the_right_who_is_no_hop() {
    for (line, expected) in [
        // RFC 7239, sections 4 and 7.
        ("for=\"_gazonk\"", "- - -"),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17 - -"),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60 http -"),
        ("for=192.0.2.43, for=198.51.100.17", "198.51.100.17 - -"),
        ("for=192.0.2.43, for=10.0.0.1", "192.0.2.43 - -"),
        ("for=unknown", "- - -"),
        (
            "for=192.0.2.1;host=\"api.example:8080\";proto=HTTPS, for=10.0.0.1;proto=http",
            "192.0.2.1 https api.example:8080",
        ),
        ("for=192.0.2.1, for=\"[fd00::7]:_x\";host=inner", "192.0.2.1 - -"),
        // What an earlier one says is the client's own word.
        ("for=127.0.0.1;host=evil.example, for=192.0.2.1;host=api.example", "192.0.2.1 - api.example"),
        ("for=10.0.0.7;host=evil.example, for=192.0.2.1, for=10.0.0.1", "192.0.2.1 - -"),
        // All of them are hops: the outermost asks for itself.
        ("for=10.0.0.2;proto=https, for=10.0.0.1", "10.0.0.2 https -"),
        // Who does not say for whom it speaks, hides the rest.
        ("for=127.0.0.1, proto=https", "- https -"),
        ("for=127.0.0.1, for=_hidden, for=10.0.0.1", "- - -"),
        ("for=\"192.0.2.1:80\"", "192.0.2.1 - -"),
        ("for=\"\\192.0.2.1\" ; proto=http ,, ", "192.0.2.1 http -"),
    ] {
        assert_eq!(forwarded(&[line]).as_deref(), Ok(expected), "{line}");
    }
    assert_eq!(forwarded(&["for=127.0.0.1", "for=192.0.2.1"]).as_deref(), Ok("192.0.2.1 - -"));
    assert_eq!(forwarded(&[]).as_deref(), Ok("nothing"));
    assert_eq!(forwarded(&[","]).as_deref(), Ok("nothing"));
}

#[test]
fn what_can_be_read_in_two_ways_is_not_read() {
    for line in [
        "for=\"192.0.2.1",
        // A client that opened a quote, and the hop behind it.
        "a=\", for=192.0.2.1",
        "a=\", for=\"[2001:db8::1]:80\"",
        "for=192.0.2.1:80",
        "for=\"2001:db8::1\"",
        "for=192.0.2.1 for=192.0.2.2",
        "for=192.0.2.1;for=192.0.2.2",
        "for",
        "for=",
        "for = 192.0.2.1",
        "for=192.0.2.256",
        "for=\"192.0.2.1:\"",
        "for=\"192.0.2.1:123456\"",
        "for=localhost",
        "for=192.0.2.1;proto=ftp",
        "for=192.0.2.1;host=\"a b\"",
    ] {
        assert_eq!(forwarded(&[line]), Err(Unreadable), "{line}");
    }
}

#[test]
fn the_older_headers_are_read_from_the_right_as_well() {
    for (clients, schemes, hosts, expected) in [
        ("192.0.2.1", "", "", "192.0.2.1 - -"),
        ("127.0.0.1, 192.0.2.1", "https", "api.example", "192.0.2.1 https api.example"),
        // Whoever wrote the others: the last hop wrote the last.
        ("nonsense, 192.0.2.1, 10.0.0.1", "https, http", "a.example, inner", "192.0.2.1 http inner"),
        ("192.0.2.1, 10.0.0.1", "https", "evil.example, a.example", "192.0.2.1 https a.example"),
        ("192.0.2.1", "http, https", "evil.example, a.example", "192.0.2.1 https a.example"),
        ("::ffff:192.0.2.1, 10.0.0.1", "", "", "192.0.2.1 - -"),
        ("10.0.0.3, 10.0.0.2,10.0.0.1", "", "", "10.0.0.3 - -"),
        ("2001:db8::1", "", "", "2001:db8::1 - -"),
        ("[2001:db8::1]:443", "", "", "2001:db8::1 - -"),
        ("192.0.2.1:443", "", "", "192.0.2.1 - -"),
        ("127.0.0.1, unknown", "", "", "- - -"),
        ("", "https", "evil.example", "nothing"),
    ] {
        assert_eq!(x_forwarded(clients, schemes, hosts).as_deref(), Ok(expected), "{clients}");
    }
    assert_eq!(x_forwarded("192.0.2.1, localhost", "", ""), Err(Unreadable));
    assert_eq!(x_forwarded("192.0.2.1", "gopher", ""), Err(Unreadable));
}

#[test]
fn only_the_headers_that_are_configured_are_read() {
    let all = [
        ("forwarded", "for=192.0.2.1;proto=http;host=one.example"),
        ("x-forwarded-for", "192.0.2.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "two.example"),
    ];
    let told = |headers, lines| told(headers, lines).map(written);
    assert_eq!(told(HopHeaders::Forwarded, &all).as_deref(), Ok("192.0.2.1 http one.example"));
    assert_eq!(told(HopHeaders::Forwarded, &all[1..]).as_deref(), Ok("nothing"));
    for (scheme, host, expected) in [
        (false, false, "192.0.2.2 - -"),
        (true, false, "192.0.2.2 https -"),
        (false, true, "192.0.2.2 - two.example"),
        (true, true, "192.0.2.2 https two.example"),
    ] {
        let headers = HopHeaders::XForwarded { scheme, host };
        assert_eq!(told(headers, &all).as_deref(), Ok(expected));
        assert_eq!(told(headers, &all[..1]).as_deref(), Ok("nothing"));
    }
    assert_eq!(HopHeaders::default(), HopHeaders::XForwarded { scheme: false, host: false });
}

#[test]
fn headers_mean_something_together_or_are_refused() {
    use HopHeader::{For, Forwarded, Host, Proto};
    assert_eq!(HopHeaders::of(&[Forwarded]), Some(HopHeaders::Forwarded));
    assert_eq!(HopHeaders::of(&[Proto, For]), Some(HopHeaders::XForwarded { scheme: true, host: false }));
    for headers in [&[][..], &[Host], &[Proto, Host], &[Forwarded, For], &[Forwarded, Proto]] {
        assert_eq!(HopHeaders::of(headers), None, "{headers:?}");
    }
}

#[test]
fn a_row_that_no_hops_have_written_is_not_read() {
    let elements = |count: usize| vec!["for=192.0.2.1"; count].join(",");
    assert!(forwarded(&[&elements(64)]).is_ok());
    assert_eq!(forwarded(&[&elements(65)]), Err(Unreadable));
    assert_eq!(forwarded(&[&elements(32), &elements(33)]), Err(Unreadable));
    let pairs = |count: usize| {
        let pairs: Vec<_> = (0..count).map(|number| format!("x{number}=1")).collect();
        pairs.join(";") + ", for=192.0.2.1"
    };
    assert_eq!(forwarded(&[&pairs(16)]).as_deref(), Ok("192.0.2.1 - -"));
    assert_eq!(forwarded(&[&pairs(17)]), Err(Unreadable));
}

/// What a hop does with a header that it got.
#[derive(Clone, Copy, Debug)]
enum Writes {
    Appends,
    Overwrites,
}

/// The lines of a header behind hops that each write something of their own.
fn behind(hops: &[(Writes, &str)], by_client: &str) -> String {
    hops.iter().fold(by_client.to_owned(), |before, (writes, own)| match writes {
        Writes::Appends if !before.is_empty() => format!("{before}, {own}"),
        Writes::Appends | Writes::Overwrites => (*own).to_owned(),
    })
}

fn writes() -> impl Strategy<Value = Writes> {
    prop_oneof![Just(Writes::Appends), Just(Writes::Overwrites)]
}

proptest! {
    /// Whatever a client writes in front: what the hop appends to it, or says in a line of its own, is what counts, or
    /// nothing does.
    #[test]
    fn no_client_can_speak_for_another(written_by_client in "[ -~]{0,40}", own_line in any::<bool>()) {
        let hop = "for=192.0.2.1;proto=https";
        let joined = format!("{written_by_client}, {hop}");
        let lines = if own_line { vec![written_by_client.as_str(), hop] } else { vec![joined.as_str()] };
        let found = forwarded(&lines);
        prop_assert!(matches!(found.as_deref(), Err(Unreadable) | Ok("192.0.2.1 https -")), "{found:?}");
        let found = x_forwarded(&format!("{written_by_client}, 192.0.2.1"), "", "");
        prop_assert_eq!(found.as_deref(), Ok("192.0.2.1 - -"));
    }

    /// The same of all three headers, behind one hop or two: what a header says that every hop writes is the word of a hop,
    /// and one that the settings do not name says nothing.
    #[test]
    fn no_client_says_how_it_called(
        (clients, schemes, hosts) in ("[ -~]{0,20}", "(http, )?(https)?|[ -~]{1,20}", "(evil\\.example(, )?){0,3}|[ -~]{1,20}"),
        each in (writes(), writes()),
        is_behind_two in any::<bool>(),
        (scheme, host) in any::<(bool, bool)>(),
    ) {
        let hops = |first: &'static str, second: &'static str| {
            let both = [(each.0, first), (each.1, second)];
            if is_behind_two { both.to_vec() } else { vec![(each.0, first)] }
        };
        let clients = behind(&hops("192.0.2.1", "10.0.0.1").iter().map(|(_, own)| (Writes::Appends, *own)).collect::<Vec<_>>(), &clients);
        let (named, called) = (hops("http", "https"), hops("outer.example", "inner.example"));
        // A hop may leave a header alone that nobody asked it to write.
        let schemes = if scheme { behind(&named, &schemes) } else { schemes };
        let hosts = if host { behind(&called, &hosts) } else { hosts };
        let all = [("x-forwarded-for", clients), ("x-forwarded-proto", schemes), ("x-forwarded-host", hosts)];
        let lines: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let found = told(HopHeaders::XForwarded { scheme, host }, &lines).map(written);
        let scheme = if scheme { named.last().unwrap().1 } else { "-" };
        let host = if host { called.last().unwrap().1 } else { "-" };
        prop_assert_eq!(found, Ok(format!("192.0.2.1 {scheme} {host}")));
    }
}

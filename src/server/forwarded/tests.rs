//! Whom a hop may speak for, and what of it is believed.

use proptest::prelude::*;

use super::*;

/// What hops of 10.0.0.0/8 and of `fd00::/8` say, in that header.
fn told(header: HopHeader, lines: &[(&'static str, &str)]) -> Result<Option<Told>, Unreadable> {
    let trusted = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap()).into();
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    HopsConfig { trusted, header }.read(&headers)
}

/// The client, the scheme and the host that `Forwarded` tells of, `-` for none.
fn forwarded(lines: &[&str]) -> Result<String, Unreadable> {
    let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
    told(HopHeader::Forwarded, &lines).map(written)
}

/// The same of the three headers.
fn x_forwarded(clients: &str, schemes: &str, hosts: &str) -> Result<String, Unreadable> {
    let all = [("x-forwarded-for", clients), ("x-forwarded-proto", schemes), ("x-forwarded-host", hosts)];
    let lines: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    told(HopHeader::XForwarded, &lines).map(written)
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
        ("nonsense, 192.0.2.1, 10.0.0.1", "https, http", "a.example, inner", "192.0.2.1 https a.example"),
        ("192.0.2.1, 10.0.0.1", "https", "a.example", "192.0.2.1 https a.example"),
        // A client wrote the first; each hop added one.
        ("192.0.2.1", "http, https", "evil.example, a.example", "192.0.2.1 https a.example"),
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
fn only_the_header_that_is_configured_is_read() {
    let both = [("forwarded", "for=192.0.2.1"), ("x-forwarded-for", "192.0.2.2")];
    assert_eq!(told(HopHeader::Forwarded, &both).map(written).as_deref(), Ok("192.0.2.1 - -"));
    assert_eq!(told(HopHeader::XForwarded, &both).map(written).as_deref(), Ok("192.0.2.2 - -"));
    assert_eq!(told(HopHeader::Forwarded, &both[1..]).map(written).as_deref(), Ok("nothing"));
    assert_eq!(told(HopHeader::XForwarded, &both[..1]).map(written).as_deref(), Ok("nothing"));
}

#[test]
fn a_network_is_an_address_and_how_many_of_its_bits_count() {
    let network = |text: &str| text.parse::<Network>();
    for (text, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
        ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
        ("0.0.0.0/0", "255.255.255.255", "::1"),
        ("::/0", "2001:db8::1", "192.0.2.1"),
        ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
        ("::1", "::1", "::2"),
    ] {
        let network = network(text).unwrap();
        assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
        assert!(!network.contains(outside.parse().unwrap()), "{text} {outside}");
    }
    assert!(network("10.0.0.0/8").unwrap().contains("::ffff:10.1.2.3".parse().unwrap()));
    assert_eq!(network("10.0.0.1/8"), Err(NetworkError::Rest));
    for text in ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/-1"] {
        assert_eq!(network(text), Err(NetworkError::Bits), "{text}");
    }
    for text in ["", "localhost", "10.0.0/8", "10.0.0.0:80"] {
        assert_eq!(network(text), Err(NetworkError::Address), "{text}");
    }
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
}

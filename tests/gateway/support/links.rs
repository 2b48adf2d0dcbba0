//! The `Link` header, read by the grammar of RFC 8288, section 3, as one who sends it has to keep to it (RFC 9110, section 5.6.1: no
//! empty elements).
//!
//! ```text
//! Link       = #link-value
//! link-value = "<" URI-Reference ">" *( OWS ";" OWS link-param )
//! link-param = token BWS [ "=" BWS ( token / quoted-string ) ]
//! ```

/// Where a link leads, and what it is to whoever has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) target: String,
    pub(crate) relation: String,
}

/// Reads the value of a header. What is wrong with it is told with what is left of it there.
pub(crate) fn links(value: &str) -> Result<Vec<Link>, String> {
    let mut rest = Rest(value);
    let mut all = vec![rest.link()?];
    loop {
        rest.spaces();
        if rest.0.is_empty() {
            return Ok(all);
        }
        rest.expect(',')?;
        rest.spaces();
        all.push(rest.link()?);
    }
}

/// What is not read yet.
struct Rest<'v>(&'v str);

impl<'v> Rest<'v> {
    fn link(&mut self) -> Result<Link, String> {
        self.expect('<')?;
        let target = self.while_is(is_of_uri);
        if !has_whole_escapes(target) {
            return Err(format!("an escape is broken in `{target}`"));
        }
        self.expect('>')?;
        let mut relation = None;
        loop {
            let before = self.0;
            self.spaces();
            if !self.skip(';') {
                self.0 = before;
                break;
            }
            self.spaces();
            let (name, value) = self.parameter()?;
            // It must be there, and not twice (section 3.3).
            if name.eq_ignore_ascii_case("rel") && relation.replace(value).is_some() {
                return Err("two relations".to_owned());
            }
        }
        match relation.flatten() {
            Some(relation) if is_relation(&relation) => Ok(Link { target: target.to_owned(), relation }),
            other => Err(format!("{other:?} is no relation")),
        }
    }

    fn parameter(&mut self) -> Result<(&'v str, Option<String>), String> {
        let name = self.token()?;
        let before = self.0;
        self.spaces();
        if !self.skip('=') {
            self.0 = before;
            return Ok((name, None));
        }
        self.spaces();
        let value = if self.skip('"') { self.quoted()? } else { self.token()?.to_owned() };
        Ok((name, Some(value)))
    }

    /// The rest of a quoted string (RFC 9110, section 5.6.4).
    fn quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            let Some(next) = self.0.chars().next() else { return Err("a quote is not closed".to_owned()) };
            self.0 = &self.0[next.len_utf8()..];
            match next {
                '"' => return Ok(text),
                '\\' => {
                    let escaped = self.0.chars().next().filter(|one| matches!(one, '\t' | ' '..='~'));
                    text.push(escaped.ok_or_else(|| "nothing is escaped".to_owned())?);
                    self.0 = &self.0[1..];
                }
                '\t' | ' '..='~' => text.push(next),
                _ => return Err(format!("{next:?} in quotes")),
            }
        }
    }

    fn token(&mut self) -> Result<&'v str, String> {
        let is_of_token = |one: char| one.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(one);
        let token = self.while_is(is_of_token);
        if token.is_empty() { Err(format!("no token before `{}`", self.0)) } else { Ok(token) }
    }

    fn spaces(&mut self) {
        self.while_is(|one| matches!(one, ' ' | '\t'));
    }

    fn while_is(&mut self, is_in: impl Fn(char) -> bool) -> &'v str {
        let end = self.0.find(|one| !is_in(one)).unwrap_or(self.0.len());
        let (read, rest) = self.0.split_at(end);
        self.0 = rest;
        read
    }

    fn skip(&mut self, one: char) -> bool {
        self.0.strip_prefix(one).is_some_and(|rest| {
            self.0 = rest;
            true
        })
    }

    fn expect(&mut self, one: char) -> Result<(), String> {
        if self.skip(one) { Ok(()) } else { Err(format!("no `{one}` before `{}`", self.0)) }
    }
}

/// Whether a character may stand in a URI (RFC 3986, section 2).
fn is_of_uri(one: char) -> bool {
    one.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(one)
}

fn has_whole_escapes(uri: &str) -> bool {
    let is_escape = |rest: &str| {
        let digits = rest.get(..2);
        digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    uri.split('%').skip(1).all(is_escape)
}

/// Whether a text is one relation, registered or a URI (section 3.3); this API has no link with several.
fn is_relation(text: &str) -> bool {
    let is_registered = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || matches!(one, '.' | '-'));
    is_registered || text.contains(':') && text.chars().all(is_of_uri)
}

#[test]
fn links_are_read_by_their_grammar() {
    // The examples of section 3.5, and what separates links inside of one.
    for (value, expected) in [
        (
            r#"<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter""#,
            vec![("http://example.com/TheBook/chapter2", "previous")],
        ),
        (r#"</>; rel="http://example.net/foo""#, vec![("/", "http://example.net/foo")]),
        (r#"</terms>; rel="copyright"; anchor="\#foo""#, vec![("/terms", "copyright")]),
        (
            "</TheBook/chapter2>;rel=\"previous\" ; title*=UTF-8'de'letztes%20Kapitel,</TheBook/chapter4>\t; REL=next",
            vec![("/TheBook/chapter2", "previous"), ("/TheBook/chapter4", "next")],
        ),
        (
            r#"<a?b=1,2;c>; title="x, <y>; rel=no"; rel=next, <>; rel=up; crossorigin"#,
            vec![("a?b=1,2;c", "next"), ("", "up")],
        ),
    ] {
        let read = links(value).unwrap_or_else(|wrong| panic!("{wrong}: {value}"));
        let read: Vec<_> = read.iter().map(|link| (&*link.target, &*link.relation)).collect();
        assert_eq!(read, expected, "{value}");
    }
}

#[test]
fn what_is_no_link_is_refused() {
    for value in [
        "",
        "https://a.example; rel=next",
        "<https://a.example; rel=next",
        "<https://a.example/a b>; rel=next",
        "<https://a.example/\u{e4}>; rel=next",
        "<https://a.example/%2>; rel=next",
        "<https://a.example>",
        "<https://a.example>; rel",
        "<https://a.example>; rel=",
        r#"<https://a.example>; rel="""#,
        r#"<https://a.example>; rel="next"#,
        r#"<https://a.example>; rel="next\"#,
        "<https://a.example>; rel=next; rel=up",
        "<https://a.example>; rel=next;",
        "<https://a.example> rel=next",
        "<https://a.example>; rel=next,",
        ", <https://a.example>; rel=next",
        "<https://a.example>; rel=next,, <https://b.example>; rel=up",
        "<https://a.example>; rel=next <https://b.example>; rel=up",
        "<https://a.example>; rel=successor/version",
    ] {
        assert!(links(value).is_err(), "{value}");
    }
}

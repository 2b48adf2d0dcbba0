//! Query strings, read as strictly as bodies: what an operation does not know, or is told twice, is refused.

use axum::extract::Query as Pairs;
use http::Uri;

use super::id::Id;
use super::problem::{Code, Problem};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 1000;

/// The decoded parameters of one request.
#[derive(Debug, Default)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: u32,
    pub(super) offset: u32,
}

impl Query {
    /// Reads the query of `uri`, which may have the parameters `known` and no others.
    pub(super) fn parse(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let Pairs(pairs) = Pairs::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| invalid("the query string is malformed"))?;
        if pairs.iter().any(|(name, _)| !known.contains(&name.as_str())) {
            return Err(match known {
                [] => invalid("this operation takes no parameters"),
                [..] => invalid(format!("this operation takes the parameters `{}`", known.join("`, `"))),
            });
        }
        for name in known {
            if pairs.iter().filter(|(other, _)| other == name).count() > 1 {
                return Err(invalid(format!("`{name}` may be given once")));
            }
        }
        Ok(Query { pairs })
    }

    /// The text of a parameter.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// An id.
    pub(super) fn id(&self, name: &str) -> Result<Option<Id>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        Id::parse(text).map(Some).ok_or_else(|| invalid(format!("`{name}` must be a UUID")))
    }

    /// One of the words in `table`, as what it stands for.
    pub(super) fn word<T: Copy>(&self, name: &str, table: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let row = table.iter().find(|(word, _)| *word == text);
        row.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            let words: Vec<&str> = table.iter().map(|(word, _)| *word).collect();
            invalid(format!("`{name}` must be one of `{}`", words.join("`, `")))
        })
    }

    /// Several of the words in `table`, with commas between, as they stand.
    pub(super) fn words<T>(&self, name: &str, table: &[(&str, T)]) -> Result<Option<&str>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if text.split(',').all(|word| table.iter().any(|(known, _)| *known == word)) {
            return Ok(Some(text));
        }
        let words: Vec<&str> = table.iter().map(|(word, _)| *word).collect();
        Err(invalid(format!("`{name}` must be one or more of `{}`, with commas between", words.join("`, `"))))
    }

    /// `limit` and `offset`.
    pub(super) fn page(&self) -> Result<Page, Problem> {
        Ok(Page {
            limit: self.integer("limit", LIMIT_DEFAULT, LIMIT_MAX)?,
            offset: self.integer("offset", 0, u32::MAX)?,
        })
    }

    fn integer(&self, name: &str, default: u32, max: u32) -> Result<u32, Problem> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit()); // `parse` takes a plus too
        let number = is_digits.then(|| text.parse().ok()).flatten().filter(|number| *number <= max);
        number.ok_or_else(|| invalid(format!("`{name}` must be an integer from 0 to {max}")))
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(Code::InvalidQuery, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Result<Query, Problem> {
        let uri: Uri = format!("/v1/things?{text}").parse().unwrap();
        Query::parse(&uri, &["q", "limit", "offset", "order"])
    }

    #[test]
    fn values_are_decoded() {
        assert_eq!(query("q=a%2Bb+c").unwrap().text("q"), Some("a+b c"));
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused() {
        for text in ["page=1", "q=a&q=b", "limit=1&limit=1", "Q=a"] {
            assert!(query(text).is_err(), "{text}");
        }
        assert!(Query::parse(&Uri::from_static("/v1/users/me?limit=1"), &[]).is_err());
    }

    #[test]
    fn a_page_has_fifty_items_unless_told_otherwise() {
        assert_eq!(query("").unwrap().page().unwrap(), Page { limit: 50, offset: 0 });
        let page = query("limit=1000&offset=2000").unwrap().page().unwrap();
        assert_eq!(page, Page { limit: 1000, offset: 2000 });
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        for text in ["limit=1001", "limit=-1", "limit=", "limit=%2B1", "limit=1.0", "offset=4294967296"] {
            assert!(query(text).unwrap().page().is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_compared_letter_by_letter() {
        let table = [("asc", 1), ("desc", 2)];
        assert_eq!(query("order=desc").unwrap().word("order", &table).unwrap(), Some(2));
        assert_eq!(query("q=desc").unwrap().word("order", &table).unwrap(), None);
        assert!(query("order=Desc").unwrap().word("order", &table).is_err());
    }
}

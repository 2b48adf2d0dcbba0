//! What is to be translated, as it was typed.

use http::uri::PathAndQuery;
use http::{Method, StatusCode, Uri};

/// A request line.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    target: PathAndQuery,
}

/// Why there is nothing to translate.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Misasked {
    /// One answer is needed for each call.
    #[error("the request becomes {}, but `--answer` is given {}", counted(*.calls, "call"), counted(*.given, "time"))]
    Answers {
        /// The calls.
        calls: usize,
        /// The answers.
        given: usize,
    },
    /// The operation takes a body.
    #[error("`{operation}` takes a body: say which with `--body FILE`")]
    BodyMissing {
        /// The operation.
        operation: String,
    },
    /// One record is needed for each update that is compared with it.
    #[error("the request reads {} first, but `--current` is given {}", counted(*.reads, "record"), counted(*.given, "time"))]
    Records {
        /// The records.
        reads: usize,
        /// Those that were given.
        given: usize,
    },
    /// No request line.
    #[error("a request is a method and an address, as in 'POST /v1/things'")]
    Request,
    /// Ids that are looked up, each as the argument that would tell it.
    #[error("an id is looked up: say what would be found with {}", quoted(.0))]
    Unresolved(Vec<String>),
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn quoted(arguments: &[String]) -> String {
    let quoted: Vec<_> = arguments.iter().map(|argument| format!("`--resolve {argument}`")).collect();
    quoted.join(", ")
}

impl Asked {
    /// Reads a method and an address; of a whole URL, path and query count.
    pub(super) fn parse(line: &str) -> Result<Asked, Misasked> {
        let (method, address) = line.trim().split_once(' ').ok_or(Misasked::Request)?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| Misasked::Request)?;
        let address: Uri = address.trim_start().parse().map_err(|_| Misasked::Request)?;
        let target = address.path_and_query().filter(|target| target.path().starts_with('/'));
        Ok(Asked { method, target: target.ok_or(Misasked::Request)?.clone() })
    }

    /// The dialect's own path with the query: without its mount, which may stand there or not.
    pub(super) fn target(&self, dialect: &str) -> PathAndQuery {
        let rest = self.target.as_str().strip_prefix('/').and_then(|rest| rest.strip_prefix(dialect));
        let below = rest.filter(|rest| rest.starts_with('/')).map(PathAndQuery::try_from);
        below.and_then(Result::ok).unwrap_or_else(|| self.target.clone())
    }
}

/// An HTTP status, for `--status`.
pub(in crate::cli) fn status(text: &str) -> Result<StatusCode, &'static str> {
    let status: Option<StatusCode> = text.parse().ok();
    status.filter(|status| status.as_u16() < 600).ok_or("a status is a number from 100 to 599")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_method_and_an_address() {
        let asked = Asked::parse("POST  /v1/things?limit=2").unwrap();

        assert_eq!((asked.method, asked.target.as_str()), (Method::POST, "/v1/things?limit=2"));
    }

    #[test]
    fn of_a_whole_url_path_and_query_count() {
        let asked = Asked::parse("GET https://api.example.com/v1/things?a=%20").unwrap();

        assert_eq!(asked.target, "/v1/things?a=%20");
    }

    #[test]
    fn anything_else_is_no_request() {
        for line in ["", "GET", "/v1/things", "GET v1/things", "GET ", "G T /", "GET /a b", "GET *"] {
            assert!(Asked::parse(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn a_path_may_begin_with_the_mount_and_need_not() {
        for line in ["GET /v1/things?a=1", "GET /acme/v1/things?a=1"] {
            assert_eq!(Asked::parse(line).unwrap().target("acme"), "/v1/things?a=1");
        }
        assert_eq!(Asked::parse("GET /acmes/v1").unwrap().target("acme"), "/acmes/v1");
    }

    #[test]
    fn a_status_is_one_of_http() {
        assert_eq!(status("404"), Ok(StatusCode::NOT_FOUND));
        for text in ["99", "600", "999", "9999", "ok", ""] {
            assert_eq!(status(text), Err("a status is a number from 100 to 599"), "{text:?}");
        }
    }
}

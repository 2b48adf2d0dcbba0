//! Request lines and statuses, as both the canonical API and the dialects write them.

use http::{Method, StatusCode};

use crate::canonical::api::PathPart;
use crate::diag::{Diagnostic, Spanned, code};
use crate::mapping::file::Text;

/// Reads `POST /things/{id}`. A path that ends with a slash has an empty last segment.
pub(in crate::mapping) fn request_line(line: &str) -> Option<(Method, Vec<PathPart>)> {
    let (method, path) = line.split_once(' ')?;
    let method = METHODS.into_iter().find(|known| known.as_str() == method)?;
    let segments = path.strip_prefix('/')?.split('/').map(|segment| {
        let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match inner {
            Some(name) if is_name(name) => Some(PathPart::Parameter(name.to_owned())),
            None if !segment.contains(NEVER_LITERAL) => Some(PathPart::Literal(segment.to_owned())),
            Some(_) | None => None,
        }
    });
    Some((method, segments.collect::<Option<_>>()?))
}

const METHODS: [Method; 5] = [Method::DELETE, Method::GET, Method::PATCH, Method::POST, Method::PUT];

/// What would mean something else in a path than itself.
const NEVER_LITERAL: fn(char) -> bool =
    |symbol| symbol.is_whitespace() || symbol.is_control() || matches!(symbol, '{' | '}' | '?' | '#' | '%');

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(in crate::mapping) fn bad_request_line(request: &Text) -> Diagnostic {
    Diagnostic::error(code::M0111, format!("`{}` is no request line", request.value))
        .at(request.span, "expected a method and a path, as in `GET /things/{id}`")
}

/// Reads a status; there are those from 100 to 599.
pub(in crate::mapping) fn status(text: &str) -> Option<StatusCode> {
    text.parse().ok().filter(|status: &StatusCode| status.as_u16() < 600)
}

pub(in crate::mapping) fn bad_status(text: Spanned<&str>) -> Diagnostic {
    Diagnostic::error(code::M0112, format!("`{}` is no HTTP status", text.value))
        .at(text.span, "expected a number from 100 to 599")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_is_a_method_a_blank_and_a_path() {
        let (method, path) = request_line("POST /things/{id}/").unwrap();
        assert_eq!(method, Method::POST);
        let shown: String = path.iter().map(ToString::to_string).collect();
        assert_eq!(shown, "/things/{id}/");
    }

    #[test]
    fn what_is_no_request_line_is_refused() {
        for line in [
            "",
            "GET",
            "GET things",
            "get /things",
            "TRACE /things",
            "GET  /things",
            "GET /a b",
            "GET /{}",
            "GET /{a-b}",
            "GET /x{id}",
            "GET /a?b=c",
            "GET /a#b",
            "GET /a%20b",
        ] {
            assert!(request_line(line).is_none(), "{line}");
        }
    }

    #[test]
    fn statuses_have_three_digits_and_begin_with_one_to_five() {
        assert_eq!(status("404"), Some(StatusCode::NOT_FOUND));
        for strange in ["99", "600", "4xx", "0404", "+404", ""] {
            assert_eq!(status(strange), None, "{strange}");
        }
    }
}

//! What the body of an answer is said to be.

use http::HeaderValue;

use crate::upstream::wire::framing::trimmed;

/// What `Content-Type` says of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Media {
    /// JSON: `application/json`, or a type that ends with `+json` (RFC 6839, section 3.1). Parameters say nothing of it (RFC 8259,
    /// section 11).
    Json,
    /// Something else, or several things. The first of those that are not JSON.
    Other(HeaderValue),
    /// Nothing.
    #[default]
    Unsaid,
}

impl Media {
    /// Takes in a line.
    pub(super) fn read(&mut self, line: &[u8]) {
        match self {
            // As nearly all have it.
            Media::Unsaid if line == b"application/json" || is_json(line) => *self = Media::Json,
            Media::Json if is_json(line) => {}
            Media::Json | Media::Unsaid => {
                *self = Media::Other(
                    HeaderValue::from_bytes(line).unwrap_or_else(|_| HeaderValue::from_static("")),
                );
            }
            Media::Other(_) => {}
        }
    }

    /// Whether it is said to be of that type, whatever parameters either has.
    #[must_use]
    pub fn is(&self, wanted: &HeaderValue) -> bool {
        match self {
            Media::Json => is_json(wanted.as_bytes()),
            Media::Other(value) => essence(value.as_bytes()).eq_ignore_ascii_case(essence(wanted.as_bytes())),
            Media::Unsaid => false,
        }
    }
}

/// The type without its parameters.
fn essence(line: &[u8]) -> &[u8] {
    trimmed(line.split(|&byte| byte == b';').next().unwrap_or_default())
}

fn is_json(line: &[u8]) -> bool {
    let essence = essence(line);
    let (_, suffix) = essence.split_at(essence.len().saturating_sub(b"+json".len()));
    let is_one = essence.split(|&byte| byte == b'/').count() == 2 && !essence.contains(&b',');
    essence.eq_ignore_ascii_case(b"application/json") || is_one && suffix.eq_ignore_ascii_case(b"+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(lines: &[&'static str]) -> Media {
        let mut media = Media::default();
        for line in lines {
            media.read(line.as_bytes());
        }
        media
    }

    #[test]
    fn what_is_said_to_be_json_is_told_from_what_is_not() {
        for line in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=iso-8859-1",
            "application/problem+json",
            "application/vnd.acme.v2+JSON ; a=b",
        ] {
            assert_eq!(media(&[line]), Media::Json, "{line}");
        }
        for line in [
            "",
            "text/html",
            "text/plain; charset=utf-8",
            "application/jsonp",
            "application/json-seq",
            "+json",
            "json",
            "text/html, application/problem+json",
            "text/html; a=+json",
        ] {
            assert_eq!(media(&[line]), Media::Other(HeaderValue::from_static(line)), "{line}");
        }
        assert_eq!(media(&[]), Media::Unsaid);
    }

    #[test]
    fn of_several_all_have_to_be_json() {
        assert_eq!(media(&["application/json", "application/problem+json"]), Media::Json);
        for lines in [["application/json", "text/html"], ["text/html", "application/json"]] {
            assert_eq!(media(&lines), Media::Other(HeaderValue::from_static("text/html")));
        }
    }

    #[test]
    fn one_type_is_another_spelt_otherwise() {
        let wanted = HeaderValue::from_static("text/json; charset=utf-8");
        assert!(media(&["Text/JSON"]).is(&wanted));
        for other in [media(&["text/html"]), media(&["application/json"]), media(&[])] {
            assert!(!other.is(&wanted), "{other:?}");
        }
    }
}

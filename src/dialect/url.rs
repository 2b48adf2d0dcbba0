//! The address a client used, for answers that have to name another one of the same API.

use std::fmt;

use percent_encoding::percent_decode_str;

/// An address, in the parts a client wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// Scheme and host, such as `https://api.example`; empty if the client did not say.
    pub origin: String,
    /// The path, mount included, still percent-encoded.
    pub path: String,
    /// The query without its question mark, still percent-encoded.
    pub query: String,
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.query.is_empty() { "" } else { "?" };
        write!(f, "{}{}{mark}{}", self.origin, self.path, self.query)
    }
}

impl Url {
    /// The same address with another value of a query parameter, or without it. The value has to be unreserved text.
    pub fn with(&self, parameter: &str, value: Option<&str>) -> String {
        let is_other = |pair: &&str| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            // It may be written with escapes nobody needs.
            !pair.is_empty() && percent_decode_str(name).ne(parameter.bytes())
        };
        let mut pairs: Vec<String> = self.query.split('&').filter(is_other).map(str::to_owned).collect();
        pairs.extend(value.map(|value| format!("{parameter}={value}")));
        Url { query: pairs.join("&"), ..self.clone() }.to_string()
    }

    /// The address of another path of the same API: `own` is the part of this one's path that its dialect knows.
    pub fn beside(&self, own: &str, other: &str) -> String {
        let mount = self.path.strip_suffix(own).unwrap_or_default();
        format!("{}{mount}{other}", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Url {
        Url {
            origin: "https://api.example".to_owned(),
            path: "/acme/v1/things".to_owned(),
            query: "a=1&page=2&b=%26".to_owned(),
        }
    }

    #[test]
    fn one_parameter_changes_and_the_others_stay_as_they_were_written() {
        assert_eq!(url().with("page", Some("3")), "https://api.example/acme/v1/things?a=1&b=%26&page=3");
        assert_eq!(url().with("page", None), "https://api.example/acme/v1/things?a=1&b=%26");
        let escaped = Url { query: "%70age=2".to_owned(), ..url() };
        assert_eq!(escaped.with("page", Some("3")), "https://api.example/acme/v1/things?page=3");
        let bare = Url { query: "page=1".to_owned(), ..Url::default() };
        assert_eq!(bare.with("page", None), "");
    }

    #[test]
    fn another_path_has_the_same_mount() {
        assert_eq!(url().beside("/v1/things", "/v1/others/7"), "https://api.example/acme/v1/others/7");
    }
}

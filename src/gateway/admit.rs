//! Phase 2: who asks, and whether that principal is within its quota. The body has not been read yet.

use std::fmt;

use bytes::BytesMut;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::quota::Quotas;
use super::select::Selected;
use super::{Exchange, retirement};
use crate::dialect::{self, Registry};
use crate::limit::{ONE, Principal};
use crate::problem::Problem;
use crate::time::Clock;
use crate::translate;
use crate::translate::withhold::withhold;

/// A request whose credential has the right form and whose principal may ask.
#[derive(Debug)]
pub(super) struct Admitted<B> {
    pub(super) selected: Box<Selected<B>>,
    pub(super) credential: Credential,
}

/// What proves who asks. Only the backend can say whether it does.
#[derive(Clone)]
pub(super) struct Credential {
    authorization: HeaderValue,
    principal: Principal,
}

/// Refuses what is gone, whoever asks; then takes the credential and charges one cell. A bulk request pays for the rest
/// when it is known how large it is.
///
/// Whoever asks for what is gone or in a brown-out is noted where usage is counted: they have to be found before it is
/// removed. They are charged nothing, and told what everybody is.
pub(super) fn admit<B>(
    clock: &Clock,
    quotas: &Quotas,
    selected: Box<Selected<B>>,
    exchange: &mut Exchange,
) -> Result<Admitted<B>, Box<Problem>> {
    let dialect = &selected.target.dialect;
    let credential = || credential(&dialect.credentials, &selected.head.headers);
    if let Err(problem) = retirement::refuse(clock, exchange) {
        if exchange.used.is_some()
            && let Ok(credential) = credential()
        {
            exchange.is_of(credential.principal);
        }
        return Err(problem);
    }
    let credential = credential()?;
    exchange.is_of(credential.principal);
    quotas.charge(&dialect.name, credential.principal, ONE, exchange)?;
    Ok(Admitted { selected, credential })
}

impl Credential {
    fn new(secret: &str) -> Option<Credential> {
        let mut bearer = BytesMut::with_capacity(SCHEME.len() + secret.len());
        bearer.extend_from_slice(SCHEME.as_bytes());
        bearer.extend_from_slice(secret.as_bytes());
        let mut authorization = HeaderValue::from_maybe_shared(bearer.freeze()).ok()?;
        authorization.set_sensitive(true);
        Some(Credential { authorization, principal: Principal::of(secret.as_bytes()) })
    }

    /// The value of the `Authorization` header of a canonical call.
    pub(super) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// The credential itself, as every dialect has it, for a backend that takes it otherwise.
    pub(super) fn secret(&self) -> Option<&str> {
        self.authorization.to_str().ok()?.strip_prefix(SCHEME)
    }

    /// A problem as whoever sent the request may hear it.
    pub(super) fn hears(&self, problem: Box<Problem>, request: &translate::Request) -> Box<Problem> {
        match self.secret() {
            Some(secret) => withhold(problem, secret, request),
            None => problem,
        }
    }

    /// Who is counted, and whose lookups are remembered.
    pub(super) fn principal(&self) -> Principal {
        self.principal
    }
}

/// Shows nothing: whoever has the text is the principal.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// The one credential of a request. A second one anywhere is refused, even an equal one: which of them counts must not
/// depend on who reads the request.
fn credential(forms: &[dialect::Credential], headers: &HeaderMap) -> Result<Credential, Box<Problem>> {
    let refused = |detail| Box::new(Problem::unauthenticated(detail));
    // `Authorization` is one wherever it stands, also in a dialect whose credentials travel otherwise.
    let names = || forms.iter().map(|form| &form.header).chain([&AUTHORIZATION]);
    let is_first = |(at, name): &(usize, &HeaderName)| !names().take(*at).any(|earlier| earlier == *name);
    let mut given = names()
        .enumerate()
        .filter(is_first)
        .flat_map(|(_, name)| headers.get_all(name).into_iter().map(move |value| (name, value)));
    let (first, more) = (given.next(), given.next());
    if more.is_some() {
        return Err(refused("more than one credential was provided"));
    }
    let Some((name, value)) = first.filter(|(name, _)| forms.iter().any(|form| form.header == **name)) else {
        return Err(refused("authentication credentials were not provided"));
    };
    let secret = value.to_str().ok().and_then(|text| {
        let mut forms = forms.iter().filter(|form| form.header == *name);
        forms.find_map(|form| secret(form, text))
    });
    secret.and_then(Credential::new).ok_or_else(|| refused("the authentication credentials are not valid"))
}

/// A credential is no longer one if so many of its characters are known.
const TELLING: usize = 8;

/// Whether a text has a credential of these headers in it, or a good part of one. What stands where a credential may stand is
/// taken for one, whatever it looks like: a client that has it wrong in one place is about to be refused.
pub(super) fn is_told(registry: &Registry, headers: &HeaderMap, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let mut values = registry.credential_headers().iter().flat_map(|name| headers.get_all(name));
    values.any(|value| {
        let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let secret = value.rsplit(' ').next().unwrap_or_default();
        !secret.is_empty() && (text.contains(secret) || text.len() >= TELLING && secret.contains(&text))
    })
}

/// The credential in the value of its header, if it has the form.
fn secret<'a>(form: &dialect::Credential, value: &'a str) -> Option<&'a str> {
    let secret = match &form.scheme {
        Some(scheme) => {
            let (word, rest) = value.split_once(' ')?;
            // RFC 9110, section 11.1: the name of a scheme is case-insensitive.
            word.eq_ignore_ascii_case(scheme).then(|| rest.trim_start_matches(' '))?
        }
        None => value,
    };
    form.pattern.is_match(secret).then_some(secret)
}

/// What stands before the credential in a canonical call.
const SCHEME: &str = "Bearer ";

/// The header of a canonical call that carries the credential.
pub(super) const CARRIER: HeaderName = AUTHORIZATION;

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    /// An API that takes a bearer token or a key of its own.
    fn forms() -> [dialect::Credential; 2] {
        let pattern = Regex::new("^[a-z0-9]{4,16}$").unwrap();
        let bearer = dialect::Credential {
            header: AUTHORIZATION,
            scheme: Some("Bearer".to_owned()),
            pattern: pattern.clone(),
        };
        let key = dialect::Credential { header: HeaderName::from_static("x-key"), scheme: None, pattern };
        [bearer, key]
    }

    fn taken(lines: &[(&'static str, &'static str)]) -> Result<Credential, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        credential(&forms(), &headers).map_err(|problem| {
            assert_eq!(problem.status.get(), 401);
            problem.detail.into_owned()
        })
    }

    #[test]
    fn the_backend_is_given_a_bearer_token_however_the_client_sent_it() {
        for line in [
            ("authorization", "Bearer abcd1234"),
            ("authorization", "bearer abcd1234"),
            ("authorization", "BEARER  abcd1234"),
            ("x-key", "abcd1234"),
        ] {
            let credential = taken(&[line]).unwrap();
            assert_eq!(credential.authorization(), "Bearer abcd1234", "{line:?}");
            assert_eq!(credential.principal(), Principal::of(b"abcd1234"), "{line:?}");
        }
    }

    #[test]
    fn a_request_without_a_credential_is_refused() {
        let expected = Err("authentication credentials were not provided".to_owned());
        assert_eq!(taken(&[]).map(drop), expected);
        assert_eq!(taken(&[("x-other", "abcd1234")]).map(drop), expected);
    }

    #[test]
    fn two_credentials_are_refused_even_if_they_are_equal() {
        let expected = Err("more than one credential was provided".to_owned());
        for lines in [
            [("x-key", "abcd1234"), ("x-key", "abcd1234")],
            [("authorization", "Bearer abcd1234"), ("x-key", "abcd1234")],
            [("authorization", "Basic abcd"), ("x-key", "abcd1234")],
            [("authorization", ""), ("authorization", "Bearer abcd1234")],
        ] {
            assert_eq!(taken(&lines).map(drop), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_second_credential_is_refused_where_the_dialect_would_not_look_for_one() {
        let [_, key] = forms();
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer abcd1234"));
        let told = |headers: &HeaderMap| {
            credential(std::slice::from_ref(&key), headers).unwrap_err().detail.into_owned()
        };
        assert_eq!(told(&headers), "authentication credentials were not provided");
        headers.append("x-key", HeaderValue::from_static("abcd1234"));
        assert_eq!(told(&headers), "more than one credential was provided");
    }

    #[test]
    fn a_credential_of_another_form_is_refused() {
        for line in [
            ("authorization", "abcd1234"),
            ("authorization", "Basic abcd1234"),
            ("authorization", "Bearer"),
            ("authorization", "Bearer abcd1234, Bearer abcd1234"),
            ("authorization", "Bearer\tabcd1234"),
            ("x-key", "Bearer abcd1234"),
            ("x-key", "abc"),
            ("x-key", ""),
        ] {
            let expected = Err("the authentication credentials are not valid".to_owned());
            assert_eq!(taken(&[line]).map(drop), expected, "{line:?}");
        }
    }

    #[test]
    fn no_debug_output_shows_a_credential() {
        let credential = taken(&[("x-key", "abcd1234")]).unwrap();
        let shown = format!("{credential:?} {:?}", credential.authorization());
        assert!(!shown.contains("abcd1234"), "{shown}");
    }
}

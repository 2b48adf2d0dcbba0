//! Answers in whose place something else speaks: a page of a web server, a proxy between two deploys, another service at a `base`
//! that is wrong.
//!
//! The API answers in JSON. A success whose body is something else is none of its answers; and a refusal with such a body says
//! nothing of what was asked for, whatever its status: a client that is told 404 deletes what it has.

use http::{HeaderValue, StatusCode};

use crate::problem::Problem;
use crate::upstream::{Answer, Media};

/// What a client is told of an answer that is not the API's; none if it may be. `own` is what the API calls its bodies besides
/// JSON.
pub(super) fn foreign(answer: &Answer, own: Option<&HeaderValue>) -> Option<Problem> {
    let Answer { status, media, body, .. } = answer;
    if !is_word_of_the_api(*status) || !is_of_others(media, body, own) {
        return None;
    }
    let cause = format!("the backend answered {status} with a body that is said not to be JSON, or looks so");
    Some(Problem::bad_gateway("invalid-answer", cause))
}

/// Whether only the API itself can say that. What stands in front of it may say that it was asked for too much or too slowly,
/// in a page of its own; and what fails there fails, whoever says so.
fn is_word_of_the_api(status: StatusCode) -> bool {
    let of_any = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::URI_TOO_LONG,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_success() || status.is_client_error() && !of_any.contains(&status)
}

/// Whether a body is none of the API's. One of which nothing is said is what it looks like: all bodies there are begin as an
/// object or a list. No body contradicts nothing, and many APIs refuse so.
fn is_of_others(media: &Media, body: &[u8], own: Option<&HeaderValue>) -> bool {
    if body.is_empty() {
        return false;
    }
    match media {
        Media::Json => false,
        Media::Other(_) => !own.is_some_and(|own| media.is(own)),
        Media::Unsaid => !matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, media: &Media, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        let (media, body) = (media.clone(), body.into());
        Answer { status, media, etag: None, retry_after: None, headers: None, body }
    }

    #[test]
    fn what_others_say_in_the_place_of_the_api_is_no_word_of_it() {
        let page = Media::Other(HeaderValue::from_static("text/html"));
        for status in [200, 201, 400, 401, 403, 404, 409, 410, 412, 422] {
            for (media, body, is_foreign) in [
                (&page, "<h1>", true),
                (&page, "{}", true),
                (&page, "", false),
                (&Media::Json, "{}", false),
                (&Media::Json, "<h1>", false),
                (&Media::Unsaid, " {}", false),
                (&Media::Unsaid, "[]", false),
                (&Media::Unsaid, "<h1>", true),
                (&Media::Unsaid, "404 page not found", true),
                (&Media::Unsaid, "", false),
            ] {
                let problem = foreign(&answer(status, media, body), None);
                assert_eq!(problem.is_some(), is_foreign, "{status} {media:?} {body:?}");
                let told = problem.map(|problem| (problem.status.get().as_u16(), problem.code));
                assert!(told.is_none_or(|told| told == (502, "invalid-answer".into())));
            }
        }
        // What anybody may say, and what has failed.
        for status in [302, 408, 413, 414, 429, 500, 502, 503, 504] {
            assert!(foreign(&answer(status, &page, "<h1>"), None).is_none(), "{status}");
        }
    }

    #[test]
    fn a_dialect_may_call_its_bodies_otherwise() {
        let own = HeaderValue::from_static("text/json");
        let said = Media::Other(HeaderValue::from_static("Text/JSON; charset=utf-8"));
        assert!(foreign(&answer(404, &said, "{}"), Some(&own)).is_none());
        assert!(foreign(&answer(404, &said, "{}"), None).is_some());
    }
}

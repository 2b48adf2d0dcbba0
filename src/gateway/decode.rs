//! Phase 3: the body's bytes become a document, within limits of size, depth and time.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::admit::{Admitted, Credential};
use super::key::Key;
use super::select::Selected;
use super::{BoxError, Config};
use crate::dialect::operation::RequestBody;
use crate::json::{Buffers, Document, Limits};
use crate::problem::Problem;
use crate::translate;

/// A request that has been read.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) request: translate::Request,
    pub(super) credential: Credential,
    /// The client's, for what is to be done once. In a box, as all that few requests have.
    pub(super) key: Option<Box<Key>>,
}

/// Reads the body, and the parameters of path and query.
pub(super) async fn decode<B: Body<Data = Bytes, Error: Into<BoxError>>>(
    config: &Config,
    admitted: Admitted<B>,
) -> Result<Decoded, Box<Problem>> {
    let Admitted { selected, credential } = admitted;
    let Selected { target, url, head, body } = *selected;
    let key = Key::of(&target.operation, &head.headers)?;
    let document = match &target.operation.body {
        RequestBody::None => {
            nothing(config, &head.headers, pin!(body)).await?;
            None
        }
        RequestBody::One { .. } | RequestBody::Each { .. } => {
            document(config, &head.headers, pin!(body)).await?
        }
    };
    let request = translate::Request::new(target, url, document)?;
    Ok(Decoded { request, credential, key })
}

/// The document that is the body; none if the body is empty, whatever is said about its type.
async fn document<B: Body<Data = Bytes, Error: Into<BoxError>>>(
    config: &Config,
    headers: &HeaderMap,
    body: Pin<&mut B>,
) -> Result<Option<Document>, Box<Problem>> {
    if body.is_end_stream() {
        return Ok(None);
    }
    expect_json(headers).map_err(|why| Box::new(Problem::unsupported_media_type(why)))?;
    let text = in_time(config, body).await?;
    // What the server read it into is let go before it is made anything of, which takes far more.
    let text = text.into_vec();
    if text.is_empty() { Ok(None) } else { parse(text, config).map(Some) }
}

/// Takes a body that nothing is made of: within the same limits, and what is said to be JSON has to be. Whoever sends one with a
/// change means something by it, and learns here that it was broken rather than that the change was made. What is said to be
/// anything else is for nobody here: old clients send forms, and texts without a type.
async fn nothing<B: Body<Data = Bytes, Error: Into<BoxError>>>(
    config: &Config,
    headers: &HeaderMap,
    body: Pin<&mut B>,
) -> Result<(), Box<Problem>> {
    if body.is_end_stream() {
        return Ok(());
    }
    let text = in_time(config, body).await?;
    if expect_json(headers).is_err() {
        return Ok(());
    }
    let text = text.into_vec();
    if text.is_empty() { Ok(()) } else { parse(text, config).map(drop) }
}

/// All bytes of a body that is handed on, whatever they are; within the same limits.
pub(super) async fn bytes<B: Body<Data = Bytes, Error: Into<BoxError>>>(
    config: &Config,
    body: Pin<&mut B>,
) -> Result<Bytes, Box<Problem>> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    in_time(config, body).await.map(Whole::into_bytes)
}

/// A body, all of it.
enum Whole {
    /// It came in one piece.
    Piece(Bytes),
    /// It came in several, none of which is kept: however few bytes it has, each would keep what it was read into.
    Gathered(Vec<u8>),
}

impl Whole {
    fn into_bytes(self) -> Bytes {
        match self {
            Whole::Piece(piece) => piece,
            Whole::Gathered(pieces) => pieces.into(),
        }
    }

    /// For who keeps it: of one piece a copy.
    fn into_vec(self) -> Vec<u8> {
        match self {
            Whole::Piece(piece) => piece.to_vec(),
            Whole::Gathered(pieces) => pieces,
        }
    }
}

/// All of the body, in as much time as the client has.
async fn in_time<B: Body<Data = Bytes, Error: Into<BoxError>>>(
    config: &Config,
    body: Pin<&mut B>,
) -> Result<Whole, Box<Problem>> {
    let mut reading = pin!(read(body, config.bytes_max));
    // A short body mostly came with the head, and then no timer is needed.
    match poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
        Poll::Ready(text) => text,
        Poll::Pending => match timeout(config.read_timeout, reading).await {
            Ok(text) => text,
            Err(_elapsed) => Err(Box::new(Problem::body_timed_out())),
        },
    }
}

const NOT_JSON: &str = "the request body must be application/json";
const NOT_UTF_8: &str = "the request body must be JSON in UTF-8";
const ENCODED: &str = "the request body must come without a content encoding";

/// Whether the body is said to be plain JSON in UTF-8: in one header that every reader understands alike. If not, why.
fn expect_json(headers: &HeaderMap) -> Result<(), &'static str> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(one), None) = (types.next(), types.next()) else { return Err(NOT_JSON) };
    // Nearly everybody writes just that.
    if *one == "application/json" && !headers.contains_key(CONTENT_ENCODING) {
        return Ok(());
    }
    let one = one.to_str().map_err(|_| NOT_JSON)?;
    let mut parts = one.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let says_json = match essence.split_once('/') {
        Some(("application", "json")) => true,
        // RFC 6839, section 3.1: whatever ends so may be read as JSON.
        Some((kind, subtype)) => !kind.is_empty() && subtype.len() > 5 && subtype.ends_with("+json"),
        None => false,
    };
    // RFC 8259 knows no charset but UTF-8; another one would be a lie or an encoding nobody reads.
    let says_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) | None => true,
    });
    match (says_json, says_utf8, headers.contains_key(CONTENT_ENCODING)) {
        (false, ..) => Err(NOT_JSON),
        (true, false, _) => Err(NOT_UTF_8),
        (true, true, true) => Err(ENCODED),
        (true, true, false) => Ok(()),
    }
}

/// All of the body, if that is not more than `bytes_max`. One that announces more is not read at all.
///
/// In one piece, as most come, it is not copied.
async fn read<B: Body<Data = Bytes, Error: Into<BoxError>>>(
    mut body: Pin<&mut B>,
    bytes_max: usize,
) -> Result<Whole, Box<Problem>> {
    let too_large = || Box::new(Problem::body_too_large(bytes_max));
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        return Err(too_large());
    }
    let (mut first, mut gathered) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Box::new(broken(&error.into())))?;
        // Trailers say nothing we would listen to.
        let Ok(piece) = frame.into_data() else { continue };
        if first.len() + gathered.len() + piece.len() > bytes_max {
            return Err(too_large());
        }
        if first.is_empty() && gathered.is_empty() {
            first = piece;
            continue;
        }
        if first.len() + gathered.len() + piece.len() >= announced / 4 {
            // To grow further by moving would take most of it twice. Who has sent less would have room for nothing.
            gathered.reserve_exact(announced.saturating_sub(gathered.len()));
        }
        gathered.extend_from_slice(&mem::take(&mut first));
        gathered.extend_from_slice(&piece);
    }
    Ok(if gathered.is_empty() { Whole::Piece(first) } else { Whole::Gathered(gathered) })
}

/// What becomes of a request whose body breaks off.
fn broken(error: &BoxError) -> Problem {
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => Problem::body_gave_way(),
        Some(io::ErrorKind::ResourceBusy) => Problem::overloaded(),
        // The client's doing: a bad chunk, or a connection that broke.
        _ => Problem::bad_request("broken-body", "the request body is broken"),
    }
}

fn parse(text: Vec<u8>, config: &Config) -> Result<Document, Box<Problem>> {
    let limits = Limits { depth_max: config.depth_max, bytes_max: config.bytes_max, ..Limits::default() };
    let mut buffers = Buffers::from(text);
    Document::parse_buffers(&mut buffers, &limits).map_err(|error| {
        let (line, column) = error.line_column(&buffers.text);
        let detail = format!("malformed JSON: {} at line {line}, column {column}", error.kind.message());
        Box::new(Problem::bad_request("malformed-json", detail))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::task::Context;

    use futures_util::stream::{self, Stream};
    use http::{HeaderName, HeaderValue};
    use http_body::{Frame, SizeHint};
    use http_body_util::{Full, StreamBody};

    use super::*;

    const JSON: (HeaderName, &str) = (CONTENT_TYPE, "application/json");

    fn headers(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    /// What becomes of `body`: its text, or status, code and detail of the refusal.
    async fn decoded<B: Body<Data = Bytes, Error: Into<BoxError>>>(
        config: &Config,
        body: B,
    ) -> Result<String, (u16, String, String)> {
        match document(config, &headers(&[JSON]), pin!(body)).await {
            Ok(document) => Ok(document.map_or_else(String::new, |document| document.text().to_owned())),
            Err(problem) => {
                let Problem { status, code, detail, .. } = *problem;
                Err((status.get().as_u16(), code.into_owned(), detail.into_owned()))
            }
        }
    }

    fn refused(status: u16, code: &str, detail: &str) -> Result<String, (u16, String, String)> {
        Err((status, code.to_owned(), detail.to_owned()))
    }

    /// A body in pieces that does not say how long it is.
    fn pieces(pieces: &[&'static str]) -> impl Body<Data = Bytes, Error = Infallible> + use<> {
        let frames: Vec<_> =
            pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))).collect();
        StreamBody::new(stream::iter(frames))
    }

    fn small() -> Config {
        Config { bytes_max: 8, ..Config::default() }
    }

    #[test]
    fn json_in_utf_8_is_taken_under_all_its_names() {
        for value in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/merge-patch+json",
            "application/json; profile=x",
        ] {
            assert_eq!(expect_json(&headers(&[(CONTENT_TYPE, value)])), Ok(()), "{value}");
        }
    }

    #[test]
    fn other_types_charsets_and_encodings_are_not() {
        let json = "application/json";
        for (lines, why) in [
            (&[][..], NOT_JSON),
            (&[(CONTENT_TYPE, "")], NOT_JSON),
            (&[(CONTENT_TYPE, "text/plain")], NOT_JSON),
            (&[(CONTENT_TYPE, "text/json")], NOT_JSON),
            (&[(CONTENT_TYPE, "application/jsonp")], NOT_JSON),
            (&[(CONTENT_TYPE, "application/+json")], NOT_JSON),
            (&[(CONTENT_TYPE, "application/json, text/plain")], NOT_JSON),
            (&[(CONTENT_TYPE, json), (CONTENT_TYPE, json)], NOT_JSON),
            (&[(CONTENT_TYPE, "application/json; charset=latin1")], NOT_UTF_8),
            (&[(CONTENT_TYPE, "application/json; charset=utf-8; charset=utf-16")], NOT_UTF_8),
            (&[(CONTENT_TYPE, json), (CONTENT_ENCODING, "gzip")], ENCODED),
            (&[(CONTENT_TYPE, json), (CONTENT_ENCODING, "identity")], ENCODED),
        ] {
            assert_eq!(expect_json(&headers(lines)), Err(why), "{lines:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_end() {
        assert_eq!(decoded(&small(), Full::from("[1, 2]")).await.as_deref(), Ok("[1, 2]"));
        assert_eq!(decoded(&small(), pieces(&["[1,", "", " 2]"])).await.as_deref(), Ok("[1, 2]"));
    }

    /// A byte that keeps as much as a server reads at once, and says so as long as it is there.
    struct Kept {
        _alive: Arc<()>,
    }

    impl AsRef<[u8]> for Kept {
        fn as_ref(&self) -> &[u8] {
            b" "
        }
    }

    #[tokio::test]
    async fn of_a_body_in_many_pieces_none_is_kept() {
        let kept = Arc::new(());
        let frames = (0..100).map(|_| {
            // What is counted, the first, and the one that was given before.
            assert!(Arc::strong_count(&kept) <= 3, "{}", Arc::strong_count(&kept));
            Ok::<_, Infallible>(Frame::data(Bytes::from_owner(Kept { _alive: Arc::clone(&kept) })))
        });
        let body = StreamBody::new(stream::iter(frames));
        assert_eq!(read(pin!(body), 100).await.unwrap().into_bytes(), " ".repeat(100));
    }

    #[tokio::test]
    async fn a_body_may_be_as_large_as_the_limit_and_not_a_byte_larger() {
        let expected = refused(413, "body-too-large", "the request body is larger than 8 bytes");
        assert!(decoded(&small(), Full::from("[1, 2,3]")).await.is_ok());
        assert_eq!(decoded(&small(), Full::from("[1, 2, 3]")).await, expected);
        assert_eq!(decoded(&small(), pieces(&["[1, 2,", " 3]"])).await, expected);
    }

    #[tokio::test]
    async fn a_body_that_announces_too_much_is_not_read() {
        let body = Full::from("[1, 2, 3]");
        let mut body = pin!(body);
        assert!(read(body.as_mut(), 8).await.is_err());
        assert!(!body.is_end_stream(), "nothing was taken from it");
    }

    #[tokio::test]
    async fn where_json_is_broken_is_said_and_what_stands_there_is_not() {
        let problem = decoded(&Config::default(), Full::from("{\n  \"secret\": hunter2}")).await.unwrap_err();
        assert_eq!((problem.0, problem.1.as_str()), (400, "malformed-json"));
        assert!(problem.2.ends_with("unexpected character at line 2, column 13"), "{}", problem.2);
        assert!(!problem.2.contains("hunter") && !problem.2.contains("secret"), "{}", problem.2);
    }

    #[tokio::test]
    async fn where_json_of_several_pieces_is_broken_is_said_as_well() {
        let body = pieces(&["{\n  \"sec", "ret\": hun", "ter2}"]);
        let problem = decoded(&Config::default(), body).await.unwrap_err();
        assert!(problem.2.ends_with("unexpected character at line 2, column 13"), "{}", problem.2);
    }

    /// One that says how long it is.
    struct Announced<B>(B, u64);

    impl<B: Body + Unpin> Body for Announced<B> {
        type Data = B::Data;
        type Error = B::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.1)
        }
    }

    #[tokio::test]
    async fn room_for_all_that_is_announced_is_made_where_a_quarter_of_it_has_come() {
        for (announced, room) in [(7, 7), (9, 9), (80, 8), (1000, 8)] {
            let body = Announced(pieces(&["a", "b", "c"]), announced);
            let Whole::Gathered(text) = read(pin!(body), 1000).await.unwrap_or_else(|_| panic!()) else {
                panic!()
            };
            assert_eq!((text.as_slice(), text.capacity()), (&b"abc"[..], room), "{announced}");
        }
    }

    #[tokio::test]
    async fn a_body_nested_too_deeply_is_refused() {
        let config = Config { depth_max: 3, ..Config::default() };
        assert!(decoded(&config, Full::from("[[[]]]")).await.is_ok());
        assert!(decoded(&config, Full::from("[[[[]]]]")).await.is_err());
    }

    /// What becomes of a body of that type, where the operation takes none.
    async fn taken(kind: Option<&'static str>, body: &'static str) -> Result<(), (u16, String)> {
        let config = Config { bytes_max: 16, ..Config::default() };
        let types: Vec<_> = kind.into_iter().map(|kind| (CONTENT_TYPE, kind)).collect();
        let outcome = nothing(&config, &headers(&types), pin!(pieces(&[body]))).await;
        outcome.map_err(|problem| (problem.status.get().as_u16(), problem.code.into_owned()))
    }

    #[tokio::test]
    async fn a_body_that_nobody_asked_for_is_bounded_and_json_if_it_says_so() {
        let (json, form) = (Some("application/json"), Some("application/x-www-form-urlencoded"));
        for body in ["", "{}", "null", r#"{"any":1}"#] {
            assert_eq!(taken(json, body).await, Ok(()), "{body}");
        }
        for body in ["{garbage", r#"{"a":1,"a":2}"#, "{}{}", " "] {
            assert_eq!(taken(json, body).await, Err((400, "malformed-json".to_owned())), "{body}");
        }
        for kind in [None, form, Some("text/html"), Some("application/json; charset=latin1")] {
            assert_eq!(taken(kind, "x<").await, Ok(()), "{kind:?}");
        }
        for kind in [None, json, form] {
            let expected = Err((413, "body-too-large".to_owned()));
            assert_eq!(taken(kind, "[1,2,3,4,5,6,7,8]").await, expected, "{kind:?}");
        }
    }

    #[tokio::test]
    async fn an_empty_body_is_none_rather_than_broken_json() {
        assert_eq!(decoded(&small(), Full::<Bytes>::default()).await.as_deref(), Ok(""));
        assert_eq!(decoded(&small(), pieces(&["", ""])).await.as_deref(), Ok(""));
        let without_type = document(&small(), &HeaderMap::new(), pin!(Full::<Bytes>::default())).await;
        assert!(without_type.unwrap().is_none(), "what is missing is the body, not its type");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_the_clients_fault() {
        let frames = [Ok(Frame::data(Bytes::from_static(b"[1,"))), Err(io::Error::other("reset"))];
        let body = StreamBody::new(stream::iter(frames));
        assert_eq!(decoded(&small(), body).await, refused(400, "broken-body", "the request body is broken"));
    }

    #[tokio::test]
    async fn a_body_that_is_not_waited_for_any_longer_is_late_and_one_without_a_place_too_much() {
        for (kind, expected) in [
            (io::ErrorKind::TimedOut, (408, "body-gave-way")),
            (io::ErrorKind::ResourceBusy, (503, "overloaded")),
        ] {
            let frames = [Ok(Frame::data(Bytes::from_static(b"[1,"))), Err(kind.into())];
            let body = StreamBody::new(stream::iter::<[Result<_, io::Error>; 2]>(frames));
            let (status, code, _) = decoded(&small(), body).await.unwrap_err();
            assert_eq!((status, code.as_str()), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_in_time_is_refused() {
        fn silent() -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
            stream::pending()
        }
        let started = tokio::time::Instant::now();
        let outcome = decoded(&small(), StreamBody::new(silent())).await;
        assert_eq!(outcome.unwrap_err().0, 408);
        assert_eq!(started.elapsed(), Config::default().read_timeout);
    }
}

//! JSON texts through the whole program, over sockets: what must be refused is refused and nobody hears of it, and what
//! must be accepted means the same to the backend, and on the way back to the client.
//!
//! The texts are those of `tests/fixtures/json`, and those of the suite that `INTERLINGUA_JSON_SUITE` names: a folder of
//! files `y_…` to accept, `n_…` to refuse, and `i_…`, of which RFC 8259 leaves it to us (`./test.sh` puts it there).
//! What a text means is what `serde_json` reads of it, every digit of a number included.

mod backend;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use interlingua::boot::DataFiles;
use interlingua::json::{Document, Limits};
use serde_json::Value as Tree;

use self::backend::Backend;
use crate::program::Program;

/// What we say to the texts of which the RFC leaves it to us, by what their names begin with: numbers are kept to the
/// last digit whatever they are, and text that is no Unicode is none.
const OURS: [(&str, bool); 3] =
    [("i_number_", true), ("i_string_", false), ("i_object_key_lone_2nd_surrogate", false)];

/// The others of that kind.
const OURS_EXACTLY: [(&str, bool); 2] =
    [("i_structure_500_nested_arrays.json", false), ("i_structure_UTF-8_BOM_empty_object.json", false)];

/// A text, and whether it is to be accepted.
#[derive(Clone)]
struct Text {
    name: String,
    bytes: Vec<u8>,
    accept: bool,
}

fn folder(path: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = path.read_dir().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Our own texts.
fn fixtures() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/json");
    let both = [("accept", true), ("reject", false)];
    let texts = both.iter().flat_map(|(name, accept)| {
        let files = folder(&root.join(name)).into_iter();
        files.map(|(name, bytes)| Text { name, bytes, accept: *accept })
    });
    texts.collect()
}

/// The suite, if there is one.
fn suite() -> Vec<Text> {
    let Ok(path) = std::env::var("INTERLINGUA_JSON_SUITE") else {
        println!("no INTERLINGUA_JSON_SUITE: our own texts only");
        return Vec::new();
    };
    let text = |(name, bytes): (String, Vec<u8>)| {
        let ours = OURS_EXACTLY.iter().find(|(exactly, _)| *exactly == name);
        let ours = ours.or_else(|| OURS.iter().find(|(beginning, _)| name.starts_with(beginning)));
        let accept = match name.split('_').next() {
            Some("y") => !DOUBLED.contains(&name.as_str()),
            Some("n") => false,
            _ => ours.unwrap_or_else(|| panic!("what do we say to {name}?")).1,
        };
        Text { name, bytes, accept }
    };
    let texts: Vec<_> = folder(Path::new(&path)).into_iter().map(text).collect();
    assert!(texts.len() > 280, "{path} has {} texts", texts.len());
    texts
}

/// What the grammar allows and we refuse all the same: two readers may not agree which of the two counts (RFC 8259,
/// section 4: "names within an object SHOULD be unique").
const DOUBLED: [&str; 2] = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];

#[test]
fn each_text_is_refused_or_means_the_same_at_both_ends() {
    let (backend, mut texts) = (Backend::start(), [fixtures(), suite()].concat());
    // One level deeper than they were written, those at the bound are beyond it: they have a test of their own.
    texts.retain(|text| !text.name.contains("_depth_64") && !text.name.contains("_depth_65"));
    let program = start(&backend);
    let mut faults = Vec::new();
    let mut connection = Connection::new(program.address);
    for text in &texts {
        let asked = if text.accept {
            accepted(text, &mut connection, &backend)
        } else {
            refused(text, &mut connection, &backend)
        };
        faults.extend(asked.err().map(|why| format!("{}: {why}", text.name)));
    }
    let accepted = texts.iter().filter(|text| text.accept).count();
    println!("{} texts: {accepted} to accept, {} to refuse", texts.len(), texts.len() - accepted);
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), texts.len(), faults.join("\n"));
}

#[test]
fn a_level_less_than_the_bound_is_taken_and_the_bound_within_an_object_is_not() {
    let backend = Backend::start();
    let program = start(&backend);
    let mut connection = Connection::new(program.address);
    let nested = |depth: usize, accept| Text {
        name: format!("{depth} arrays"),
        bytes: ["[".repeat(depth), "]".repeat(depth)].concat().into_bytes(),
        accept,
    };
    accepted(&nested(63, true), &mut connection, &backend).unwrap();
    refused_as_a_part(&nested(64, false), &mut connection, &backend).unwrap();
}

#[test]
fn the_reader_accepts_of_the_suite_what_it_should() {
    let texts = suite();
    let wrong = texts
        .iter()
        .filter(|text| Document::parse(text.bytes.clone(), &Limits::default()).is_ok() != text.accept);
    let wrong: Vec<_> = wrong.map(|text| text.name.as_str()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The proxy in front of it.
fn start(backend: &Backend) -> Program {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/anything");
    let files =
        DataFiles { mappings: Some(fixture.join("mappings")), schemas: Some(fixture.join("schemas")) };
    let base = format!("http://{}", backend.address).parse().unwrap();
    Program::start_with(&files, |config| {
        config.upstream = Some(interlingua::upstream::Config::new(base));
        config.limit.windows = vec!["100000/second".parse().unwrap()];
    })
}

/// An object with the text as its only member: whatever is JSON may be there, so the text alone decides.
fn wrapped(name: &str, text: &Text) -> Vec<u8> {
    [format!("{{\"{name}\": ").as_bytes(), &text.bytes, b"}"].concat()
}

fn refused(text: &Text, connection: &mut Connection, backend: &Backend) -> Result<(), String> {
    refused_request(&text.bytes, connection, backend)?;
    refused_as_a_part(text, connection, backend)
}

/// Nobody hears of a request that is no JSON.
fn refused_request(request: &[u8], connection: &mut Connection, backend: &Backend) -> Result<(), String> {
    let (status, answer) = connection.ask(request);
    match (status, backend.heard()) {
        (400, None) => Ok(()),
        (_, heard) => Err(format!("as a request: {status} {answer:?}, and the backend heard {heard:?}")),
    }
}

/// The text where [`accepted`] has one that is accepted, so that nothing but the text is at fault.
fn refused_as_a_part(text: &Text, connection: &mut Connection, backend: &Backend) -> Result<(), String> {
    refused_request(&wrapped("it", text), connection, backend)?;
    backend.say(&wrapped("value", text));
    let (status, answer) = connection.ask(br#"{"it": 1}"#);
    // The backend says that it was made, whatever else it says.
    if status != 500 {
        return Err(format!("as an answer: {status} {answer:?}"));
    }
    backend.heard().map(drop).ok_or_else(|| "the backend was not asked".to_owned())
}

fn accepted(text: &Text, connection: &mut Connection, backend: &Backend) -> Result<(), String> {
    // As it stands it may be no request of this dialect, but it is JSON.
    let (status, told) = connection.ask(&text.bytes);
    backend.heard();
    if status == 400 {
        return Err(format!("as it stands: {status} {told:?}"));
    }
    let answer = wrapped("value", text);
    backend.say(&answer);
    let (status, told) = connection.ask(&wrapped("it", text));
    let heard = backend.heard().ok_or_else(|| format!("{status} {told:?}, and the backend heard nothing"))?;
    if status != 201 {
        return Err(format!("{status} {told:?}"));
    }
    same("the backend heard", &heard, &answer)?;
    same("the client was told", told.as_bytes(), &wrapped("it", text))
}

/// Whether two texts mean the same to somebody else.
fn same(what: &str, one: &[u8], other: &[u8]) -> Result<(), String> {
    let shown = || format!("{what} {:?}", String::from_utf8_lossy(one));
    let read = |bytes| serde_json::from_slice::<Tree>(bytes);
    // Names that mean something to `serde_json` alone are compared as they are written.
    if String::from_utf8_lossy(other).contains("$serde_json::private") {
        let bare = |bytes: &[u8]| {
            bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>()
        };
        return if bare(one) == bare(other) { Ok(()) } else { Err(shown()) };
    }
    match (read(one), read(other)) {
        (Ok(one), Ok(other)) if one == other => Ok(()),
        (Err(error), _) => Err(format!("{}: {error}", shown())),
        _ => Err(shown()),
    }
}

/// A connection that is made anew when it was closed.
struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Connection {
    fn new(address: SocketAddr) -> Connection {
        Connection { address, stream: None }
    }

    /// Asks for a thing; gives the status and the body of the answer.
    fn ask(&mut self, body: &[u8]) -> (u16, String) {
        let mut stream = self.stream.take().unwrap_or_else(|| TcpStream::connect(self.address).unwrap());
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        let head = format!(
            "POST /plain/api/things HTTP/1.1\r\nhost: test\r\nauthorization: Bearer owner\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"\r\n\r\n") {
            assert_eq!(
                stream.read(&mut byte).unwrap(),
                1,
                "closed after {}",
                String::from_utf8_lossy(&answer)
            );
            answer.push(byte[0]);
        }
        let head = String::from_utf8(answer).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        if !head.contains("\r\nconnection: close\r\n") {
            self.stream = Some(stream);
        }
        (head.split(' ').nth(1).unwrap().parse().unwrap(), String::from_utf8(body).unwrap())
    }
}

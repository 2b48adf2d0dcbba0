//! How often memory is asked for on the path of a request, from select to encode.
//!
//! The gateway and its connection to the backend run on the thread that counts; the backend does not. The numbers are upper
//! bounds, to be lowered whenever the code needs fewer, and whoever has to raise one has made every request dearer.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

use allocation_counter::measure;
use http::{Request, StatusCode};
use http_body_util::Full;
use interlingua::gateway::Gateway;
use serde_json::{Value, json};
use tokio::runtime;

use crate::support::{self, client::Ask, json::expanded};

/// Of the reference request: an invitation, its call and its answer.
const REQUEST_MAX: u64 = 34;
/// Of a list that is empty.
const LIST_MAX: u64 = 63;
/// Of a request that its schema refuses.
const REFUSED_MAX: u64 = 49;

const MEMBERS: &str = "http://127.0.0.1/closient/account/api/v1/organizations/jT5Z2in5V8XrN934edewzn/members";

#[test]
fn the_reference_request_asks_for_memory_no_more_often_than_is_stated() {
    let invite = ask("POST", MEMBERS, Some(json!({"email": "ada@example.com", "role": "editor"})));
    let counted = counted(&invite, 201, &document("member"), StatusCode::OK);
    assert!(counted <= REQUEST_MAX, "{counted} allocations, stated are {REQUEST_MAX}");
}

#[test]
fn a_refused_request_asks_for_memory_no_more_often_than_is_stated() {
    let invite = ask("POST", MEMBERS, Some(json!({"email": "ada@example.com", "role": "nobody"})));
    let counted = counted(&invite, 201, &json!({}), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(counted <= REFUSED_MAX, "{counted} allocations, stated are {REFUSED_MAX}");
}

#[test]
fn a_list_asks_for_memory_as_often_however_long_it_is() {
    let list = ask("GET", &format!("{MEMBERS}?page_size=100"), None);
    let member = document("member");
    let of = |length: usize| {
        let items = vec![member.clone(); length];
        counted(&list, 200, &json!({"items": items, "total": length}), StatusCode::OK)
    };
    let (none, some, more) = (of(0), of(50), of(100));
    let each = more.saturating_sub(some) / 50;
    assert!(none <= LIST_MAX, "{none} allocations for an empty list, stated are {LIST_MAX}");
    // What is over is rounded down, so that buffers may grow.
    assert_eq!(each, 0, "{some} allocations for 50 members and {more} for 100");
}

/// How often memory is asked for by one request, on a connection that is open already.
fn counted(ask: &Ask, backend_status: u16, answer: &Value, status: StatusCode) -> u64 {
    let base = backend(backend_status, answer);
    let gateway = support::gateway(support::shipped(), base.parse().unwrap(), Duration::from_secs(30));
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let asked = |gateway: &Gateway, request: Request<Full<bytes::Bytes>>| {
        let mut answer = None;
        let counted = measure(|| answer = Some(runtime.block_on(gateway.answer(request))));
        let answer = answer.expect("it was answered");
        assert_eq!(answer.status(), status);
        counted.count_total
    };
    // The first opens the connection, and those after it find tables and buffers grown.
    for _ in 0..3 {
        asked(&gateway, ask.request());
    }
    asked(&gateway, ask.request())
}

fn ask(method: &str, url: &str, body: Option<Value>) -> Ask {
    let key = "csb_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEf_84041098";
    Ask {
        line: format!("{method} {url}"),
        headers: vec![("x-api-key".to_owned(), key.to_owned())],
        body: body.map(|body| body.to_string().into_bytes()),
    }
}

/// A document of the golden cases.
fn document(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/canonical");
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap()
    };
    expanded(&read(name), &read)
}

/// A backend with one answer, on threads of its own that nobody counts; its address.
fn backend(status: u16, answer: &Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let body = answer.to_string();
    let head = format!("HTTP/1.1 {status} Fixed\r\ncontent-length: {}\r\n\r\n", body.len());
    let bytes = [head, body].concat().into_bytes();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let bytes = bytes.clone();
            thread::spawn(move || serve(stream, &bytes));
        }
    });
    address
}

/// Answers until the other side hangs up.
fn serve(stream: TcpStream, answer: &[u8]) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return;
            }
            let line = line.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim_end().is_empty() {
                break;
            }
        }
        if reader.read_exact(&mut vec![0; length]).and_then(|()| writer.write_all(answer)).is_err() {
            return;
        }
    }
}

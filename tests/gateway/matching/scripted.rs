//! A side that answers as a script says, page by page.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// What is answered to a path, whatever the page.
#[derive(Clone)]
pub(super) enum Answer {
    Status(u16),
    Body(Value),
    /// A list of the dialect, whose pages name the next; so many items on each.
    Pages(Vec<Value>, usize),
    /// A list of the dialect whose first page has this, and whose second is refused.
    Broken(Value, u16),
    /// A list of the dialect that shows this again and again, and never the end.
    Circle(Value),
    /// A list of the canonical API, by `limit` and `offset`.
    Listed(Vec<Value>),
}

impl Answer {
    pub(super) fn of(body: Value) -> Answer {
        Answer::Body(body)
    }

    pub(super) fn status(status: u16) -> Answer {
        Answer::Status(status)
    }

    pub(super) fn listed(items: Vec<Value>) -> Answer {
        Answer::Listed(items)
    }

    fn body(&self, query: &str) -> (u16, Value) {
        let given = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(given, _)| *given == name).map(|(_, value)| value.to_owned())
        };
        let number = |name: &str| given(name).and_then(|text| text.parse::<usize>().ok());
        match self {
            Answer::Status(status) => (*status, json!({})),
            Answer::Body(body) => (200, body.clone()),
            Answer::Broken(_, status) if given("page").is_some() => (*status, json!({})),
            Answer::Broken(item, _) => (200, json!({ "items": [item], "next": { "page": "2" } })),
            Answer::Circle(item) => {
                let next = given("page").map_or(0, |word| word.parse::<u32>().unwrap()) + 1;
                (200, json!({ "items": [item], "next": { "page": next.to_string() } }))
            }
            Answer::Pages(items, size) => {
                // A word that only this side understands.
                let from =
                    given("page").map_or(0, |word| word.strip_prefix("after-").unwrap().parse().unwrap());
                let size = number("limit").unwrap_or(50).min(*size);
                let page: Vec<_> = items.iter().skip(from).take(size).cloned().collect();
                let end = from + page.len();
                let mut body = json!({ "items": page });
                if end < items.len() {
                    body["next"] = json!({ "page": format!("after-{end}") });
                }
                (200, body)
            }
            Answer::Listed(items) => {
                let (limit, offset) = (number("limit").unwrap_or(50), number("offset").unwrap_or(0));
                let page: Vec<_> = items.iter().skip(offset).take(limit).cloned().collect();
                (200, json!({ "items": page, "total": items.len() }))
            }
        }
    }
}

/// A list of the dialect in pages of that size.
pub(super) fn page(items: &[Value], size: usize) -> Answer {
    Answer::Pages(items.to_vec(), size)
}

/// A side, listening on a loopback socket until the test ends.
pub(super) struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(super) fn start(script: fn(&str) -> Answer) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            let mut made: Vec<(String, Answer)> = Vec::new();
            for stream in listener.incoming() {
                serve(stream.unwrap(), script, &mut made, &log);
            }
        });
        Scripted { address, asked }
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every target that was asked for.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Answers one connection, request after request. What a script says of a path is made once.
fn serve(
    stream: TcpStream,
    script: fn(&str) -> Answer,
    made: &mut Vec<(String, Answer)>,
    log: &Mutex<Vec<String>>,
) {
    stream.set_nodelay(true).unwrap();
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match stream.read_line(&mut head) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let target = head.split(' ').nth(1).unwrap().to_owned();
        log.lock().unwrap().push(target.clone());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        if !made.iter().any(|(known, _)| known == path) {
            made.push((path.to_owned(), script(path)));
        }
        let (_, answer) = made.iter().find(|(known, _)| known == path).unwrap();
        let (status, body) = answer.body(query);
        let body = body.to_string();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

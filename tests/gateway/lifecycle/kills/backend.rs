//! A backend that tells of each member which organization it was asked about.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A backend whose members have the id of their organization.
pub(super) fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || serve(BufReader::new(stream.unwrap())));
        }
    });
    address
}

fn serve(mut stream: BufReader<TcpStream>) {
    stream.get_ref().set_nodelay(true).unwrap();
    loop {
        let (mut organization, mut length, mut line) = (String::new(), 0, String::new());
        while line != "\r\n" {
            line.clear();
            if stream.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(rest) = line.strip_prefix("POST /v1/organizations/") {
                rest.split('/').next().unwrap().clone_into(&mut organization);
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let member = serde_json::json!({"id": organization, "email": "ada@example.com", "role": "viewer", "note": null});
        let member = member.to_string();
        let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length:";
        if stream.get_mut().write_all(format!("{head} {}\r\n\r\n{member}", member.len()).as_bytes()).is_err()
        {
            return;
        }
    }
}

//! Asks the admin listener of a running proxy.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use http::Uri;

use crate::cli::Failure;
use crate::usage::Snapshot;

/// Connecting, and each wait for more of the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was counted, as the listener at that URL tells it.
pub(super) fn snapshot(from: &Uri) -> Result<Snapshot, Failure> {
    // A name and a password may stand before the host, and are nobody's business.
    let place = from.authority().map_or("", |at| at.as_str().rsplit('@').next().unwrap_or_default());
    let failed = || Failure::io(format!("cannot ask `{place}`"));
    let host = from.host().filter(|_| from.scheme_str() == Some("http"));
    let host = host.ok_or_else(|| failed()(io::Error::other("it is asked by `http://host:port`")))?;
    let body = get(host, from.port_u16().unwrap_or(80)).map_err(failed())?;
    let told = serde_json::from_slice(&body).map_err(|error| failed()(error.into()))?;
    Snapshot::from_json(&told).map_err(|error| failed()(io::Error::other(error)))
}

/// The body of the page.
fn get(host: &str, port: u16) -> io::Result<Vec<u8>> {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let mut last = io::Error::other("the name stands for no address");
    for address in (name, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return ask(stream, host),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask(mut stream: TcpStream, host: &str) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /usage HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(&answer).map_err(io::Error::other)?;
    let httparse::Status::Complete(begin) = parsed else {
        return Err(io::Error::other("it closed the connection before it had answered"));
    };
    let body = &answer[begin..];
    if head.code != Some(200) {
        let said = String::from_utf8_lossy(&body[..body.len().min(200)]);
        let (code, said) = (head.code.unwrap_or_default(), said.trim_end());
        let hint = if code == 404 { "; is that the admin listener?" } else { "" };
        return Err(io::Error::other(format!("status {code}: {said}{hint}")));
    }
    let length = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    if length != Some(body.len()) {
        return Err(io::Error::other("the answer is not whole"));
    }
    Ok(body.to_vec())
}

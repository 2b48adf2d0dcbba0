//! Plays a case, and says everything that is wrong with what came of it.

use std::{net::SocketAddr, time::Duration};

use super::{
    answers::mark,
    backend::Backend,
    case::{After, Case, Send, key},
    client::{Answer, Client, Silence},
    http2, judge,
    outcomes::Outcomes,
    request::Rules,
    text::Piece,
};

/// Where the cases are played.
#[derive(Clone)]
pub(super) struct Stage {
    /// Who is tried.
    pub(super) address: SocketAddr,
    /// Where they speak HTTP/2.
    pub(super) http2: SocketAddr,
    pub(super) backend: Backend,
    pub(super) rules: Rules,
    /// Whether the cases are about handing on alone, so that all they say holds.
    pub(super) is_alone: bool,
    /// What an innocent client is told.
    pub(super) innocent: u16,
}

/// What came of a case.
pub(super) struct Verdict {
    pub(super) faults: Vec<String>,
    /// How many calls of it the backend had heard by then.
    pub(super) heard: usize,
    /// Whether it was what should be, and not only what may be.
    pub(super) strict: bool,
    /// Whether an old upstream was handed what the canonical side would have refused, or answered otherwise.
    pub(super) is_handed_on: bool,
}

/// What the client saw.
#[derive(Default)]
pub(super) struct Seen {
    /// What became of each request, in the words of [`Outcomes`].
    pub(super) outcomes: Vec<String>,
    pub(super) answers: Vec<Answer>,
    /// With which error the connection was ended, if that was told (HTTP/2).
    pub(super) goaway: Option<u32>,
    pub(super) faults: Vec<String>,
}

/// Credentials of clients that do nothing wrong have numbers from here.
const INNOCENT: usize = 900_000;

impl Stage {
    pub(super) fn play(&self, case: &Case) -> Verdict {
        self.backend.begin(case.number, &case.backend);
        let seen = match &case.send {
            Send::Text(pieces) => self.text(case, pieces),
            Send::Frames(lines, parts) => http2::play(self, case, lines, parts),
        };
        self.backend.end(case.number);
        let mut faults = seen.faults;
        let is_told_of_another = self.rules == Rules::Passing && !self.is_alone;
        if !is_told_of_another && !case.status.allow(&seen.outcomes) {
            faults.push(format!("answered `{}`, not `{}`", seen.outcomes.join(" "), case.status.text()));
        }
        if case.goaway.is_some() && case.goaway != seen.goaway && self.rules != Rules::Plain {
            faults.push(format!(
                "told that error {:?} ends the connection, not {:?}",
                seen.goaway, case.goaway
            ));
        }
        if let Err(why) = self.innocent(&mut Client::connect(self.address), INNOCENT + case.number) {
            faults.push(format!("an innocent client on another connection: {why}"));
        }
        let (calls, strange) = self.backend.heard(case.number);
        // What breaks off is complete for nobody, and a proxy that streams cannot know.
        let breaks_off = |fault: &String| self.rules == Rules::Plain && fault.contains("breaks off");
        faults.extend(strange.into_iter().filter(|fault| !breaks_off(fault)));
        let mut is_handed_on = false;
        if is_told_of_another {
            is_handed_on = judge::what_was_passed(case, &seen.outcomes, &seen.answers, &calls, &mut faults);
        } else {
            judge::what_was_heard(case, &calls, self.rules, &mut faults);
            judge::what_was_told(case, &seen.answers, self.rules, &mut faults);
        }
        let strict = case.strict.as_ref().is_none_or(|strict: &Outcomes| strict.allow(&seen.outcomes));
        Verdict { strict: strict && faults.is_empty(), heard: calls.len(), is_handed_on, faults }
    }

    fn text(&self, case: &Case, pieces: &[Piece]) -> Seen {
        let mut seen = Seen::default();
        let mut client = Client::connect(self.address);
        let (mut slowly, mut last) = (None, &Vec::new());
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => {
                    last = bytes;
                    if bytes.starts_with(b"HEAD ") {
                        client.asks_heads();
                    }
                    match slowly {
                        None => client.send(bytes),
                        Some(pause) => client.send_slowly(bytes, pause),
                    }
                }
                Piece::Do(what) => match what.split_once(' ').unwrap_or((what, "")) {
                    ("answer", _) => seen.read(&mut client),
                    ("finish", _) => client.finish(),
                    ("gone", _) => return seen.left(client, false),
                    ("reset", _) => return seen.left(client, true),
                    ("heard", calls) => {
                        if !self.backend.wait_for(case.number, calls.parse().expect("a number")) {
                            seen.faults.push(format!("the backend never heard {calls} calls"));
                        }
                    }
                    ("flood", _) => {
                        if !client.flood(last) {
                            seen.faults.push("nobody stops a client that never reads".to_owned());
                        }
                    }
                    ("go", _) => self.backend.release(case.number),
                    ("slowly", pause) => {
                        slowly = Some(Duration::from_millis(pause.parse().expect("milliseconds")));
                    }
                    _ => panic!("a client cannot `{what}`"),
                },
            }
        }
        while seen.outcomes.len() < case.status.len() && !client.closed && seen.faults.is_empty() {
            seen.read(&mut client);
        }
        match case.after {
            After::Any => client.finish(),
            After::Closed => {}
            After::Open => {
                if let Err(why) = self.innocent(&mut client, 2 * INNOCENT / 3 + case.number) {
                    seen.faults.push(format!("the connection should be open: {why}"));
                }
                client.finish();
            }
        }
        while !client.closed && seen.faults.is_empty() {
            seen.read(&mut client);
        }
        if case.status.is_anything() {
            // The last of many answers may be cut.
            seen.faults.retain(|fault| !fault.starts_with("Broken"));
        }
        seen
    }

    /// A client that does nothing wrong asks for what belongs to it.
    fn innocent(&self, client: &mut Client, number: usize) -> Result<(), String> {
        let key = key(number);
        client.send(
            format!(
                "GET /account/api/v1/organizations/e8e912b6-ba9b-4c3a-bb4f-d04bdc370843 HTTP/1.1\r\n\
                 Host: www.closient.com\r\nX-API-Key: csb_{key}_00000000\r\n\r\n"
            )
            .as_bytes(),
        );
        let answer = client.answer().map_err(|silence| format!("{silence:?}"))?;
        let text = answer.text();
        let is_theirs =
            answer.status == self.innocent && (answer.status != 200 || text.contains(&mark(&key)));
        if is_theirs { Ok(()) } else { Err(format!("is told {text}")) }
    }
}

impl Seen {
    fn read(&mut self, client: &mut Client) {
        match client.answer() {
            Ok(answer) => {
                self.outcomes.push(answer.status.to_string());
                self.answers.push(answer);
            }
            Err(Silence::Closed) => {}
            Err(silence) => {
                self.faults.push(format!("{silence:?} after `{}`", self.outcomes.join(" ")));
            }
        }
    }

    fn left(self, client: Client, abruptly: bool) -> Seen {
        client.leave(abruptly);
        self
    }
}

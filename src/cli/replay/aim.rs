//! A proxy that is asked: one call for a recorded request, and its answer in time or none.

use std::{cell::Cell, path::Path, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, StatusCode, Uri};

use super::{Arguments, Credentials, Unplayable, plays::Play};
use crate::{
    causes::with_causes,
    time::Deadline,
    upstream::{self, Upstream},
};

/// A proxy, and what it made of the requests so far.
pub(super) struct Aim {
    upstream: Upstream,
    credentials: Credentials,
    arguments_deadline: Duration,
    pub(super) name: String,
    pub(super) asked: Cell<usize>,
    pub(super) answered: Cell<usize>,
    /// How many requests it would not hear for want of a credential.
    pub(super) unauthenticated: Cell<usize>,
}

/// The settings of somebody who wants to see each failure, and sends each request once.
pub(in crate::cli) fn patient(
    settings: upstream::Config,
    deadline: Duration,
    in_flight: usize,
    authorities: Option<&Path>,
) -> upstream::Config {
    upstream::Config {
        timeout: deadline,
        connect_timeout: deadline.min(Duration::from_secs(5)),
        connections_max: in_flight,
        authorities: authorities.map(Path::to_owned).or(settings.authorities),
        breaker: None,
        retry: upstream::retry::Config { retries_max: 0, ..upstream::retry::Config::default() },
        ..settings
    }
}

/// What came back.
pub(super) type Answered = Result<upstream::Answer, String>;

impl Aim {
    pub(super) fn new(to: &Uri, arguments: &Arguments, credentials: Credentials) -> Result<Aim, Unplayable> {
        let (base, in_flight) = (upstream::Config::new(to.clone()), arguments.in_flight.into());
        let config = patient(base, arguments.deadline, in_flight, arguments.authorities.as_deref());
        let upstream = Upstream::new(Arc::new(config));
        let upstream = upstream.map_err(|error| Unplayable::Target(to.to_string(), with_causes(&error)))?;
        Ok(Aim {
            upstream,
            credentials,
            arguments_deadline: arguments.deadline,
            name: to.to_string(),
            asked: Cell::new(0),
            answered: Cell::new(0),
            unauthenticated: Cell::new(0),
        })
    }

    /// Whether any credential is sent.
    pub(super) fn has_credentials(&self) -> bool {
        self.credentials.are_given
    }

    /// Sends the request, and gives the answer or why there is none.
    pub(super) async fn ask(&self, play: &Play) -> Answered {
        let credential = self.credentials.of(play.reader.dialect());
        let headers: Vec<(HeaderName, Option<&HeaderValue>)> = play
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), Some(value)))
            .chain(credential.map(|(name, value)| (name.clone(), Some(value))))
            .collect();
        let request = upstream::Request {
            method: &play.method,
            target: &play.target,
            headers: &headers,
            body: &play.body,
            safe: play.is_safe,
            is_keyed: false,
            follows: false,
            share: None,
            passes: false,
        };
        self.asked.set(self.asked.get() + 1);
        let answer = self.upstream.send(request, Deadline::after(self.arguments_deadline)).await;
        let answer = answer.map_err(|error| with_causes(&error))?;
        self.answered.set(self.answered.get() + 1);
        if answer.status == StatusCode::UNAUTHORIZED {
            self.unauthenticated.set(self.unauthenticated.get() + 1);
        }
        Ok(answer)
    }
}

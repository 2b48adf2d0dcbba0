//! How things end that are counted by their end, each with its label.

/// How a call to the backend ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpstreamOutcome {
    /// With an answer, whatever its status.
    Answered,
    /// With a malformed answer or a broken connection.
    Broken,
    /// With an answer that is not the API's, but of something that stands in its place.
    Foreign,
    /// Given up before its end: whoever asked has left.
    Left,
    /// Without a free connection.
    Overloaded,
    /// Not made: the breaker is open.
    Refused,
    /// Too late.
    TimedOut,
    /// With too large an answer.
    TooLarge,
    /// Without a connection.
    Unreachable,
}

impl UpstreamOutcome {
    /// In the order of their discriminants.
    pub(super) const ALL: [UpstreamOutcome; 9] = [
        UpstreamOutcome::Answered,
        UpstreamOutcome::Broken,
        UpstreamOutcome::Foreign,
        UpstreamOutcome::Left,
        UpstreamOutcome::Overloaded,
        UpstreamOutcome::Refused,
        UpstreamOutcome::TimedOut,
        UpstreamOutcome::TooLarge,
        UpstreamOutcome::Unreachable,
    ];

    /// Its label.
    pub(super) fn name(self) -> &'static str {
        match self {
            UpstreamOutcome::Answered => "answered",
            UpstreamOutcome::Broken => "broken",
            UpstreamOutcome::Foreign => "foreign",
            UpstreamOutcome::Left => "left",
            UpstreamOutcome::Overloaded => "overloaded",
            UpstreamOutcome::Refused => "refused",
            UpstreamOutcome::TimedOut => "timed_out",
            UpstreamOutcome::TooLarge => "too_large",
            UpstreamOutcome::Unreachable => "unreachable",
        }
    }
}

/// How a client's TLS handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeOutcome {
    /// Well, and the client showed no certificate.
    Anonymous,
    /// Well, and the client showed a good one.
    Authenticated,
    /// With an error, or not in time.
    Failed,
}

impl HandshakeOutcome {
    /// In the order of their discriminants.
    pub(super) const ALL: [HandshakeOutcome; 3] =
        [HandshakeOutcome::Anonymous, HandshakeOutcome::Authenticated, HandshakeOutcome::Failed];

    /// Its label.
    pub(super) fn name(self) -> &'static str {
        match self {
            HandshakeOutcome::Anonymous => "anonymous",
            HandshakeOutcome::Authenticated => "authenticated",
            HandshakeOutcome::Failed => "failed",
        }
    }
}

/// How a lookup of an external id ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResolverOutcome {
    /// The backend could not be asked.
    Failed,
    /// The answer was remembered.
    Hit,
    /// The backend was asked and knew.
    Loaded,
    /// The backend was asked and did not know.
    Miss,
}

impl ResolverOutcome {
    /// In the order of their discriminants.
    pub(super) const ALL: [ResolverOutcome; 4] =
        [ResolverOutcome::Failed, ResolverOutcome::Hit, ResolverOutcome::Loaded, ResolverOutcome::Miss];

    /// Its label.
    pub(super) fn name(self) -> &'static str {
        match self {
            ResolverOutcome::Failed => "failed",
            ResolverOutcome::Hit => "hit",
            ResolverOutcome::Loaded => "loaded",
            ResolverOutcome::Miss => "miss",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_is_complete_and_in_the_order_of_the_discriminants() {
        assert!(UpstreamOutcome::ALL.into_iter().enumerate().all(|(at, outcome)| outcome as usize == at));
        assert!(ResolverOutcome::ALL.into_iter().enumerate().all(|(at, outcome)| outcome as usize == at));
    }
}

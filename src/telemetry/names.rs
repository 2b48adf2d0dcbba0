//! Every log field and metric name, once. Dashboards and alerts depend on them: they are renamed with notice only.

/// Fields of log events. The one `request` event per request carries most of them.
pub mod field {
    /// Where the program listens.
    pub const ADDRESS: &str = "server.address";
    /// Where the admin page is.
    pub const ADMIN_ADDRESS: &str = "admin.address";
    /// How the backend's answer differs from what the canonical API promises: a place and what was expected there.
    pub const ANSWER_MISFIT: &str = "answer.misfit";
    /// What a worker's breaker has become: `closed`, `half_open` or `open`.
    pub const BREAKER: &str = "upstream.breaker";
    /// Whose fault a problem is: `downstream`, `upstream` or `internal`.
    pub const BLAME: &str = "problem.blame";
    /// What the client was not told about a problem.
    pub const CAUSE: &str = "problem.cause";
    /// The problem's code.
    pub const CODE: &str = "problem.code";
    /// Who asks: on the admin listener, and, where the settings say so, of each request.
    pub const CLIENT_ADDRESS: &str = "client.address";
    /// What the files in use say, in short.
    pub const CONFIG_DIGEST: &str = "config.digest";
    /// The code of a diagnostic.
    pub const DIAGNOSTIC_CODE: &str = "diagnostic.code";
    /// The file, line and column a diagnostic is about.
    pub const DIAGNOSTIC_PLACE: &str = "diagnostic.place";
    /// The dialect, once selected.
    pub const DIALECT: &str = "dialect.id";
    /// How many fields were left out of updates because the client wrote what it was told.
    pub const KEPT_FIELDS: &str = "kept_fields";
    /// Time from head to answer, in milliseconds.
    pub const LATENCY_MS: &str = "latency_ms";
    /// How requests of the dialect are answered: `canonical`, `legacy`, `shadow` or `split`; where anything was said of that.
    pub const MODE: &str = "mode";
    /// The operation, once selected.
    pub const OPERATION: &str = "operation.name";
    /// The id the client was given.
    pub const REQUEST_ID: &str = "request.id";
    /// That the request used something that retires.
    pub const RETIRING: &str = "retiring";
    /// Who answers the request: `canonical` or `legacy`; where a mode was said.
    pub const SIDE: &str = "mode.side";
    /// The status the client was given.
    pub const STATUS: &str = "status";
    /// How many calls to the backend the request took.
    pub const UPSTREAM_CALLS: &str = "upstream.calls";
    /// The status of the backend's answer.
    pub const UPSTREAM_STATUS: &str = "upstream.status";
}

/// Metric names, without what the exposition format adds: the prefix, a unit and `_total` for counters.
pub mod metric {
    /// In front of every name.
    pub const PREFIX: &str = "gateway";

    /// Calls that a breaker refused.
    pub const BREAKER_REFUSALS: &str = "upstream_breaker_refusals";
    /// Times a breaker changed.
    pub const BREAKER_TRANSITIONS: &str = "upstream_breaker_transitions";
    /// Workers whose breaker is not closed, by its state.
    pub const BREAKERS: &str = "upstream_breakers";
    /// Calls that were made again.
    pub const RETRIES: &str = "upstream_retries";
    /// Calls that were not made again for want of budget.
    pub const RETRY_REFUSALS: &str = "upstream_retry_refusals";
    /// Answers of the backend that are not what the canonical API promises.
    pub const ANSWER_MISFITS: &str = "answer_misfits";
    /// Which version runs.
    pub const BUILD: &str = "build";
    /// When certificates expire.
    pub const CERTIFICATE_EXPIRY: &str = "certificate_expiry_timestamp_seconds";
    /// Which files are in use.
    pub const CONFIG_INFO: &str = "config_info";
    /// When what is in use was loaded.
    pub const CONFIG_LOADED: &str = "config_loaded_timestamp_seconds";
    /// Answers that were given up so that others have room.
    pub const ANSWERS_GIVEN_UP: &str = "answers_given_up";
    /// Requests that were given up before their body was there, so that others have room.
    pub const ARRIVALS_GIVEN_UP: &str = "arrivals_given_up";
    /// Bytes that requests hold of which the body is on its way.
    pub const ARRIVING_BYTES: &str = "arriving_bytes";
    /// Connections that were closed over a flood of frames.
    pub const CONNECTION_FLOODS: &str = "connection_floods";
    /// Connections of clients.
    pub const CONNECTIONS_OPEN: &str = "connections_open";
    /// Connections of clients that were closed before anything was read.
    pub const CONNECTIONS_REFUSED: &str = "connections_refused";
    /// Fields clients sent that nobody reads.
    pub const IGNORED_FIELDS: &str = "ignored_fields";
    /// Fields that were left out of updates because the client wrote what it was told.
    pub const KEPT_FIELDS: &str = "kept_fields";
    /// Fields and words that were lost as the mapping declares.
    pub const DECLARED_LOSSES: &str = "declared_losses";
    /// Requests handed on to old upstreams.
    pub const LEGACY_CALLS: &str = "legacy_calls";
    /// Of those, what is not as the mapping has it.
    pub const LEGACY_MISFITS: &str = "legacy_misfits";
    /// Places where the sides differ.
    pub const SHADOW_DIFFERENCES: &str = "shadow_differences";
    /// Times the old side was asked twice.
    pub const SHADOW_NOISE: &str = "shadow_noise";
    /// Requests that the other side was to be asked too.
    pub const SHADOW_REQUESTS: &str = "shadow_requests";
    /// Requests of dialects with a mode, by who answered.
    pub const MODE_REQUESTS: &str = "mode_requests";
    /// Items of lists that have no words in the dialect and were left out.
    pub const OMITTED_ITEMS: &str = "omitted_items";
    /// Problems answered.
    pub const REFUSALS: &str = "refusals";
    /// Times the files were read anew.
    pub const RELOADS: &str = "reloads";
    /// Requests that used something that retires.
    pub const RETIRING_REQUESTS: &str = "retiring_requests";
    /// Requests answered.
    pub const REQUESTS: &str = "requests";
    /// Requests accepted and not yet answered.
    pub const REQUESTS_IN_FLIGHT: &str = "requests_in_flight";
    /// Time from head to answer.
    pub const REQUEST_DURATION: &str = "request_duration";
    /// Ids looked up.
    pub const RESOLVER_LOOKUPS: &str = "resolver_lookups";
    /// TLS handshakes of clients.
    pub const TLS_HANDSHAKES: &str = "tls_handshakes";
    /// Bytes of answers that clients have not taken.
    pub const UNTAKEN_BYTES: &str = "untaken_bytes";
    /// Calls to the backend.
    pub const UPSTREAM_CALLS: &str = "upstream_calls";
    /// Connections opened to the backend.
    pub const UPSTREAM_CONNECTIONS: &str = "upstream_connections";
    /// Calls sent on a connection that was open already.
    pub const UPSTREAM_REUSES: &str = "upstream_connection_reuses";
    /// Requests of which nobody counted what they use.
    pub const USAGE_LOST: &str = "usage_lost_requests";
}

//! Connections of clients, the handshakes of those with TLS, and what they have not sent to its end or not taken.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use prometheus_client::registry::Registry;

use crate::telemetry::names::metric;
use crate::telemetry::outcome::HandshakeOutcome;

#[derive(Debug, Default)]
pub(super) struct Connections {
    pub(super) open: Gauge,
    pub(super) floods: Counter,
    pub(super) arriving_bytes: Gauge,
    pub(super) arrivals_given_up: Counter,
    pub(super) untaken_bytes: Gauge,
    pub(super) answers_given_up: Counter,
    refused: Family<ReasonLabels, Counter>,
    tls_handshakes: Family<HandshakeLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandshakeLabels {
    outcome: &'static str,
}

impl Connections {
    pub(super) fn refused(&self) -> Counter {
        self.refused.get_or_create_owned(&ReasonLabels { reason: "address" })
    }

    pub(super) fn shook_hands(&self, outcome: HandshakeOutcome) {
        self.tls_handshakes.get_or_create(&HandshakeLabels { outcome: outcome.name() }).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(metric::CONNECTIONS_OPEN, "Connections of clients", self.open.clone());
        registry.register(
            metric::CONNECTION_FLOODS,
            "Connections of clients that were closed over a flood of HTTP/2 frames",
            self.floods.clone(),
        );
        registry.register(
            metric::ARRIVING_BYTES,
            "Bytes that requests hold of which the body is on its way",
            self.arriving_bytes.clone(),
        );
        registry.register(
            metric::ARRIVALS_GIVEN_UP,
            "Requests that were given up before their body was there, because too many were on their way",
            self.arrivals_given_up.clone(),
        );
        registry.register(
            metric::UNTAKEN_BYTES,
            "Bytes of answers that clients have not taken",
            self.untaken_bytes.clone(),
        );
        registry.register(
            metric::ANSWERS_GIVEN_UP,
            "Answers that were given up because too many bytes were not taken",
            self.answers_given_up.clone(),
        );
        // From the beginning, so that the first is a step and not a new series.
        for outcome in HandshakeOutcome::ALL {
            drop(self.tls_handshakes.get_or_create(&HandshakeLabels { outcome: outcome.name() }));
        }
        drop(self.refused.get_or_create(&ReasonLabels { reason: "address" }));
        registry.register(
            metric::CONNECTIONS_REFUSED,
            "Connections of clients that were closed before anything was read",
            self.refused.clone(),
        );
        registry.register(
            metric::TLS_HANDSHAKES,
            "TLS handshakes of clients, by whether they showed a certificate",
            self.tls_handshakes.clone(),
        );
    }
}

//! Whose request it is, and that nobody has too many in flight.
//!
//! A request that a trusted hop passes on is that of the hop's client: it comes from that address, to the host and over the
//! scheme that the client used.

use std::{net::IpAddr, rc::Rc, sync::Arc};

use http::HeaderMap;

use crate::server::{
    HopsConfig, Peer, Shared,
    forwarded::{Told, Unreadable},
    in_flight::{Counter, Place, Turnstile},
    refusal::Refusal,
};

/// Who may speak for others, and what everybody has.
#[derive(Debug)]
pub(super) struct Callers {
    hops: HopsConfig,
    turnstile: Rc<Turnstile>,
}

/// Whose requests a connection brings.
#[derive(Clone, Copy, Debug)]
pub(super) enum Brings {
    /// Those of whoever has that counter.
    Own(Counter),
    /// Those of others, as it is a trusted hop.
    Others,
}

impl Callers {
    pub(super) fn new(shared: &Shared) -> Callers {
        Callers { hops: shared.config.hops.clone(), turnstile: Turnstile::new(Arc::clone(&shared.in_flight)) }
    }

    /// What connections from that address bring.
    pub(super) fn at(&self, address: IpAddr) -> Brings {
        if self.hops.trusts(address) { Brings::Others } else { Brings::Own(self.turnstile.counter(address)) }
    }

    /// Takes a place for whose request it is; from here on the request is theirs. Nobody's are not counted: a hop asks for
    /// itself, such as for our health, or does not tell for whom.
    pub(super) fn admit(
        &self,
        brings: Brings,
        headers: &HeaderMap,
        peer: &mut Peer,
    ) -> Result<Option<Place>, Refusal> {
        let counter = match brings {
            Brings::Own(counter) => counter,
            Brings::Others => {
                let told = self.hops.read(headers).map_err(|Unreadable| Refusal::Forwarded)?;
                let Some(Told { client, scheme, host }) = told else { return Ok(None) };
                peer.client = client;
                peer.host = host;
                if let Some(scheme) = scheme {
                    peer.scheme = scheme;
                }
                let Some(client) = client.filter(|client| !self.hops.trusts(*client)) else {
                    return Ok(None);
                };
                self.turnstile.counter(client)
            }
        };
        self.turnstile.enter(counter).map(Some).ok_or(Refusal::Crowded)
    }
}

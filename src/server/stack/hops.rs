//! A request that a trusted hop passes on is that of the hop's client: it comes from that address, to the host and over the
//! scheme that the client used, and counts among what the address has of us.

use std::{net::IpAddr, sync::Arc};

use http::Request;

use crate::server::{
    HopsConfig, Peer,
    addresses::{Addresses, Place},
    forwarded::{Told, Unreadable},
    refusal::Refusal,
};

/// Who may speak for others, and what their clients have.
#[derive(Debug)]
pub(super) struct Hops {
    config: HopsConfig,
    addresses: Arc<Addresses>,
}

impl Hops {
    pub(super) fn new(config: HopsConfig, addresses: Arc<Addresses>) -> Hops {
        Hops { config, addresses }
    }

    /// Whether that is the address of one.
    pub(super) fn trust(&self, address: IpAddr) -> bool {
        self.config.trust(address)
    }

    /// Takes a place for the client, if the hop names one; from here on the request is the client's.
    pub(super) fn admit<B>(
        &self,
        request: &mut Request<B>,
        peer: &mut Peer,
    ) -> Result<Option<Place>, Refusal> {
        let told = self.config.read(request.headers()).map_err(|Unreadable| Refusal::Forwarded)?;
        // Whoever asks for itself, such as for our health, says nothing.
        let Some(Told { client, scheme, host }) = told else { return Ok(None) };
        let extensions = request.extensions_mut();
        scheme.map(|scheme| extensions.insert(scheme));
        host.map(|host| extensions.insert(host));
        peer.client = client;
        let Some(client) = client.filter(|client| !self.trust(*client)) else { return Ok(None) };
        self.addresses.enter(client).map(Some).ok_or(Refusal::Crowded)
    }
}

//! Certificates that are shown, to clients and to upstreams: who refuses them when their time is over, and when that will be.

use std::time::SystemTime;

use crate::{boot::named, config::Config, pem::Doubt, upstream::Identity};

/// To whom a certificate is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown {
    ToClients,
    ToUpstream,
}

impl Shown {
    /// Who refuses it, and what to do.
    pub(super) fn way_out(self, doubt: &Doubt) -> &'static str {
        match (self, doubt.is_refused) {
            (Shown::ToClients, true) => {
                "clients refuse it: put one that is good now in its place, and reload"
            }
            (Shown::ToClients, false) => "clients will refuse it then: renew it before, and reload",
            (Shown::ToUpstream, true) => {
                "the upstream refuses it: put one that is good now in its place, and reload"
            }
            (Shown::ToUpstream, false) => "the upstream will refuse it then: renew it before, and reload",
        }
    }
}

/// What upstreams are shown, by the table of the settings. What comes through a pipe was read by whoever uses it, and cannot be
/// read again.
pub(super) fn identities(config: &Config) -> impl Iterator<Item = (String, &Identity)> {
    let backend = config.upstream.iter().map(|backend| ("upstream".to_owned(), backend));
    let legacy = config.legacy.iter().map(|(name, old)| (format!("legacy.{name}"), old));
    backend.chain(legacy).filter_map(|(table, called)| {
        let own = called.identity.as_ref()?;
        (!named::is_pipe(&own.certificate)).then_some((table, own))
    })
}

/// All doubts, of listeners and of what these settings have upstreams shown, with the way out.
pub(super) fn doubts(of_listeners: Vec<Doubt>, config: &Config) -> Vec<(Doubt, &'static str)> {
    let now = SystemTime::now();
    let of_listeners = of_listeners.into_iter().map(|doubt| (Shown::ToClients, doubt));
    let of_upstreams = identities(config).filter_map(|(_, own)| Some((Shown::ToUpstream, own.doubt(now)?)));
    let help = |(shown, doubt): (Shown, Doubt)| (shown.way_out(&doubt), doubt);
    of_listeners.chain(of_upstreams).map(help).map(|(help, doubt)| (doubt, help)).collect()
}

/// When the first of those expires that these settings have upstreams shown. Reads their files.
pub(super) fn expiry(config: &Config) -> Option<SystemTime> {
    identities(config).filter_map(|(_, own)| own.expiry()).min()
}

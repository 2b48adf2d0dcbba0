//! The upstream side of TLS: whom to trust, and what to show.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio_rustls::TlsConnector;

use crate::{
    pem::{self, Doubt, PemFault},
    upstream::{ConfigError, Identity},
};

/// Where systems keep the authorities they trust.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A connector that trusts the authorities in the file, or the system's when none is named, and shows `identity` to whoever
/// asks.
pub(super) fn connector(
    authorities: Option<&Path>,
    identity: Option<&Identity>,
) -> Result<TlsConnector, ConfigError> {
    let bundle = authorities
        .or_else(|| SYSTEM_BUNDLES.into_iter().map(Path::new).find(|path| path.exists()))
        .ok_or(ConfigError::NoAuthorities)?;
    let roots =
        roots(bundle).map_err(|source| ConfigError::Authorities { path: PathBuf::from(bundle), source })?;
    // The provider is named, for rustls panics when it has to guess between two.
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(ConfigError::Tls)?
        .with_root_certificates(roots);
    let config = match identity {
        Some(identity) => {
            let (chain, key) = pair(identity)?;
            let pair = config.with_client_auth_cert(chain, key);
            pair.map_err(|error| unusable(identity, error.into()))?
        }
        None => config.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Identity {
    /// Why the backend might refuse it at that moment, or soon; none if that cannot be said.
    pub fn doubt(&self, now: SystemTime) -> Option<Doubt> {
        Some(pem::doubt(&self.chain()?, now)?.about(&self.certificate))
    }

    /// When the backend will refuse it; none if that cannot be said.
    pub fn expiry(&self) -> Option<SystemTime> {
        pem::expiry(&self.chain()?)
    }

    fn chain(&self) -> Option<Vec<CertificateDer<'static>>> {
        pem::certificates(&pem::read(&self.certificate).ok()?).ok()
    }
}

fn pair(identity: &Identity) -> Result<Pair, ConfigError> {
    let Identity { certificate, key } = identity;
    let chain = pem::read(certificate).and_then(|text| pem::certificates(&text));
    let chain = chain.map_err(|fault| unusable(identity, fault.into()))?;
    if chain.is_empty() {
        return Err(unusable(identity, "no certificate in it".into()));
    }
    let of_key = pem::read(key).and_then(|text| pem::key(&text));
    Ok((chain, of_key.map_err(|source| ConfigError::Key { path: key.clone(), source })?))
}

fn unusable(identity: &Identity, source: Box<dyn std::error::Error + Send + Sync>) -> ConfigError {
    ConfigError::Identity { path: identity.certificate.clone(), source }
}

/// Reads a bundle. Systems ship certificates we cannot use among those we can, so single ones may fail.
fn roots(bundle: &Path) -> io::Result<RootCertStore> {
    let text = pem::read(bundle).map_err(|fault| match fault {
        PemFault::Io(error) => error,
        fault => io::Error::other(fault),
    })?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(pem::readable_certificates(&text));
    if roots.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no certificate in it"));
    }
    Ok(roots)
}

//! A listener's side of TLS: the certificate and key of its configuration, HTTP/2 and HTTP/1.1 on offer.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

use crate::server::TlsConfig;

/// Why a listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file cannot be read or is no PEM file.
    #[error("cannot read the certificate `{}`", path.display())]
    Certificate {
        /// The configured file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The certificate file holds no certificate.
    #[error("no certificate in `{}`", path.display())]
    Empty {
        /// The configured file.
        path: PathBuf,
    },
    /// The key file cannot be read or holds no private key.
    #[error("cannot read the private key `{}`", path.display())]
    Key {
        /// The configured file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// Certificate and key do not belong together, or are of a kind we cannot use.
    #[error("certificate and private key cannot be used")]
    Unusable(#[from] rustls::Error),
}

impl TlsConfig {
    /// What the two files say, to see whether they were changed. Fails where a listener could not use them.
    pub fn look(&self) -> Result<[Vec<u8>; 2], TlsError> {
        acceptor(self)?;
        let read = |path: &PathBuf, error: fn(PathBuf, pem::Error) -> TlsError| {
            std::fs::read(path).map_err(|source| error(path.clone(), pem::Error::Io(source)))
        };
        let certificate = read(&self.certificate, |path, source| TlsError::Certificate { path, source })?;
        let key = read(&self.key, |path, source| TlsError::Key { path, source })?;
        Ok([certificate, key].map(|text| Sha256::digest(text).to_vec()))
    }
}

/// Loads what is needed to accept TLS connections.
pub(super) fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, TlsError> {
    let unreadable = |source| TlsError::Certificate { path: config.certificate.clone(), source };
    let chain = CertificateDer::pem_file_iter(&config.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    if chain.is_empty() {
        return Err(TlsError::Empty { path: config.certificate.clone() });
    }
    let key = PrivateKeyDer::from_pem_file(&config.key)
        .map_err(|source| TlsError::Key { path: config.key.clone(), source })?;
    // The provider is named, for rustls panics when it has to guess between two.
    let mut tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

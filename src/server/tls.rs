//! A listener's side of TLS: the certificate and key of its configuration, HTTP/2 and HTTP/1.1 on offer, and how others
//! come into use while connections are open.
//!
//! What is swapped is the whole of the TLS settings, with the sessions that clients may take up again: nobody takes up a
//! session of an older certificate. A handshake that has begun ends with what it began with, and an open connection
//! never asks again.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::CertificateDer,
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

use crate::{
    pem::{self, Doubt, PemFault},
    server::{ClientCertificate, ClientsConfig, ListenerConfig, TlsConfig},
};

/// Why a listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file cannot be read or is no PEM file.
    #[error("cannot read the certificate `{}`", path.display())]
    Certificate {
        /// The configured file.
        path: PathBuf,
        /// What is wrong with it.
        source: PemFault,
    },
    /// The file of authorities that sign clients' certificates cannot be used.
    #[error("cannot use the authorities of clients `{}`", path.display())]
    Clients {
        /// The configured file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
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
        source: PemFault,
    },
    /// Certificate and key do not belong together, or are of a kind we cannot use.
    #[error("certificate and private key cannot be used: `{}` and `{}`", certificate.display(), key.display())]
    Unusable {
        /// The configured certificate.
        certificate: PathBuf,
        /// The configured key.
        key: PathBuf,
        /// What is wrong with them.
        source: rustls::Error,
    },
}

/// The TLS settings of a listener, as they are now. Clones share them.
#[derive(Clone)]
pub(super) struct Tls(Arc<RwLock<Arc<Loaded>>>);

/// What the files of a listener say.
struct Loaded {
    settings: Arc<ServerConfig>,
    /// Of all files, to see whether any was changed.
    digest: [u8; 32],
    /// Why clients might refuse what is shown to them.
    doubt: Option<Doubt>,
    /// When they will.
    expiry: Option<SystemTime>,
}

impl Tls {
    /// Reads the files of a listener.
    pub(super) fn load(config: &TlsConfig) -> Result<Tls, TlsError> {
        Ok(Tls(Arc::new(RwLock::new(Arc::new(Loaded::read(config)?)))))
    }

    /// What opens the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.loaded().settings))
    }

    /// Nothing is done under the lock that could panic half-way, so poison is ignored.
    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, loaded: Loaded) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
    }
}

/// Shows nothing of the key.
impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// The certificates and keys of a server's listeners, to be renewed while it runs; none for a listener without TLS.
#[derive(Clone, Debug, Default)]
pub struct Certificates(pub(super) Vec<Option<Tls>>);

/// Certificates and keys that were read and found good, and are not in use yet.
#[must_use = "nothing is renewed before it is taken"]
pub struct Renewal(Vec<(Tls, Loaded)>);

impl Certificates {
    /// Reads the files that the settings name now; the listeners must be the same, and each with or without TLS as before.
    ///
    /// # Errors
    ///
    /// When a listener could not use its files; what is in use stays in use.
    pub fn read(&self, listeners: &[ListenerConfig]) -> Result<Renewal, TlsError> {
        let pairs = self.0.iter().zip(listeners);
        let pairs = pairs.filter_map(|(tls, listener)| tls.as_ref().zip(listener.tls.as_ref()));
        let read = pairs.map(|(tls, config)| Ok((tls.clone(), Loaded::read(config)?)));
        read.collect::<Result<_, _>>().map(Renewal)
    }

    /// When clients will refuse the first of those that are in use; none if that cannot be said of any.
    pub fn expiry(&self) -> Option<SystemTime> {
        self.0.iter().flatten().filter_map(|tls| tls.loaded().expiry).min()
    }

    /// Why clients might refuse what is in use.
    pub fn doubts(&self) -> Vec<Doubt> {
        self.0.iter().flatten().filter_map(|tls| tls.loaded().doubt.clone()).collect()
    }
}

impl Renewal {
    /// Has every handshake that begins from now on show what was read. Where that is what is shown anyway, sessions stay
    /// as well.
    pub fn take(self) {
        for (tls, loaded) in self.0 {
            if tls.loaded().digest != loaded.digest {
                tls.replace(loaded);
            }
        }
    }

    /// Why clients might refuse what was read.
    pub fn doubts(&self) -> Vec<Doubt> {
        self.0.iter().filter_map(|(_, loaded)| loaded.doubt.clone()).collect()
    }
}

impl TlsConfig {
    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let clients = self.clients.iter().map(|clients| &*clients.authorities);
        [&*self.certificate, &*self.key].into_iter().chain(clients)
    }

    /// Why clients might refuse the certificate at that moment, or soon; none if that cannot be said.
    pub fn doubt(&self, now: SystemTime) -> Option<Doubt> {
        let text = pem::read(&self.certificate).ok()?;
        self.doubt_of(&pem::certificates(&text).ok()?, now)
    }

    fn doubt_of(&self, chain: &[CertificateDer<'_>], now: SystemTime) -> Option<Doubt> {
        Some(pem::doubt(chain, now)?.about(&self.certificate))
    }

    /// Everything that keeps a listener from using these files: each of them is looked at, whatever is wrong with the others.
    pub fn faults(&self) -> Vec<TlsError> {
        let TlsConfig { certificate, key, clients } = self;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let unreadable = |source| TlsError::Certificate { path: certificate.clone(), source };
        let of_chain = pem::read(certificate).map_err(unreadable).and_then(|text| chain(certificate, &text));
        let of_key = pem::read(key).and_then(|text| pem::key(&text));
        let of_key = of_key.map_err(|source| TlsError::Key { path: key.clone(), source });
        let of_clients = verifier(clients.as_ref(), &provider);
        let faults: Vec<_> = [of_chain.err(), of_key.err(), of_clients.err()].into_iter().flatten().collect();
        // Only then there is something to be said of all of them together.
        if faults.is_empty() { Loaded::read(self).err().into_iter().collect() } else { faults }
    }
}

impl Loaded {
    fn read(config: &TlsConfig) -> Result<Loaded, TlsError> {
        let TlsConfig { certificate, key, clients } = config;
        let unreadable = |source| TlsError::Certificate { path: certificate.clone(), source };
        let keyless = |source| TlsError::Key { path: key.clone(), source };
        let unusable =
            |source| TlsError::Unusable { certificate: certificate.clone(), key: key.clone(), source };

        // Each file is read once, so that what is compared later is what is in use.
        let texts = (pem::read(certificate).map_err(unreadable)?, pem::read(key).map_err(keyless)?);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let (verifier, authorities) = verifier(clients.as_ref(), &provider)?;
        let chain = chain(certificate, &texts.0)?;
        let (doubt, expiry) = (config.doubt_of(&chain, SystemTime::now()), pem::expiry(&chain));
        let key = pem::key(&texts.1).map_err(keyless)?;

        // The provider is named, for rustls panics when it has to guess between two.
        let mut settings = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if clients.is_some() {
            // A client's certificate is looked at in whole handshakes alone: a session could be taken up, and handed on,
            // long after the certificate that began it has expired.
            settings.session_storage = Arc::new(NoServerSessionStorage {});
            settings.send_tls13_tickets = 0;
        }
        Ok(Loaded {
            settings: Arc::new(settings),
            digest: digest([&texts.0, &texts.1, &authorities]),
            doubt,
            expiry,
        })
    }
}

/// The certificates that the file of a listener has, of which there must be one.
fn chain(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = pem::certificates(text);
    let chain = chain.map_err(|source| TlsError::Certificate { path: path.to_owned(), source })?;
    if chain.is_empty() { Err(TlsError::Empty { path: path.to_owned() }) } else { Ok(chain) }
}

/// Who judges what clients show, and what it depends on. Nobody asks whether a certificate was withdrawn meanwhile.
fn verifier(
    clients: Option<&ClientsConfig>,
    provider: &Arc<CryptoProvider>,
) -> Result<(Arc<dyn ClientCertVerifier>, Vec<u8>), TlsError> {
    let Some(ClientsConfig { authorities: path, certificate }) = clients else {
        return Ok((WebPkiClientVerifier::no_client_auth(), Vec::new()));
    };
    let unusable =
        |source: Box<dyn std::error::Error + Send + Sync>| TlsError::Clients { path: path.clone(), source };
    let mut text = pem::read(path).map_err(|error| unusable(error.into()))?;
    let mut roots = RootCertStore::empty();
    for authority in pem::certificates(&text).map_err(|error| unusable(error.into()))? {
        roots.add(authority).map_err(|error| unusable(error.into()))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let verifier = match certificate {
        ClientCertificate::Request => verifier.allow_unauthenticated(),
        ClientCertificate::Require => verifier,
    };
    text.push(u8::from(*certificate == ClientCertificate::Require));
    Ok((verifier.build().map_err(|error| unusable(error.into()))?, text))
}

fn digest<'a>(texts: impl IntoIterator<Item = &'a Vec<u8>>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}

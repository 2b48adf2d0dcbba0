//! An authority, what it signs, and TLS clients that trust it.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use tempfile::TempDir;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Pki {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
    authority: CertificateDer<'static>,
}

/// A certificate and its key, as PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) der: CertificateDer<'static>,
}

impl Pki {
    pub(super) fn new() -> Pki {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki { folder, issuer: Issuer::new(params, key), authority: certificate.der().clone() };
        pki.write("authorities.pem", &certificate.pem());
        pki
    }

    /// A new certificate for `localhost`.
    pub(super) fn issue(&self) -> Pair {
        self.issue_until(4096)
    }

    /// The same, good until that year.
    pub(super) fn issue_until(&self, year: i32) -> Pair {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone() }
    }

    /// Where a file of that name is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }

    /// Puts a pair where a listener looks for it.
    pub(super) fn install(&self, pair: &Pair) {
        self.write("certificate.pem", &pair.certificate);
        self.write("key.pem", &pair.key);
    }

    /// What `tls` of a listener says.
    pub(super) fn settings(&self) -> String {
        let (certificate, key) = (self.path("certificate.pem"), self.path("key.pem"));
        format!("certificate = \"{}\", key = \"{}\"", certificate.display(), key.display())
    }

    /// A client that trusts the authority, and takes up earlier sessions where it may.
    pub(super) fn client(&self, identity: Option<&Pair>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            Some(pair) => {
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![pair.der.clone()], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// A connection on which the handshake is over, as far as the client is concerned.
pub(super) struct Secure(BufReader<StreamOwned<ClientConnection, TcpStream>>);

impl Secure {
    pub(super) fn connect(address: SocketAddr, client: &Arc<ClientConfig>) -> io::Result<Secure> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = ClientConnection::new(Arc::clone(client), name).unwrap();
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(Secure(BufReader::new(StreamOwned::new(connection, stream))))
    }

    /// What the server showed.
    pub(super) fn shown(&self) -> CertificateDer<'static> {
        self.0.get_ref().conn.peer_certificates().unwrap()[0].clone()
    }

    /// Whether it took up an earlier session.
    pub(super) fn is_resumed(&self) -> bool {
        self.0.get_ref().conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The status of an answer to a request for nothing that there is.
    pub(super) fn ask(&mut self) -> io::Result<u16> {
        self.0.get_mut().write_all(b"GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        for line in head.lines() {
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
        }
        io::Read::read_exact(&mut self.0, &mut vec![0; length])?;
        Ok(head.split(' ').nth(1).unwrap().parse().unwrap())
    }
}

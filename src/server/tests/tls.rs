//! TLS, with a certificate made on the spot.

use std::{fs, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::CertifiedKey;
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::support::{TestServer, config};
use crate::{
    pem::assert_repeats_nothing,
    server::{
        BindError, ClientCertificate, ClientsConfig, Config, RunOutcome, Server, TlsConfig, TlsError,
        tls::Tls,
    },
};

/// A certificate for `localhost`, in files, and a client that trusts it.
pub(super) struct Pki {
    folder: TempDir,
    roots: RootCertStore,
    certificate: CertificateDer<'static>,
}

impl Pki {
    pub(super) fn new() -> Pki {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("certificate.pem"), cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        Pki { folder, roots, certificate: cert.der().clone() }
    }

    pub(super) fn config(&self) -> TlsConfig {
        let file = |name: &str| self.folder.path().join(name);
        TlsConfig { certificate: file("certificate.pem"), key: file("key.pem"), clients: None }
    }

    /// The same listener, where clients show the same certificate.
    fn clients(&self, certificate: ClientCertificate) -> TlsConfig {
        let config = self.config();
        let clients = ClientsConfig { authorities: config.certificate.clone(), certificate };
        TlsConfig { clients: Some(clients), ..config }
    }

    /// A client that takes up sessions, and shows the certificate if it is to.
    fn client(&self, versions: &[&'static SupportedProtocolVersion], shows: bool) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots.clone());
        if !shows {
            return builder.with_no_client_auth();
        }
        let key = PrivateKeyDer::from_pem_file(self.config().key).unwrap();
        builder.with_client_auth_cert(vec![self.certificate.clone()], key).unwrap()
    }

    async fn connect(&self, server: &TestServer, protocols: &[&str]) -> TlsStream<TcpStream> {
        self.shake_hands(TcpStream::connect(server.address).await.unwrap(), protocols).await
    }

    /// Begins TLS on a stream, with those protocols on offer.
    pub(super) async fn shake_hands<S>(&self, stream: S, protocols: &[&str]) -> TlsStream<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

#[tokio::test]
async fn http_1_is_spoken_over_tls() {
    let pki = Pki::new();
    let server = TestServer::with_tls(pki.config());
    let stream = pki.connect(&server, &["http/1.1"]).await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("/peer").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let body = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(body.ends_with(b" true"), "{body:?}");
    drop(sender);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn http_2_is_agreed_on_in_the_handshake() {
    let pki = Pki::new();
    let server = TestServer::with_tls(pki.config());
    let stream = pki.connect(&server, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("https://localhost/").body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hello");
    drop(sender);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_that_is_not_read_to_its_end_is_cut_off_and_told_so() {
    for protocol in ["http/1.1", "h2"] {
        let pki = Pki::new();
        let (header_timeout, drain_timeout) = (Duration::from_millis(50), Duration::from_millis(600));
        let mut config = Config { header_timeout, drain_timeout, ..config() };
        config.listeners[0].tls = Some(pki.config());
        let server = TestServer::start(config);
        let stream = TokioIo::new(pki.connect(&server, &[protocol]).await);
        let request = Request::get("https://localhost/large").header("host", "localhost");
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let _unread = if protocol == "h2" {
            let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
            let (mut sender, connection) = handshake.await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let outcome = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
        assert_eq!(outcome, RunOutcome::CutOff { connections: 1 }, "{protocol}");
    }
}

#[tokio::test]
async fn head_over_http_2_gets_no_body_from_a_handler_that_has_one() {
    let pki = Pki::new();
    let server = TestServer::with_tls(pki.config());
    let stream = pki.connect(&server, &["h2"]).await;
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::head("https://localhost/").body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.headers()["content-length"], "5");
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "");
    drop(sender);
    connection.await.unwrap().unwrap();
}

#[test]
fn a_client_that_never_begins_the_handshake_is_left() {
    let pki = Pki::new();
    let mut config = Config { first_byte_timeout: Duration::from_millis(100), ..config() };
    config.listeners[0].tls = Some(pki.config());
    assert_eq!(TestServer::start(config).client().rest(), "");
}

#[test]
fn a_server_without_its_certificate_does_not_start() {
    let pki = Pki::new();
    let bind = |tls: TlsConfig| {
        let mut config = config();
        config.listeners[0].tls = Some(tls);
        match Server::bind(config) {
            Err(BindError::Tls(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    let missing = TlsConfig { certificate: pki.folder.path().join("none.pem"), ..pki.config() };
    assert!(matches!(bind(missing), TlsError::Certificate { .. }));
    let TlsConfig { certificate, key, clients } = pki.config();
    let swapped = TlsConfig { certificate: key, key: certificate, clients };
    assert!(matches!(bind(swapped), TlsError::Empty { .. }));
    let keyless = TlsConfig { key: pki.config().certificate, ..pki.config() };
    assert!(matches!(bind(keyless), TlsError::Key { .. }));
    let other = Pki::new();
    let foreign = TlsConfig { key: other.config().key, ..pki.config() };
    assert!(matches!(bind(foreign), TlsError::Unusable { .. }));
}

/// All that is said of an error, as the log and the answer of a reload say it, and as a slip would.
fn said(error: &TlsError) -> String {
    let (mut said, mut source) = (format!("{error:?} {error}"), std::error::Error::source(error));
    while let Some(error) = source {
        said.push_str(&error.to_string());
        source = error.source();
    }
    said
}

#[test]
fn a_file_whose_line_ends_were_lost_is_refused_without_a_word_of_it() {
    let pki = Pki::new();
    let whole = pki.clients(ClientCertificate::Require);
    let key = fs::read_to_string(&whole.key).unwrap();
    let spelt = pki.folder.path().join("spelt.pem");
    let clients =
        whole.clients.clone().map(|clients| ClientsConfig { authorities: spelt.clone(), ..clients });
    for between in ["", " ", "\\n"] {
        let text = key.replace('\n', between);
        fs::write(&spelt, &text).unwrap();
        for config in [
            TlsConfig { certificate: spelt.clone(), ..whole.clone() },
            TlsConfig { key: spelt.clone(), ..whole.clone() },
            TlsConfig { clients: clients.clone(), ..whole.clone() },
        ] {
            let error = Tls::load(&config).expect_err("it is no PEM file");
            assert_repeats_nothing(&said(&error), &text);
        }
    }
}

/// How the handshakes of a client go that has connected before.
async fn second_handshake(server: &TestServer, client: ClientConfig) -> HandshakeKind {
    let connector = TlsConnector::from(Arc::new(client));
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        // What there is to take up comes behind the handshake, and is read with the answer.
        stream.write_all(super::support::get("/").as_bytes()).await.unwrap();
        stream.read_exact(&mut [0; 12]).await.unwrap();
        kinds.push(stream.get_ref().1.handshake_kind().unwrap());
    }
    assert_eq!(kinds[0], HandshakeKind::Full);
    kinds[1]
}

#[tokio::test]
async fn no_session_outlives_the_certificate_of_a_client() {
    let pki = Pki::new();
    for versions in [&[&TLS13][..], &[&TLS12]] {
        let plain = TestServer::with_tls(pki.config());
        let kind = second_handshake(&plain, pki.client(versions, false)).await;
        assert_eq!(kind, HandshakeKind::Resumed, "{versions:?}: where nobody is asked it saves a round");
        for asked in [ClientCertificate::Request, ClientCertificate::Require] {
            let asking = TestServer::with_tls(pki.clients(asked));
            let kind = second_handshake(&asking, pki.client(versions, true)).await;
            assert_eq!(kind, HandshakeKind::Full, "{versions:?} {asked:?}");
        }
    }
}

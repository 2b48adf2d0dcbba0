//! A certificate of our own, for a backend that asks who calls.

use std::{fs, path::PathBuf, sync::Arc};

use rcgen::CertifiedKey;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs,
    pki_types::PrivatePkcs8KeyDer, server::WebPkiClientVerifier,
};
use tempfile::TempDir;

use super::backend::{Backend, OK, post, send};
use crate::{
    pem::assert_repeats_nothing,
    upstream::{Config, ConfigError, Identity, Upstream},
};

/// A certificate for `localhost` and its key, in files.
struct Pair {
    made: CertifiedKey<rcgen::KeyPair>,
    files: Identity,
}

fn pair(folder: &TempDir, name: &str) -> Pair {
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let file = |suffix: &str| -> PathBuf { folder.path().join(format!("{name}{suffix}")) };
    let files = Identity { certificate: file(".pem"), key: file("-key.pem") };
    fs::write(&files.certificate, made.cert.pem()).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    Pair { made, files }
}

#[tokio::test]
async fn a_backend_that_asks_is_shown_our_certificate_and_takes_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let [own, ours, other] = ["own", "ours", "other"].map(|name| pair(&folder, name));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ours.made.cert.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let key = PrivatePkcs8KeyDer::from(own.made.signing_key.serialize_der()).into();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![own.made.cert.der().clone()], key)
        .unwrap();
    let server = Arc::new(server);
    let backend = Backend::start_over(
        move |stream| Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&server)).unwrap(), stream)),
        |_, connection| {
            while connection.request() && connection.say(OK) {}
        },
    );
    let showing = |identity: Option<&Pair>| {
        let base = format!("https://localhost:{}", backend.address.port()).parse().unwrap();
        let (authorities, identity) =
            (Some(own.files.certificate.clone()), identity.map(|pair| pair.files.clone()));
        Upstream::new(Arc::new(Config { authorities, identity, ..Config::new(base) })).unwrap()
    };
    assert_eq!(send(&showing(Some(&ours)), post()).await.unwrap().body, b"ok");
    for identity in [None, Some(&other)] {
        assert!(send(&showing(identity), post()).await.is_err());
    }
    assert_eq!(backend.requests().len(), 1);
}

#[test]
fn a_certificate_that_cannot_be_shown_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let [ours, other] = ["ours", "other"].map(|name| pair(&folder, name));
    let missing = folder.path().join("none.pem");
    for identity in [
        Identity { certificate: missing.clone(), ..ours.files.clone() },
        Identity { key: missing.clone(), ..ours.files.clone() },
        Identity { certificate: ours.files.key.clone(), ..ours.files.clone() },
        Identity { key: other.files.key.clone(), ..ours.files.clone() },
    ] {
        let mut config = Config::new("https://localhost".parse().unwrap());
        config.authorities = Some(ours.files.certificate.clone());
        config.identity = Some(identity.clone());
        let refused = Upstream::new(Arc::new(config));
        assert!(
            matches!(refused, Err(ConfigError::Identity { .. } | ConfigError::Key { .. })),
            "{identity:?}: {refused:?}"
        );
    }
}

#[test]
fn files_whose_line_ends_were_lost_are_refused_without_a_word_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let ours = pair(&folder, "ours");
    let (key, spelt) = (ours.made.signing_key.serialize_pem(), folder.path().join("spelt.pem"));
    for between in ["", " ", "\\n"] {
        let text = key.replace('\n', between);
        fs::write(&spelt, &text).unwrap();
        let of = |authorities: &PathBuf, identity: Identity| {
            let mut config = Config::new("https://localhost".parse().unwrap());
            (config.authorities, config.identity) = (Some(authorities.clone()), Some(identity));
            Upstream::new(Arc::new(config)).expect_err("one of them is no PEM file")
        };
        for error in [
            of(&ours.files.certificate, Identity { certificate: spelt.clone(), ..ours.files.clone() }),
            of(&ours.files.certificate, Identity { key: spelt.clone(), ..ours.files.clone() }),
            of(&spelt, ours.files.clone()),
        ] {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            assert_repeats_nothing(&format!("{error:?} {error} {source:?}"), &text);
        }
    }
}

#[test]
fn a_certificate_that_has_expired_is_doubted() {
    let folder = tempfile::tempdir().unwrap();
    let ours = pair(&folder, "ours");
    let now = std::time::SystemTime::now();
    assert_eq!(ours.files.doubt(now), None);
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    fs::write(&ours.files.certificate, params.self_signed(&ours.made.signing_key).unwrap().pem()).unwrap();
    assert!(
        ours.files.doubt(now).is_some_and(|doubt| doubt.text.ends_with("expired at 2020-01-01T00:00:00Z"))
    );
}

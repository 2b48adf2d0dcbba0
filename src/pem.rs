//! Certificates and keys as they lie in PEM files, for both sides of the program, and from when to when they are good.
//!
//! Nothing of a file is ever repeated: a private key whose line ends were lost is one line, and the words of the library
//! for what is wrong with a line have the line in them.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    time::SystemTime,
};

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};

use crate::time::rfc3339;

mod validity;

/// What is wrong with a PEM file, without a byte of it.
#[derive(Debug, thiserror::Error)]
pub enum PemFault {
    /// It is not PEM.
    #[error("it is not PEM: a section does not begin or end on a line of its own, or is not base64")]
    Form,
    /// It cannot be read.
    #[error(transparent)]
    Io(io::Error),
    /// It has none of what it is for.
    #[error("it holds nothing of that kind")]
    Nothing,
}

impl From<pem::Error> for PemFault {
    fn from(error: pem::Error) -> PemFault {
        match error {
            pem::Error::Io(error) => PemFault::Io(error),
            pem::Error::NoItemsFound => PemFault::Nothing,
            // Whatever else there is, and will be: some of them hold a line of the file.
            _ => PemFault::Form,
        }
    }
}

/// More than all the authorities of the world together have.
const BYTES_MAX: u64 = 16 << 20;

/// What a file says; of one that does not end, the beginning.
pub fn read(path: &Path) -> Result<Vec<u8>, PemFault> {
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut text)).map_err(PemFault::Io)?;
    Ok(text)
}

/// All certificates in a text, which may be none.
pub fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemFault> {
    Ok(CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>()?)
}

/// The certificates in a text that can be read, for bundles in which some cannot.
pub fn readable_certificates(text: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(text).filter_map(Result::ok)
}

/// The first private key in a text.
pub fn key(text: &[u8]) -> Result<PrivateKeyDer<'static>, PemFault> {
    Ok(PrivateKeyDer::from_pem_slice(text)?)
}

/// What is wrong with the time of a certificate in a chain: the first that is not good at that moment.
pub fn doubt(chain: &[CertificateDer<'_>], now: SystemTime) -> Option<String> {
    chain.iter().enumerate().find_map(|(at, certificate)| {
        let (from, until) = validity::of(certificate)?;
        let which = if at == 0 { String::new() } else { "has a certificate of an issuer that ".to_owned() };
        if until < now {
            return Some(format!("{which}expired at {}", rfc3339(until)));
        }
        (now < from).then(|| format!("{which}is not good before {}", rfc3339(from)))
    })
}

/// That nothing of a text stands in what is shown, neither as letters nor as numbers.
#[cfg(test)]
pub(crate) fn assert_repeats_nothing(shown: &str, text: &str) {
    let part = &text[40..60];
    let numbers = format!("{:?}", part.as_bytes());
    assert!(!shown.contains(part) && !shown.contains(numbers.trim_matches(['[', ']'])), "{shown}");
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn until(year: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn every_certificate_of_a_chain_is_looked_at() {
        let now = SystemTime::now();
        let found = |years: &[i32]| doubt(&years.iter().map(|year| until(*year)).collect::<Vec<_>>(), now);
        assert_eq!(found(&[4096, 4096]), None);
        assert_eq!(found(&[2020, 4096]).as_deref(), Some("expired at 2020-01-01T00:00:00Z"));
        let issuer = "has a certificate of an issuer that expired at 2020-01-01T00:00:00Z";
        assert_eq!(found(&[4096, 2020]).as_deref(), Some(issuer));
    }

    /// The usual slips: line ends that were lost, became blanks, or are written out.
    #[test]
    fn what_is_wrong_with_a_file_is_told_without_a_byte_of_it() {
        let pair = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
        for text in [pair.signing_key.serialize_pem(), pair.cert.pem()] {
            for between in ["", " ", "\\n"] {
                let text = text.replace('\n', between);
                let faults = [certificates(text.as_bytes()).err(), key(text.as_bytes()).err()];
                let shown = format!(
                    "{faults:?} {:?}",
                    faults.iter().flatten().map(ToString::to_string).collect::<Vec<_>>()
                );
                assert!(faults.iter().any(Option::is_some), "{between:?}");
                assert_repeats_nothing(&shown, &text);
            }
        }
    }
}

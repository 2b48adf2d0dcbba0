//! Certificates and keys as they lie in PEM files, for both sides of the program, and from when to when they are good.
//!
//! Nothing of a file is ever repeated: a private key whose line ends were lost is one line, and the words of the library
//! for what is wrong with a line have the line in them.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    time::{Duration, SystemTime},
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

/// The longest before its end that a certificate is said to expire soon; one that is good for a short time only in the last tenth of it.
const SOON_MAX: Duration = Duration::from_hours(30 * 24);

/// Why a certificate is refused, or soon will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What is to be said of it.
    pub text: String,
    /// Whether it is not good at the moment.
    pub is_refused: bool,
}

impl Doubt {
    /// The same, with the name of the file.
    #[must_use]
    pub fn about(self, path: &Path) -> Doubt {
        Doubt { text: format!("the certificate `{}` {}", path.display(), self.text), ..self }
    }
}

/// What is wrong with the time of a certificate in a chain: of the first that is not good at that moment, or else of the first that will
/// not be soon.
pub fn doubt(chain: &[CertificateDer<'_>], now: SystemTime) -> Option<Doubt> {
    let times = chain.iter().enumerate().filter_map(|(at, certificate)| {
        let which = if at == 0 { "" } else { "has a certificate of an issuer that " };
        Some((which, validity::of(certificate)?))
    });
    let refused = times.clone().find_map(|(which, (from, until))| {
        if until < now {
            return Some(format!("{which}expired at {}", rfc3339(until)));
        }
        (now < from).then(|| format!("{which}is not good before {}", rfc3339(from)))
    });
    let ending = || {
        times.clone().find_map(|(which, (from, until))| {
            let soon = (until.duration_since(from).ok()? / 10).min(SOON_MAX);
            let is_soon = until.duration_since(now).is_ok_and(|left| left < soon);
            is_soon.then(|| format!("{which}expires soon, at {}", rfc3339(until)))
        })
    };
    let is_refused = refused.is_some();
    Some(Doubt { text: refused.or_else(ending)?, is_refused })
}

/// When the first certificate of a chain expires; none if that cannot be said of any.
pub fn expiry(chain: &[CertificateDer<'_>]) -> Option<SystemTime> {
    chain.iter().filter_map(|certificate| Some(validity::of(certificate)?.1)).min()
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
        let refused = |text: &str| Some(Doubt { text: text.to_owned(), is_refused: true });
        assert_eq!(found(&[4096, 4096]), None);
        assert_eq!(found(&[2020, 4096]), refused("expired at 2020-01-01T00:00:00Z"));
        let issuer = "has a certificate of an issuer that expired at 2020-01-01T00:00:00Z";
        assert_eq!(found(&[4096, 2020]), refused(issuer));
    }

    #[test]
    fn a_certificate_is_doubted_in_the_last_tenth_of_its_time_and_in_its_last_thirty_days_at_most() {
        let made = |from: (i32, u8, u8), until: (i32, u8, u8)| {
            let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.not_before = date_time_ymd(from.0, from.1, from.2);
            params.not_after = date_time_ymd(until.0, until.1, until.2);
            params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
        };
        // 2026-04-11T00:00:00Z, by `date --utc --date=… +%s`.
        let end = SystemTime::UNIX_EPOCH + Duration::from_hours(1_775_865_600 / 3600);
        let (days, long) = (made((2026, 1, 1), (2026, 4, 11)), made((2016, 1, 1), (2026, 4, 11)));
        let day = Duration::from_hours(24);
        let second = Duration::from_secs(1);
        let soon = |text: &str| Some(Doubt { text: text.to_owned(), is_refused: false });
        let expires = soon("expires soon, at 2026-04-11T00:00:00Z");
        for (certificate, before) in [(&days, 10 * day), (&long, 30 * day)] {
            let chain = [certificate.clone()];
            assert_eq!(expiry(&chain), Some(end));
            assert_eq!(doubt(&chain, end - before), None);
            assert_eq!(doubt(&chain, end - before + second), expires);
            assert_eq!(doubt(&chain, end), expires, "good to the last second");
            assert!(doubt(&chain, end + second).unwrap().is_refused);
        }
        let issuer = "has a certificate of an issuer that expires soon, at 2026-04-11T00:00:00Z";
        let chain = [until(4096), days];
        assert_eq!((doubt(&chain, end - day), expiry(&chain)), (soon(issuer), Some(end)));
        // Whoever is refused hears of that alone.
        assert!(doubt(&[chain[1].clone(), until(2020)], end - day).unwrap().is_refused);
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

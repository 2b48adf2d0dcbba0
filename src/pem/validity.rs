//! From when to when a certificate is good.
//!
//! The TLS library asks that of others' certificates and never of our own. The rest of X.509 is its affair: here the
//! two times are looked up where they must stand (RFC 5280, section 4.1), and a certificate that is built otherwise has
//! none.

use std::time::{Duration, SystemTime};

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// The first and the last moment at which the certificate is good; none if they cannot be found.
pub(super) fn of(certificate: &[u8]) -> Option<(SystemTime, SystemTime)> {
    let mut certificate = certificate;
    let mut whole = take(&mut certificate, SEQUENCE)?;
    let mut signed = take(&mut whole, SEQUENCE)?;
    if signed.first() == Some(&VERSION) {
        take(&mut signed, VERSION)?;
    }
    take(&mut signed, INTEGER)?; // its number
    take(&mut signed, SEQUENCE)?; // how it is signed
    take(&mut signed, SEQUENCE)?; // by whom
    let mut validity = take(&mut signed, SEQUENCE)?;
    Some((time(&mut validity)?, time(&mut validity)?))
}

/// Takes the contents of the next element, which must be of that kind.
fn take<'a>(bytes: &mut &'a [u8], kind: u8) -> Option<&'a [u8]> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = match first {
        0..=0x7f => usize::from(first),
        // The low bits say how many bytes of length follow.
        0x81..=0x84 => {
            let (length, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    (found == kind).then_some(contents)
}

fn time(bytes: &mut &[u8]) -> Option<SystemTime> {
    let kind = *bytes.first()?;
    let text = std::str::from_utf8(take(bytes, kind)?).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |at: usize, length: usize| text.get(at..at + length)?.parse::<u64>().ok();
    let (year, rest) = match (kind, text.len()) {
        // Two digits mean the years from 1950 to 2049.
        (UTC_TIME, 12) => (number(0, 2).map(|year| if year < 50 { 2000 + year } else { 1900 + year })?, 2),
        (GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let part = |at: usize| number(rest + 2 * at, 2);
    let days = days(year, part(0)?, part(1)?)?;
    let seconds = days * 86_400 + part(2)? * 3_600 + part(3)? * 60 + part(4)?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// How many days lie between 1970 and a date of the Gregorian calendar; none before 1970.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    // Years that begin in March have their odd day at the end, and months whose lengths repeat every five.
    let (year, month) =
        if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month.checked_add(9)?) };
    let since_year_0 = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    since_year_0.checked_sub(719_469)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// What is found in a certificate that another implementation made for these dates.
    fn found(from: (i32, u8, u8), until: (i32, u8, u8)) -> Option<(u64, u64)> {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        of(certificate.der()).map(|(from, until)| (seconds(from), seconds(until)))
    }

    #[test]
    fn both_moments_are_found_however_they_are_written() {
        // The numbers are those of `date --utc --date=… +%s`. Years from 2050 on are written with four digits.
        assert_eq!(found((2024, 2, 29), (2026, 12, 31)), Some((1_709_164_800, 1_798_675_200)));
        assert_eq!(found((1970, 1, 1), (4096, 3, 1)), Some((0, 67_095_302_400)));
        assert_eq!(found((2000, 3, 1), (2100, 2, 28)), Some((951_868_800, 4_107_456_000)));
    }

    #[test]
    fn what_is_no_certificate_has_no_moments() {
        for bytes in
            [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\x00\x00", b"\x30\x03\x30\x01\x02"]
        {
            assert_eq!(of(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_certificate_that_is_cut_anywhere_is_no_more_than_none() {
        let whole = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.der().to_vec();
        for length in 0..whole.len() {
            assert_eq!(of(&whole[..length]), None, "{length}");
        }
    }
}

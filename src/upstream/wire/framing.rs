//! Where the body of an answer ends (RFC 9112, section 6.3), without a guess.
//!
//! Two recipients that read the same head must not disagree about this. Where the RFC leaves it to the recipient, the
//! answer is refused.

use http::StatusCode;

use crate::upstream::wire::fault::Fault;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its last chunk.
    Chunked,
    /// By its length.
    Length(u64),
    /// There is none.
    None,
    /// By the end of the connection.
    UntilClosed,
}

/// What the headers say about it.
#[derive(Debug, Default)]
pub(super) struct Claims {
    length: Length,
    coding: Coding,
}

#[derive(Clone, Copy, Debug, Default)]
enum Length {
    #[default]
    Unsaid,
    Said(u64),
    /// Not a number, or several that differ.
    Disputed,
}

#[derive(Clone, Copy, Debug, Default)]
enum Coding {
    #[default]
    Unsaid,
    Chunked,
    /// Another, more than one, or said more than once.
    Other,
}

impl Claims {
    /// Takes in a `Content-Length`. Saying the same length again, in the same or another line, does no harm.
    pub(super) fn length(&mut self, line: &[u8]) {
        for said in line.split(|&byte| byte == b',').map(trimmed) {
            self.length = match (self.length, decimal(said)) {
                (Length::Unsaid, Some(length)) => Length::Said(length),
                (Length::Said(known), Some(length)) if known == length => Length::Said(length),
                (Length::Unsaid | Length::Said(_) | Length::Disputed, _) => Length::Disputed,
            };
        }
    }

    /// Takes in a `Transfer-Encoding`.
    pub(super) fn coding(&mut self, line: &[u8]) {
        self.coding = match self.coding {
            Coding::Unsaid if line.eq_ignore_ascii_case(b"chunked") => Coding::Chunked,
            Coding::Unsaid | Coding::Chunked | Coding::Other => Coding::Other,
        };
    }

    /// The framing of an answer with a body.
    pub(super) fn framing(&self, is_http_11: bool) -> Result<Framing, Fault> {
        match (self.coding, self.length) {
            (_, Length::Disputed) => Err(Fault::Length),
            (Coding::Chunked | Coding::Other, Length::Said(_)) => Err(Fault::LengthAndCoding),
            // HTTP/1.0 knows no transfer codings.
            (Coding::Chunked, Length::Unsaid) if is_http_11 => Ok(Framing::Chunked),
            (Coding::Chunked | Coding::Other, Length::Unsaid) => Err(Fault::TransferCoding),
            (Coding::Unsaid, Length::Said(length)) => Ok(Framing::Length(length)),
            (Coding::Unsaid, Length::Unsaid) => Ok(Framing::UntilClosed),
        }
    }

    /// Whether it is sure that nothing follows an answer that has no body. That to HEAD, and 304, announce what another
    /// answer would have; 204 must announce nothing, so a backend that does may well send it.
    pub(super) fn is_sure_of_no_body(&self, status: StatusCode, is_http_11: bool) -> bool {
        match self.framing(is_http_11) {
            Ok(Framing::Length(0) | Framing::None | Framing::UntilClosed) => true,
            Ok(Framing::Chunked | Framing::Length(_)) => status != StatusCode::NO_CONTENT,
            Err(_) => false,
        }
    }
}

/// Without the blanks and tabs around it.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

/// Digits and nothing else; `FromStr` would take a sign too.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(lengths: &[&str], codings: &[&str]) -> Result<Framing, Fault> {
        let mut claims = Claims::default();
        for line in lengths {
            claims.length(line.as_bytes());
        }
        for line in codings {
            claims.coding(line.as_bytes());
        }
        claims.framing(true)
    }

    #[test]
    fn a_length_is_digits_and_may_be_said_again() {
        for (lines, length) in [
            (&["0"][..], 0),
            (&["00012"], 12),
            (&["5", "5"], 5),
            (&["5, 5 ,\t5"], 5),
            (&["18446744073709551615"], u64::MAX),
        ] {
            assert_eq!(framing(lines, &[]).unwrap(), Framing::Length(length), "{lines:?}");
        }
        for lines in [
            &[""][..],
            &["+5"],
            &["-5"],
            &["5 5"],
            &["5,"],
            &["5", "6"],
            &["5,6"],
            &["0x5"],
            &["5.0"],
            &["五"],
        ] {
            assert!(matches!(framing(lines, &[]), Err(Fault::Length)), "{lines:?}");
        }
        assert!(matches!(framing(&["18446744073709551616"], &[]), Err(Fault::Length)), "2^64");
    }

    #[test]
    fn a_coding_is_chunked_once_and_alone() {
        assert_eq!(framing(&[], &["chunked"]).unwrap(), Framing::Chunked);
        assert_eq!(framing(&[], &["CHUNKED"]).unwrap(), Framing::Chunked);
        for lines in [
            &["gzip"][..],
            &["gzip, chunked"],
            &["chunked, gzip"],
            &["chunked", "chunked"],
            &["chunked,"],
            &["identity"],
            &["xchunked"],
            &[""],
        ] {
            assert!(matches!(framing(&[], lines), Err(Fault::TransferCoding)), "{lines:?}");
        }
        let mut claims = Claims::default();
        claims.coding(b"chunked");
        assert!(matches!(claims.framing(false), Err(Fault::TransferCoding)), "HTTP/1.0");
    }

    #[test]
    fn both_are_one_too_many_and_none_is_until_the_end() {
        assert!(matches!(framing(&["5"], &["chunked"]), Err(Fault::LengthAndCoding)));
        assert!(matches!(framing(&["5"], &["gzip"]), Err(Fault::LengthAndCoding)));
        assert_eq!(framing(&[], &[]).unwrap(), Framing::UntilClosed);
    }
}

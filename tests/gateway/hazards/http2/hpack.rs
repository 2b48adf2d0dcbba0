//! As much of HPACK as it takes to write any field, and to read a status.

use crate::hazards::text::{self, Parts};

/// A block of fields, each as `name value`, or as bytes behind `=`; nothing is compressed.
pub(super) fn block(fields: &str, parts: &Parts) -> Vec<u8> {
    let bytes = |text: &str| text::bytes(text, parts).unwrap_or_else(|why| panic!("{text}: {why}"));
    let mut block = Vec::new();
    for field in fields.split(" | ").filter(|field| !field.is_empty()) {
        if let Some(raw) = field.strip_prefix('=') {
            block.extend(bytes(raw));
            continue;
        }
        let (name, value) = field.split_once(' ').unwrap_or((field, ""));
        block.push(0);
        for text in [bytes(name), bytes(value)] {
            integer(&mut block, text.len());
            block.extend(text);
        }
    }
    block
}

/// RFC 7541, section 5.1, with a prefix of seven bits and no Huffman code.
fn integer(block: &mut Vec<u8>, number: usize) {
    if number < 127 {
        block.push(u8::try_from(number).expect("it is small"));
        return;
    }
    block.push(127);
    let mut rest = number - 127;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128 + 128).expect("a byte"));
        rest /= 128;
    }
    block.push(u8::try_from(rest).expect("a byte"));
}

/// What one side of a connection has said often enough to give it a number; of that, the statuses.
#[derive(Default)]
pub(super) struct Table(Vec<Option<u16>>);

/// The entries 8 to 14 of the static table.
const STATUSES: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];

impl Table {
    /// The status in a block of fields.
    pub(super) fn status(&mut self, block: &[u8]) -> Option<u16> {
        let mut rest = block;
        let mut found = None;
        while let Some(&first) = rest.first() {
            if first & 0x80 != 0 {
                let index = number(&mut rest, 7)?;
                found = found.or(self.indexed(index));
            } else if first & 0xe0 == 0x20 {
                number(&mut rest, 5)?;
            } else {
                let is_kept = first & 0x40 != 0;
                let index = number(&mut rest, if is_kept { 6 } else { 4 })?;
                if index == 0 {
                    string(&mut rest)?;
                }
                let is_status = (8..15).contains(&index) || self.indexed(index).is_some();
                let value = string(&mut rest)?;
                let status = if is_status { digits(value) } else { None };
                if is_kept {
                    self.0.insert(0, status);
                }
                found = found.or(status);
            }
        }
        found
    }

    fn indexed(&self, index: usize) -> Option<u16> {
        match index {
            8..15 => Some(STATUSES[index - 8]),
            _ => *self.0.get(index.checked_sub(62)?)?,
        }
    }
}

fn number(rest: &mut &[u8], bits: u32) -> Option<usize> {
    let mask = (1_u8 << bits) - 1;
    let (&first, mut behind) = rest.split_first()?;
    let mut number = usize::from(first & mask);
    if first & mask == mask {
        for shift in (0..28).step_by(7) {
            let (&next, more) = behind.split_first()?;
            behind = more;
            number += usize::from(next & 0x7f) << shift;
            if next & 0x80 == 0 {
                break;
            }
        }
    }
    *rest = behind;
    Some(number)
}

/// The bytes of a text, and whether they are of the Huffman code.
fn string<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], bool)> {
    let is_coded = rest.first()? & 0x80 != 0;
    let length = number(rest, 7)?;
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some((text, is_coded))
}

/// Three digits. In the Huffman code (RFC 7541, appendix B) the first three of them have five bits, the others six.
fn digits((text, is_coded): (&[u8], bool)) -> Option<u16> {
    if !is_coded {
        return std::str::from_utf8(text).ok()?.parse().ok();
    }
    let bits: Vec<u8> = text.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let (mut at, mut status) = (0, 0);
    for _ in 0..3 {
        let word = |length: usize| {
            bits.get(at..at + length)
                .map(|bits| bits.iter().fold(0_u16, |word, bit| word * 2 + u16::from(*bit)))
        };
        let (digit, length) = match word(5)? {
            digit @ 0..3 => (digit, 5),
            _ => (word(6)?.checked_sub(22)?, 6),
        };
        at += length;
        status = status * 10 + digit;
    }
    Some(status)
}

#[test]
fn a_status_is_read_however_it_is_written() {
    let mut table = Table::default();
    assert_eq!(table.status(&[0x88]), Some(200));
    // RFC 7541, appendix C.6.1: "302" in the Huffman code, kept; and again, by its number.
    assert_eq!(table.status(&[0x48, 0x82, 0x64, 0x02]), Some(302));
    assert_eq!(table.status(&[0xbe]), Some(302));
    assert_eq!(table.status(&[0x08, 0x03, b'5', b'0', b'2']), Some(502));
    assert_eq!(table.status(&block("name value | = ", &Parts::default())), None);
}

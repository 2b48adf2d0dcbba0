//! Sizes as people write them: `"512 B"`, `"64 KiB"`, `"8 MiB"`, `"1 GiB"`, in powers of 1024.

pub(super) const KIB: usize = 1 << 10;
pub(super) const MIB: usize = 1 << 20;
pub(super) const GIB: usize = 1 << 30;

/// From large to small, so that the first unit to divide a size is the one to write it in.
const UNITS: [(&str, usize); 4] = [("GiB", GIB), ("MiB", MIB), ("KiB", KIB), ("B", 1)];

/// Why a text is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SizeError {
    /// No whole number in front, or one too large.
    #[error("must begin with a whole number, as in `64 KiB`")]
    Number,
    /// Something else than a known unit behind the number.
    #[error("must end in one of the units `B`, `KiB`, `MiB`, `GiB`")]
    Unit,
}

/// Reads a whole number, perhaps a space, and a unit.
pub(super) fn parse(text: &str) -> Result<usize, SizeError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().map_err(|_| SizeError::Number)?;

    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(SizeError::Unit)?;
    number.checked_mul(*bytes).ok_or(SizeError::Number)
}

/// Writes a size in the largest unit that divides it.
pub(super) fn spell(size: usize) -> String {
    let divides = |(_, bytes): &&(&str, usize)| size.is_multiple_of(*bytes);
    let (unit, bytes) = UNITS.iter().find(divides).unwrap_or(&("B", 1));
    format!("{} {unit}", size / bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_counts_in_powers_of_1024() {
        assert_eq!(parse("1 B"), Ok(1));
        assert_eq!(parse("64 KiB"), Ok(65_536));
        assert_eq!(parse("1MiB"), Ok(1_048_576));
        assert_eq!(parse("2 GiB"), Ok(2_147_483_648));
    }

    #[test]
    fn units_are_needed_and_spelt_one_way_only() {
        for text in ["1048576", "1 KB", "1 kib", "1 M", "1 MB", "1  MiB", "1 MiB ", "1.5 MiB"] {
            assert_eq!(parse(text), Err(SizeError::Unit), "{text}");
        }
    }

    #[test]
    fn a_whole_number_has_to_come_first_and_fit() {
        for text in ["", "MiB", "-1 B", "+1 B", " 1 B", "one B", "\u{661} B", "99999999999999999999 GiB"] {
            assert_eq!(parse(text), Err(SizeError::Number), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_size_reads_back_as_it_is_spelt(size in 0..=16 * GIB) {
            prop_assert_eq!(parse(&spell(size)), Ok(size));
        }

        #[test]
        fn a_number_that_does_not_fit_is_refused_and_not_wrapped(number in any::<u64>()) {
            let exact = u128::from(number) << 30;
            prop_assert_eq!(parse(&format!("{number}GiB")).ok(), usize::try_from(exact).ok());
        }
    }
}

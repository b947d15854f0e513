//! Several bytes of a text at a time.

use wide::u8x16;

/// The first eight bytes of `text` as a number of which the lowest byte is the first; zeros stand for those that it does
/// not have.
#[inline(always)]
pub(super) fn first_word(text: &[u8]) -> u64 {
    match (text.first_chunk(), text.first_chunk(), text.last_chunk()) {
        (Some(eight), ..) => u64::from_le_bytes(*eight),
        // Four to seven: the first four, and the last four, with which they overlap.
        (_, Some(first), Some(last)) => {
            let first = u64::from(u32::from_le_bytes(*first));
            first | u64::from(u32::from_le_bytes(*last)) << (8 * (text.len() as u32 & 7) - 32)
        }
        _ => text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The last eight bytes of `text`, if it has so many.
#[inline(always)]
pub(super) fn last_word(text: &[u8]) -> u64 {
    text.last_chunk().map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// The number that the digits at the beginning of `word` are, and how many they are.
#[inline(always)]
pub(super) fn leading_digits(word: u64) -> (u64, usize) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let digits = word ^ (ONES * b'0' as u64);
    // Up to the first byte that is no digit nothing is carried from one byte into the next.
    let others = (digits.wrapping_add(ONES * 0x76) | digits) & (ONES << 7);
    let count = others.trailing_zeros() / 8;
    // The digits as the last of eight, behind zeros.
    let eight = digits.checked_shl(64 - 8 * count).unwrap_or(0);
    let pairs = eight.wrapping_mul(10).wrapping_add(eight >> 8);
    let upper = (pairs & 0xFF_0000_00FF).wrapping_mul(100 + (1_000_000 << 32));
    let lower = (pairs >> 16 & 0xFF_0000_00FF).wrapping_mul(1 + (10_000 << 32));
    (upper.wrapping_add(lower) >> 32, count as usize)
}

/// How many bytes of a string are looked at at a time.
pub(super) const STRIDE: usize = 16;

/// Of so many bytes of a string, a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StringBits {
    /// Quotes, backslashes and control characters.
    pub(super) special: u32,
    /// What is no ASCII.
    pub(super) high: u32,
}

impl StringBits {
    /// Of the first bytes of `text`; zeros stand for those that it does not have.
    #[inline(always)]
    pub(super) fn of(text: &[u8]) -> Self {
        let bytes = match text.first_chunk() {
            Some(bytes) => u8x16::new(*bytes),
            None => few(text),
        };
        let quote = bytes.simd_eq(u8x16::splat(b'"'));
        let backslash = bytes.simd_eq(u8x16::splat(b'\\'));
        let control = bytes.simd_eq(bytes.min(u8x16::splat(0x1F)));
        Self { special: (quote | backslash | control).to_bitmask(), high: bytes.to_bitmask() }
    }
}

#[inline(never)]
fn few(text: &[u8]) -> u8x16 {
    let mut bytes = [0; STRIDE];
    bytes[..text.len()].copy_from_slice(text);
    u8x16::new(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_byte_of_a_string_has_its_bits_at_each_place() {
        for byte in 0..=u8::MAX {
            for other in [b'!', b'#', b'[', b']', 0x1F, 0x20, 0x7F, 0x80, 0xA2, 0xDC, 0xFF] {
                for (len, at) in (1..20).flat_map(|len| (0..len).map(move |at| (len, at))) {
                    let mut bytes = vec![other; len];
                    bytes[at] = byte;
                    let padded = [&bytes[..], &[0; STRIDE]].concat();
                    let bits = |is: fn(u8) -> bool| {
                        let bytes = padded[..STRIDE].iter().rev();
                        bytes.fold(0, |bits, byte| bits << 1 | u32::from(is(*byte)))
                    };
                    let special = bits(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
                    let high = bits(|byte| !byte.is_ascii());
                    assert_eq!(StringBits::of(&bytes), StringBits { special, high });
                }
            }
        }
    }

    #[test]
    fn digits_end_at_each_place_with_any_byte() {
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
            for (behind, at) in [b'0', b'9', b'/', b':', 0x00, 0x80, 0xFF]
                .into_iter()
                .flat_map(|behind| (0..8).map(move |at| (behind, at)))
            {
                let mut eight = *b"97531864";
                eight[at] = byte;
                eight[at + 1..].fill(behind);
                let value = std::str::from_utf8(&eight[..at]).unwrap().parse().unwrap_or(0);
                assert_eq!(leading_digits(u64::from_le_bytes(eight)), (value, at), "{eight:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn eight_digits_are_their_number(number in 0_u64..100_000_000) {
            let text = format!("{number:08}");
            prop_assert_eq!(leading_digits(first_word(text.as_bytes())), (number, 8));
        }

        #[test]
        fn a_word_is_its_bytes_and_zeros(text in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut expected = [0; 8];
            expected.iter_mut().zip(&text).for_each(|(to, from)| *to = *from);
            prop_assert_eq!(first_word(&text), u64::from_le_bytes(expected));
        }
    }
}

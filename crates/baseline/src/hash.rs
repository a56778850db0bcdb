//! A 64-bit hash that is the same on every machine and in every build, because its values are stored.

const A: u64 = 0x9e37_79b9_7f4a_7c15;
const B: u64 = 0xd6e8_feb8_6659_fd93;

/// Folds two words into one: both halves of their 128-bit product.
pub(crate) const fn mix(a: u64, b: u64) -> u64 {
    let product = (a ^ A) as u128 * (b ^ B) as u128;
    let [low, high] = halves(product);
    low ^ high
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
const fn halves(product: u128) -> [u64; 2] {
    [product as u64, (product >> 64) as u64]
}

/// The hash of a text.
pub(crate) fn text(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let (words, rest) = bytes.as_chunks::<8>();
    // What is left over, and zeros: the end of the last eight bytes, where there are eight.
    let last = match bytes.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last) >> 8 >> (56 - 8 * rest.len()),
        None => rest.iter().rev().fold(0, |last, byte| last << 8 | u64::from(*byte)),
    };
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    mix(hash, last)
}

#[cfg(test)]
mod tests {
    use super::{mix, text};
    use std::collections::BTreeSet;

    /// Stored keys are made of these: another value would forget all that was learned. The numbers were worked out
    /// apart from this code, with whole numbers of any size.
    #[test]
    fn values_never_change() {
        assert_eq!(text(""), 0xc9d8_74ca_57d9_e055);
        assert_eq!(text("ec2.amazonaws.com"), 0x35d5_35e7_111c_efb1);
        assert_eq!(mix(text("a"), text("b")), 0x8e64_75eb_06dd_d290);
    }

    /// By the definition: the length, each eight bytes, what is left over with zeros behind it.
    #[test]
    fn texts_of_every_length_end_in_zeros() {
        let letters: String = ('!'..='~').collect();
        for length in 0..letters.len() {
            let padded = [&letters.as_bytes()[..length], &[0; 8]].concat();
            let words = padded[..length / 8 * 8 + 8].as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
            assert_eq!(text(&letters[..length]), words.fold(length as u64, mix), "{length}");
        }
    }

    #[test]
    fn near_texts_fall_apart() {
        let texts = (0..50_000)
            .flat_map(|n| [format!("{n}"), format!("version-{n:08}-x"), "a".repeat(n % 40) + &n.to_string()]);
        let texts: BTreeSet<String> = texts.collect();
        let hashes: BTreeSet<u64> = texts.iter().map(|t| text(t)).collect();
        assert_eq!(hashes.len(), texts.len());
        let top: BTreeSet<u64> = hashes.iter().map(|h| h >> 52).collect();
        assert_eq!(top.len(), 4096, "all buckets are used");
        assert_ne!(mix(1, 2), mix(2, 1));
    }
}

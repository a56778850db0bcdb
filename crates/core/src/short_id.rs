//! The short name under which people speak of an alert.

/// The digits of Crockford's base 32: no `i`, `l`, `o` or `u`, which are misread or make words.
///
/// Source: Douglas Crockford, "Base 32".
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Eight letters and digits out of an alert's id: the same for the same id, on every machine. A million ids pair up
/// less than once; whoever looks one up must still be ready to find two.
pub fn short_id(alert_id: &str) -> String {
    // FNV-1a, then the finaliser of SplitMix64, so that ids that differ in a digit differ in all letters.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in alert_id.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    (0..8).map(|place| char::from(DIGITS[usize::from((hash >> (5 * place)).to_le_bytes()[0] & 31)])).collect()
}

/// What somebody typed, as [`short_id`] would have written it: in any case, `o` for 0, `i` and `l` for 1.
pub fn short_id_as_typed(text: &str) -> String {
    let digit = |c: char| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        c => c,
    };
    text.trim().chars().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{short_id, short_id_as_typed};

    #[test]
    fn stays_the_same_for_ever() {
        // People have noted them down: another answer would be another alert.
        assert_eq!(short_id("9d3e11aa-77aa-4b1c-9d00-000000000001.0"), "pta4jhgm");
        assert_eq!(short_id("9d3e11aa-77aa-4b1c-9d00-000000000001.1"), "2efx58p2");
        assert_eq!(short_id(""), "v4tbvm6x");
    }

    #[test]
    fn neighbours_differ() {
        let ids: BTreeSet<String> = (0..20_000).map(|n| short_id(&format!("e{}.{}", n / 10, n % 10))).collect();
        assert_eq!(ids.len(), 20_000);
        assert!(ids.iter().all(|id| id.len() == 8));
    }

    #[test]
    fn reads_what_was_typed() {
        for id in (0..50).map(|n| short_id(&format!("e{n}.0"))) {
            assert_eq!(short_id_as_typed(&format!(" {}", id.to_uppercase())), id);
            assert_eq!(short_id_as_typed(&id.replace('0', "O").replace('1', "l")), id);
        }
    }
}

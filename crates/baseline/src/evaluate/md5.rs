//! The MD5 of a short text, to put equal groups in the same order as other judges do; never for safety.
//!
//! RFC 1321, "The MD5 Message-Digest Algorithm".

const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// The 16 bytes that tools print as 32 hex digits.
pub(super) fn md5(text: &str) -> [u8; 16] {
    let mut bytes = text.as_bytes().to_vec();
    let bits = (bytes.len() as u64).wrapping_mul(8);
    bytes.push(0x80);
    while bytes.len() % 64 != 56 {
        bytes.push(0);
    }
    bytes.extend(bits.to_le_bytes());
    let mut state = START;
    for block in bytes.as_chunks::<64>().0 {
        let mut words = [0; 16];
        for (to, from) in words.iter_mut().zip(block.as_chunks::<4>().0) {
            *to = u32::from_le_bytes(*from);
        }
        let mixed = rounds(state, &words);
        for (to, from) in state.iter_mut().zip(mixed) {
            *to = to.wrapping_add(from);
        }
    }
    let mut out = [0; 16];
    for (to, from) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *to = from.to_le_bytes();
    }
    out
}

fn rounds([mut a, mut b, mut c, mut d]: [u32; 4], words: &[u32; 16]) -> [u32; 4] {
    for step in 0..64_usize {
        let (mixed, word) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), (5 * step + 1) % 16),
            2 => (b ^ c ^ d, (3 * step + 5) % 16),
            _ => (c ^ (b | !d), (7 * step) % 16),
        };
        let sum = a.wrapping_add(mixed).wrapping_add(constant(step)).wrapping_add(words[word]);
        (a, d, c) = (d, c, b);
        b = b.wrapping_add(sum.rotate_left(SHIFTS[step / 16][step % 4]));
    }
    [a, b, c, d]
}

/// The RFC's table: the whole part of `2^32 |sin(step + 1)|`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the whole part is what is wanted")]
fn constant(step: usize) -> u32 {
    ((step as f64 + 1.0).sin().abs() * 4_294_967_296.0) as u32
}

#[cfg(test)]
mod tests {
    use super::md5;

    fn hex(text: &str) -> String {
        format!("{:032x}", u128::from_be_bytes(md5(text)))
    }

    #[test]
    fn the_rfcs_own_examples() {
        assert_eq!(hex(""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
        assert_eq!(hex(&"1234567890".repeat(8)), "57edf4a22be3c955ac49da2e2107b67a");
    }
}

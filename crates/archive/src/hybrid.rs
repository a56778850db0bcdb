//! Parquet's hybrid of run lengths and bit packing, in which levels and dictionary keys are written.

/// Values of one group of packed bits; as many equal ones make a run.
const GROUP: usize = 8;

/// The bits that `largest` needs, one at least.
pub(crate) fn width(largest: u32) -> u32 {
    (u32::BITS - largest.leading_zeros()).max(1)
}

/// Appends `values`, each of `width` bits, to `out`.
pub(crate) fn encode(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut rest = values;
    while let Some(&first) = rest.first() {
        let run = rest.iter().take_while(|value| **value == first).count();
        if run >= GROUP {
            run_of(first, run, width, out);
            rest = rest.get(run..).unwrap_or_default();
            continue;
        }
        // Only the last group of all may be short: it is filled up with zeros, which the reader does not count.
        let groups = 1 + rest.chunks(GROUP).skip(1).take_while(|group| !is_run(group)).count();
        let (packed, after) = rest.split_at((groups * GROUP).min(rest.len()));
        varint((groups as u64) << 1 | 1, out);
        packed.chunks(GROUP).for_each(|group| pack(group, width, out));
        rest = after;
    }
}

/// Appends `count` times `value`.
pub(crate) fn run_of(value: u32, count: usize, width: u32, out: &mut Vec<u8>) {
    varint((count as u64) << 1, out);
    let bytes = value.to_le_bytes();
    out.extend_from_slice(bytes.get(..width.div_ceil(8) as usize).unwrap_or(&bytes));
}

fn is_run(group: &[u32]) -> bool {
    group.len() == GROUP && group.iter().all(|value| Some(value) == group.first())
}

#[inline]
fn pack(group: &[u32], width: u32, out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0u64, 0);
    let end = out.len() + width as usize;
    for value in group {
        bits |= u64::from(*value) << held;
        held += width;
        while held >= 8 {
            out.push((bits & 0xff) as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        out.push((bits & 0xff) as u8);
    }
    out.resize(end, 0);
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{encode, width};

    /// The other way round, by the letter of the format.
    fn decode(mut bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        while values.len() < count {
            let (mut header, mut shift) = (0u64, 0);
            loop {
                header |= u64::from(bytes[0] & 0x7f) << shift;
                let more = bytes[0] & 0x80 != 0;
                bytes = &bytes[1..];
                shift += 7;
                if !more {
                    break;
                }
            }
            if header & 1 == 0 {
                let (value, after) = bytes.split_at(width.div_ceil(8) as usize);
                let value = value.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
                values.extend(std::iter::repeat_n(value, usize::try_from(header >> 1).unwrap()));
                bytes = after;
            } else {
                let (packed, after) = bytes.split_at(usize::try_from(header >> 1).unwrap() * width as usize);
                let bit = |at: usize| u32::from(packed[at / 8] >> (at % 8) & 1);
                let value =
                    |at: usize| (0..width as usize).map(|place| bit(at * width as usize + place) << place).sum::<u32>();
                values.extend((0..packed.len() * 8 / width as usize).map(value));
                bytes = after;
            }
        }
        assert!(bytes.is_empty());
        values.truncate(count);
        values
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            runs in prop::collection::vec((0u32..70_000, 1usize..40), 1..40),
            largest in prop::sample::select(vec![1u32, 2, 3, 200, 65_535, 70_000]),
        ) {
            let values: Vec<u32> =
                runs.iter().flat_map(|(value, run)| std::iter::repeat_n(value % (largest + 1), *run)).collect();
            let mut bytes = Vec::new();
            encode(&values, width(largest), &mut bytes);
            prop_assert_eq!(decode(&bytes, width(largest), values.len()), values);
        }
    }
}

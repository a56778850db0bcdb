//! Buffers of the input, filled again once no record lies in them any more.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Buffers kept for later: an archived record holds its buffer until the seal, so an epoch's worth comes back at once.
const KEPT: usize = 512;
/// Room of the largest buffer that is kept, in bytes.
const LARGEST: usize = 2 << 20;

/// Fresh memory is given page by page and each page is zeroed first, which costs as much as reading the file.
#[derive(Clone, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// An empty buffer.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(crate) fn put(&self, mut buffer: Vec<u8>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT && buffer.capacity() <= LARGEST {
            buffer.clear();
            kept.push(buffer);
        }
    }

    /// Bytes to cut records from; the buffer comes back when the last of them is dropped.
    pub(crate) fn lend(&self, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { buffer, home: self.clone() })
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: Buffers,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.put(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffers, LARGEST};

    #[test]
    fn a_buffer_comes_back_with_its_last_record() {
        let buffers = Buffers::default();
        let whole = buffers.lend(b"one two".to_vec());
        let (one, two) = (whole.slice(..3), whole.slice(4..));
        drop(whole);
        drop(one);
        assert_eq!(buffers.take().capacity(), 0, "a record still lies in it");
        assert_eq!(two, "two");
        drop(two);
        let again = buffers.take();
        assert!(again.is_empty() && again.capacity() >= 7);
        drop(buffers.lend(vec![0; LARGEST + 1]));
        assert_eq!(buffers.take().capacity(), 0, "too large to be kept");
    }
}

//! What waits to be written to a connection.

use std::collections::VecDeque;

/// How much is written at a time, if so much waits.
const SEGMENT_BYTES: usize = 64 << 10;

/// Messages one behind the other, in segments, of which one at a time is being written.
#[derive(Default)]
pub(super) struct Queue {
    segments: VecDeque<Vec<u8>>,
    /// The memory of a segment that was written.
    spare: Vec<u8>,
    waiting_bytes: usize,
    written_bytes: usize,
}

impl Queue {
    /// Adds what `write` appends, which is expected to be `bytes` long.
    pub(super) fn append(&mut self, bytes: usize, write: impl FnOnce(&mut Vec<u8>)) {
        if self.segments.back().is_none_or(|last| last.len() + bytes > SEGMENT_BYTES) {
            self.segments.push_back(std::mem::take(&mut self.spare));
        }
        let Some(segment) = self.segments.back_mut() else { return };
        let before = segment.len();
        write(segment);
        self.waiting_bytes += segment.len() - before;
    }

    /// Adds a segment.
    pub(super) fn push(&mut self, segment: Vec<u8>) {
        self.waiting_bytes += segment.len();
        self.segments.push_back(segment);
    }

    /// Gives out what is to be written next.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let segment = self.segments.pop_front()?;
        self.waiting_bytes -= segment.len();
        self.written_bytes = segment.len();
        Some(segment)
    }

    /// Takes back a segment that was written.
    pub(super) fn give_back(&mut self, mut segment: Vec<u8>) {
        self.written_bytes = 0;
        if segment.capacity() <= 2 * SEGMENT_BYTES {
            segment.clear();
            self.spare = segment;
        }
    }

    /// Forgets what is being written.
    pub(super) fn abandon(&mut self) {
        self.written_bytes = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// How many bytes wait or are being written.
    pub(super) fn bytes(&self) -> usize {
        self.waiting_bytes + self.written_bytes
    }

    /// Keeps no memory for what may come.
    pub(super) fn rest(&mut self) {
        self.spare = Vec::new();
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(queue: &mut Queue, text: &[u8]) {
        queue.append(text.len(), |segment| segment.extend_from_slice(text));
    }

    #[test]
    fn what_is_added_comes_out_in_order() {
        let mut queue = Queue::default();
        append(&mut queue, b"one ");
        append(&mut queue, b"two ");
        queue.push(b"three ".to_vec());
        append(&mut queue, b"four");
        assert_eq!(queue.bytes(), 18);
        let mut all = Vec::new();
        while let Some(segment) = queue.take() {
            all.extend_from_slice(&segment);
            assert!(queue.bytes() >= segment.len(), "it is still being written");
            queue.give_back(segment);
        }
        assert_eq!(all, b"one two three four");
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn full_segment_is_followed_by_another() {
        let mut queue = Queue::default();
        for _ in 0..5 {
            append(&mut queue, &[7; SEGMENT_BYTES / 2]);
        }
        let lengths: Vec<_> = std::iter::from_fn(|| queue.take()).map(|segment| segment.len()).collect();
        assert_eq!(lengths, [SEGMENT_BYTES, SEGMENT_BYTES, SEGMENT_BYTES / 2]);
    }
}

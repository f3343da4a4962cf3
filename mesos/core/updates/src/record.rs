//! The checkpoint format: messages behind a length of four bytes.
//!
//! A file holds one message or a sequence of them, each behind its length as four bytes in the
//! machine's byte order. `task.updates` grows by such records; a crash may leave a part of one at the
//! end, which [`split`] leaves out and reports so that the caller can cut it off.

use mesos_api::{Message, internal::StatusUpdateRecord, protobuf};

/// The longest message that is read back; a length above it is damage, not a record.
pub const RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is wrong with a file of records.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A length no record can have.
    #[error("the record at byte {offset} claims {length} bytes, more than the {RECORD_BYTES_MAX} allowed")]
    TooLong {
        /// Where it begins.
        offset: usize,
        /// What it claims.
        length: usize,
    },
    /// A record that is all there but is not the message it should be.
    #[error("the record at byte {offset} does not parse: {reason}")]
    Malformed {
        /// Where it begins.
        offset: usize,
        /// What the decoder says.
        reason: String,
    },
}

/// One message as it stands in a file.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut framed = Vec::with_capacity(message.len() + 4);
    framed.extend_from_slice(&length.to_ne_bytes());
    framed.extend_from_slice(message);
    framed
}

/// A message, encoded and framed.
pub fn encode<M: Message>(message: &M) -> Vec<u8> {
    frame(&message.encode_to_vec())
}

/// The records of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Split<'a> {
    /// The bodies of the complete records.
    pub records: Vec<&'a [u8]>,
    /// Bytes up to the end of the last complete record; what follows is the part a crash left.
    pub complete: usize,
}

/// Takes a file apart.
///
/// # Errors
///
/// When a length is beyond [`RECORD_BYTES_MAX`].
pub fn split(bytes: &[u8]) -> Result<Split<'_>, RecordError> {
    let mut split = Split { records: Vec::new(), complete: 0 };
    while let Some((head, rest)) = bytes.get(split.complete..).and_then(<[u8]>::split_first_chunk::<4>) {
        let length = u32::from_ne_bytes(*head) as usize;
        if length > RECORD_BYTES_MAX {
            return Err(RecordError::TooLong { offset: split.complete, length });
        }
        let Some(body) = rest.get(..length) else { break };
        split.records.push(body);
        split.complete += 4 + length;
    }
    Ok(split)
}

/// The messages of a file, and how many of its bytes are whole records.
///
/// # Errors
///
/// When a complete record does not parse.
pub fn decode_all<M: Message>(bytes: &[u8]) -> Result<(Vec<M>, usize), RecordError> {
    let split = split(bytes)?;
    let mut offset = 0;
    let mut messages = Vec::with_capacity(split.records.len());
    for body in split.records {
        let message = protobuf::decode::<M>(body)
            .map_err(|error| RecordError::Malformed { offset, reason: error.to_string() })?;
        messages.push(message);
        offset += 4 + body.len();
    }
    Ok((messages, split.complete))
}

/// The single message of a file; `None` for an empty file or one that a crash left incomplete.
///
/// # Errors
///
/// When the record does not parse.
pub fn decode_one<M: Message>(bytes: &[u8]) -> Result<Option<M>, RecordError> {
    let (messages, _) = decode_all(bytes)?;
    Ok(messages.into_iter().next())
}

/// The records of a `task.updates` file, and how many of its bytes are whole records.
///
/// # Errors
///
/// When a complete record does not parse.
pub fn decode_updates(bytes: &[u8]) -> Result<(Vec<StatusUpdateRecord>, usize), RecordError> {
    decode_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test;
    use mesos_api::v1::TaskState::TaskRunning;
    use proptest::prelude::*;

    #[test]
    fn a_torn_tail_is_left_out() {
        let record = test::record(1, TaskRunning);
        let whole = [encode(&record), encode(&test::ack(1))].concat();
        for cut in 0..whole.len() {
            let (records, complete) = decode_updates(&whole[..cut]).unwrap();
            let first = encode(&record).len();
            assert_eq!((records.len(), complete), if cut < first { (0, 0) } else { (1, first) });
        }
        assert_eq!(decode_updates(&whole).unwrap(), (vec![record, test::ack(1)], whole.len()));
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let mut bytes = encode(&test::ack(1));
        let offset = bytes.len();
        bytes.extend(frame(b"\xff\xff\xff"));
        let error = decode_updates(&bytes).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the record at byte {offset} does not parse")), "{error}");
        let error = split(&u32::MAX.to_ne_bytes()).unwrap_err().to_string();
        assert!(error.contains("claims 4294967295 bytes"), "{error}");
    }

    #[test]
    fn a_file_of_one_message_may_be_empty() {
        assert!(decode_one::<StatusUpdateRecord>(&[]).unwrap().is_none());
        assert_eq!(decode_one(&encode(&test::ack(1))).unwrap(), Some(test::ack(1)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart_without_panic(bytes: Vec<u8>) {
            if let Ok(found) = split(&bytes) {
                let lengths: usize = found.records.iter().map(|record| record.len() + 4).sum();
                prop_assert_eq!(lengths, found.complete);
                prop_assert!(found.complete <= bytes.len());
            }
            let _ = decode_updates(&bytes);
        }

        #[test]
        fn what_is_framed_is_found_again(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
            let bytes: Vec<u8> = bodies.iter().flat_map(|body| frame(body)).collect();
            prop_assert_eq!(split(&bytes).unwrap().records, bodies);
        }
    }
}

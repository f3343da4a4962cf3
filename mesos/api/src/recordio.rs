//! Record framing of streamed messages: a length in decimal, a line feed, that many bytes.
//!
//! ```
//! use mesos_api::recordio::{Decoder, encode};
//!
//! let mut decoder = Decoder::new(1024);
//! let stream = [encode(b"hello"), encode(b"")].concat();
//! assert_eq!(stream, b"5\nhello0\n");
//! assert_eq!(decoder.push(&stream[..4])?, Vec::<Vec<u8>>::new());
//! assert_eq!(decoder.push(&stream[4..])?, [b"hello".to_vec(), Vec::new()]);
//! decoder.finish()?;
//! # Ok::<(), mesos_api::recordio::RecordError>(())
//! ```

/// Why a stream of records cannot be read any further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Something other than digits and a line feed where a record's length should be.
    #[error("expected the length of a record in decimal digits, found byte 0x{found:02x}")]
    Length {
        /// The first byte that is neither.
        found: u8,
    },
    /// A line feed without digits before it.
    #[error("expected the length of a record, found an empty line")]
    EmptyLength,
    /// A record that its reader does not want to hold in memory.
    #[error("a record is longer than the {limit} bytes allowed")]
    TooLong {
        /// The bound given to [`Decoder::new`].
        limit: usize,
    },
    /// The stream ended within a record or its length.
    #[error("the stream ends inside a record")]
    Truncated,
}

/// Frames one record.
#[must_use]
pub fn encode(record: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(record.len() + 8);
    encode_into(record, &mut framed);
    framed
}

/// Appends one framed record to `stream`.
pub fn encode_into(record: &[u8], stream: &mut Vec<u8>) {
    stream.extend_from_slice(itoa::Buffer::new().format(record.len()).as_bytes());
    stream.push(b'\n');
    stream.extend_from_slice(record);
}

/// Takes a stream of records apart, however it is cut into pieces.
///
/// Only plain digits are taken for a length: no sign, no hexadecimal, no white space. A length
/// above the bound is refused before anything of the record is held in memory, and a decoder that
/// has failed stays failed.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// In front of a length's first digit, or behind some of its digits.
    Length {
        value: usize,
        digits: usize,
    },
    /// Inside a record of `length` bytes.
    Record {
        record: Vec<u8>,
        length: usize,
    },
    Failed(RecordError),
}

impl State {
    const START: Self = Self::Length { value: 0, digits: 0 };
}

impl Decoder {
    /// The bound for a single record that suits the API's messages: 64 MB.
    pub const DEFAULT_LIMIT: usize = 64 << 20;

    /// How much memory is taken at once on the word of a length alone.
    const RESERVE_MAX: usize = 64 << 10;

    /// A decoder for records of at most `limit` bytes each.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, state: State::START }
    }

    /// Takes the next piece of the stream and returns the records that are now complete.
    ///
    /// # Errors
    ///
    /// When a length does not parse or exceeds the bound. Records that were complete before that
    /// point of the same piece are dropped; each later call returns the same error.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, RecordError> {
        let mut records = Vec::new();
        while !bytes.is_empty() {
            bytes = match self.step(bytes, &mut records) {
                Ok(rest) => rest,
                Err(error) => {
                    self.state = State::Failed(error.clone());
                    return Err(error);
                }
            };
        }
        match &self.state {
            State::Failed(error) => Err(error.clone()),
            _ => Ok(records),
        }
    }

    /// Checks that the stream ended between two records.
    ///
    /// # Errors
    ///
    /// [`RecordError::Truncated`] when it did not, or what made an earlier [`push`](Self::push) fail.
    pub fn finish(&self) -> Result<(), RecordError> {
        match &self.state {
            State::Length { digits: 0, .. } => Ok(()),
            State::Length { .. } | State::Record { .. } => Err(RecordError::Truncated),
            State::Failed(error) => Err(error.clone()),
        }
    }

    /// Consumes some of `bytes` and returns the rest.
    fn step<'a>(&mut self, bytes: &'a [u8], records: &mut Vec<Vec<u8>>) -> Result<&'a [u8], RecordError> {
        match &mut self.state {
            State::Length { value, digits } => match bytes.split_first() {
                Some((digit @ b'0'..=b'9', rest)) => {
                    let next =
                        value.checked_mul(10).and_then(|value| value.checked_add(usize::from(digit - b'0')));
                    *value = next
                        .filter(|value| *value <= self.limit)
                        .ok_or(RecordError::TooLong { limit: self.limit })?;
                    *digits += 1;
                    // Leading zeros lengthen a number without end.
                    if *digits > 20 {
                        return Err(RecordError::TooLong { limit: self.limit });
                    }
                    Ok(rest)
                }
                Some((b'\n', _)) if *digits == 0 => Err(RecordError::EmptyLength),
                Some((b'\n', rest)) => {
                    let length = *value;
                    if length == 0 {
                        records.push(Vec::new());
                        self.state = State::START;
                    } else {
                        let record = Vec::with_capacity(length.min(Self::RESERVE_MAX));
                        self.state = State::Record { record, length };
                    }
                    Ok(rest)
                }
                Some((found, _)) => Err(RecordError::Length { found: *found }),
                None => Ok(bytes),
            },
            State::Record { record, length } => {
                let wanted = *length - record.len();
                let (part, rest) = bytes.split_at(wanted.min(bytes.len()));
                record.extend_from_slice(part);
                if record.len() == *length {
                    records.push(std::mem::take(record));
                    self.state = State::START;
                }
                Ok(rest)
            }
            State::Failed(error) => Err(error.clone()),
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

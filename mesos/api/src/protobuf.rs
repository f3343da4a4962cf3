//! Messages in protobuf's binary form, checked for what proto2 demands.
//!
//! prost fills in a default for a required field that is not there, and keeps enum numbers that it
//! does not know. Mesos refuses the first, and takes the second for a field that is not set. So
//! the bytes are checked against a table of the message before prost decodes them.
//!
//! # Examples
//!
//! ```
//! use mesos_api::protobuf;
//! use mesos_api::v1::FrameworkInfo;
//!
//! let incomplete = [0x0a, 1, b'u']; // only the user
//! let error = protobuf::decode::<FrameworkInfo>(&incomplete).unwrap_err();
//! assert_eq!(error.to_string(), "missing required field 'name'");
//! ```

mod check;
mod generated;
mod normalize;
mod quick;
mod subscribe;
mod wire;

pub(crate) use check::Table;

use check::Finding;

use crate::Message;

/// Why bytes could not be read as a message.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are no protobuf, or of other types than the message's fields.
    #[error("malformed protobuf")]
    Malformed(#[from] prost::DecodeError),
    /// A required field that is not set.
    #[error("missing required field '{path}'")]
    Missing {
        /// The names of the fields from the outermost message on, such as `framework_info.user`.
        path: String,
    },
    /// Messages or groups are nested deeper than is looked into.
    #[error("malformed protobuf: nested too deep")]
    TooDeep,
    /// Lists have so many nearly empty elements that they take far more memory than the bytes are.
    #[error("malformed protobuf: lists of too many nearly empty elements")]
    TooLarge,
}

/// From this many bytes on, to clear the memory first costs less than what it spares.
const LONG: usize = 1024;

/// A message as bytes.
#[must_use]
pub fn encode<M: Message>(message: &M) -> Vec<u8> {
    let length = message.encoded_len();
    if length < LONG {
        let mut bytes = Vec::with_capacity(length);
        message.encode_raw(&mut bytes);
        return bytes;
    }
    // A vector is asked before each byte whether it has to grow, a slice is not.
    let mut bytes = vec![0; length];
    let mut unwritten = bytes.as_mut_slice();
    message.encode_raw(&mut unwritten);
    debug_assert_eq!(unwritten.len(), 0, "prost writes as many bytes as it says");
    bytes
}

/// Reads a message.
///
/// An enum number that this version of the protocol does not have counts as not set.
///
/// # Errors
///
/// When the bytes are no such message, or a required field is missing anywhere in it.
pub fn decode<M: Message>(bytes: &[u8]) -> Result<M, DecodeError> {
    if quick::is_sound(M::table(), bytes) {
        let mut message = M::default();
        message.merge(bytes)?;
        return Ok(message);
    }
    decode_unusual(bytes)
}

/// Reads a message in which there may be something to find.
#[cold]
fn decode_unusual<M: Message>(bytes: &[u8]) -> Result<M, DecodeError> {
    let table = M::table();
    match check::message(table, bytes) {
        Ok(()) => Ok(M::decode(bytes)?), // of a form that is rare
        Err(Finding::Unusual) => {
            let usual = normalize::message(table, bytes);
            match check::message(table, &usual) {
                Ok(()) => Ok(M::decode(usual.as_slice())?),
                Err(finding) => Err(refuse::<M>(finding, &usual)),
            }
        }
        Err(finding) => Err(refuse::<M>(finding, bytes)),
    }
}

fn refuse<M: Message>(finding: Finding, bytes: &[u8]) -> DecodeError {
    match finding {
        Finding::Missing(path) => DecodeError::Missing { path },
        Finding::TooLarge => DecodeError::TooLarge,
        // prost says best what is wrong. It stops where the bytes do, so that this takes no more memory
        // than reading what is well-formed before.
        Finding::Malformed | Finding::Unusual => {
            M::decode(bytes).map_or_else(DecodeError::Malformed, |_| DecodeError::TooDeep)
        }
    }
}

/// An error and what caused it, for [`stout::WireMessage`], whose errors are text.
fn describe(error: DecodeError) -> String {
    match error {
        DecodeError::Malformed(ref cause) => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}

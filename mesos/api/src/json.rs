//! Messages as JSON, the way Mesos writes and reads them.
//!
//! This is not protobuf's own JSON mapping. Keys are the field names as declared and stand in
//! that order, without white space between tokens; a field is written if it is set, or has a
//! declared default and is not deprecated. Enums are their names, bytes are base64, 64-bit
//! integers are numbers, `/` is escaped.
//!
//! Reading ignores unknown keys, takes `null` for "not set", the last of equal keys, a single
//! value for a list (and flattens lists in lists), and drops enum names it does not know. A
//! missing required field is an error that names it.
//!
//! The functions of this module speak the v1 dialect (`agent_id`, `SOURCE_AGENT`), those of
//! [`v0`] the older one (`slave_id`, `SOURCE_SLAVE`) of the endpoints that came before the v1 API.
//!
//! Four things differ from Mesos 1.5 on purpose:
//!
//! * Floats are written in their shortest form that reads back as the same number, always with a
//!   point or an exponent, where Mesos writes fifteen digits and cuts some exponents short.
//! * Infinities and NaN, for which JSON has no number, are written as `null`; Mesos writes bare
//!   `inf` and `nan`, so that nobody can read the rest of the document either.
//! * Numbers are also read from strings (MESOS-5995).
//! * What does not fit an integer field, a fraction or a number out of range, is refused where
//!   Mesos cuts off or wraps around; and numbers above 2^63 are read exactly.
//!
//! # Examples
//!
//! ```
//! use mesos_api::json;
//! use mesos_api::v1::{TaskState, TaskStatus};
//!
//! let status: TaskStatus = json::from_slice(br#"{"task_id": {"value": "t"}, "state": "TASK_RUNNING"}"#)?;
//! assert_eq!(status.state(), TaskState::TaskRunning);
//!
//! let error = json::from_slice::<TaskStatus>(br#"{"task_id": {}, "state": "TASK_RUNNING"}"#).unwrap_err();
//! assert_eq!(error.to_string(), "missing required field 'task_id.value'");
//! # Ok::<(), json::JsonError>(())
//! ```

mod base64;
mod error;
mod generated;
mod number;
mod read;
mod text;
mod well_known;
mod write;

pub use error::JsonError;
pub(crate) use read::{ReadJson, Reader};
pub(crate) use write::{WriteJson, Writer};

use crate::Message;

/// Which names a document uses where the v1 API has other ones than what came before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `agent_id`, `SOURCE_AGENT`
    #[default]
    V1,
    /// `slave_id`, `SOURCE_SLAVE`
    V0,
}

/// The names of an enum's values in both dialects.
pub trait EnumNames {
    /// The name of a value, or `None` for a number that the enum does not have.
    fn name_of(number: i32, dialect: Dialect) -> Option<&'static str>;

    /// The number that goes by exactly this name.
    fn number_of(name: &str, dialect: Dialect) -> Option<i32>;
}

/// Appends a message to `out`.
pub fn write<M: Message>(message: &M, dialect: Dialect, out: &mut Vec<u8>) {
    let mut writer = Writer::new(std::mem::take(out), dialect);
    message.write(&mut writer);
    *out = writer.into_bytes();
}

/// Reads a message from a document that holds one JSON object and nothing else.
///
/// # Errors
///
/// When the bytes are no JSON object, a value does not fit its field, or a required field is missing.
pub fn read<M: Message>(bytes: &[u8], dialect: Dialect) -> Result<M, JsonError> {
    read::document(bytes, dialect)
}

macro_rules! in_dialect {
    ($dialect:expr) => {
        /// A message as bytes of JSON.
        #[must_use]
        pub fn to_vec<M: Message>(message: &M) -> Vec<u8> {
            let mut out = Vec::with_capacity(128);
            write(message, $dialect, &mut out);
            out
        }

        /// A message as JSON.
        #[must_use]
        pub fn to_string<M: Message>(message: &M) -> String {
            String::from_utf8(to_vec(message)).expect("JSON is written in UTF-8")
        }

        /// A message as a JSON value, for documents that are put together from parts.
        #[must_use]
        pub fn to_value<M: Message>(message: &M) -> serde_json::Value {
            serde_json::from_slice(&to_vec(message)).expect("what is written is JSON")
        }

        /// Reads a message; see [`read`].
        ///
        /// # Errors
        ///
        /// When the bytes are no JSON object, a value does not fit its field, or a required field
        /// is missing.
        pub fn from_slice<M: Message>(bytes: &[u8]) -> Result<M, JsonError> {
            read(bytes, $dialect)
        }

        /// Reads a message from text; see [`read`].
        ///
        /// # Errors
        ///
        /// As [`from_slice`].
        pub fn from_str<M: Message>(text: &str) -> Result<M, JsonError> {
            read(text.as_bytes(), $dialect)
        }

        /// Reads a message from a JSON value.
        ///
        /// # Errors
        ///
        /// As [`from_slice`].
        pub fn from_value<M: Message>(value: &serde_json::Value) -> Result<M, JsonError> {
            read(value.to_string().as_bytes(), $dialect)
        }
    };
}

in_dialect!(Dialect::V1);

/// The dialect of the endpoints that came before the v1 API.
pub mod v0 {
    use super::{Dialect, JsonError, Message, read, write};

    in_dialect!(Dialect::V0);
}

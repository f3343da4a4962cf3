//! The media types of the HTTP APIs.

use std::fmt;

use crate::{DecodeError, JsonError, Message, json, protobuf};

/// `application/json`
pub const JSON: &str = "application/json";
/// `application/x-protobuf`
pub const PROTOBUF: &str = "application/x-protobuf";
/// `application/recordio`
pub const RECORDIO: &str = "application/recordio";

/// How one message is written in a body or in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// [`JSON`]
    Json,
    /// [`PROTOBUF`]
    Protobuf,
}

/// Why a message cannot be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// What was to be JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// What was to be protobuf.
    #[error(transparent)]
    Protobuf(#[from] DecodeError),
}

impl ContentType {
    /// The type that a Content-Type header names, if it is one of the two.
    ///
    /// Mesos compares the whole text: other cases and parameters such as a charset do not match.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            JSON => Some(Self::Json),
            PROTOBUF => Some(Self::Protobuf),
            _ => None,
        }
    }

    /// The name for a Content-Type header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Protobuf => PROTOBUF,
        }
    }

    /// Writes a message of the v1 API.
    #[must_use]
    pub fn encode<M: Message>(self, message: &M) -> Vec<u8> {
        match self {
            Self::Json => json::to_vec(message),
            Self::Protobuf => protobuf::encode(message),
        }
    }

    /// Reads a message of the v1 API.
    ///
    /// # Errors
    ///
    /// When the bytes are not of this type, or lack a required field.
    pub fn decode<M: Message>(self, bytes: &[u8]) -> Result<M, BodyError> {
        match self {
            Self::Json => Ok(json::from_slice(bytes)?),
            Self::Protobuf => Ok(protobuf::decode(bytes)?),
        }
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::TaskId;

    #[test]
    fn content_type_is_compared_as_a_whole() {
        for content_type in [ContentType::Json, ContentType::Protobuf] {
            assert_eq!(ContentType::from_name(content_type.name()), Some(content_type));
        }
        for other in ["application/json; charset=utf-8", "Application/JSON", "", RECORDIO] {
            assert_eq!(ContentType::from_name(other), None, "{other}");
        }
    }

    #[test]
    fn body_is_read_in_the_form_it_was_written() {
        let id = TaskId::from("t");
        for content_type in [ContentType::Json, ContentType::Protobuf] {
            assert_eq!(content_type.decode(&content_type.encode(&id)), Ok(id.clone()));
            let error =
                content_type.decode::<TaskId>(if content_type == ContentType::Json { b"{}" } else { b"" });
            assert_eq!(error.unwrap_err().to_string(), "missing required field 'value'");
        }
    }
}

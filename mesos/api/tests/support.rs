//! Messages by name, and the tables and samples of `tests/wire`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mesos_api::json::{self, Dialect};
use mesos_api::{Message, protobuf};
use serde::Deserialize;

/// What can be done with a message of which only the name is known.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// Reads protobuf, and writes it again.
    pub(crate) protobuf: fn(&[u8]) -> Result<Vec<u8>, String>,
    /// Reads protobuf, and writes JSON.
    pub(crate) to_json: fn(&[u8], Dialect) -> Result<String, String>,
    /// Reads JSON, and writes protobuf.
    pub(crate) from_json: fn(&[u8], Dialect) -> Result<Vec<u8>, json::JsonError>,
    /// Whether what protobuf says survives its way through JSON, and through protobuf.
    pub(crate) survives: fn(&[u8], Dialect) -> Result<(), String>,
}

impl Kind {
    fn of<M: Message>() -> Self {
        Self {
            protobuf: |bytes| Ok(protobuf::encode(&decode::<M>(bytes)?)),
            to_json: |bytes, dialect| Ok(to_json(&decode::<M>(bytes)?, dialect)),
            from_json: |text, dialect| Ok(protobuf::encode(&json::read::<M>(text, dialect)?)),
            survives: |bytes, dialect| {
                let message = decode::<M>(bytes)?;
                let written = protobuf::encode(&message);
                if written != message.encode_to_vec() {
                    return Err(format!("protobuf is not written as prost does: {message:?}"));
                }
                if decode::<M>(&written)? != message {
                    return Err(format!("protobuf changed {message:?}"));
                }
                let text = to_json(&message, dialect);
                let read: M =
                    json::read(text.as_bytes(), dialect).map_err(|error| format!("{error} in {text}"))?;
                // Fields with a default are set once they have been written.
                let again = to_json(&read, dialect);
                if again == text { Ok(()) } else { Err(format!("JSON changed from {text} to {again}")) }
            },
        }
    }
}

fn decode<M: Message>(bytes: &[u8]) -> Result<M, String> {
    protobuf::decode(bytes).map_err(|error| error.to_string())
}

fn to_json<M: Message>(message: &M, dialect: Dialect) -> String {
    let mut out = Vec::new();
    json::write(message, dialect, &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

macro_rules! by_name {
    ($($message:path,)*) => { BTreeMap::from([$((<$message>::FULL_NAME, Kind::of::<$message>())),*]) };
}

/// All messages by their full names.
pub(crate) fn kinds() -> BTreeMap<&'static str, Kind> {
    mesos_api::for_each_message!(by_name)
}

/// One line of a file of samples.
#[derive(Debug, Deserialize)]
pub(crate) struct Sample {
    pub(crate) id: String,
    pub(crate) message: String,
    pub(crate) json: String,
    pub(crate) protobuf_base64: Option<String>,
    pub(crate) error: Option<String>,
}

/// The samples of a file.
pub(crate) fn samples(name: &str) -> Vec<Sample> {
    let text = read(&format!("samples/{name}"));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The rows of a table, without comments and the head.
pub(crate) fn table(name: &str) -> Vec<Vec<String>> {
    let text = read(name);
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A file of `tests/wire`.
pub(crate) fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

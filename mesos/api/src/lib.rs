//! Wire types of Mesos, their JSON form and record framing.
//!
//! # One universe of types
//!
//! Mesos has every message twice: unversioned ("v0") as `mesos.SlaveInfo`, versioned as
//! `mesos.v1.AgentInfo`. The two are the same bytes, so there is one Rust type for both, named
//! after v1. What differs is spoken by the codecs: [`json`] writes `agent_id`, [`json::v0`] writes
//! `slave_id`.
//!
//! | module | packages |
//! | --- | --- |
//! | [`v1`] | `mesos.v1` and those below it; stands for their v0 twins too |
//! | [`v0`] | what only the package `mesos` has: ACLs, module lists, URIs |
//! | [`internal`] | `mesos.internal`: messages between master, agents and drivers, the registry |
//! | [`internal::log`], [`internal::state`], [`internal::slave`] | replicated log and other things on disk |
//! | [`resource_provider`], [`csi::state`] | what storage resource providers keep on disk |
//! | [`csi::v1`] | the container storage interface |
//!
//! # Reading and writing
//!
//! ```
//! use mesos_api::v1::scheduler::{Call, call};
//! use mesos_api::{json, protobuf};
//!
//! let mut call = Call { framework_id: Some("web".into()), ..Call::default() };
//! call.set_type(call::Type::Revive);
//! let text = json::to_string(&call);
//! assert_eq!(text, r#"{"framework_id":{"value":"web"},"type":"REVIVE"}"#);
//! assert_eq!(json::from_str(&text), Ok(call.clone()));
//! assert_eq!(protobuf::decode(&protobuf::encode(&call)), Ok(call));
//! ```
//!
//! Messages that travel between processes under their names implement [`stout::WireMessage`].
//! Streams of messages are framed by [`recordio`].

#![forbid(unsafe_code)]

mod budget;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod generated;
mod ids;
pub mod json;
pub mod media;
mod message;
mod path;
pub mod protobuf;
pub mod recordio;

pub use generated::docker;
pub use generated::mesos::{ext, internal, resource_provider, v0, v1};
pub use json::JsonError;
pub use media::ContentType;
pub use message::Message;
pub use protobuf::DecodeError;

/// The container storage interface: the plugins' own messages, and what Mesos stores about volumes.
pub mod csi {
    pub use crate::generated::csi::v1;
    pub use crate::generated::mesos::csi::state;
}

/// The serialized `FileDescriptorSet` of every package of this crate, v0 ones included.
#[must_use]
pub fn descriptors() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"))
}

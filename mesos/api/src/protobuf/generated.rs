//! The table of each message, and the names that messages travel under.

use stout::WireMessage;

use super::check::{Field, Kind, Numbers, Table};
use super::subscribe;
use crate::Message;
use crate::v1::scheduler::{Call, Event};

macro_rules! wire_message {
    ($message:path) => {
        impl WireMessage for $message {
            fn wire_name() -> &'static str {
                Self::FULL_NAME
            }

            fn encode_wire(&self) -> Vec<u8> {
                super::encode(self)
            }

            fn decode_wire(bytes: &[u8]) -> Result<Self, String> {
                super::decode(bytes).map_err(super::describe)
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

/// What the drivers of the v0 API send.
impl WireMessage for Call {
    fn wire_name() -> &'static str {
        "mesos.scheduler.Call"
    }

    fn encode_wire(&self) -> Vec<u8> {
        subscribe::to_v0(self)
    }

    fn decode_wire(bytes: &[u8]) -> Result<Self, String> {
        subscribe::from_v0(bytes).map_err(super::describe)
    }
}

/// What the drivers of the v0 API can receive.
impl WireMessage for Event {
    fn wire_name() -> &'static str {
        "mesos.scheduler.Event"
    }

    fn encode_wire(&self) -> Vec<u8> {
        super::encode(self)
    }

    fn decode_wire(bytes: &[u8]) -> Result<Self, String> {
        super::decode(bytes).map_err(super::describe)
    }
}

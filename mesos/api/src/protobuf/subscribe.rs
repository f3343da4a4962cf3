//! `mesos.scheduler.Call` on the v0 wire.
//!
//! All messages are the same bytes in v0 and v1, but for `Call.Subscribe`: what v1 calls
//! `suppressed_roles = 2` is 3 in v0, where 2 is `force`. In the Rust type `force` has a number
//! that nobody else uses; here the numbers are exchanged in the bytes.

use super::wire::{Entries, Entry, Malformed, Value, put_bytes, put_number};
use super::{DecodeError, decode, encode};
use crate::v1::scheduler::Call;

/// The field `subscribe` of a call.
const SUBSCRIBE: u32 = 3;

/// Numbers of fields of `Subscribe`: in v0, and in the Rust type.
const FORCE: (u32, u32) = (2, 536_870_911);
const SUPPRESSED_ROLES: (u32, u32) = (3, 2);

/// The bytes for the v0 wire.
pub(super) fn to_v0(call: &Call) -> Vec<u8> {
    let bytes = encode(call);
    let renumber = |number| match number {
        number if number == FORCE.1 => Some(FORCE.0),
        number if number == SUPPRESSED_ROLES.1 => Some(SUPPRESSED_ROLES.0),
        _ => Some(number),
    };
    rewrite(&bytes, &renumber).unwrap_or(bytes)
}

/// Reads bytes from the v0 wire.
pub(super) fn from_v0(bytes: &[u8]) -> Result<Call, DecodeError> {
    let renumber = |number| match number {
        number if number == FORCE.0 => Some(FORCE.1),
        number if number == SUPPRESSED_ROLES.0 => Some(SUPPRESSED_ROLES.1),
        number if number == FORCE.1 => None,
        _ => Some(number),
    };
    match rewrite(bytes, &renumber) {
        Ok(bytes) => decode(&bytes),
        Err(Malformed) => decode(bytes),
    }
}

/// The call with the fields of `subscribe` renumbered, those without a number left out.
fn rewrite(call: &[u8], renumber: &impl Fn(u32) -> Option<u32>) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(call.len() + 8);
    for entry in Entries::new(call) {
        let entry = entry?;
        match entry.value {
            Value::Bytes(subscribe) if entry.number == SUBSCRIBE => {
                put_bytes(SUBSCRIBE, &renumbered(subscribe, renumber)?, &mut out);
            }
            _ => out.extend_from_slice(entry.raw),
        }
    }
    Ok(out)
}

fn renumbered(subscribe: &[u8], renumber: &impl Fn(u32) -> Option<u32>) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(subscribe.len() + 8);
    // Everybody writes fields in the order of their numbers. What becomes the second comes from behind.
    for range in [0..=2, 3..=u32::MAX] {
        for entry in Entries::new(subscribe) {
            let entry = entry?;
            if let Some(number) = renumber(entry.number).filter(|number| range.contains(number)) {
                put_entry(number, &entry, &mut out);
            }
        }
    }
    Ok(out)
}

/// Appends an entry under another number.
fn put_entry(number: u32, entry: &Entry<'_>, out: &mut Vec<u8>) {
    match entry.value {
        Value::Varint(value) => put_number(number, value, out),
        Value::Bytes(value) => put_bytes(number, value, out),
        // The type is wrong for the fields in question; as it is, prost skips or refuses it.
        Value::Other => out.extend_from_slice(entry.raw),
    }
}

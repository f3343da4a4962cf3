//! Brings a message into the form that writers usually give it.
//!
//! Two things that proto2 allows have to be resolved before required fields can be looked for and
//! prost can decode: enum numbers without a name, which count as not set, and messages that come
//! in several parts, which are to be merged. Both are rare, so this may copy.

use super::check::{DEPTH_MAX, Kind, Table};
use super::wire::{Entries, Entry, Value, put_bytes, put_number, varint};

/// The same message without unknown enum numbers, each part of it in one piece.
///
/// What is no protobuf stays as it is, for prost to refuse.
pub(super) fn message(table: &Table, bytes: &[u8]) -> Vec<u8> {
    nested(table, bytes, 0)
}

fn nested(table: &Table, bytes: &[u8], depth: usize) -> Vec<u8> {
    let Ok(entries) = Entries::new(bytes).collect::<Result<Vec<_>, _>>() else { return bytes.to_vec() };
    if depth > DEPTH_MAX {
        return bytes.to_vec();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut merged = 0_u128;
    for entry in &entries {
        let Some((index, field)) = table.field(entry.number) else {
            out.extend_from_slice(entry.raw);
            continue;
        };
        match (&field.kind, entry.value) {
            (Kind::Message(inner), Value::Bytes(value)) if field.repeated => {
                put_bytes(entry.number, &nested(inner, value, depth + 1), &mut out);
            }
            (Kind::Message(inner), Value::Bytes(_)) => {
                if merged & (1 << index) == 0 {
                    merged |= 1 << index;
                    put_bytes(
                        entry.number,
                        &nested(inner, &parts(&entries, entry.number), depth + 1),
                        &mut out,
                    );
                }
            }
            (Kind::Enum(is_known), value) => put_known(*is_known, entry, value, &mut out),
            _ => out.extend_from_slice(entry.raw),
        }
    }
    out
}

/// All parts of a message one after the other, which is how protobuf merges them.
fn parts(entries: &[Entry<'_>], number: u32) -> Vec<u8> {
    let mut whole = Vec::new();
    for entry in entries.iter().filter(|entry| entry.number == number) {
        if let Value::Bytes(part) = entry.value {
            whole.extend_from_slice(part);
        }
    }
    whole
}

fn put_known(is_known: fn(i32) -> bool, entry: &Entry<'_>, value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Varint(number) if !is_known(number as i32) => {}
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                match varint(&mut packed) {
                    Some(number) if is_known(number as i32) => put_number(entry.number, number, out),
                    Some(_) => {}
                    None => return out.extend_from_slice(entry.raw),
                }
            }
        }
        _ => out.extend_from_slice(entry.raw),
    }
}

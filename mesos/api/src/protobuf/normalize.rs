//! Brings a message into the form that writers usually give it.
//!
//! Two things that proto2 allows have to be resolved before required fields can be looked for and
//! prost can decode: enum numbers without a name, which count as not set, and messages that come
//! in several parts, which are to be merged. Both are rare, so this may copy.

use super::check::{Kind, Numbers, Table};
use super::wire::{Entries, Entry, Value, put_bytes, put_number, varint};

/// The same message without unknown enum numbers, each part of it in one piece. It was checked
/// before: all of it is protobuf, and not nested too deep.
pub(super) fn message(table: &Table, bytes: &[u8]) -> Vec<u8> {
    nested(table, &[bytes])
}

/// One message after the other is how protobuf merges the parts of a message.
fn nested(table: &Table, parts: &[&[u8]]) -> Vec<u8> {
    let entries = || parts.iter().flat_map(|part| Entries::new(part)).filter_map(Result::ok);
    let mut out = Vec::new();
    let mut merged = 0_u64;
    for entry in entries() {
        let Some((index, field)) = table.field(entry.number) else {
            out.extend_from_slice(entry.raw);
            continue;
        };
        match (&field.kind, entry.value) {
            (Kind::Message(inner), Value::Bytes(value)) if field.repeated => {
                put_bytes(entry.number, &nested(inner, &[value]), &mut out);
            }
            (Kind::Message(inner), Value::Bytes(_)) => {
                if merged & (1 << index) == 0 {
                    merged |= 1 << index;
                    let parts: Vec<&[u8]> =
                        entries().filter_map(|other| part(&other, entry.number)).collect();
                    put_bytes(entry.number, &nested(inner, &parts), &mut out);
                }
            }
            (Kind::Enum(numbers), value) => put_known(*numbers, &entry, value, &mut out),
            _ => out.extend_from_slice(entry.raw),
        }
    }
    out
}

/// What the entry has of the message that is the field of this number.
fn part<'a>(entry: &Entry<'a>, number: u32) -> Option<&'a [u8]> {
    match entry.value {
        Value::Bytes(part) if entry.number == number => Some(part),
        _ => None,
    }
}

fn put_known(numbers: Numbers, entry: &Entry<'_>, value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Varint(number) if !numbers.has(number) => {}
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                match varint(&mut packed) {
                    Some(number) if numbers.has(number) => put_number(entry.number, number, out),
                    Some(_) => {}
                    None => return out.extend_from_slice(entry.raw),
                }
            }
        }
        _ => out.extend_from_slice(entry.raw),
    }
}

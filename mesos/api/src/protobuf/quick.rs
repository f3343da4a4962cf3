//! Sees of nearly every message, in one short pass, that there is nothing to find in it.
//!
//! This decides only; what is wrong with the others is for [`check`](super::check) to say. What
//! prost refuses by itself need not be seen here.

use super::check::{DEPTH_MAX, Kind, Table};
use super::wire::varint;
use crate::budget::elements_bytes_max;

/// Whether there is nothing to find in a message that prost does not find too. `false` says little:
/// rare forms are not looked into.
pub(super) fn is_sound(table: &Table, bytes: &[u8]) -> bool {
    message(table, bytes, 0, elements_bytes_max(bytes.len())).is_some()
}

/// Gives what is left of the memory for elements of lists, unless there may be something to find.
fn message(table: &Table, mut rest: &[u8], depth: usize, mut memory_left: usize) -> Option<usize> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut seen = 0_u64;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let Some((index, field)) = table.field(number(key)) else {
            skip(key, &mut rest)?;
            continue;
        };
        match field.kind {
            Kind::Plain => skip(key, &mut rest)?,
            Kind::Message(inner) if key & 7 == 2 => {
                if field.repeated {
                    memory_left = memory_left.checked_sub(inner.size)?;
                } else if seen & (1 << index) != 0 {
                    return None;
                }
                let value = bytes(&mut rest)?;
                if inner.only_plain {
                    only_plain(inner, value)?;
                } else {
                    memory_left = message(inner, value, depth + 1, memory_left)?;
                }
            }
            Kind::Enum(numbers) if key & 7 == 0 && numbers.has(varint(&mut rest)?) => {}
            _ => return None,
        }
        seen |= 1 << index;
    }
    (table.required & !seen == 0).then_some(memory_left)
}

/// Looks for the required fields of a message in which nothing else can be wrong.
#[inline]
fn only_plain(table: &Table, mut rest: &[u8]) -> Option<()> {
    let mut unseen = table.required;
    while unseen != 0 {
        let key = varint(&mut rest)?;
        if let Some((index, _)) = table.field(number(key)) {
            unseen &= !(1 << index);
            if unseen == 0 {
                break;
            }
        }
        skip(key, &mut rest)?;
    }
    Some(())
}

/// The number of a field; that of none if there is no such number.
#[inline]
fn number(key: u64) -> u32 {
    u32::try_from(key >> 3).unwrap_or(0)
}

/// Goes past a value.
#[inline]
fn skip(key: u64, rest: &mut &[u8]) -> Option<()> {
    match key & 7 {
        0 => _ = varint(rest)?,
        1 => *rest = rest.get(8..)?,
        2 => _ = bytes(rest)?,
        5 => *rest = rest.get(4..)?,
        _ => return None, // Groups are rare.
    }
    Some(())
}

/// Takes a length and so many bytes from the front.
#[inline]
fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(varint(rest)?).ok()?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Message;
    use crate::protobuf::check::{self, Finding};
    use crate::v1::scheduler::{Call, Event};
    use crate::v1::{ContainerId, CsiPluginContainerInfo, Labels, TaskStatus};

    /// Whether a message passes; what the thorough pass says must agree.
    fn passes<M: Message>(bytes: &[u8]) -> bool {
        let sound = is_sound(M::table(), bytes);
        match check::message(M::table(), bytes) {
            Ok(()) => {}
            Err(Finding::Malformed) => assert!(!sound || M::decode(bytes).is_err(), "{bytes:?}"),
            Err(finding) => assert!(!sound, "{finding:?} in {bytes:?}"),
        }
        sound
    }

    #[test]
    fn usual_messages_pass() {
        let label = [0x0a, 1, b'k', 0x12, 1, b'v'];
        let labels = [[0x0a, 6].as_slice(), &label, &[0x0a, 3], &label[..3]].concat();
        assert!(passes::<Labels>(&labels));
        let status = [0x0a, 3, 0x0a, 1, b't', 0x10, 1, 0x31, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(passes::<TaskStatus>(&status));
        assert!(passes::<Call>(&[]));
        let unknown_field = [0x10, 5, 0xfa, 0x3f, 1, b'x'];
        assert!(passes::<Call>(&unknown_field));
    }

    #[test]
    fn messages_in_which_there_is_something_to_find_do_not_pass() {
        assert!(!passes::<TaskStatus>(&[0x0a, 0, 0x10, 1]), "missing in an inner message");
        assert!(!passes::<TaskStatus>(&[0x0a, 3, 0x0a, 1, b't']), "missing");
        assert!(!passes::<Call>(&[0x10, 99]), "unknown enum number");
        assert!(!passes::<Call>(&[0x10, 0x85, 0x80, 0x80, 0x80, 0x10, 0x10, 99]), "the later one counts");
        assert!(!passes::<CsiPluginContainerInfo>(&[0x0a, 2, 1, 77]), "packed");
        assert!(!passes::<Call>(&[0x0a, 3, 0x0a, 1, b'f', 0x0a, 0]), "two parts");
        assert!(!passes::<Call>(&[0x10]), "cut");
        let operations = [0x12, 0].repeat(10_000);
        let accept = [[0x22, 0xa0, 0x9c, 1].as_slice(), &operations].concat();
        assert!(!passes::<Call>(&accept), "too large");
    }

    /// Bytes that often are tags, lengths and enum numbers.
    fn nearly_messages() -> impl Strategy<Value = Vec<u8>> {
        let tag =
            prop::sample::select(vec![0x08, 0x0a, 0x10, 0x12, 0x18, 0x1a, 0x22, 0x2a, 0x3a, 0x0b, 0x0c]);
        prop::collection::vec(prop_oneof![3 => tag, 3 => 0_u8..8, 1 => any::<u8>()], 0..24)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_passes_has_nothing_that_the_thorough_pass_or_prost_does_not_find(bytes in nearly_messages()) {
            passes::<Call>(&bytes);
            passes::<Event>(&bytes);
            passes::<ContainerId>(&bytes);
            passes::<CsiPluginContainerInfo>(&bytes);
            passes::<Labels>(&bytes);
            passes::<TaskStatus>(&bytes);
        }
    }
}

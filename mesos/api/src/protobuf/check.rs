//! Checks the bytes of a message for required fields and for enum numbers that nobody knows.

use super::wire::{Entries, Malformed, Value, varint};
use crate::budget::elements_bytes_max;

/// What is known of a message's fields.
#[derive(Debug)]
pub struct Table {
    /// How many bytes of memory its Rust type takes, without what that points to.
    pub(crate) size: usize,
    /// The bits of the required ones, by their place in `fields`.
    pub(crate) required: u64,
    /// Whether the kind of all of them is [`Kind::Plain`].
    pub(crate) only_plain: bool,
    /// By ascending number.
    pub(crate) fields: &'static [Field],
}

/// One field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) repeated: bool,
    pub(crate) kind: Kind,
}

/// What is to be checked about a field's value.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Nothing.
    Plain,
    /// Whether the number has a name.
    Enum(Numbers),
    /// What is to be checked about that message.
    Message(&'static Table),
}

/// The numbers of an enum that have names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    /// The bits of those below 64, which are nearly all.
    pub(crate) small: u64,
    pub(crate) any: fn(i32) -> bool,
}

impl Numbers {
    /// Whether this number, of which protobuf takes the lower half, has a name.
    #[inline]
    pub(super) fn has(self, number: u64) -> bool {
        let number = number as i32;
        match number {
            0..64 => self.small >> number & 1 != 0,
            _ => (self.any)(number),
        }
    }
}

impl Table {
    /// A field and its place.
    #[inline]
    pub(super) fn field(&self, number: u32) -> Option<(usize, &Field)> {
        // Most messages number their fields from one on without a gap.
        let guess = number.wrapping_sub(1) as usize;
        match self.fields.get(guess) {
            Some(field) if field.number == number => Some((guess, field)),
            _ => self.field_after_gap(number),
        }
    }

    #[inline(never)]
    fn field_after_gap(&self, number: u32) -> Option<(usize, &Field)> {
        let index = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
        Some((index, self.fields.get(index)?))
    }
}

/// Why bytes are not ready to be decoded.
#[derive(Debug, PartialEq)]
pub(super) enum Finding {
    /// They are no protobuf, or nested too deep.
    Malformed,
    /// Lists in it take more memory than what it is worth.
    TooLarge,
    /// This required field is not there.
    Missing(String),
    /// There are unknown enum numbers, or a message in several parts: they have to be normalized.
    Unusual,
}

impl From<Malformed> for Finding {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// How deep messages may be nested, as deep as prost reads.
pub(super) const DEPTH_MAX: usize = 100;

/// Checks a message and all that it contains.
pub(super) fn message(table: &Table, bytes: &[u8]) -> Result<(), Finding> {
    let memory_left = elements_bytes_max(bytes.len());
    let mut check = Check { memory_left, unusual: false, missing: None };
    check.message(table, bytes, 0)?;
    match check {
        Check { unusual: true, .. } => Err(Finding::Unusual),
        Check { missing: Some(path), .. } => Err(Finding::Missing(path)),
        _ => Ok(()),
    }
}

struct Check {
    /// What elements of lists may still take.
    memory_left: usize,
    unusual: bool,
    /// Path of the first required field that was not found. In a message that comes in several
    /// parts it may still follow, so this counts only if nothing is unusual.
    missing: Option<String>,
}

impl Check {
    fn message(&mut self, table: &Table, bytes: &[u8], depth: usize) -> Result<(), Finding> {
        if depth > DEPTH_MAX {
            return Err(Finding::Malformed);
        }
        let mut seen = 0_u64;
        for (position, entry) in Entries::new(bytes).enumerate() {
            let entry = entry?;
            let Some((index, field)) = table.field(entry.number) else { continue };
            match (&field.kind, entry.value) {
                (Kind::Message(inner), Value::Bytes(value)) => {
                    if field.repeated {
                        let left = self.memory_left.checked_sub(inner.size);
                        self.memory_left = left.ok_or(Finding::TooLarge)?;
                    } else if seen & (1 << index) != 0 {
                        self.unusual = true;
                    }
                    let found_before = self.missing.is_some();
                    self.message(inner, value, depth + 1)?;
                    if let (Some(path), false) = (&mut self.missing, found_before) {
                        locate(path, field, bytes, position);
                    }
                }
                (Kind::Enum(numbers), value) if !all_known(*numbers, value) => {
                    self.unusual = true;
                    continue;
                }
                _ => {}
            }
            seen |= 1 << index;
        }
        let unseen = table.required & !seen;
        if unseen != 0 && self.missing.is_none() {
            let field = table.fields.get(unseen.trailing_zeros() as usize);
            self.missing = field.map(|field| field.name.to_owned());
        }
        Ok(())
    }
}

/// Puts the name of a field of the message `bytes` in front of a path inside of it, and its index
/// if it is the element of a list that stands at `position`.
#[cold]
fn locate(path: &mut String, field: &Field, bytes: &[u8], position: usize) {
    if field.repeated {
        let earlier = Entries::new(bytes).take(position);
        let index = earlier.filter(|entry| entry.is_ok_and(|entry| entry.number == field.number)).count();
        crate::path::prepend(path, &format!("[{index}]"));
    }
    crate::path::prepend(path, field.name);
}

/// Whether the numbers of an enum field, one or a packed list of them, all have names.
fn all_known(numbers: Numbers, value: Value<'_>) -> bool {
    match value {
        Value::Varint(number) => numbers.has(number),
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                match varint(&mut packed) {
                    Some(number) if numbers.has(number) => {}
                    Some(_) => return false,
                    None => return true, // prost will refuse it
                }
            }
            true
        }
        Value::Other => true,
    }
}

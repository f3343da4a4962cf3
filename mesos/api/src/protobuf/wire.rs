//! The outermost level of protobuf's binary form: fields one after the other.

/// One field as it stands in the bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry<'a> {
    pub(super) number: u32,
    pub(super) value: Value<'a>,
    /// Tag and value together.
    pub(super) raw: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Of a fixed size, or a group.
    Other,
}

/// The fields of a message in the order in which they stand. `Err` ends it where the bytes are no
/// protobuf.
#[derive(Clone, Debug)]
pub(super) struct Entries<'a> {
    rest: &'a [u8],
}

/// The bytes are no protobuf.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Malformed;

/// How deep groups may be nested in each other.
const GROUP_DEPTH_MAX: usize = 100;

impl<'a> Entries<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn entry(&mut self, depth: usize) -> Option<(Entry<'a>, u64)> {
        let whole = self.rest;
        let tag = varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0)?;
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut self.rest)?),
            1 => self.skip(8)?,
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).ok()?;
                let (bytes, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            3 => self.group(number, depth)?,
            4 => Value::Other,
            5 => self.skip(4)?,
            _ => return None,
        };
        let raw = whole.get(..whole.len() - self.rest.len())?;
        Some((Entry { number, value, raw }, tag & 7))
    }

    fn skip(&mut self, count: usize) -> Option<Value<'a>> {
        self.rest = self.rest.get(count..)?;
        Some(Value::Other)
    }

    /// Goes past the end of a group that began with the entry before.
    fn group(&mut self, number: u32, depth: usize) -> Option<Value<'a>> {
        if depth >= GROUP_DEPTH_MAX {
            return None;
        }
        loop {
            let (entry, wire_type) = self.entry(depth + 1)?;
            if wire_type == 4 {
                return (entry.number == number).then_some(Value::Other);
            }
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match self.entry(0) {
            Some((entry, wire_type)) if wire_type != 4 => Some(Ok(entry)),
            _ => {
                self.rest = &[];
                Some(Err(Malformed))
            }
        }
    }
}

/// Takes a number of at most ten bytes from the front.
#[inline]
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    if let [byte @ 0..0x80, rest @ ..] = *bytes {
        *bytes = rest;
        return Some(u64::from(*byte));
    }
    if let [low, high @ 0..0x80, rest @ ..] = *bytes {
        *bytes = rest;
        return Some(u64::from(*low & 0x7f) | u64::from(*high) << 7);
    }
    let (value, rest) = long_varint(bytes)?;
    *bytes = rest;
    Some(value)
}

#[inline(never)]
fn long_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte < 0x80 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

/// Appends a number.
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a field that holds a number.
pub(super) fn put_number(number: u32, value: u64, out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3, out);
    put_varint(value, out);
}

/// Appends a field that holds bytes, text or a message.
pub(super) fn put_bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    put_varint(u64::from(number) << 3 | 2, out);
    put_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_read_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(value, &mut bytes);
            let mut rest = bytes.as_slice();
            assert_eq!((varint(&mut rest), rest), (Some(value), [].as_slice()));
        }
        for bad in
            [[0xff; 10].as_slice(), &[0x80], &[], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]]
        {
            assert_eq!(varint(&mut &*bad), None);
        }
    }

    #[test]
    fn groups_are_gone_past_as_a_whole() {
        let bytes = [0x0b, 0x13, 0x14, 0x08, 5, 0x0c, 0x10, 7];
        let entries: Vec<_> = Entries::new(&bytes).collect();
        assert_eq!(
            entries,
            [
                Ok(Entry { number: 1, value: Value::Other, raw: &bytes[..6] }),
                Ok(Entry { number: 2, value: Value::Varint(7), raw: &bytes[6..] }),
            ]
        );
        for bad in [[0x0b_u8].as_slice(), &[0x0c], &[0x0b, 0x14], &[0; 2], &[0x0b; 10_000]] {
            assert_eq!(Entries::new(bad).next(), Some(Err(Malformed)));
        }
    }
}

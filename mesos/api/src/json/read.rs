//! Reads messages; the generated code calls one method here for each field.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::error::Failure;
use super::number::{Number, Problem};
use super::{Dialect, EnumNames, JsonError, base64, text};
use crate::Message;
use crate::budget::elements_bytes_max;

/// A value that a field can hold.
pub trait ReadJson: Default {
    /// Reads the value into a fresh default of it.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure>;
}

/// How deep objects and lists may be nested, as many as prost allows messages.
const DEPTH_MAX: usize = 100;

/// A document that is being read.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
    /// What elements of lists may still take.
    memory_left: usize,
    dialect: Dialect,
}

/// Reads a whole document.
pub(super) fn document<M: Message>(bytes: &[u8], dialect: Dialect) -> Result<M, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| JsonError::Syntax {
        offset: error.valid_up_to(),
        problem: "the text is not UTF-8",
    })?;
    let memory_left = elements_bytes_max(text.len());
    let mut reader = Reader { text, position: 0, depth: 0, memory_left, dialect };
    let mut message = M::default();
    reader.whole(&mut message).map_err(|failure| *failure)?;
    Ok(message)
}

impl<'a> Reader<'a> {
    fn whole<M: Message>(&mut self, message: &mut M) -> Result<(), Failure> {
        if self.peek()? != b'{' {
            let found = self.kind().ok_or_else(|| self.syntax("expected an object"))?;
            return Err(Box::new(JsonError::NotAnObject { found }));
        }
        message.read(self)?;
        self.skip_white_space();
        if self.position < self.text.len() {
            return Err(self.syntax("there is something behind the object"));
        }
        Ok(())
    }

    /// Whether this is the older dialect.
    #[inline]
    pub(crate) fn is_v0(&self) -> bool {
        self.dialect == Dialect::V0
    }

    /// Reads an object and calls `member` in front of each value, with its key.
    #[inline]
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut more = self.begin(b'{', b'}', "an object")?;
        while more {
            let key = self.key()?;
            if let Err(failure) = member(self, &key) {
                return Err(failure.within(&key));
            }
            more = self.more(b'}')?;
        }
        Ok(())
    }

    /// The first required field that was not seen; `names` are (v1, v0) by their bits.
    #[cold]
    pub(crate) fn missing(&self, seen: u64, names: &[(&'static str, &'static str)]) -> Failure {
        let unseen = names.iter().enumerate().find(|(bit, _)| seen & (1 << bit) == 0);
        let (v1, v0) = unseen.map_or(("", ""), |(_, names)| *names);
        JsonError::missing(if self.is_v0() { v0 } else { v1 })
    }

    pub(crate) fn required<T: ReadJson>(
        &mut self,
        slot: &mut T,
        seen: &mut u64,
        bit: u64,
    ) -> Result<(), Failure> {
        *slot = T::default();
        if self.null()? {
            *seen &= !bit;
            return Ok(());
        }
        *seen |= bit;
        slot.read(self)
    }

    pub(crate) fn optional<T: ReadJson>(&mut self, slot: &mut Option<T>) -> Result<(), Failure> {
        if self.null()? {
            *slot = None;
            return Ok(());
        }
        slot.insert(T::default()).read(self)
    }

    pub(crate) fn implicit<T: ReadJson>(&mut self, slot: &mut T) -> Result<(), Failure> {
        self.required(slot, &mut 0, 0)
    }

    pub(crate) fn list<T: ReadJson>(&mut self, slot: &mut Vec<T>) -> Result<(), Failure> {
        slot.clear();
        self.each(&mut |reader| {
            let index = slot.len();
            let left = reader.memory_left.checked_sub(size_of::<T>());
            reader.memory_left = left.ok_or_else(|| JsonError::field("too many nearly empty elements"))?;
            slot.push(T::default());
            match slot.last_mut().map(|value| value.read(reader)) {
                Some(Err(failure)) => Err(failure.within(&format!("[{index}]"))),
                _ => Ok(()),
            }
        })
    }

    /// A map: a list of objects with a key and a value.
    pub(crate) fn map<K: ReadJson + Ord, V: ReadJson>(
        &mut self,
        slot: &mut BTreeMap<K, V>,
    ) -> Result<(), Failure> {
        slot.clear();
        self.each(&mut |reader| {
            let (mut key, mut value) = (K::default(), V::default());
            reader.object(|reader, name| match name {
                "key" => reader.implicit(&mut key),
                "value" => reader.implicit(&mut value),
                _ => reader.skip(),
            })?;
            slot.insert(key, value);
            Ok(())
        })
    }

    pub(crate) fn required_name<E: EnumNames>(
        &mut self,
        slot: &mut i32,
        seen: &mut u64,
        bit: u64,
    ) -> Result<(), Failure> {
        *seen &= !bit;
        if self.null()? {
            return Ok(());
        }
        let name = self.string()?;
        *slot = E::number_of(&name, self.dialect)
            .ok_or_else(|| JsonError::field(format!("unknown value '{}'", text::shortened(&name))))?;
        *seen |= bit;
        Ok(())
    }

    pub(crate) fn optional_name<E: EnumNames>(&mut self, slot: &mut Option<i32>) -> Result<(), Failure> {
        *slot = None;
        if !self.null()? {
            let name = self.string()?;
            *slot = E::number_of(&name, self.dialect);
        }
        Ok(())
    }

    pub(crate) fn implicit_name<E: EnumNames>(&mut self, slot: &mut i32) -> Result<(), Failure> {
        let mut number = None;
        self.optional_name::<E>(&mut number)?;
        *slot = number.unwrap_or_default();
        Ok(())
    }

    pub(crate) fn names<E: EnumNames>(&mut self, slot: &mut Vec<i32>) -> Result<(), Failure> {
        slot.clear();
        self.each(&mut |reader| {
            let name = reader.string()?;
            slot.extend(E::number_of(&name, reader.dialect));
            Ok(())
        })
    }

    /// Reads past one value of any kind.
    pub(crate) fn skip(&mut self) -> Result<(), Failure> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => {
                let mut more = self.begin(b'{', b'}', "an object")?;
                while more {
                    self.key()?;
                    self.skip()?;
                    more = self.more(b'}')?;
                }
                Ok(())
            }
            b'[' => {
                let mut more = self.begin(b'[', b']', "a list")?;
                while more {
                    self.skip()?;
                    more = self.more(b']')?;
                }
                Ok(())
            }
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number_token().map(drop),
        }
    }

    /// Calls `element` in front of each value of a list, of the lists in it, or of a single value.
    fn each(&mut self, element: &mut dyn FnMut(&mut Self) -> Result<(), Failure>) -> Result<(), Failure> {
        match self.peek()? {
            b'n' => self.literal("null"),
            b'[' => {
                let mut more = self.begin(b'[', b']', "a list")?;
                while more {
                    self.each(element)?;
                    more = self.more(b']')?;
                }
                Ok(())
            }
            _ => element(self),
        }
    }

    /// Enters an object or a list, and tells whether it has a first member.
    fn begin(&mut self, open: u8, close: u8, expected: &'static str) -> Result<bool, Failure> {
        if self.peek()? != open {
            return Err(self.mismatch(expected));
        }
        self.position += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.syntax("objects and lists are nested too deep"));
        }
        if self.peek()? == close {
            self.position += 1;
            self.depth -= 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// Behind a member: leaves the object or the list, or goes past the comma.
    #[inline]
    fn more(&mut self, close: u8) -> Result<bool, Failure> {
        let next = self.peek()?;
        if next == b',' {
            self.position += 1;
            return Ok(true);
        }
        if next != close {
            return Err(self.syntax("expected a comma or the end of the object or list"));
        }
        self.position += 1;
        self.depth -= 1;
        Ok(false)
    }

    /// A key and the colon behind it.
    fn key(&mut self) -> Result<Cow<'a, str>, Failure> {
        if self.peek()? != b'"' {
            return Err(self.syntax("expected a key"));
        }
        let key = self.string()?;
        if self.peek()? != b':' {
            return Err(self.syntax("expected a colon"));
        }
        self.position += 1;
        Ok(key)
    }

    /// Reads past a null, if there is one.
    #[inline]
    pub(super) fn null(&mut self) -> Result<bool, Failure> {
        if self.peek()? != b'n' {
            return Ok(false);
        }
        self.literal("null").map(|()| true)
    }

    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Failure> {
        if self.peek()? != b'"' {
            return Err(self.mismatch("a string"));
        }
        let rest = self.text.get(self.position + 1..).unwrap_or_default();
        let (end, escaped) = text::end(rest.as_bytes()).map_err(|offset| {
            self.position += 1 + offset;
            self.syntax("a string is not ended, or has a control character in it")
        })?;
        let quoted = rest.get(..end).unwrap_or_default();
        let value = if escaped {
            let unescaped = text::unescape(quoted);
            Cow::Owned(unescaped.ok_or_else(|| self.syntax("a string has an escape that is not valid"))?)
        } else {
            Cow::Borrowed(quoted)
        };
        self.position += end + 2;
        Ok(value)
    }

    /// A number, or a string with a number in it.
    fn number<T>(&mut self, convert: impl FnOnce(Number<'_>) -> Result<T, Problem>) -> Result<T, Failure> {
        let result = match self.peek()? {
            b'-' | b'0'..=b'9' => convert(self.number_token()?),
            b'"' => {
                let text = self.string()?;
                let number = Number::parse(&text);
                convert(number.ok_or_else(|| JsonError::field("expected a number, found a string"))?)
            }
            _ => return Err(self.mismatch("a number")),
        };
        result.map_err(JsonError::field)
    }

    fn number_token(&mut self) -> Result<Number<'a>, Failure> {
        let rest = self.text.get(self.position..).unwrap_or_default();
        let (number, length) = Number::scan(rest).ok_or_else(|| self.syntax("expected a value"))?;
        self.position += length;
        Ok(number)
    }

    fn literal(&mut self, expected: &'static str) -> Result<(), Failure> {
        let rest = self.text.as_bytes().get(self.position..).unwrap_or_default();
        if !rest.starts_with(expected.as_bytes()) {
            return Err(self.syntax("expected a value"));
        }
        self.position += expected.len();
        Ok(())
    }

    /// The next byte that is no white space.
    #[inline]
    fn peek(&mut self) -> Result<u8, Failure> {
        match self.text.as_bytes().get(self.position) {
            Some(&byte) if byte > b' ' => Ok(byte),
            _ => {
                self.skip_white_space();
                let byte = self.text.as_bytes().get(self.position).copied();
                byte.ok_or_else(|| self.syntax("the text ends too early"))
            }
        }
    }

    fn skip_white_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.as_bytes().get(self.position) {
            self.position += 1;
        }
    }

    /// What kind of value begins here.
    fn kind(&self) -> Option<&'static str> {
        Some(match self.text.as_bytes().get(self.position)? {
            b'{' => "an object",
            b'[' => "a list",
            b'"' => "a string",
            b't' | b'f' => "a boolean",
            b'n' => "null",
            b'-' | b'0'..=b'9' => "a number",
            _ => return None,
        })
    }

    #[cold]
    fn mismatch(&self, expected: &'static str) -> Failure {
        match self.kind() {
            Some(found) => JsonError::field(format!("expected {expected}, found {found}")),
            None => self.syntax("expected a value"),
        }
    }

    #[cold]
    fn syntax(&self, problem: &'static str) -> Failure {
        Box::new(JsonError::Syntax { offset: self.position, problem })
    }
}

impl<T: ReadJson> ReadJson for Box<T> {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        (**self).read(reader)
    }
}

impl ReadJson for String {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        *self = reader.string()?.into_owned();
        Ok(())
    }
}

impl ReadJson for Vec<u8> {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        let text = reader.string()?;
        *self = base64::read(&text).ok_or_else(|| JsonError::field("expected base64"))?;
        Ok(())
    }
}

impl ReadJson for bool {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        *self = match reader.peek()? {
            b't' => reader.literal("true").map(|()| true),
            b'f' => reader.literal("false").map(|()| false),
            _ => Err(reader.mismatch("a boolean")),
        }?;
        Ok(())
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl ReadJson for $integer {
            fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
                *self = reader.number(|number| number.integer())?;
                Ok(())
            }
        }
    )*};
}

integers!(i32, i64, u32, u64);

impl ReadJson for f64 {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        *self = reader.number(|number| number.float())?;
        Ok(())
    }
}

impl ReadJson for f32 {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        *self = reader.number(|number| number.float())? as f32;
        Ok(())
    }
}

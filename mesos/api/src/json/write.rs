//! Writes messages; the generated code calls one method here for each field.

use std::collections::BTreeMap;

use super::{Dialect, EnumNames, base64, text};

/// A value that a field can hold.
pub trait WriteJson {
    /// Appends the value.
    fn write(&self, writer: &mut Writer);
}

/// A document that is being written.
///
/// Each member and each element leaves a comma behind itself; what ends the object or the list
/// then takes the place of the last one.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
    dialect: Dialect,
}

impl Writer {
    pub(crate) fn new(out: Vec<u8>, dialect: Dialect) -> Self {
        Self { out, dialect }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Whether this is the older dialect.
    #[inline]
    pub(crate) fn is_v0(&self) -> bool {
        self.dialect == Dialect::V0
    }

    /// The key that a field has in this dialect.
    #[inline]
    pub(crate) fn pick(&self, v1: &'static str, v0: &'static str) -> &'static str {
        if self.is_v0() { v0 } else { v1 }
    }

    #[inline]
    pub(crate) fn open(&mut self) {
        self.out.push(b'{');
    }

    #[inline]
    pub(crate) fn close(&mut self) {
        self.end(b'}');
    }

    fn end(&mut self, bracket: u8) {
        match self.out.last_mut() {
            Some(last) if *last == b',' => *last = bracket,
            _ => self.out.push(bracket),
        }
    }

    /// One member. The key comes with its quotes and the colon.
    #[inline]
    pub(crate) fn member<T: WriteJson + ?Sized>(&mut self, key: &'static str, value: &T) {
        self.out.extend_from_slice(key.as_bytes());
        value.write(self);
        self.out.push(b',');
    }

    #[inline]
    pub(crate) fn optional<T: WriteJson>(&mut self, key: &'static str, value: &Option<T>) {
        if let Some(value) = value {
            self.member(key, value);
        }
    }

    /// A proto3 scalar: set if it is not zero.
    #[inline]
    pub(crate) fn implicit<T: WriteJson + Default + PartialEq>(&mut self, key: &'static str, value: &T) {
        if *value != T::default() {
            self.member(key, value);
        }
    }

    pub(crate) fn list<T: WriteJson>(&mut self, key: &'static str, values: &[T]) {
        if values.is_empty() {
            return;
        }
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'[');
        for value in values {
            value.write(self);
            self.out.push(b',');
        }
        self.end(b']');
        self.out.push(b',');
    }

    /// A map: a list of objects with a key and a value.
    pub(crate) fn map<K: WriteJson, V: WriteJson>(&mut self, key: &'static str, entries: &BTreeMap<K, V>) {
        if entries.is_empty() {
            return;
        }
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'[');
        for (key, value) in entries {
            self.open();
            self.member("\"key\":", key);
            self.member("\"value\":", value);
            self.close();
            self.out.push(b',');
        }
        self.end(b']');
        self.out.push(b',');
    }

    /// An enum that is set. A number without a name counts as not set.
    #[inline]
    pub(crate) fn name<E: EnumNames>(&mut self, key: &'static str, number: i32) {
        if let Some(name) = E::name_of(number, self.dialect) {
            self.quoted_name(key, name);
        }
    }

    fn quoted_name(&mut self, key: &'static str, name: &'static str) {
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\",");
    }

    #[inline]
    pub(crate) fn optional_name<E: EnumNames>(&mut self, key: &'static str, number: Option<i32>) {
        if let Some(number) = number {
            self.name::<E>(key, number);
        }
    }

    pub(crate) fn names<E: EnumNames>(&mut self, key: &'static str, numbers: &[i32]) {
        let mut names = numbers.iter().filter_map(|number| E::name_of(*number, self.dialect)).peekable();
        if names.peek().is_none() {
            return;
        }
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'[');
        for name in names {
            self.out.push(b'"');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"\",");
        }
        self.end(b']');
        self.out.push(b',');
    }
}

impl<T: WriteJson> WriteJson for Box<T> {
    #[inline]
    fn write(&self, writer: &mut Writer) {
        (**self).write(writer);
    }
}

impl WriteJson for str {
    fn write(&self, writer: &mut Writer) {
        text::write(self, &mut writer.out);
    }
}

impl WriteJson for String {
    #[inline]
    fn write(&self, writer: &mut Writer) {
        self.as_str().write(writer);
    }
}

impl WriteJson for Vec<u8> {
    fn write(&self, writer: &mut Writer) {
        base64::write(self, &mut writer.out);
    }
}

impl WriteJson for bool {
    #[inline]
    fn write(&self, writer: &mut Writer) {
        writer.out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl WriteJson for $integer {
            fn write(&self, writer: &mut Writer) {
                writer.out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
            }
        }
    )*};
}

integers!(i32, i64, u32, u64);

macro_rules! floats {
    ($($float:ty),*) => {$(
        /// Shortest form that reads back the same, with a point or an exponent.
        impl WriteJson for $float {
            fn write(&self, writer: &mut Writer) {
                if self.is_finite() {
                    writer.out.extend_from_slice(ryu::Buffer::new().format_finite(*self).as_bytes());
                } else {
                    writer.out.extend_from_slice(b"null");
                }
            }
        }
    )*};
}

floats!(f32, f64);

//! The two messages of `google.protobuf` that CSI uses, for which prost has types of its own.

use prost_types::Timestamp;

use super::error::Failure;
use super::{ReadJson, Reader, WriteJson, Writer};

/// A `google.protobuf.BoolValue`, which in Rust is a plain `bool`.
#[derive(Default)]
struct BoolValue(bool);

impl WriteJson for BoolValue {
    fn write(&self, writer: &mut Writer) {
        writer.open();
        writer.implicit("\"value\":", &self.0);
        writer.close();
    }
}

impl ReadJson for BoolValue {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        reader.object(|reader, key| match key {
            "value" => reader.implicit(&mut self.0),
            _ => reader.skip(),
        })
    }
}

impl WriteJson for Timestamp {
    fn write(&self, writer: &mut Writer) {
        writer.open();
        writer.implicit("\"seconds\":", &self.seconds);
        writer.implicit("\"nanos\":", &self.nanos);
        writer.close();
    }
}

impl ReadJson for Timestamp {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Failure> {
        reader.object(|reader, key| match key {
            "seconds" => reader.implicit(&mut self.seconds),
            "nanos" => reader.implicit(&mut self.nanos),
            _ => reader.skip(),
        })
    }
}

impl Writer {
    pub(crate) fn optional_bool_value(&mut self, key: &'static str, value: &Option<bool>) {
        self.optional(key, &value.map(BoolValue));
    }
}

impl Reader<'_> {
    pub(crate) fn optional_bool_value(&mut self, slot: &mut Option<bool>) -> Result<(), Failure> {
        let mut value = None;
        self.optional::<BoolValue>(&mut value)?;
        *slot = value.map(|value| value.0);
        Ok(())
    }
}

//! Random messages, and random bytes for messages.

use std::collections::BTreeMap;

use mesos_api::json::Dialect;
use proptest::prelude::*;
use prost::Message as _;
use prost::encoding::{encode_varint, key_len};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use crate::support::{Kind, kinds};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Each case goes through every message of the crate.
    #[test]
    fn random_messages_survive_json_and_protobuf(seed in any::<u64>()) {
        for_each(seed, |name, kind, bytes| {
            for dialect in [Dialect::V1, Dialect::V0] {
                (kind.survives)(bytes, dialect).map_err(|error| format!("{name}: {error}"))?;
            }
            Ok(())
        })?;
    }

    /// A message with some of its bytes changed, cut or repeated decodes or fails, and what
    /// decodes can be written.
    #[test]
    fn damaged_messages_never_panic(seed in any::<u64>(), cuts in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        for_each(seed, |_, kind, bytes| {
            let text = (kind.to_json)(bytes, Dialect::V1)?;
            let (damaged, damaged_text) = (damage(bytes, &cuts), damage(text.as_bytes(), &cuts));
            let _ = (kind.survives)(&damaged, Dialect::V0);
            let _ = (kind.from_json)(&damaged_text, Dialect::V1);
            Ok(())
        })?;
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        for kind in kinds().values() {
            let _ = (kind.to_json)(&bytes, Dialect::V1);
            let _ = (kind.from_json)(&bytes, Dialect::V1);
        }
    }

    /// Text that is nearly JSON gets further than arbitrary bytes.
    #[test]
    fn arbitrary_text_never_panics(text in r#"\{("(value|type|key|\\u00e9|uuid)" ?: ?([\[\]{}",:0-9eE.+-]|null|true|"[a-z/+=\\]*"){0,8},?){0,4}\}?"#) {
        for kind in kinds().values() {
            let _ = (kind.from_json)(text.as_bytes(), Dialect::V0);
        }
    }
}

fn for_each(
    seed: u64,
    mut check: impl FnMut(&str, &Kind, &[u8]) -> Result<(), String>,
) -> Result<(), TestCaseError> {
    let schema = Schema::new();
    let mut random = Random(seed);
    for (name, kind) in &kinds() {
        let mut bytes = Vec::new();
        schema.message(name, 0, &mut random, &mut bytes);
        check(name, kind, &bytes).map_err(TestCaseError::fail)?;
    }
    Ok(())
}

fn damage(bytes: &[u8], cuts: &[(usize, u8)]) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    for &(at, what) in cuts {
        let at = at % (damaged.len() + 1);
        match what % 4 {
            0 => damaged.truncate(at),
            1 => damaged.insert(at, what),
            2 if at < damaged.len() => damaged[at] = what,
            _ => damaged.extend_from_within(at..),
        }
    }
    damaged
}

/// A stream of numbers from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Small and large numbers alike.
    fn number(&mut self) -> u64 {
        let shift = self.below(64);
        self.next() >> shift
    }
}

/// Writes random messages by their descriptors.
struct Schema {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, EnumDescriptorProto>,
}

impl Schema {
    fn new() -> Self {
        let files = FileDescriptorSet::decode(mesos_api::descriptors()).unwrap();
        let mut schema = Self { messages: BTreeMap::new(), enums: BTreeMap::new() };
        for file in &files.file {
            let scope = format!(".{}", file.package());
            file.message_type.iter().for_each(|message| schema.add(message, &scope));
            for kind in &file.enum_type {
                schema.enums.insert(format!("{scope}.{}", kind.name()), kind.clone());
            }
        }
        schema
    }

    fn add(&mut self, message: &DescriptorProto, outer: &str) {
        let name = format!("{outer}.{}", message.name());
        message.nested_type.iter().for_each(|nested| self.add(nested, &name));
        for kind in &message.enum_type {
            self.enums.insert(format!("{name}.{}", kind.name()), kind.clone());
        }
        self.messages.insert(name, message.clone());
    }

    fn message(&self, name: &str, depth: u64, random: &mut Random, out: &mut Vec<u8>) {
        let message = &self.messages[&format!(".{}", name.trim_start_matches('.'))];
        let mut fields: Vec<_> = message.field.iter().collect();
        fields.sort_by_key(|field| field.number());
        for field in fields {
            let count = match field.label() {
                Label::Required => 1,
                Label::Optional => u64::from(random.below(3 + depth * 2) == 0),
                Label::Repeated => random.below(3).saturating_sub(depth.min(2)),
            };
            for _ in 0..count {
                self.field(field, depth, random, out);
            }
        }
    }

    fn field(&self, field: &FieldDescriptorProto, depth: u64, random: &mut Random, out: &mut Vec<u8>) {
        let number = field.number() as u32;
        assert!(key_len(number) <= 2);
        let mut key =
            |wire_type: u32, out: &mut Vec<u8>| encode_varint(u64::from(number << 3 | wire_type), out);
        match field.r#type() {
            Type::Bool => {
                key(0, out);
                out.push(random.below(2) as u8);
            }
            Type::Int32 | Type::Int64 | Type::Uint64 | Type::Uint32 => {
                let value = match field.r#type() {
                    Type::Int32 => i64::from(random.number() as i32) as u64,
                    Type::Uint32 => u64::from(random.number() as u32),
                    _ => random.number(),
                };
                key(0, out);
                encode_varint(value, out);
            }
            Type::Enum => {
                let values = &self.enums[field.type_name()].value;
                let value = &values[random.below(values.len() as u64) as usize];
                key(0, out);
                encode_varint(i64::from(value.number()) as u64, out);
            }
            Type::Double => {
                let value = match random.below(3) {
                    0 => random.below(1000) as f64 / 8.0,
                    1 => f64::from_bits(random.next()),
                    _ => random.number() as f64,
                };
                key(1, out);
                let value = if value.is_finite() { value } else { 0.1 };
                out.extend_from_slice(&value.to_le_bytes());
            }
            Type::String => {
                let characters = ['a', '/', '"', '\\', '\n', '\u{7f}', 'é', '😀', '\0', ' '];
                let length = random.below(12);
                let text: String = (0..length).map(|_| characters[random.below(10) as usize]).collect();
                self.bytes(text.as_bytes(), &mut key, out);
            }
            Type::Bytes => {
                let bytes: Vec<u8> = (0..random.below(20)).map(|_| random.next() as u8).collect();
                self.bytes(&bytes, &mut key, out);
            }
            Type::Message => {
                let mut inner = Vec::new();
                self.message(field.type_name(), depth + 1, random, &mut inner);
                self.bytes(&inner, &mut key, out);
            }
            other => panic!("no field has the type {other:?}"),
        }
    }

    fn bytes(&self, value: &[u8], key: &mut impl FnMut(u32, &mut Vec<u8>), out: &mut Vec<u8>) {
        key(2, out);
        encode_varint(value.len() as u64, out);
        out.extend_from_slice(value);
    }
}

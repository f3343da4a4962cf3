//! How long is one message in JSON and in protobuf, beside bare serde and bare prost?

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use mesos_api::{Message, json, protobuf};
use mesos_benches::{Limit, ratio};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::messages::{PlainEvent, PlainLabels, labels, offers, update};

/// Ours may cost so many times as much as the bare library. JSON is Mesos' own dialect, written from
/// and read into the same types as protobuf. Encoding protobuf is prost's, so the limit only allows
/// for noise. Decoding takes a pass over the bytes before prost's, for required fields, unknown enum
/// numbers and a bound on memory: it may cost half as much as prost's own.
const LIMITS: [(&str, f64); 4] =
    [("json_write", 1.0), ("json_read", 1.0), ("protobuf_encode", 1.1), ("protobuf_decode", 1.5)];

pub(crate) fn measure(criterion: &mut Criterion) {
    absolute::<_, PlainEvent>(criterion, "update", &update());
    absolute::<_, PlainEvent>(criterion, "offers", &offers(20));
    absolute::<_, PlainLabels>(criterion, "labels", &labels(100));
}

pub(crate) fn bars() {
    relative::<_, PlainEvent>("update", &update());
    relative::<_, PlainEvent>("offers", &offers(20));
    relative::<_, PlainLabels>("labels", &labels(100));
}

/// One message in all its forms.
struct Forms<'a, M, Plain> {
    message: &'a M,
    plain: Plain,
    text: Vec<u8>,
    bytes: Vec<u8>,
}

impl<'a, M: Message, Plain: Serialize + DeserializeOwned> Forms<'a, M, Plain> {
    fn of(message: &'a M) -> Self {
        let text = json::to_vec(message);
        let bytes = protobuf::encode(message);
        let plain: Plain = serde_json::from_slice(&text).expect("the plain structs have all fields");
        let rewritten = serde_json::to_vec(&plain).expect("plain structs can be written");
        // Mesos escapes each slash, which these messages do not have in number.
        assert!(rewritten.len().abs_diff(text.len()) < 32, "both sides write the same message");
        Self { message, plain, text, bytes }
    }

    fn json_write(&self) -> Vec<u8> {
        json::to_vec(black_box(self.message))
    }

    fn serde_json_write(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(black_box(&self.plain)).ok()
    }

    fn json_read(&self) -> Option<M> {
        json::from_slice(black_box(&self.text)).ok()
    }

    fn serde_json_read(&self) -> Option<Plain> {
        serde_json::from_slice(black_box(&self.text)).ok()
    }

    fn protobuf_encode(&self) -> Vec<u8> {
        protobuf::encode(black_box(self.message))
    }

    fn prost_encode(&self) -> Vec<u8> {
        prost::Message::encode_to_vec(black_box(self.message))
    }

    fn protobuf_decode(&self) -> Option<M> {
        protobuf::decode(black_box(&self.bytes)).ok()
    }

    fn prost_decode(&self) -> Option<M> {
        prost::Message::decode(black_box(self.bytes.as_slice())).ok()
    }
}

fn relative<M, Plain>(name: &str, message: &M)
where
    M: Message,
    Plain: Serialize + DeserializeOwned,
{
    let forms = Forms::<M, Plain>::of(message);
    let figures = [
        ratio(|| forms.json_write(), || forms.serde_json_write()),
        ratio(|| forms.json_read(), || forms.serde_json_read()),
        ratio(|| forms.protobuf_encode(), || forms.prost_encode()),
        ratio(|| forms.protobuf_decode(), || forms.prost_decode()),
    ];
    for ((what, limit), figure) in LIMITS.into_iter().zip(figures) {
        println!("{}", Limit::AtMost(limit).bar(&format!("codec/{name}/{what}"), figure));
    }
}

fn absolute<M, Plain>(criterion: &mut Criterion, name: &str, message: &M)
where
    M: Message,
    Plain: Serialize + DeserializeOwned,
{
    let forms = Forms::<M, Plain>::of(message);
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(forms.text.len() as u64));
    group.bench_function("json_write", |b| b.iter(|| forms.json_write()));
    group.bench_function("serde_json_write", |b| b.iter(|| forms.serde_json_write()));
    group.bench_function("json_read", |b| b.iter(|| forms.json_read()));
    group.bench_function("serde_json_read", |b| b.iter(|| forms.serde_json_read()));
    group.throughput(Throughput::Bytes(forms.bytes.len() as u64));
    group.bench_function("protobuf_encode", |b| b.iter(|| forms.protobuf_encode()));
    group.bench_function("prost_encode", |b| b.iter(|| forms.prost_encode()));
    group.bench_function("protobuf_decode", |b| b.iter(|| forms.protobuf_decode()));
    group.bench_function("prost_decode", |b| b.iter(|| forms.prost_decode()));
    group.bench_function("memcpy", |b| b.iter(|| black_box(&forms.bytes).clone()));
    group.finish();
}

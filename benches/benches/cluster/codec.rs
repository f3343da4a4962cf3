//! How long is one message in JSON and in protobuf, beside bare serde and bare prost?

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use mesos_api::{Message, json, protobuf};
use mesos_benches::{Limit, ratio};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::messages::{PlainEvent, PlainLabels, labels, offers, update};

const GROUPS: [&str; 3] = ["update", "offers", "labels"];

/// Ours may cost so many times as much as the bare library. JSON is Mesos' own dialect, written from
/// and read into the same types as protobuf. Encoding protobuf is prost's, so the limit only allows
/// for noise. Decoding takes a pass over the bytes before prost's, for required fields, unknown enum
/// numbers and a bound on memory: it may cost half as much as prost's own.
const LIMITS: [(&str, &str, f64); 4] = [
    ("json_write", "serde_json_write", 1.0),
    ("json_read", "serde_json_read", 1.0),
    ("protobuf_encode", "prost_encode", 1.1),
    ("protobuf_decode", "prost_decode", 1.5),
];

pub(crate) fn measure(criterion: &mut Criterion) {
    one::<_, PlainEvent>(criterion, "update", &update());
    one::<_, PlainEvent>(criterion, "offers", &offers(20));
    one::<_, PlainLabels>(criterion, "labels", &labels(100));
}

pub(crate) fn bars() {
    for group in GROUPS {
        for (ours, peer, limit) in LIMITS {
            let figure = ratio(group, ours, peer);
            println!("{}", Limit::AtMost(limit).bar(&format!("codec/{group}/{ours}"), figure));
        }
    }
}

fn one<M, Plain>(criterion: &mut Criterion, name: &str, message: &M)
where
    M: Message,
    Plain: Serialize + DeserializeOwned,
{
    let text = json::to_vec(message);
    let bytes = protobuf::encode(message);
    let plain: Plain = serde_json::from_slice(&text).expect("the plain structs have all fields");
    let rewritten = serde_json::to_vec(&plain).expect("plain structs can be written");
    // Mesos escapes each slash, which these messages do not have in number.
    assert!(rewritten.len().abs_diff(text.len()) < 32, "both sides write the same message");

    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("json_write", |b| b.iter(|| json::to_vec(black_box(message))));
    group.bench_function("serde_json_write", |b| b.iter(|| serde_json::to_vec(black_box(&plain))));
    group.bench_function("json_read", |b| b.iter(|| json::from_slice::<M>(black_box(&text))));
    group.bench_function("serde_json_read", |b| b.iter(|| serde_json::from_slice::<Plain>(black_box(&text))));
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("protobuf_encode", |b| b.iter(|| protobuf::encode(black_box(message))));
    group.bench_function("prost_encode", |b| b.iter(|| prost::Message::encode_to_vec(black_box(message))));
    group.bench_function("protobuf_decode", |b| b.iter(|| protobuf::decode::<M>(black_box(&bytes))));
    group.bench_function("prost_decode", |b| {
        b.iter(|| <M as prost::Message>::decode(black_box(bytes.as_slice())));
    });
    group.bench_function("memcpy", |b| b.iter(|| black_box(&bytes).clone()));
    group.finish();
}

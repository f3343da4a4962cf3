//! What Mesos 1.5 itself writes and reads.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mesos_api::json::{self, Dialect, JsonError};
use mesos_api::v1::scheduler::Call;
use stout::WireMessage;

use crate::support::{Sample, kinds, samples};

/// Floats that we write better than Mesos does, which has fifteen digits for them: the shortest
/// text that reads back the same. The last five are faults of Mesos, which cuts zeros off an
/// exponent and writes what is no number in JSON.
const BETTER_FLOATS: [(&str, &str); 12] = [
    ("double-sum", "0.30000000000000004"),
    ("double-third", "0.3333333333333333"),
    ("double-epoch", "1517443200.123456"),
    ("double-1e15", "1000000000000000.0"),
    ("double-1e-5", "0.00001"),
    ("double-1.5e16", "1.5e16"),
    ("master-response-metrics", "12.345678901234567"),
    ("double-1e20", "1e20"),
    ("double-1e-10", "1e-10"),
    ("double-1e100", "1e100"),
    ("double-inf", "null"),
    ("double-nan", "null"),
];

/// Where we read what Mesos 1.5 refuses, and the other way round.
const READ_DIFFERENTLY: [(&str, Result<&str, &str>); 5] = [
    // MESOS-5995: later versions read numbers from strings, since other tools write them so.
    ("string-for-int-refused", Ok("CAEQAg==")),
    ("string-for-double-refused", Ok("CQAAAAAAABRA")),
    // Mesos cuts off and wraps around. Nobody means what comes out.
    ("fraction-for-int-truncates", Err("field 'end': expected an integer, found 2.9")),
    ("negative-for-uint64-wraps", Err("field 'begin': -1 is out of range")),
    ("int-wraps-to-int32", Err("field 'status': 4294967297 is out of range")),
];

#[test]
fn json_is_written_as_mesos_writes_it() {
    let kinds = kinds();
    for sample in samples("encode.jsonl") {
        let bytes = bytes(sample.protobuf_base64.as_deref());
        let written = match sample.message.as_str() {
            "mesos.scheduler.Call" => json::v0::to_string(&Call::decode_wire(&bytes).unwrap()),
            name => (kinds[name].to_json)(&bytes, Dialect::V1).unwrap(),
        };
        let Some((_, float)) = BETTER_FLOATS.iter().find(|(id, _)| *id == sample.id) else {
            assert_eq!(written, sample.json, "{}", sample.id);
            continue;
        };
        assert_ne!(written, sample.json, "{} needs no exception", sample.id);
        assert!(written.contains(float), "{}: {written}", sample.id);
        let _: serde_json::Value = serde_json::from_str(&written).unwrap();
    }
}

#[test]
fn what_mesos_writes_is_read_and_written_again() {
    let kinds = kinds();
    for sample in samples("encode.jsonl") {
        let is_call = sample.message == "mesos.scheduler.Call";
        if BETTER_FLOATS.iter().any(|(id, _)| *id == sample.id) {
            continue;
        }
        let (name, dialect) = if is_call {
            ("mesos.v1.scheduler.Call", Dialect::V0)
        } else {
            (sample.message.as_str(), Dialect::V1)
        };
        let kind = kinds[name];
        let bytes = (kind.from_json)(sample.json.as_bytes(), dialect).unwrap();
        assert_eq!((kind.to_json)(&bytes, dialect).unwrap(), sample.json, "{}", sample.id);
    }
}

#[test]
fn protobuf_is_written_as_mesos_writes_it() {
    let kinds = kinds();
    for sample in samples("encode.jsonl") {
        let bytes = bytes(sample.protobuf_base64.as_deref());
        let written = match sample.message.as_str() {
            "mesos.scheduler.Call" => Call::decode_wire(&bytes).unwrap().encode_wire(),
            name => (kinds[name].protobuf)(&bytes).unwrap(),
        };
        assert_eq!(written, bytes, "{}", sample.id);
    }
}

#[test]
fn json_is_read_as_mesos_reads_it() {
    let kinds = kinds();
    for sample in samples("decode.jsonl") {
        let read = (kinds[sample.message.as_str()].from_json)(sample.json.as_bytes(), Dialect::V1);
        match READ_DIFFERENTLY.iter().find(|(id, _)| *id == sample.id) {
            None => check(&sample, read),
            Some((id, Ok(ours))) => {
                assert_eq!(sample.error.as_deref(), Some("field"), "{id} needs no exception");
                assert_eq!(read, Ok(bytes(Some(ours))), "{id}");
            }
            Some((id, Err(ours))) => {
                assert_eq!(sample.error, None, "{id} needs no exception");
                assert_eq!(read.unwrap_err().to_string(), *ours, "{id}");
            }
        }
    }
}

fn check(sample: &Sample, read: Result<Vec<u8>, JsonError>) {
    let class = match &read {
        Ok(_) => None,
        Err(JsonError::Syntax { .. }) => Some("json"),
        Err(JsonError::NotAnObject { .. }) => Some("not-object"),
        Err(JsonError::Field { .. }) => Some("field"),
        Err(JsonError::Missing { .. }) => Some("required"),
        Err(error) => panic!("{}: {error}", sample.id),
    };
    assert_eq!(class, sample.error.as_deref(), "{}: {read:?}", sample.id);
    if let Ok(read) = read {
        assert_eq!(read, bytes(sample.protobuf_base64.as_deref()), "{}", sample.id);
    }
}

fn bytes(base64: Option<&str>) -> Vec<u8> {
    STANDARD.decode(base64.unwrap_or_default()).unwrap()
}

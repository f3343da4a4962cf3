//! A stream of events.

use std::time::Instant;

use serde_json::Value;

use super::http::{Answer, Connection, request_bytes};
use super::wait::PATIENCE;

/// Events in JSON, each of which must be one record in one chunk.
pub(crate) struct Events {
    pub(crate) connection: Connection,
    pub(crate) head: Answer,
}

impl Events {
    /// Asks for a stream; the answer when it is none.
    pub(crate) fn open(
        address: &str,
        path: &str,
        headers: &[(&str, &str)],
        call: &Value,
    ) -> Result<Self, Answer> {
        let mut connection = Connection::open(address);
        let mut all = vec![("Content-Type", "application/json"), ("Accept", "application/json")];
        all.extend_from_slice(headers);
        connection.send(&request_bytes("POST", path, &all, call.to_string().as_bytes()));
        let head = connection.head().expect("an answer");
        if head.status == 200 && head.header("transfer-encoding") == Some("chunked") {
            return Ok(Self { connection, head });
        }
        let length = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut answer = head;
        answer.body = connection.bytes(length);
        Err(answer)
    }

    /// Subscribes to the operator API of a master.
    pub(crate) fn operator(address: &str) -> Self {
        let call = serde_json::json!({ "type": "SUBSCRIBE" });
        Self::open(address, "/api/v1", &[], &call).unwrap_or_else(|answer| panic!("{answer:?}"))
    }

    /// The bytes of the next record; none at the end of the stream.
    #[track_caller]
    pub(crate) fn record(&mut self) -> Option<Vec<u8>> {
        let chunk = self.connection.chunk()?;
        let newline = chunk.iter().position(|byte| *byte == b'\n').expect("a length at the begin of a chunk");
        let length: usize = std::str::from_utf8(&chunk[..newline]).unwrap().parse().expect("a length");
        assert_eq!(chunk.len(), newline + 1 + length, "a chunk is one record");
        Some(chunk[newline + 1..].to_vec())
    }

    /// The next event; none at the end of the stream.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Value> {
        let record = self.record()?;
        Some(
            serde_json::from_slice(&record)
                .unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&record))),
        )
    }

    /// The next event of a type; the others are dropped.
    #[track_caller]
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "waited in vain for {kind}");
            let event = self.next().unwrap_or_else(|| panic!("the stream ended before {kind}"));
            if event["type"] == kind {
                return event;
            }
        }
    }
}

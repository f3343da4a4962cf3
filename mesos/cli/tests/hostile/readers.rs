//! Readers of event streams that do not read.

use serde_json::json;

use crate::harness::{Cluster, Events, Framework, framework_info, get, resident_bytes};

/// What one event is made to hold.
const EVENT_BYTES: usize = 512 << 10;

/// Events that would take 256 MB if all of them waited for a reader.
const EVENTS: usize = 512;

/// The master may grow by so much while a reader does not read: less than half of what comes.
const GROWTH_BYTES_MAX: u64 = 128 << 20;

#[test]
fn stalled_reader_is_cut_off_and_others_are_served() {
    let mut cluster = Cluster::separate(0, &[], &[]);
    let mut info = framework_info("large");
    info["labels"] = json!({ "labels": [{ "key": "large", "value": "x".repeat(EVENT_BYTES) }] });
    let mut framework = Framework::subscribe(cluster.master(), info);
    let before = resident_bytes(cluster.daemon().pid());
    let mut stalled = Events::operator(cluster.master());
    let mut reader = Events::operator(cluster.master());
    let mut most = before;
    for _ in 0..EVENTS {
        framework.fail_over();
        // Whoever reads sees each event.
        let event = reader.next_of("FRAMEWORK_UPDATED");
        assert_eq!(event["framework_updated"]["framework"]["framework_info"]["id"]["value"], framework.id());
        most = most.max(resident_bytes(cluster.daemon().pid()));
    }
    assert!(most - before < GROWTH_BYTES_MAX, "from {before} to {most} bytes");
    assert_eq!(get(cluster.master(), "/health").status, 200);
    // What had been sent before can still be read, but not all that came later.
    let mut read = 0;
    while let Some(chunk) = stalled.connection.try_chunk() {
        assert!(!chunk.is_empty());
        read += 1;
    }
    assert!(read < EVENTS, "the reader was not cut off: it got {read} events");
}

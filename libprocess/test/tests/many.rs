//! Very many seeds of the five nodes.

use libprocess_test::check;

use crate::chatter::{chat, verify, verify_no_duplicates};

fn run(seeds: std::ops::Range<u64>) {
    check(seeds, |sim| {
        let record = chat(sim, false);
        let record = record.lock();
        assert!(record.received.values().map(Vec::len).sum::<usize>() > 0);
        verify_no_duplicates(&record);
        verify(sim, &record);
    });
}

#[test]
fn order_exits_and_arrivals_hold_under_200_seeds() {
    run(0..200);
}

#[test]
#[ignore = "long: cargo test --release -p libprocess-test -- --ignored"]
fn order_exits_and_arrivals_hold_under_10_000_seeds() {
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || run(10_000 + half * 5_000..15_000 + half * 5_000));
        }
    });
}

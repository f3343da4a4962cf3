//! A seed says it all.

use libprocess_test::{Simulation, Trace, find};

use crate::chatter::{chat, verify_no_duplicates};

fn trace(seed: u64) -> Trace {
    let mut sim = Simulation::new(seed);
    chat(&mut sim, false);
    sim.trace()
}

#[test]
fn same_seed_gives_the_same_trace() {
    for seed in 0..10 {
        let (one, other) = (trace(seed), trace(seed));
        assert_eq!(one.difference(&other), None);
        assert_eq!(one.as_str(), other.as_str());
        assert_eq!(one.digest(), other.digest());
        assert!(one.lines() > 1000);
    }
}

#[test]
fn different_seeds_give_different_traces() {
    let mut digests: Vec<u64> = (0..10).map(|seed| trace(seed).digest()).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 10);
}

#[test]
fn same_seed_gives_the_same_trace_inside_of_another_runtime_and_thread() {
    let here = trace(3);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let there = runtime.block_on(async { trace(3) });
    assert_eq!(here, there);
    assert_eq!(std::thread::spawn(|| trace(3)).join().unwrap(), here);
}

/// The fault of `chatter::Common::resends`: it needs an exit after a message that did arrive.
#[test]
fn fault_on_purpose_is_found_and_replayed_from_the_seed_that_is_printed() {
    let test = |sim: &mut Simulation| verify_no_duplicates(&chat(sim, true).lock());
    let found = find(0..200, test).expect("the fault is there");
    assert!(found.message().contains("arrived twice"), "{}", found.message());

    let printed = found.to_string();
    let command = printed.lines().last().unwrap();
    let seed = command.split("LIBPROCESS_TEST_SEED=").nth(1).unwrap().split(' ').next().unwrap();
    assert!(command.ends_with(
        "cargo test replay::fault_on_purpose_is_found_and_replayed_from_the_seed_that_is_printed"
    ));
    assert!(!printed.contains("differs"), "{printed}");

    let again = find([seed.parse().unwrap()], test).expect("the same seed fails again");
    assert_eq!(again.message(), found.message());
    assert_eq!(again.trace().as_str(), found.trace().as_str());
    assert!(find([found.seed()], |sim| verify_no_duplicates(&chat(sim, false).lock())).is_none());
}

#[test]
fn what_is_not_simulated_is_reported_as_such() {
    let runs = std::sync::atomic::AtomicU32::new(0);
    let found = find([1], |sim| {
        let count = runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        sim.note(&format!("run {count}"));
        panic!("on purpose");
    });
    let printed = found.unwrap().to_string();
    assert!(printed.contains("something in the test is not simulated"), "{printed}");
    assert!(printed.contains("note run 0") && printed.contains("note run 1"), "{printed}");
}

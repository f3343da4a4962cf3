//! Time.

use std::sync::Arc;
use std::time::Duration;

use libprocess::{Context, Process, Time};
use libprocess_test::{Simulation, Skew};
use parking_lot::Mutex;

use crate::support::{ms, secs};

/// Writes down when it is, each second of its clock.
struct Ticker(Arc<Mutex<Vec<Time>>>);

impl Process for Ticker {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        self.0.lock().push(cx.now());
        cx.delay(secs(1), Self::initialize);
    }
}

fn ticks(sim: &mut Simulation, name: &str, skew: Skew) -> Arc<Mutex<Vec<Time>>> {
    let ticks = Arc::<Mutex<Vec<Time>>>::default();
    let writes = Arc::clone(&ticks);
    let node = sim.add(name, move |boot| drop(boot.node.spawn(Ticker(Arc::clone(&writes)))));
    sim.set_skew(node, skew);
    sim.start(node);
    ticks
}

#[test]
fn clocks_are_ahead_and_run_fast_as_they_are_told_to() {
    let sim = &mut Simulation::new(1);
    let right = ticks(sim, "right", Skew::default());
    let ahead = ticks(sim, "ahead", Skew { ahead_nanos: 5_000_000_000, drift_ppm: 0 });
    let behind = ticks(sim, "behind", Skew { ahead_nanos: -5_000_000_000, drift_ppm: 0 });
    let fast = ticks(sim, "fast", Skew { ahead_nanos: 0, drift_ppm: 100_000 });
    let slow = ticks(sim, "slow", Skew { ahead_nanos: 0, drift_ppm: -100_000 });
    sim.run_for(secs(100) + ms(500));
    let start = right.lock()[0];
    assert_eq!(ahead.lock()[0], start + secs(5));
    assert_eq!(behind.lock()[0] + secs(5), start);
    for (ticks, count) in [(&right, 101), (&ahead, 101), (&behind, 101), (&fast, 111), (&slow, 91)] {
        let ticks = ticks.lock();
        assert_eq!(ticks.len(), count);
        let first = ticks[0];
        let expected = (0..count as u64).map(|tick| first + secs(tick));
        assert!(
            ticks
                .iter()
                .copied()
                .zip(expected)
                .all(|(is, at_least)| is - at_least < Duration::from_micros(1))
        );
    }
}

#[test]
fn time_jumps_to_what_happens_next() {
    let sim = &mut Simulation::new(1);
    let ticks = ticks(sim, "a", Skew::default());
    assert!(sim.run_until(secs(3600), || ticks.lock().len() == 11));
    assert_eq!(sim.elapsed(), secs(10));
    assert!(!sim.run_until(secs(3600), || false));
    assert_eq!(sim.elapsed(), secs(3610));
    assert_eq!(ticks.lock().len(), 3611);
}

#[test]
fn test_can_do_things_at_a_time() {
    let sim = &mut Simulation::new(1);
    let node = sim.node("a", |_| {});
    sim.after(secs(5), move |sim| sim.crash(node));
    sim.after(secs(7), move |sim| sim.start(node));
    sim.run_for(secs(5));
    assert!(!sim.is_up(node));
    sim.run_for(secs(2));
    assert!(sim.is_up(node));
}

#[test]
fn timeouts_and_sleeps_follow_the_clock_of_their_node() {
    let sim = &mut Simulation::new(1);
    let id = sim.node("a", |_| {});
    let node = sim.get(id).unwrap().clone();
    let clock = node.clock().clone();
    let late = node.run(async move {
        let _ = clock.sleep(secs(2)).await;
        clock.timeout(secs(3), std::future::pending::<()>()).await
    });
    assert_eq!(sim.wait(secs(10), late), Some(Ok(None)));
    assert_eq!(sim.elapsed(), secs(5));
    assert_eq!(sim.wait(secs(10), std::future::pending::<()>()), None);
    assert_eq!(sim.elapsed(), secs(15));
}

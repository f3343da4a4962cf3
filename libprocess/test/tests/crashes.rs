//! Nodes that end without a word, and what is left of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use libprocess::disk::Disk;
use libprocess::{Context, Process, Upid};
use libprocess_test::{DiskLoss, SimulatedDisk, Simulation, check};

use crate::support::{listen, numbers, pid, say, secs};

/// Appends each number it is told to a file, and syncs it at each fifth.
struct Log {
    disk: SimulatedDisk,
    finalized: Arc<AtomicU32>,
}

impl Process for Log {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("Say", |log, _cx, _from, body| {
            log.disk.append("log", body).unwrap();
            if body[0] % 5 == 4 {
                log.disk.sync("log").unwrap();
                log.disk.sync_dir("").unwrap();
            }
        });
    }

    fn finalize(&mut self, _cx: &mut Context<Self>) {
        self.finalized.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // The last words of a node that has crashed.
        let _ = self.disk.write("log", b"flushed while it was dropped");
    }
}

#[test]
fn node_that_crashed_finds_exactly_what_it_had_synced() {
    check(0..20, |sim| {
        let finalized = Arc::new(AtomicU32::new(0));
        let counts = Arc::clone(&finalized);
        let node = sim.node("a", move |boot| {
            let log = Log { disk: boot.disk.clone(), finalized: Arc::clone(&counts) };
            boot.node.spawn_as("log", log).unwrap();
        });
        let (test, _) = listen(sim, "test", &[]);
        let count = u8::try_from(sim.draw(1..30)).unwrap();
        say(sim, test, &pid(sim, node, "log"), 0..count);
        sim.run_for(secs(1));
        let disk = sim.disk(node).unwrap();
        assert_eq!(disk.read("log").unwrap().len(), usize::from(count));
        sim.crash(node);
        assert!(disk.read("log").is_err());
        let left = sim.disk(node).unwrap().read("log").unwrap_or_default();
        assert!(left.into_iter().eq(0..count / 5 * 5));
        assert_eq!(finalized.load(Ordering::Relaxed), 0);
    });
}

/// Answers with a number only when it is on the disk for good.
struct Promises(SimulatedDisk);

impl Process for Promises {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("Say", |promises, cx, from, body| {
            promises.0.append("numbers", body).unwrap();
            promises.0.sync("numbers").unwrap();
            promises.0.sync_dir("").unwrap();
            cx.send_raw(&Upid::new("test", from.address()), "Say", body.to_vec());
        });
    }
}

#[test]
fn crash_between_two_operations_lets_nothing_out_that_is_not_on_the_disk() {
    let (mut answered, mut lost) = (0, 0);
    for seed in 0..60 {
        let sim = &mut Simulation::new(seed);
        let node = sim.node("a", |boot| {
            boot.node.spawn_as("promises", Promises(boot.disk.clone())).unwrap();
        });
        let (test, heard) = listen(sim, "test", &[]);
        let changes = sim.draw(0..12);
        sim.crash_at_change(node, changes);
        if seed % 2 == 0 {
            sim.set_disk_loss(node, DiskLoss::Drawn);
        }
        say(sim, test, &pid(sim, node, "promises"), [1, 2, 3]);
        sim.run_for(secs(1));
        assert_eq!(sim.is_up(node), changes >= 9);
        let left = sim.disk(node).unwrap().read("numbers").unwrap_or_default();
        let heard = numbers(&heard);
        assert!(left.starts_with(&heard) && [1, 2, 3].starts_with(&left), "{left:?} {heard:?}");
        answered += heard.len();
        lost += 3 - left.len();
    }
    assert!(answered > 0 && lost > 0);
}

#[test]
fn restart_is_a_start_with_the_same_address_and_the_next_number() {
    let sim = &mut Simulation::new(1);
    let starts = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&starts);
    let node = sim.node("a", move |boot| {
        assert_eq!(boot.restarts, counts.fetch_add(1, Ordering::Relaxed));
    });
    let address = sim.get(node).unwrap().address();
    let old = sim.get(node).unwrap().clone();
    sim.restart(node);
    assert_eq!(sim.get(node).unwrap().address(), address);
    assert_eq!(starts.load(Ordering::Relaxed), 2);
    assert!(old.spawn_as("late", Quiet).is_err(), "the old one is gone");
    sim.restart_with(node, |boot| drop(boot.node.spawn_as("other", Quiet).unwrap()));
    assert!(sim.get(node).unwrap().spawn_as("other", Quiet).is_err());
}

struct Quiet;

impl Process for Quiet {}

#[test]
fn crash_is_one_exit_and_what_comes_after_the_restart_arrives() {
    check(0..50, |sim| {
        let (b, heard_by_b) = listen(sim, "b", &[]);
        let to_b = pid(sim, b, "b");
        let (a, heard_by_a) = listen(sim, "a", std::slice::from_ref(&to_b));
        sim.run_for(secs(1));
        say(sim, a, &to_b, [1, 2]);
        let wait = sim.draw_duration(std::time::Duration::ZERO..secs(1));
        sim.run_for(wait);
        let before = numbers(&heard_by_b);
        assert!([1, 2].starts_with(&before));
        sim.restart(b);
        sim.run_for(secs(1));
        assert_eq!(numbers(&heard_by_a), [255]);
        say(sim, a, &to_b, [3]);
        sim.run_for(secs(1));
        assert_eq!(numbers(&heard_by_b), [before, vec![3]].concat());
    });
}

#[test]
fn what_waits_for_a_process_of_a_crashed_node_is_abandoned() {
    let sim = &mut Simulation::new(1);
    let id = sim.node("a", |_| {});
    let node = sim.get(id).unwrap().clone();
    let pid = node.spawn(Quiet);
    let never = pid.ask_future(|_, _| libprocess::Promise::<()>::new().future());
    let background = node.run(std::future::pending::<()>());
    let wait = pid.wait();
    drop((node, pid));
    sim.settle();
    sim.crash(id);
    for future in [never, background] {
        assert_eq!(sim.wait(secs(1), future), Some(Err(libprocess::FutureError::Abandoned)));
    }
    assert_eq!(sim.wait(secs(1), wait), Some(Ok(())));
}

struct Asserts(Option<Upid>);

impl Process for Asserts {
    fn initialize(&mut self, _cx: &mut Context<Self>) {
        assert!(self.0.is_some(), "on purpose");
    }
}

#[test]
#[should_panic(expected = "the process asserts@10.0.0.1:5050 panicked: on purpose")]
fn panic_in_a_process_is_one_of_the_simulation() {
    let mut sim = Simulation::new(1);
    sim.node("a", |boot| drop(boot.node.spawn_as("asserts", Asserts(None)).unwrap()));
    sim.run_for(secs(1));
}

#[test]
fn panic_that_is_tolerated_ends_its_process_only() {
    let mut sim = Simulation::new(1);
    sim.tolerate_panics();
    let node = sim.node("a", |boot| drop(boot.node.spawn_as("asserts", Asserts(None)).unwrap()));
    sim.run_for(secs(1));
    assert!(sim.get(node).unwrap().spawn_as("asserts", Quiet).is_ok());
}

struct Strays;

impl Process for Strays {
    fn initialize(&mut self, _cx: &mut Context<Self>) {
        tokio::spawn(async {});
    }
}

#[test]
#[should_panic(expected = "node 'a' was given to tokio::spawn")]
fn task_that_nobody_would_run_is_found() {
    let mut sim = Simulation::new(1);
    sim.node("a", |boot| drop(boot.node.spawn(Strays)));
    sim.run_for(secs(1));
}

#[test]
#[should_panic(expected = "the simulation does not get on")]
fn what_goes_round_in_circles_is_found() {
    let mut sim = Simulation::new(1);
    sim.node("a", |boot| {
        boot.node.run(std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        }));
    });
    sim.run_for(secs(1));
}

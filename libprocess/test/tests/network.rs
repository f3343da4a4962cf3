//! Latency, losses, cuts and broken connections.

use std::sync::Arc;

use libprocess::{Context, Process, Upid};
use libprocess_test::{Conditions, Simulation, check};

use crate::support::{listen, ms, numbers, pid, say, secs};

#[test]
fn messages_take_as_long_as_the_network_says_and_keep_their_order() {
    check(0..20, |sim| {
        let (a, _) = listen(sim, "a", &[]);
        let (b, heard) = listen(sim, "b", &[]);
        let conditions = Conditions { latency: ms(10)..ms(50), loss: 0.3, ..Conditions::default() };
        sim.set_conditions_between(a, b, conditions);
        say(sim, a, &pid(sim, b, "b"), 0..100);
        sim.run_for(ms(10));
        assert!(heard.lock().is_empty());
        sim.run_for(secs(300));
        let heard = numbers(&heard);
        // Eight losses in a row break the connection.
        assert!(heard.len() == 100 || sim.trace().as_str().contains("break lost"));
        assert!(heard.iter().copied().eq(0..heard.len() as u8), "{heard:?}");
    });
}

#[test]
fn cut_one_way_lets_the_other_way_through() {
    let sim = &mut Simulation::new(1);
    let (a, heard_by_a) = listen(sim, "a", &[]);
    let (b, heard_by_b) = listen(sim, "b", &[]);
    let patience = secs(100)..secs(101);
    sim.set_conditions(Conditions { patience, ..Conditions::default() });
    let (to_a, to_b) = (pid(sim, a, "a"), pid(sim, b, "b"));
    say(sim, a, &to_b, [1]);
    say(sim, b, &to_a, [1]);
    sim.run_for(secs(1));
    sim.cut(a, b);
    say(sim, a, &to_b, [2]);
    say(sim, b, &to_a, [2]);
    sim.run_for(secs(50));
    assert_eq!(numbers(&heard_by_a), [1, 2]);
    assert_eq!(numbers(&heard_by_b), [1]);
    sim.heal();
    sim.run_for(secs(1));
    assert_eq!(numbers(&heard_by_b), [1, 2], "it was on a connection that lived on");
}

#[test]
fn partition_that_lasts_is_an_exit_on_both_sides_and_a_short_one_is_none() {
    check(0..50, |sim| {
        let one = pid(sim, sim_id(0), "a");
        let other = pid(sim, sim_id(1), "b");
        let (a, heard_by_a) = listen(sim, "a", std::slice::from_ref(&other));
        let (b, heard_by_b) = listen(sim, "b", std::slice::from_ref(&one));
        sim.run_for(secs(1));
        // The first one was set before there was a `b`.
        let early = numbers(&heard_by_a).len();
        assert!(early <= 1);
        sim.partition(a, b);
        sim.run_for(secs(4));
        sim.heal_between(a, b);
        sim.run_for(secs(100));
        assert_eq!(numbers(&heard_by_b), [0u8; 0]);
        sim.partition(a, b);
        sim.run_for(secs(100));
        assert_eq!(numbers(&heard_by_b), [255]);
        assert_eq!(numbers(&heard_by_a), [255]);
    });
}

/// The id that the next node will have.
fn sim_id(index: usize) -> libprocess_test::NodeId {
    let mut other = Simulation::new(0);
    (0..=index).map(|_| other.add("", |_| {})).last().unwrap()
}

#[test]
fn link_to_nobody_is_one_exit() {
    let sim = &mut Simulation::new(3);
    let nobody: Upid = "x@10.9.9.9:1".parse().unwrap();
    let b = sim.add("b", |_| {});
    let (_, heard) = listen(sim, "a", &[nobody, pid(sim, b, "b")]);
    sim.run_for(secs(60));
    assert_eq!(numbers(&heard), [255, 255]);
}

#[test]
fn connection_that_is_broken_on_purpose_is_an_exit_and_the_next_message_makes_another() {
    check(0..20, |sim| {
        let (b, heard_by_b) = listen(sim, "b", &[]);
        let to_b = pid(sim, b, "b");
        let (a, heard_by_a) = listen(sim, "a", std::slice::from_ref(&to_b));
        sim.run_for(secs(1));
        sim.break_connection(a, b);
        sim.run_for(secs(1));
        assert_eq!(numbers(&heard_by_a), [255]);
        say(sim, a, &to_b, [7]);
        sim.run_for(secs(1));
        assert_eq!(numbers(&heard_by_b), [7]);
    });
}

struct Anew(Upid);

impl Process for Anew {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.link(&self.0);
        for number in 0..50 {
            cx.send_raw(&self.0, "Say", vec![number]);
        }
        cx.delay(ms(7), |anew, cx| {
            for number in 50..100 {
                cx.send_raw(&anew.0, "Say", vec![number]);
            }
            cx.link_anew(&anew.0);
            for number in 100..150 {
                cx.send_raw(&anew.0, "Say", vec![number]);
            }
        });
    }
}

#[test]
fn link_set_anew_keeps_the_order_and_tells_of_no_exit() {
    check(0..50, |sim| {
        let (b, heard) = listen(sim, "b", &[]);
        let to_b = pid(sim, b, "b");
        sim.node("a", move |boot| drop(boot.node.spawn(Anew(to_b.clone()))));
        sim.run_for(secs(5));
        assert!(sim.trace().as_str().contains("replaced"));
        assert!(numbers(&heard).into_iter().eq(0..150));
    });
}

#[test]
fn node_that_shuts_down_says_what_it_had_to_say() {
    check(0..20, |sim| {
        let (b, heard_by_b) = listen(sim, "b", &[]);
        let (a, _) = listen(sim, "a", &[]);
        let to_a = pid(sim, a, "a");
        let (_, heard_by_c) = listen(sim, "c", std::slice::from_ref(&to_a));
        let to_b = pid(sim, b, "b");
        say(sim, a, &to_b, [1]);
        sim.run_for(secs(1));
        say(sim, a, &to_b, [2, 3]);
        let node = sim.get(a).unwrap().clone();
        let ending = node.clone();
        let done = node.run(async move { ending.shutdown().await });
        assert_eq!(sim.wait(secs(1), done), Some(Ok(())));
        sim.run_for(secs(1));
        assert_eq!(numbers(&heard_by_b), [1, 2, 3]);
        assert_eq!(numbers(&heard_by_c), [255]);
        let _ = Arc::strong_count(&heard_by_b);
    });
}

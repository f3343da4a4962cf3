//! No actor: the same work by function calls, which nothing can beat that also crosses a mailbox.

use std::hint::black_box;

use crate::library::{Gate, Worker};
use crate::measure::{Sample, Stopwatch};

type Callee = Worker<()>;

#[inline(never)]
fn add(callee: &mut Callee, count: u64) {
    callee.add(count);
}

#[inline(never)]
fn bump(callee: &mut Callee) -> u64 {
    callee.bump()
}

#[inline(never)]
fn ball(callee: &mut Callee, hops: u64) -> Option<u64> {
    callee.ball(hops).map(|(_, hops)| hops)
}

pub(crate) fn tell(count: u64) -> Sample {
    let mut callee = Worker::new(&Gate::new(1));
    let watch = Stopwatch::start();
    (0..count).for_each(|_| add(black_box(&mut callee), 1));
    let sample = watch.stop(count);
    assert_eq!(callee.bump(), count + 1);
    sample
}

pub(crate) fn ask(count: u64) -> Sample {
    let mut callee = Worker::new(&Gate::new(1));
    let watch = Stopwatch::start();
    for n in 1..=count {
        assert_eq!(bump(black_box(&mut callee)), n);
    }
    watch.stop(count)
}

pub(crate) fn ring(callees: usize, hops: u64) -> Sample {
    let gate = Gate::new(1);
    let mut callees: Vec<Callee> = (0..callees)
        .map(|_| {
            let mut callee = Worker::new(&gate);
            callee.meet(());
            callee
        })
        .collect();
    let watch = Stopwatch::start();
    let (mut left, mut at) = (Some(hops - 1), 0);
    while let Some(hops) = left {
        left = ball(black_box(&mut callees[at]), hops);
        at = if at + 1 == callees.len() { 0 } else { at + 1 };
    }
    let sample = watch.stop(hops);
    let seen: u64 = callees.iter_mut().map(|callee| callee.bump() - 1).sum();
    assert_eq!(seen, hops);
    sample
}

//! Who waits for whom, on nodes that keep watch of that.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use parking_lot::Mutex;
use tracing::warn;

use super::Node;
use crate::pid::{AnyProcess, Shared};
use crate::{Future, Upid};

#[cfg(test)]
mod tests;

thread_local! {
    /// The process whose handler runs on this thread, if its node keeps watch.
    static CURRENT: RefCell<Option<Party>> = const { RefCell::new(None) };
}

/// A process that waits, or is waited for.
#[derive(Clone)]
struct Party {
    identity: usize,
    upid: Upid,
}

impl Party {
    fn of(process: &(impl AnyProcess + ?Sized)) -> Self {
        Self { identity: process.identity(), upid: process.shared().upid().clone() }
    }
}

/// The questions of processes that are not answered yet.
pub(crate) struct Asks {
    /// A ring that is there for so long is reported.
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By who waits.
    waits: HashMap<usize, Vec<Wait>>,
    count: u64,
}

struct Wait {
    number: u64,
    waiter: Upid,
    on: Party,
    is_pending: Box<dyn Fn() -> bool + Send>,
}

/// Notes that a handler runs on this thread, until it is dropped.
pub(crate) struct Running;

impl Running {
    pub(crate) fn enter(node: &Node, process: &impl AnyProcess) -> Option<Self> {
        node.asks()?;
        CURRENT.set(Some(Party::of(process)));
        Some(Self)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

impl Asks {
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, state: Mutex::default() }
    }

    /// Notes that the process that runs on this thread, if one does, has asked another.
    pub(crate) fn note<T: Send + 'static>(&self, asked: &impl AnyProcess, answer: &Future<T>) {
        let Some(waiter) = CURRENT.with_borrow(Clone::clone) else { return };
        let Some(is_pending) = answer.probe().filter(|is_pending| is_pending()) else { return };
        let on = Party::of(asked);
        let number = {
            let mut state = self.state.lock();
            state.count += 1;
            let wait =
                Wait { number: state.count, waiter: waiter.upid, on, is_pending: Box::new(is_pending) };
            let number = wait.number;
            state.waits.entry(waiter.identity).or_default().push(wait);
            number
        };
        let shared: &Shared = asked.shared();
        let node = shared.node.downgrade();
        shared.node.clock().after(self.patience, move || {
            if let Some(node) = node.upgrade()
                && let Some(asks) = node.asks()
            {
                asks.look_after(waiter.identity, number);
            }
        });
    }

    /// Reports the ring that a question has closed, if it is there still.
    fn look_after(&self, waiter: usize, number: u64) {
        if let Some(ring) = self.ring_closed_by(waiter, number) {
            warn!(ring = %ring.join(" -> "), "processes wait for each other's answers in a ring");
        }
    }

    /// The ring of which a question is the latest one.
    fn ring_closed_by(&self, waiter: usize, number: u64) -> Option<Vec<String>> {
        let mut state = self.state.lock();
        state.prune(waiter);
        let ring = state.ring(waiter)?;
        let latest = ring.iter().map(|wait| wait.number).max();
        (latest == Some(number)).then(|| ring_names(&ring))
    }

    /// The ids of those whose answers a process waits for, and the ring that it is in.
    #[cfg_attr(not(feature = "http"), allow(dead_code))] // A page tells it.
    pub(crate) fn report(&self, process: &dyn AnyProcess) -> (Vec<String>, Option<Vec<String>>) {
        let mut state = self.state.lock();
        state.prune(process.identity());
        let waits = state.waits.get(&process.identity());
        let waits_for = waits.into_iter().flatten().map(|wait| wait.on.upid.id().to_owned()).collect();
        let ring = state.ring(process.identity()).map(|ring| ring_names(&ring));
        (waits_for, ring)
    }
}

/// Who waits for whom, once round.
fn ring_names(ring: &[&Wait]) -> Vec<String> {
    ring.iter().map(|wait| wait.waiter.id().to_owned()).collect()
}

impl State {
    /// Forgets what was answered to one who waited.
    fn prune(&mut self, waiter: usize) {
        let Some(waits) = self.waits.get_mut(&waiter) else { return };
        waits.retain(|wait| (wait.is_pending)());
        if waits.is_empty() {
            self.waits.remove(&waiter);
        }
    }

    /// The shortest ring of questions that leads from a process back to it.
    fn ring(&self, start: usize) -> Option<Vec<&Wait>> {
        // Each with the place of the one that led to it.
        let mut found: Vec<(&Wait, Option<usize>)> = Vec::new();
        let mut seen = HashSet::new();
        let mut next = 0;
        let mut from = (start, None);
        loop {
            let waits = self.waits.get(&from.0).into_iter().flatten();
            for wait in waits.filter(|wait| (wait.is_pending)()) {
                if wait.on.identity == start {
                    let mut ring = vec![wait];
                    let mut place = from.1;
                    while let Some((wait, before)) = place.and_then(|place: usize| found.get(place)) {
                        ring.push(wait);
                        place = *before;
                    }
                    ring.reverse();
                    return Some(ring);
                }
                if seen.insert(wait.on.identity) {
                    found.push((wait, from.1));
                }
            }
            from = (found.get(next)?.0.on.identity, Some(next));
            next += 1;
        }
    }
}

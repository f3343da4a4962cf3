//! What all nodes of a simulation share: the time, the draws, the trace, the network.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use libprocess::Time;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::Trace;
use crate::network::{Event, Network};

/// When simulations begin, so that clocks can be behind: the first day of 2020.
const BEGAN: Time = Time::from_nanos(1_577_836_800_000_000_000);

pub(crate) struct World {
    pub(crate) now: Time,
    rng: Xoshiro256PlusPlus,
    pub(crate) trace: Trace,
    pub(crate) network: Network,
    /// In the order of their times; those of one instant in that in which they came up.
    events: BTreeMap<(Time, u64), Event>,
    event_count: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            now: BEGAN,
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            trace: Trace::default(),
            network: Network::default(),
            events: BTreeMap::new(),
            event_count: 0,
        }
    }

    pub(crate) fn since_start(&self) -> Duration {
        self.now - BEGAN
    }

    pub(crate) fn note(&mut self, what: fmt::Arguments<'_>) {
        self.trace.add(self.now - BEGAN, what);
    }

    /// Writes down which of those that could run did.
    pub(crate) fn note_run(&mut self, node: crate::NodeId, index: usize, count: usize) {
        let (name, since_start) = (self.network.host_name(node), self.now - BEGAN);
        self.trace.add(since_start, format_args!("{name} run {index}/{count}"));
    }

    pub(crate) fn schedule_at(&mut self, time: Time, event: Event) {
        self.event_count += 1;
        self.events.insert((time.max(self.now), self.event_count), event);
    }

    pub(crate) fn schedule_in(&mut self, wait: Duration, event: Event) {
        self.schedule_at(self.now + wait, event);
    }

    pub(crate) fn next_event(&self) -> Option<Time> {
        self.events.first_key_value().map(|((time, _), _)| *time)
    }

    /// Takes out what is due now.
    pub(crate) fn pop_due(&mut self) -> Option<Event> {
        let entry = self.events.first_entry()?;
        (entry.key().0 <= self.now).then(|| entry.remove())
    }

    /// A number of the range; its beginning if it is empty.
    pub(crate) fn draw(&mut self, range: Range<u64>) -> u64 {
        if range.end - range.start.min(range.end) <= 1 { range.start } else { self.rng.random_range(range) }
    }

    pub(crate) fn draw_index(&mut self, count: usize) -> usize {
        // It is smaller than a `usize`.
        self.draw(0..count as u64) as usize
    }

    pub(crate) fn draw_duration(&mut self, range: &Range<Duration>) -> Duration {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.draw(nanos(range.start)..nanos(range.end)))
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.random::<f64>() < probability
    }
}

//! Refusals and how long they count.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use mesos_api::v1::Filters;
use mesos_resources::Resources;
use stout::Time;

use crate::table::{AgentKey, FrameworkKey, RoleKey};

/// How long a refusal counts that says nothing or nonsense.
const REFUSE_DEFAULT: Duration = Duration::from_secs(5);
/// The longest that a refusal counts.
const REFUSE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Fewer planned ends than this are left alone.
const CROWD_MIN: usize = 1024;

/// How long to refuse; `None` is not at all.
pub(crate) fn refuse_time(filters: &Filters) -> Option<Duration> {
    let Some(seconds) = filters.refuse_seconds else { return Some(REFUSE_DEFAULT) };
    if seconds > REFUSE_MAX.as_secs_f64() {
        return Some(REFUSE_MAX);
    }
    // What is negative or not a number does not convert.
    let time = Duration::try_from_secs_f64(seconds).unwrap_or(REFUSE_DEFAULT);
    (!time.is_zero()).then_some(time)
}

/// A refused offer: hides what it contains.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) resources: Resources,
    pub(crate) until: Time,
    pub(crate) number: u64,
    /// One of as many as the role has refusals: see [`RefusalCount`].
    pub(crate) _counted: RefusalCount,
}

/// Counts refusals wherever they are kept and whoever drops them: there are as many clones as refusals.
#[derive(Clone, Debug, Default)]
pub(crate) struct RefusalCount(Arc<()>);

impl RefusalCount {
    pub(crate) fn get(&self) -> usize {
        Arc::strong_count(&self.0).saturating_sub(1)
    }
}

/// When a refusal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expiry {
    at: Time,
    pub(crate) number: u64,
    /// How many periodic runs there had been.
    ticks: u64,
    pub(crate) framework: FrameworkKey,
    /// Of the role, or all roles for a refused inverse offer.
    pub(crate) role: Option<RoleKey>,
    pub(crate) agent: AgentKey,
}

/// The ends of refusals, soonest first.
#[derive(Debug, Default)]
pub(crate) struct Expiries {
    heap: BinaryHeap<Reverse<Expiry>>,
    numbers: u64,
    ticks: u64,
    /// How many there were when those of dropped refusals were last cleared out.
    cleared_to: usize,
}

impl Expiries {
    /// Plans the end of a refusal and returns its number.
    pub(crate) fn plan(
        &mut self,
        at: Time,
        framework: FrameworkKey,
        role: Option<RoleKey>,
        agent: AgentKey,
    ) -> u64 {
        self.numbers += 1;
        let (number, ticks) = (self.numbers, self.ticks);
        self.heap.push(Reverse(Expiry { at, number, ticks, framework, role, agent }));
        number
    }

    /// A refusal that ended before `now` and that a periodic run has seen.
    pub(crate) fn pop(&mut self, now: Time) -> Option<Expiry> {
        let Reverse(first) = self.heap.peek()?;
        if first.at >= now || first.ticks == self.ticks {
            return None;
        }
        self.heap.pop().map(|Reverse(expiry)| expiry)
    }

    /// Whether so many were added since the last time that it pays to clear out.
    pub(crate) fn is_crowded(&self) -> bool {
        self.heap.len() > 2 * self.cleared_to + CROWD_MIN
    }

    /// Clears out those of refusals that were dropped before their end.
    pub(crate) fn clear_out(&mut self, is_live: impl Fn(&Expiry) -> bool) {
        self.heap.retain(|Reverse(expiry)| is_live(expiry));
        self.cleared_to = self.heap.len();
    }

    /// Counts a periodic run.
    pub(crate) fn tick(&mut self) {
        self.ticks += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Key;

    #[test]
    fn ends_of_dropped_refusals_do_not_pile_up() {
        let mut expiries = Expiries::default();
        let (framework, agent) = (FrameworkKey::new(0), AgentKey::new(0));
        for _ in 0..10_000 {
            let last = expiries.plan(Time::EPOCH + REFUSE_MAX, framework, None, agent);
            if expiries.is_crowded() {
                expiries.clear_out(|expiry| expiry.number == last);
            }
        }
        assert!(expiries.heap.len() <= 1 + 2 * CROWD_MIN);
    }

    #[test]
    fn refusals_count_as_long_as_they_say_within_bounds() {
        let year = 365.0 * 86400.0;
        for (seconds, expected) in [
            (None, Some(5.0)),
            (Some(0.0), None),
            (Some(-0.0), None),
            (Some(-1.0), Some(5.0)),
            (Some(f64::NAN), Some(5.0)),
            (Some(f64::NEG_INFINITY), Some(5.0)),
            (Some(0.25), Some(0.25)),
            (Some(1e9), Some(year)),
            (Some(f64::INFINITY), Some(year)),
        ] {
            let found = refuse_time(&Filters { refuse_seconds: seconds });
            assert_eq!(found.map(|time| time.as_secs_f64()), expected, "{seconds:?}");
        }
    }
}

//! Refusals and how long they count.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use mesos_api::v1::Filters;
use mesos_resources::Resources;
use stout::Time;

use crate::table::{AgentKey, FrameworkKey, RoleKey};

/// How long a refusal counts that says nothing or nonsense.
const REFUSE_DEFAULT: Duration = Duration::from_secs(5);
/// The longest that a refusal counts.
const REFUSE_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

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
    pub(crate) number: u64,
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

    /// Counts a periodic run.
    pub(crate) fn tick(&mut self) {
        self.ticks += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let found = refuse_time(&Filters { refuse_seconds: seconds, ..Default::default() });
            assert_eq!(found.map(|time| time.as_secs_f64()), expected, "{seconds:?}");
        }
    }
}

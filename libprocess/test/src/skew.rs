//! Clocks that differ from the true time.

use libprocess::{Clock, Time};

/// How the clock of a node differs from the true time of the simulation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skew {
    /// How far it is ahead when the node starts, in nanoseconds; behind, if negative.
    pub ahead_nanos: i64,
    /// By how many millionths it runs faster than the time; slower, if negative. More than 500,000
    /// either way counts as 500,000.
    pub drift_ppm: i32,
}

const MILLION: i128 = 1_000_000;
const DRIFT_PPM_MAX: i32 = 500_000;

/// The clock of a node, and how to tell its time from the true one.
pub(crate) struct SkewedClock {
    pub(crate) clock: Clock,
    began: Time,
    began_local: Time,
    /// How many millionths of a second the clock makes in a second.
    rate: i128,
}

impl SkewedClock {
    pub(crate) fn new(now: Time, skew: Skew) -> Self {
        let local = Time::from_nanos(now.as_nanos().saturating_add(skew.ahead_nanos));
        let rate = MILLION + i128::from(skew.drift_ppm.clamp(-DRIFT_PPM_MAX, DRIFT_PPM_MAX));
        Self { clock: Clock::paused(local), began: now, began_local: local, rate }
    }

    /// The time on the clock at a true time.
    fn local(&self, time: Time) -> Time {
        let passed = i128::from(time.as_nanos()) - i128::from(self.began.as_nanos());
        after(self.began_local, passed * self.rate / MILLION)
    }

    /// The first true time at which the clock shows this time.
    fn true_time(&self, local: Time) -> Time {
        let passed = i128::from(local.as_nanos()) - i128::from(self.began_local.as_nanos());
        let scaled = passed.max(0) * MILLION;
        after(self.began, (scaled + self.rate - 1) / self.rate)
    }

    /// The true time of the next timer.
    pub(crate) fn next_timer(&self) -> Option<Time> {
        self.clock.next_timer().map(|due| self.true_time(due))
    }

    /// Fires what is due at a true time.
    pub(crate) fn advance_to(&self, time: Time) {
        self.clock.advance_to(self.local(time));
    }
}

fn after(time: Time, nanos: i128) -> Time {
    let nanos = i128::from(time.as_nanos()) + nanos;
    Time::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timer_is_due_at_the_first_instant_at_which_its_clock_shows_its_time() {
        for ahead_nanos in [0, 5_000_000_000, -5_000_000_000] {
            for drift_ppm in [0, 1, -1, 333, -333, 500_000, -500_000, i32::MAX] {
                let start = Time::from_nanos(10_000_000_000);
                let clock = SkewedClock::new(start, Skew { ahead_nanos, drift_ppm });
                for nanos in [0, 1, 2, 3, 999, 1_000_000_007, 86_400_000_000_000] {
                    let local = after(clock.began_local, nanos);
                    let due = clock.true_time(local);
                    assert!(clock.local(due) >= local, "{ahead_nanos} {drift_ppm} {nanos}");
                    if due > start {
                        assert!(clock.local(after(due, -1)) < local, "{ahead_nanos} {drift_ppm} {nanos}");
                    }
                }
            }
        }
    }
}

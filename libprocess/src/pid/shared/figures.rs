//! What is counted of a process.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use crate::runtime::{TICK, ticks};

/// A run that took so many ticks was not quick, whatever the route says: ticks are points in time, so one
/// may fall into the shortest run.
const SLOW_TICKS_MIN: u64 = 2;
/// For so many requests after that a process is left to the workers.
const KEPT_OFF: u16 = 1000;

impl Shared {
    /// Notes that one message more waits, or one less.
    pub(crate) fn note_message(&self, more: bool) {
        let change = |count: u32| Some(if more { count.wrapping_add(1) } else { count.saturating_sub(1) });
        let _ = self.messages.fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }

    pub(crate) fn note_busy(&self, ticks: u64) {
        self.busy.fetch_add(u32::try_from(ticks).unwrap_or(u32::MAX), Ordering::Relaxed);
        if ticks >= SLOW_TICKS_MIN {
            self.kept_off.store(KEPT_OFF, Ordering::Relaxed);
        }
    }

    /// Whether a request may be handled on the thread that brings it.
    #[cfg(feature = "http")]
    pub(in crate::pid) fn is_welcome_anywhere(&self) -> bool {
        let kept_off = self.kept_off.load(Ordering::Relaxed);
        if kept_off > 0 {
            // Of several that do this at a time some do not count.
            self.kept_off.store(kept_off - 1, Ordering::Relaxed);
        }
        kept_off == 0
    }

    /// Notes that the process begins to wait for its turn. It is for who has the turn, and passes it on.
    #[inline]
    pub(crate) fn note_ready(&self) {
        self.ready_at.store(tick(ticks()), Ordering::Relaxed);
    }

    /// Notes that its turn has come at this tick.
    #[inline]
    pub(crate) fn note_run(&self, at: u64) {
        let ticks = tick(at).wrapping_sub(self.ready_at.load(Ordering::Relaxed));
        if ticks > 0 {
            self.waited.store(self.waited.load(Ordering::Relaxed).wrapping_add(ticks), Ordering::Relaxed);
        }
    }

    /// For how long handlers of the process have run, to the tick.
    #[cfg_attr(not(feature = "http"), allow(dead_code))] // A page tells it.
    pub(crate) fn busy(&self) -> Duration {
        TICK * self.busy.load(Ordering::Relaxed)
    }

    /// For how long the process has had something to do and waited for its turn, to the tick.
    ///
    /// A tick is a point in time, and counts when it falls into a wait: a short wait mostly counts as none,
    /// one in so many as a whole tick, so that the sum over many is right, and each is not. What waits behind
    /// a handler of the process itself is part of the handling time and not of this, and so is a wait that is
    /// not over. No ticks pass while all workers sleep, nor where a scheduler of one's own is all there is.
    #[cfg_attr(not(feature = "http"), allow(dead_code))] // A page tells it.
    pub(crate) fn waited(&self) -> Duration {
        TICK * self.waited.load(Ordering::Relaxed)
    }
}

/// A tick as processes keep it: waits are shorter than the 497 days after which these begin anew.
#[inline]
fn tick(ticks: u64) -> u32 {
    ticks as u32
}

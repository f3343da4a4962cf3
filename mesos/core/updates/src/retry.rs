use std::time::Duration;

use crate::Uuid;

/// The wait before an unacknowledged update is sent for the second time.
pub const RETRY_WAIT_MIN: Duration = Duration::from_secs(10);

/// The wait that the doubling of waits ends at.
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(10 * 60);

/// One armed retry of the update in flight.
///
/// The caller hands it back as an input once `wait` has passed. A retry that was overtaken (by an
/// acknowledgement, by a pause, by sending anew after a resume) is recognised and ignored, so timers
/// need not be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The update that is in flight.
    pub uuid: Uuid,
    /// How long to wait from the time it was sent.
    pub wait: Duration,
    /// Which sending of the stream this belongs to; only the latest one counts.
    pub attempt: u64,
}

impl Retry {
    /// The wait after this one: twice as long, up to the bound.
    pub(crate) fn next_wait(&self) -> Duration {
        self.wait.saturating_mul(2).min(RETRY_WAIT_MAX)
    }
}

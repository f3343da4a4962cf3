//! How long to wait before the next try to connect.

use std::time::Duration;

/// The wait after the first failure; gRPC's own clients wait a second, but ours talk mostly to plugins on the
/// same machine that are just starting.
const WAIT_MIN: Duration = Duration::from_millis(50);

/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Waits that double up to a bound.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: WAIT_MIN }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(WAIT_MAX);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..10).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    }
}

//! How often the page of metrics is shown.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use stout::{Time, duration};
use tokio::sync::Mutex;
use tracing::error;

use crate::Clock;

/// Where the rate is set.
const VARIABLE: &str = "LIBPROCESS_METRICS_SNAPSHOT_ENDPOINT_RATE_LIMIT";

/// So many in that time, such as `2/1secs` as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// How many, at least one.
    pub permits: u32,
    /// In which time.
    pub per: Duration,
}

impl Rate {
    /// So many in that time; none at all would be one.
    pub fn new(permits: u32, per: Duration) -> Self {
        Self { permits: permits.max(1), per }
    }

    /// The rate that the environment gives: empty is none, and what cannot be read the default, with
    /// an error in the log.
    pub(super) fn from_env() -> Option<Self> {
        let default = Rate::new(2, Duration::from_secs(1));
        let Ok(text) = std::env::var(VARIABLE) else { return Some(default) };
        if text.is_empty() {
            return None;
        }
        let read = text.parse();
        Some(read.unwrap_or_else(|error| {
            error!(%error, "ignoring {VARIABLE}");
            default
        }))
    }
}

impl FromStr for Rate {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, ParseRateError> {
        let error = || ParseRateError { text: text.to_owned() };
        let (permits, per) = text.split_once('/').ok_or_else(error)?;
        let permits = permits.trim().parse().ok().filter(|permits| *permits > 0).ok_or_else(error)?;
        let per = duration::parse(per.trim()).map_err(|_| error())?;
        Ok(Self { permits, per })
    }
}

/// The text is no rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseRateError {
    text: String,
}

impl fmt::Display for ParseRateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "expecting a rate such as '2/1secs', found '{}'", self.text)
    }
}

impl std::error::Error for ParseRateError {}

/// Lets through so many in any stretch of that time, in the order in which they came.
pub(super) struct RateLimit {
    clock: Clock,
    rate: Rate,
    // A fair lock: those who wait queue for it, and one that gives up leaves the queue.
    granted: Mutex<VecDeque<Time>>,
}

impl RateLimit {
    pub(super) fn new(clock: Clock, rate: Rate) -> Self {
        Self { clock, rate, granted: Mutex::default() }
    }

    pub(super) async fn acquire(&self) {
        let mut granted = self.granted.lock().await;
        if granted.len() >= self.rate.permits as usize {
            let free = granted.front().map_or(Time::EPOCH, |first| *first + self.rate.per);
            let now = self.clock.now();
            if free > now {
                // A clock that is gone lets everybody through.
                let _ = self.clock.sleep(free - now).await;
            }
            granted.pop_front();
        }
        granted.push_back(self.clock.now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn rates_are_read_from_text() {
        assert_eq!("2/1secs".parse(), Ok(Rate::new(2, Duration::from_secs(1))));
        assert_eq!("10/ 5mins".parse(), Ok(Rate::new(10, Duration::from_secs(300))));
        for text in ["", "2", "0/1secs", "x/1secs", "2/1", "-1/1secs"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn third_in_a_second_waits_and_one_that_gives_up_leaves_its_place() {
        let clock = Clock::paused(Time::EPOCH);
        let limit = RateLimit::new(clock.clone(), Rate::new(2, Duration::from_secs(1)));
        limit.acquire().await;
        limit.acquire().await;
        let mut third = Box::pin(limit.acquire());
        let mut fourth = Box::pin(limit.acquire());
        let mut fifth = Box::pin(limit.acquire());
        for waiting in [&mut third, &mut fourth, &mut fifth] {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        drop(fourth);
        clock.advance(Duration::from_secs(1)).await;
        third.await;
        fifth.await;
        assert!(limit.acquire().now_or_never().is_none());
    }
}

//! A limit for each.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use super::{Rate, RateLimiter};
use crate::{Clock, Future};

/// How much somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// How much in which time; what is more waits.
    pub rate: Rate,
    /// How much may wait; any amount unless it is set.
    pub waiting_max: Option<usize>,
}

impl Limit {
    /// A limit on how often, but not on how much waits.
    pub fn new(rate: Rate) -> Self {
        Self { rate, waiting_max: None }
    }

    /// The same, but what would make more than so many wait is refused.
    #[must_use]
    pub fn waiting_max(self, max: usize) -> Self {
        Self { waiting_max: Some(max), ..self }
    }
}

/// Rate limits by who it is: each principal that has a limit is held to its own, and all others together
/// to one that they share, if there is one.
///
/// ```
/// use std::time::Duration;
/// use libprocess::sync::{Limit, Limiter, Rate};
/// use libprocess::{Clock, Time};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let clock = Clock::paused(Time::EPOCH);
/// let one_a_second = Limit::new(Rate::new(1, Duration::from_secs(1)));
/// let limiter = Limiter::new(clock)
///     .limit("batch", one_a_second.waiting_max(1))
///     .exempt("operator")
///     .others(one_a_second);
///
/// limiter.acquire("batch")?.await?;
/// let waits = limiter.acquire("batch")?;
/// assert!(waits.is_pending());
/// let refused = limiter.acquire("batch").unwrap_err();
/// assert_eq!(refused.to_string(), "1 wait already, which is the most that may");
///
/// assert!(!limiter.acquire("operator")?.is_pending());
/// assert!(!limiter.acquire("somebody")?.is_pending());
/// assert!(limiter.acquire("somebody else")?.is_pending());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Limiter<K> {
    clock: Clock,
    principals: HashMap<K, Option<Limited>>,
    others: Option<Limited>,
}

#[derive(Debug)]
struct Limited {
    limiter: RateLimiter,
    waiting_max: Option<usize>,
}

impl Limited {
    fn new(clock: &Clock, limit: Limit) -> Self {
        let limiter = RateLimiter::new(clock.clone(), limit.rate);
        Self { limiter, waiting_max: limit.waiting_max }
    }
}

impl<K: Eq + Hash> Limiter<K> {
    /// A limiter that limits nobody yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, principals: HashMap::new(), others: None }
    }

    /// Holds a principal to a limit of its own.
    #[must_use]
    pub fn limit(mut self, principal: K, limit: Limit) -> Self {
        let limited = Limited::new(&self.clock, limit);
        self.principals.insert(principal, Some(limited));
        self
    }

    /// Holds a principal to no limit, not even to the one for the others.
    #[must_use]
    pub fn exempt(mut self, principal: K) -> Self {
        self.principals.insert(principal, None);
        self
    }

    /// Holds all who have no limit of their own to one that they share.
    #[must_use]
    pub fn others(mut self, limit: Limit) -> Self {
        self.others = Some(Limited::new(&self.clock, limit));
        self
    }

    /// Ready when the principal may go on. Who discards it, or drops it, leaves the place to the next one.
    ///
    /// # Errors
    ///
    /// Refuses when as many wait as may under this limit.
    pub fn acquire<Q>(&self, principal: &Q) -> Result<Future<()>, OverCapacity>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let own = self.principals.get(principal);
        let Some(limited) = own.map_or(self.others.as_ref(), Option::as_ref) else {
            return Ok(Future::ready(()));
        };
        match limited.waiting_max {
            Some(max) if limited.limiter.waiting() >= max => {
                // Nobody waits where one may go on at once.
                let admitted = limited.limiter.try_acquire();
                if admitted { Ok(Future::ready(())) } else { Err(OverCapacity { waiting_max: max }) }
            }
            _ => Ok(limited.limiter.acquire()),
        }
    }
}

/// As many wait as may.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverCapacity {
    /// How many that is.
    pub waiting_max: usize,
}

impl fmt::Display for OverCapacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} wait already, which is the most that may", self.waiting_max)
    }
}

impl std::error::Error for OverCapacity {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use stout::Time;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn place_is_free_again_when_somebody_has_gone_on() {
        let clock = Clock::paused(Time::EPOCH);
        let limit = Limit::new(Rate::new(1, SECOND)).waiting_max(1);
        let limiter = Limiter::new(clock.clone()).limit("batch", limit);
        limiter.acquire("batch").unwrap().await.unwrap();
        let waiting = limiter.acquire("batch").unwrap();
        assert_eq!(limiter.acquire("batch").unwrap_err(), OverCapacity { waiting_max: 1 });
        clock.advance(SECOND).await;
        assert_eq!(waiting.await, Ok(()));
        assert!(limiter.acquire("batch").unwrap().is_pending());
    }

    #[tokio::test]
    async fn nobody_may_wait_but_one_may_go_on() {
        let clock = Clock::paused(Time::EPOCH);
        let limit = Limit::new(Rate::new(1, SECOND)).waiting_max(0);
        let limiter = Limiter::<String>::new(clock.clone()).others(limit);
        for _ in 0..3 {
            assert!(!limiter.acquire("x").unwrap().is_pending());
            assert!(limiter.acquire("y").is_err());
            clock.advance(SECOND).await;
        }
    }
}

//! Values over time.

use std::collections::VecDeque;
use std::time::Duration;

use stout::Time;

use super::Statistics;

/// Values of the latest time, so many at most.
///
/// When there are too many, every second one of the older half goes. So a series of something frequent
/// has its recent values all, and older ones ever more sparsely, and still reaches back over the whole
/// window.
///
/// ```
/// use std::time::Duration;
/// use libprocess::Time;
/// use libprocess::metrics::TimeSeries;
///
/// let mut load = TimeSeries::new(Duration::from_secs(60));
/// let at = |second| Time::EPOCH + Duration::from_secs(second);
/// for second in 0..100 {
///     load.push(at(second), second as f64);
/// }
/// assert_eq!(load.latest(), Some((at(99), 99.0)));
/// assert_eq!(load.iter().next(), Some((at(39), 39.0)));
/// assert_eq!(load.statistics().unwrap().p50, 69.0);
/// ```
#[derive(Clone, Debug)]
pub struct TimeSeries<T> {
    window: Duration,
    capacity: usize,
    /// Oldest first.
    values: VecDeque<(Time, T)>,
}

impl<T> TimeSeries<T> {
    /// How many values a series keeps unless it is said.
    pub const CAPACITY: usize = 1_000;

    /// Keeps what is no older than `window`, and the latest value.
    pub fn new(window: Duration) -> Self {
        Self::with_capacity(window, Self::CAPACITY)
    }

    /// Keeps what is no older than `window`, so many values at most, but at least three.
    pub fn with_capacity(window: Duration, capacity: usize) -> Self {
        Self { window, capacity: capacity.max(3), values: VecDeque::new() }
    }

    /// Adds a value. It may be older than others that are there.
    pub fn push(&mut self, at: Time, value: T) {
        let place = match self.values.back() {
            Some((latest, _)) if *latest > at => self.values.partition_point(|(time, _)| *time <= at),
            _ => self.values.len(),
        };
        self.values.insert(place, (at, value));
        if let Some(&(latest, _)) = self.values.back() {
            self.forget(latest);
        }
        if self.values.len() > self.capacity {
            self.thin_out();
        }
    }

    /// Drops what is older than the window at that time, but for the latest value.
    pub fn forget(&mut self, now: Time) {
        let old = self.values.partition_point(|(at, _)| *at + self.window < now);
        self.values.drain(..old.min(self.values.len().saturating_sub(1)));
    }

    /// The latest value, and when that was.
    pub fn latest(&self) -> Option<(Time, T)>
    where
        T: Clone,
    {
        self.values.back().cloned()
    }

    /// All values, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (Time, T)>
    where
        T: Clone,
    {
        self.values.iter().cloned()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there was never a value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What the values tell together, if there are two at least.
    pub fn statistics(&self) -> Option<Statistics>
    where
        T: Copy + Into<f64>,
    {
        Statistics::of(self.values.iter().map(|(_, value)| (*value).into()))
    }

    fn thin_out(&mut self) {
        let half = self.values.len() / 2;
        let mut index = 0;
        self.values.retain(|_| {
            index += 1;
            index > half || index % 2 == 1
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: u64) -> Time {
        Time::EPOCH + Duration::from_secs(second)
    }

    fn seconds(series: &TimeSeries<f64>) -> Vec<u64> {
        series.iter().map(|(at, _)| at.as_secs() as u64).collect()
    }

    #[test]
    fn older_half_is_thinned_out_when_there_are_too_many() {
        let mut series = TimeSeries::with_capacity(Duration::from_secs(1_000), 8);
        (0..9).for_each(|second| series.push(at(second), 0.0));
        assert_eq!(seconds(&series), [0, 2, 4, 5, 6, 7, 8]);
        (9..11).for_each(|second| series.push(at(second), 0.0));
        assert_eq!(seconds(&series), [0, 4, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn latest_value_stays_when_all_are_old() {
        let mut series = TimeSeries::new(Duration::from_secs(10));
        series.push(at(1), 1.0);
        series.push(at(2), 2.0);
        series.forget(at(11));
        assert_eq!(series.len(), 2);
        series.forget(at(500));
        assert_eq!(series.latest(), Some((at(2), 2.0)));
        assert!(series.statistics().is_none());
    }

    #[test]
    fn values_of_one_instant_are_all_kept() {
        let mut series = TimeSeries::new(Duration::ZERO);
        (0..5).for_each(|n| series.push(at(1), f64::from(n)));
        assert_eq!(series.len(), 5);
    }

    proptest! {
        #[test]
        fn series_is_sorted_bounded_and_within_its_window(
            pushed in prop::collection::vec(0..1_000_u64, 1..300),
            window in 1..500_u64,
            capacity in 0..50_usize,
        ) {
            let mut series = TimeSeries::with_capacity(Duration::from_secs(window), capacity);
            for second in &pushed {
                series.push(at(*second), 0.0);
                let seconds = seconds(&series);
                prop_assert!(seconds.is_sorted());
                prop_assert!(seconds.len() <= capacity.max(3));
            }
            let seconds = seconds(&series);
            let latest = pushed.iter().max().copied();
            prop_assert_eq!(seconds.last().copied(), latest);
            prop_assert!(seconds.iter().all(|second| second + window >= latest.unwrap_or(0)));
        }
    }
}

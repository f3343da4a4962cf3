//! What many values tell together.

/// The extremes of values, and where so many in a hundred of them lie below.
///
/// A percentile that falls between two values is the point between them in proportion.
///
/// ```
/// use libprocess::metrics::Statistics;
///
/// let statistics = Statistics::of((0..=100).map(f64::from)).unwrap();
/// assert_eq!((statistics.count, statistics.min, statistics.max), (101, 0.0, 100.0));
/// assert_eq!((statistics.p25, statistics.p90, statistics.p999), (25.0, 90.0, 99.9));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// How many values there are.
    pub count: usize,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// A quarter lies below.
    pub p25: f64,
    /// The median.
    pub p50: f64,
    /// Three quarters lie below.
    pub p75: f64,
    /// 90 % lie below.
    pub p90: f64,
    /// 95 % lie below.
    pub p95: f64,
    /// 99 % lie below.
    pub p99: f64,
    /// 99.9 % lie below.
    pub p999: f64,
    /// 99.99 % lie below.
    pub p9999: f64,
}

impl Statistics {
    /// The statistics of `values`; there is nothing to tell of fewer than two.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (&[min, ..], &[_, .., max]) = (&sorted[..], &sorted[..]) else { return None };
        let percentile = |share| percentile(&sorted, share);
        Some(Self {
            count: sorted.len(),
            min,
            max,
            p25: percentile(0.25),
            p50: percentile(0.5),
            p75: percentile(0.75),
            p90: percentile(0.9),
            p95: percentile(0.95),
            p99: percentile(0.99),
            p999: percentile(0.999),
            p9999: percentile(0.9999),
        })
    }

    /// What a snapshot shows under a name, behind a slash.
    pub(super) fn shown(&self) -> [(&'static str, f64); 9] {
        [
            ("count", self.count as f64),
            ("min", self.min),
            ("max", self.max),
            ("p50", self.p50),
            ("p90", self.p90),
            ("p95", self.p95),
            ("p99", self.p99),
            ("p999", self.p999),
            ("p9999", self.p9999),
        ]
    }
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    let position = share * sorted.len().saturating_sub(1) as f64;
    let index = position.floor() as usize;
    let at = |index: usize| sorted.get(index).or(sorted.last()).copied().unwrap_or(0.0);
    let (low, high) = (at(index), at(index + 1));
    // Rounding must not lead out of the two.
    (low + (high - low) * position.fract()).clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_lie_between_values_in_proportion() {
        let statistics = Statistics::of([30.0, 0.0, 10.0, 40.0, 20.0]).unwrap();
        assert_eq!(
            (statistics.p25, statistics.p50, statistics.p75, statistics.p90),
            (10.0, 20.0, 30.0, 36.0)
        );
        assert!((statistics.p9999 - 39.996).abs() < 1e-9);
    }

    #[test]
    fn fewer_than_two_values_tell_nothing() {
        assert_eq!(Statistics::of([]), None);
        assert_eq!(Statistics::of([1.0]), None);
    }

    proptest! {
        #[test]
        fn percentiles_are_in_order_between_the_extremes(
            values in prop::collection::vec(-1e9..1e9_f64, 2..200)
        ) {
            let Statistics { min, p25, p50, p75, p90, p95, p99, p999, p9999, max, .. } =
                Statistics::of(values).unwrap();
            prop_assert!([min, p25, p50, p75, p90, p95, p99, p999, p9999, max].is_sorted());
        }
    }
}

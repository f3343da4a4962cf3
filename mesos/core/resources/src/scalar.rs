//! Amounts in fixed point.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// An amount with three decimals, counted in thousandths and never negative.
///
/// Adding stops at the largest amount and subtracting at zero, so no input can make it wrap.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scalar(i64);

impl Scalar {
    /// Nothing.
    pub const ZERO: Scalar = Scalar(0);
    /// The largest amount that every reader of a double understands to three decimals.
    pub const MAX: Scalar = Scalar(9_007_199_254_740_991);

    /// The amount of so many thousandths; a negative one is zero.
    pub fn from_thousandths(thousandths: i64) -> Self {
        Self(thousandths.clamp(0, Self::MAX.0))
    }

    /// How many thousandths this is.
    pub fn thousandths(self) -> i64 {
        self.0
    }

    /// The nearest amount to a double, halves away from zero; negative and not-a-number are zero.
    pub fn from_f64(value: f64) -> Self {
        // The cast saturates and turns NaN into zero.
        Self::from_thousandths((value * 1000.0).round() as i64)
    }

    /// The amount as a double.
    pub fn as_f64(self) -> f64 {
        // Whole part and rest are converted apart so that the division sees small numbers only.
        (self.0 / 1000) as f64 + (self.0 % 1000) as f64 / 1000.0
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add for Scalar {
    type Output = Scalar;
    fn add(self, other: Scalar) -> Scalar {
        Self::from_thousandths(self.0.saturating_add(other.0))
    }
}

impl Sub for Scalar {
    type Output = Scalar;
    fn sub(self, other: Scalar) -> Scalar {
        Self((self.0 - other.0).max(0))
    }
}

impl AddAssign for Scalar {
    fn add_assign(&mut self, other: Scalar) {
        *self = *self + other;
    }
}

impl SubAssign for Scalar {
    fn sub_assign(&mut self, other: Scalar) {
        *self = *self - other;
    }
}

impl Sum for Scalar {
    fn sum<I: Iterator<Item = Scalar>>(iter: I) -> Scalar {
        iter.fold(Scalar::ZERO, Add::add)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        if rest == 0 {
            write!(f, "{whole}")
        } else {
            f.write_str(format!("{whole}.{rest:03}").trim_end_matches('0'))
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_kept_and_more_is_rounded_half_away_from_zero() {
        for (value, thousandths) in
            [(0.0, 0), (0.1, 100), (0.0005, 1), (0.0004, 0), (1.9999, 2000), (2.5314, 2531), (-1.0, 0)]
        {
            assert_eq!(Scalar::from_f64(value).thousandths(), thousandths, "{value}");
        }
        assert_eq!(Scalar::from_f64(f64::NAN), Scalar::ZERO);
        assert_eq!(Scalar::from_f64(f64::INFINITY), Scalar::MAX);
    }

    #[test]
    fn ten_tenths_are_one() {
        let tenth = Scalar::from_f64(0.1);
        assert_eq!((0..10).map(|_| tenth).sum::<Scalar>(), Scalar::from_f64(1.0));
    }

    #[test]
    fn subtraction_stops_at_zero_and_addition_at_the_maximum() {
        assert_eq!(Scalar::from_f64(1.0) - Scalar::from_f64(2.0), Scalar::ZERO);
        assert_eq!(Scalar::MAX + Scalar::MAX, Scalar::MAX);
    }

    #[test]
    fn text_has_no_trailing_zeros() {
        for (value, text) in [(2.0, "2"), (0.1, "0.1"), (0.05, "0.05"), (1.234, "1.234"), (1024.0, "1024")] {
            assert_eq!(Scalar::from_f64(value).to_string(), text);
        }
    }
}

//! Byte sizes as text.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};
use std::str::FromStr;

const KB: u64 = 1 << 10;
const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;
const TB: u64 = 1 << 40;

/// A number of bytes, read and written with a unit: `32MB`.
///
/// Units are binary multiples: a KB is 1024 bytes. Arithmetic saturates.
///
/// # Examples
///
/// ```
/// use stout::Bytes;
///
/// let size: Bytes = "32MB".parse()?;
/// assert_eq!(size, Bytes::megabytes(32));
/// assert_eq!((size * 64).to_string(), "2GB");
/// assert_eq!(Bytes(1025).to_string(), "1025B");
/// # Ok::<(), stout::ParseBytesError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

impl Bytes {
    /// No bytes.
    pub const ZERO: Bytes = Bytes(0);

    /// That many times 1024 bytes.
    pub const fn kilobytes(count: u64) -> Bytes {
        Bytes(count.saturating_mul(KB))
    }

    /// That many times 1024 KB.
    pub const fn megabytes(count: u64) -> Bytes {
        Bytes(count.saturating_mul(MB))
    }

    /// That many times 1024 MB.
    pub const fn gigabytes(count: u64) -> Bytes {
        Bytes(count.saturating_mul(GB))
    }

    /// That many times 1024 GB.
    pub const fn terabytes(count: u64) -> Bytes {
        Bytes(count.saturating_mul(TB))
    }

    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The size in MB, with its fraction.
    pub fn as_megabytes(self) -> f64 {
        self.0 as f64 / MB as f64
    }
}

/// Why a text is not a byte size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseBytesError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for ParseBytesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "'{}' is not a size such as 32MB: {}", self.text, self.reason)
    }
}

impl std::error::Error for ParseBytesError {}

impl FromStr for Bytes {
    type Err = ParseBytesError;

    fn from_str(text: &str) -> Result<Bytes, ParseBytesError> {
        let error = |reason| ParseBytesError { text: text.to_owned(), reason };
        let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(|| error("the unit is missing"))?;
        let (digits, unit) = text.split_at(end);
        if unit.starts_with('.') {
            return Err(error("fractions are not allowed"));
        }
        if digits.is_empty() {
            return Err(error("it must begin with a number"));
        }
        let factor = match unit.to_ascii_uppercase().as_str() {
            "B" => 1,
            "KB" => KB,
            "MB" => MB,
            "GB" => GB,
            "TB" => TB,
            _ => return Err(error("the unit must be B, KB, MB, GB or TB")),
        };
        let count: Option<u64> = digits.parse().ok();
        count.and_then(|count| count.checked_mul(factor)).map(Bytes).ok_or_else(|| error("it is too large"))
    }
}

/// Written in the largest unit that loses nothing.
impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(TB, "TB"), (GB, "GB"), (MB, "MB"), (KB, "KB")];
        let fits = units.into_iter().find(|(factor, _)| self.0 != 0 && self.0.is_multiple_of(*factor));
        let (factor, unit) = fits.unwrap_or((1, "B"));
        formatter.pad(&format!("{}{unit}", self.0 / factor))
    }
}

impl Add for Bytes {
    type Output = Bytes;

    fn add(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Bytes {
    fn add_assign(&mut self, other: Bytes) {
        *self = *self + other;
    }
}

impl Sub for Bytes {
    type Output = Bytes;

    fn sub(self, other: Bytes) -> Bytes {
        Bytes(self.0.saturating_sub(other.0))
    }
}

impl SubAssign for Bytes {
    fn sub_assign(&mut self, other: Bytes) {
        *self = *self - other;
    }
}

impl Mul<u64> for Bytes {
    type Output = Bytes;

    fn mul(self, factor: u64) -> Bytes {
        Bytes(self.0.saturating_mul(factor))
    }
}

/// Division by zero gives the largest size: arithmetic on sizes never panics.
impl Div<u64> for Bytes {
    type Output = Bytes;

    fn div(self, divisor: u64) -> Bytes {
        Bytes(self.0.checked_div(divisor).unwrap_or(u64::MAX))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(sizes: I) -> Bytes {
        sizes.fold(Bytes::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_read_in_any_case_and_are_binary() {
        for (text, bytes) in
            [("0B", 0), ("1b", 1), ("1KB", 1024), ("2mb", 2 << 20), ("3Gb", 3 << 30), ("1TB", 1 << 40)]
        {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_size_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "missing"),
            ("32", "missing"),
            ("1.5GB", "fractions"),
            ("MB", "begin with a number"),
            ("-1MB", "begin with a number"),
            ("1PB", "unit must be"),
            ("1 MB", "unit must be"),
            ("18446744073709551615KB", "too large"),
            ("99999999999999999999B", "too large"),
        ] {
            let error = text.parse::<Bytes>().unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains(text), "{text}: {error}");
        }
    }

    #[test]
    fn the_largest_unit_without_loss_is_written() {
        for (bytes, text) in
            [(0, "0B"), (1023, "1023B"), (1536, "1536B"), (3 << 20, "3MB"), (1 << 50, "1024TB")]
        {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Bytes(1) - Bytes(2), Bytes::ZERO);
        assert_eq!(Bytes(u64::MAX) + Bytes(1), Bytes(u64::MAX));
        assert_eq!(Bytes(7) / 0, Bytes(u64::MAX));
        assert_eq!([Bytes(1), Bytes(2)].into_iter().sum::<Bytes>(), Bytes(3));
    }

    proptest! {
        #[test]
        fn text_round_trips(bytes in any::<u64>(), shift in 0u32..41) {
            let bytes = Bytes(bytes >> shift << shift);
            prop_assert_eq!(bytes.to_string().parse(), Ok(bytes));
        }
    }
}

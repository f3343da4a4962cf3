//! Durations as text: `10secs`, `1.5hrs`, `2weeks`.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//! use stout::duration;
//!
//! assert_eq!(duration::parse("1.5hrs")?, Duration::from_mins(90));
//! assert_eq!(duration::format(Duration::from_mins(90)), "90mins");
//! assert_eq!(duration::format(Duration::from_secs(10)), "10secs");
//! # Ok::<(), duration::ParseDurationError>(())
//! ```

use std::fmt;
use std::time::Duration;

/// Units from the smallest to the largest, with their length in nanoseconds.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("secs", 1_000_000_000),
    ("mins", 60_000_000_000),
    ("hrs", 3_600_000_000_000),
    ("days", 86_400_000_000_000),
    ("weeks", 604_800_000_000_000),
];

/// The longest duration that text can tell: signed 64 bits of nanoseconds, about 292 years.
pub const MAX: Duration = Duration::from_nanos(i64::MAX as u64);

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseDurationError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for ParseDurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "'{}' is not a duration such as 10secs or 1.5hrs: {}", self.text, self.reason)
    }
}

impl std::error::Error for ParseDurationError {}

/// Reads a duration: a number, which may have a fraction, and a unit at once after it.
///
/// # Errors
///
/// The text has no number, no known unit, or means more than [`MAX`].
pub fn parse(text: &str) -> Result<Duration, ParseDurationError> {
    let error = |reason| ParseDurationError { text: text.to_owned(), reason };
    let end =
        text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(|| error("the unit is missing"))?;
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return Err(error("it must begin with a number"));
    }
    let (_, factor) = UNITS
        .into_iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| error("the unit must be ns, us, ms, secs, mins, hrs, days or weeks"))?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| error("it is too long"))? };
    let nanos = u128::from(whole) * factor + fraction_of(factor, fraction);
    match u64::try_from(nanos) {
        Ok(nanos) if nanos <= MAX.as_nanos() as u64 => Ok(Duration::from_nanos(nanos)),
        _ => Err(error("it is too long")),
    }
}

/// `0.digits * factor`, rounded to the nearest; digits beyond the eighteenth cannot matter.
fn fraction_of(factor: u128, digits: &str) -> u128 {
    let digits = &digits[..digits.len().min(18)];
    let scale = 10u128.pow(digits.len() as u32);
    let value: u128 = digits.parse().unwrap_or(0);
    (value * factor + scale / 2) / scale
}

/// Writes a duration in the largest unit it fills, or in the next smaller one where only that
/// makes a whole number.
///
/// So ten days are `10days` and not `1.42857142857143weeks`. Where neither is whole, the
/// fraction has up to fifteen significant digits.
pub fn format(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let index = UNITS.iter().rposition(|(_, factor)| nanos >= *factor).unwrap_or(0);
    let (unit, factor) = UNITS[index];
    if nanos.is_multiple_of(factor) {
        return format!("{}{unit}", nanos / factor);
    }
    let (smaller, smaller_factor) = UNITS[index.saturating_sub(1)];
    if nanos.is_multiple_of(smaller_factor) {
        return format!("{}{smaller}", nanos / smaller_factor);
    }
    let whole_digits = (nanos / factor).checked_ilog10().unwrap_or(0) as usize + 1;
    let value = format!("{:.*}", 15usize.saturating_sub(whole_digits), nanos as f64 / factor as f64);
    format!("{}{unit}", value.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_unit_is_read() {
        for (text, nanos) in [
            ("10ns", 10),
            ("1us", 1_000),
            ("5ms", 5_000_000),
            ("2secs", 2_000_000_000),
            ("1.5mins", 90_000_000_000),
            (".5hrs", 1_800_000_000_000),
            ("1.days", 86_400_000_000_000),
            ("2weeks", 1_209_600_000_000_000),
            ("0ns", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "missing"),
            ("10", "missing"),
            ("secs", "begin with a number"),
            ("-1secs", "begin with a number"),
            ("1.2.3secs", "begin with a number"),
            (".secs", "begin with a number"),
            ("10s", "unit must be"),
            ("10 secs", "unit must be"),
            ("16000weeks", "too long"),
            ("99999999999999999999ns", "too long"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains(text), "{text}: {error}");
        }
    }

    #[test]
    fn the_unit_that_reads_best_is_written() {
        for (nanos, text) in [
            (0, "0ns"),
            (1_500, "1500ns"),
            (1_500_000, "1500us"),
            (10_000_000_000, "10secs"),
            (1_500_000_000, "1500ms"),
            (1_500_000_001, "1.500000001secs"),
            (90_000_000_000, "90secs"),
            (900_000_000_000, "15mins"),
            (864_000_000_000_000, "10days"),
            (604_800_000_000_000, "1weeks"),
            (3_600_000_000_001, "1.00000000000028hrs"),
        ] {
            assert_eq!(format(Duration::from_nanos(nanos)), text);
        }
        assert_eq!(format(Duration::MAX), "30500568904943weeks");
    }

    proptest! {
        /// A whole number of a unit, less than makes one of the next, is kept exactly.
        #[test]
        fn whole_numbers_round_trip((unit, count) in (0usize..8).prop_flat_map(|unit| {
            let next = UNITS.get(unit + 1).map_or(MAX.as_nanos(), |(_, factor)| *factor);
            (Just(unit), 1..(next / UNITS[unit].1) as u64)
        })) {
            let duration = Duration::from_nanos(count * UNITS[unit].1 as u64);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        /// Anything else is kept to fifteen significant digits.
        #[test]
        fn any_duration_nearly_round_trips(nanos in 0..=i64::MAX as u64 / 2) {
            let again = parse(&format(Duration::from_nanos(nanos))).unwrap();
            let error = again.as_nanos().abs_diff(u128::from(nanos));
            prop_assert!(error <= 1 + u128::from(nanos) / 50_000_000_000_000, "{nanos} became {again:?}");
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}

//! Numbers: the grammar of JSON, and what fits into which field.

use std::borrow::Cow;

use super::text::shortened;

/// Why a number does not fit.
pub(super) type Problem = Cow<'static, str>;

/// A number as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number<'a> {
    text: &'a str,
    negative: bool,
    value: Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Magnitude {
    /// Digits only.
    Integer(u64),
    /// With a point or an exponent, or more digits than 64 bits hold.
    Other,
}

impl<'a> Number<'a> {
    /// The number that `text` begins with, and its length.
    pub(super) fn scan(text: &'a str) -> Option<(Self, usize)> {
        let bytes = text.as_bytes();
        let negative = bytes.first() == Some(&b'-');
        let start = usize::from(negative);
        let mut end = start;
        let mut integer = Some(0_u64);
        while let Some(digit) = digit_at(bytes, end) {
            integer = integer.and_then(|value| value.checked_mul(10)?.checked_add(digit));
            end += 1;
        }
        let has_leading_zero = bytes.get(start) == Some(&b'0') && end > start + 1;
        if end == start || has_leading_zero {
            return None;
        }
        if bytes.get(end) == Some(&b'.') {
            integer = None;
            end = digits_from(bytes, end + 1)?;
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            integer = None;
            let signed = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
            end = digits_from(bytes, end + 1 + usize::from(signed))?;
        }
        let text = text.get(..end)?;
        let value = integer.map_or(Magnitude::Other, Magnitude::Integer);
        Some((Self { text, negative, value }, end))
    }

    /// The number that `text` is as a whole.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        Self::scan(text).filter(|(_, length)| *length == text.len()).map(|(number, _)| number)
    }

    pub(super) fn float(self) -> Result<f64, Problem> {
        /// Up to here all integers are exact.
        const EXACT_MAX: u64 = 1 << 53;
        match self.value {
            Magnitude::Integer(value @ 0..=EXACT_MAX) => {
                Ok(if self.negative { -(value as f64) } else { value as f64 })
            }
            _ => match self.text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(value),
                _ => Err(self.out_of_range()),
            },
        }
    }

    /// The integer, also if it is written with a point or an exponent.
    pub(super) fn integer<T: TryFrom<i128>>(self) -> Result<T, Problem> {
        let value = match self.value {
            Magnitude::Integer(value) if self.negative => -i128::from(value),
            Magnitude::Integer(value) => i128::from(value),
            Magnitude::Other => {
                let value = self.float()?;
                if value.fract() != 0.0 {
                    return Err(format!("expected an integer, found {}", shortened(self.text)).into());
                }
                value as i128 // what is beyond saturates, and is out of every range
            }
        };
        T::try_from(value).map_err(|_| self.out_of_range())
    }

    fn out_of_range(self) -> Problem {
        format!("{} is out of range", shortened(self.text)).into()
    }
}

fn digit_at(bytes: &[u8], index: usize) -> Option<u64> {
    bytes.get(index).filter(|byte| byte.is_ascii_digit()).map(|byte| u64::from(byte - b'0'))
}

/// The end of the digits that begin at `start`, if there are any.
fn digits_from(bytes: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    while digit_at(bytes, end).is_some() {
        end += 1;
    }
    (end > start).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number<'_> {
        Number::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn only_numbers_of_json_are_numbers() {
        for bad in ["", "-", "01", "-01", "+1", ".5", "1.", "1.e3", "1e", "1e+", "0x10", "NaN", "1 ", "1_000"]
        {
            assert_eq!(Number::parse(bad), None, "{bad}");
        }
        for good in ["0", "-0", "0.5", "-1.5e-3", "1E+9", "123456789012345678901234567890"] {
            number(good);
        }
    }

    #[test]
    fn integers_are_exact_and_within_their_type() {
        assert_eq!(number("18446744073709551615").integer(), Ok(u64::MAX));
        assert_eq!(number("-9223372036854775808").integer(), Ok(i64::MIN));
        assert_eq!(number("9007199254740993").integer(), Ok(9_007_199_254_740_993_i64));
        assert_eq!(number("1e3").integer(), Ok(1000));
        assert_eq!(number("2.0").integer(), Ok(2));
        for (text, problem) in [
            ("18446744073709551616", "18446744073709551616 is out of range"),
            ("-1", "-1 is out of range"),
            ("2.9", "expected an integer, found 2.9"),
            ("1e99", "1e99 is out of range"),
            ("1e999", "1e999 is out of range"),
        ] {
            assert_eq!(number(text).integer::<u64>(), Err(problem.into()), "{text}");
        }
        assert_eq!(number("4294967297").integer::<i32>(), Err("4294967297 is out of range".into()));
    }

    #[test]
    fn floats_are_the_nearest() {
        assert_eq!(number("0.1").float(), Ok(0.1));
        assert_eq!(number("-0").float().map(f64::to_bits), Ok((-0.0_f64).to_bits()));
        assert_eq!(number("9007199254740993").float(), Ok(9_007_199_254_740_992.0));
        assert_eq!(number("1e999").float(), Err("1e999 is out of range".into()));
    }
}

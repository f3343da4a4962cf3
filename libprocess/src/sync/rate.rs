//! So many in a time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use stout::duration;

/// So many in that time, such as `2/1secs` as text.
///
/// ```
/// use std::time::Duration;
/// use libprocess::sync::Rate;
///
/// assert_eq!("10/5mins".parse(), Ok(Rate::new(10, Duration::from_secs(300))));
/// assert_eq!(Rate::new(10, Duration::from_secs(1)).interval(), Duration::from_millis(100));
/// ```
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

    /// The time for each.
    pub fn interval(self) -> Duration {
        self.per / self.permits.max(1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_from_text() {
        assert_eq!("2/1secs".parse(), Ok(Rate::new(2, Duration::from_secs(1))));
        assert_eq!("10/ 5mins".parse(), Ok(Rate::new(10, Duration::from_secs(300))));
        for text in ["", "2", "0/1secs", "x/1secs", "2/1", "-1/1secs"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}

//! Semantic versions.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// A version such as `1.5.0` or `1.5.0-rc1+build.7`.
///
/// Compared by precedence: a pre-release comes before its release, numeric labels compare as
/// numbers, and build labels do not count, neither in order nor in equality. Minor and patch
/// number may be left out when read, and labels may have leading zeros.
///
/// # Examples
///
/// ```
/// use stout::Version;
///
/// let version: Version = "1.5.0-rc1+build".parse()?;
/// assert!(version < Version::new(1, 5, 0));
/// assert_eq!("1.5".parse::<Version>()?.to_string(), "1.5.0");
/// # Ok::<(), stout::ParseVersionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
    /// Labels after `-`.
    pub prerelease: Vec<String>,
    /// Labels after `+`.
    pub build: Vec<String>,
}

impl Version {
    /// A release.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Version {
        Version { major, minor, patch, prerelease: Vec::new(), build: Vec::new() }
    }

    fn numbers(&self) -> (u32, u32, u32) {
        (self.major, self.minor, self.patch)
    }
}

/// A pre-release label as it is compared: numbers come before words.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Label<'a> {
    Number(u32),
    Word(&'a str),
}

fn labels(labels: &[String]) -> impl Iterator<Item = Label<'_>> {
    labels.iter().map(|label| match label.parse() {
        Ok(number) if label.bytes().all(|byte| byte.is_ascii_digit()) => Label::Number(number),
        _ => Label::Word(label),
    })
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        self.numbers()
            .cmp(&other.numbers())
            .then_with(|| self.prerelease.is_empty().cmp(&other.prerelease.is_empty()))
            .then_with(|| labels(&self.prerelease).cmp(labels(&other.prerelease)))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.numbers().hash(hasher);
        labels(&self.prerelease).for_each(|label| label.hash(hasher));
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)?;
        for (sign, labels) in [('-', &self.prerelease), ('+', &self.build)] {
            if !labels.is_empty() {
                write!(formatter, "{sign}{}", labels.join("."))?;
            }
        }
        Ok(())
    }
}

/// Why a text is not a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseVersionError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for ParseVersionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "'{}' is not a version such as 1.5.0: {}", self.text, self.reason)
    }
}

impl std::error::Error for ParseVersionError {}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Version, ParseVersionError> {
        let error = |reason| ParseVersionError { text: text.to_owned(), reason };
        let (rest, build) = match text.split_once('+') {
            Some((rest, build)) => (rest, parse_labels(build).map_err(error)?),
            None => (text, Vec::new()),
        };
        let (rest, prerelease) = match rest.split_once('-') {
            Some((rest, prerelease)) => (rest, parse_labels(prerelease).map_err(error)?),
            None => (rest, Vec::new()),
        };
        let mut numbers = [0; 3];
        for (index, part) in rest.split('.').enumerate() {
            let number = numbers.get_mut(index).ok_or_else(|| error("it has more than three numbers"))?;
            *number = parse_number(part).ok_or_else(|| error("its parts must be whole numbers"))?;
        }
        let [major, minor, patch] = numbers;
        Ok(Version { major, minor, patch, prerelease, build })
    }
}

fn parse_number(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn parse_labels(text: &str) -> Result<Vec<String>, &'static str> {
    let valid = |label: &str| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.split('.')
        .map(|label| match label {
            "" => Err("a label is empty"),
            label if valid(label) => Ok(label.to_owned()),
            _ => Err("labels may have letters, digits and hyphens only"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn versions_are_ordered_by_precedence() {
        let ascending = [
            "0.28.2",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-11",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-rc1",
            "1",
            "1.0.1",
            "1.5.0",
            "1.10.0",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
        assert_eq!(version("1.5.0+a"), version("1.5.0+b"));
    }

    #[test]
    fn text_round_trips() {
        for text in ["1.5.0", "1.5.0-rc1", "1.5.0+b.7", "1.5.0-rc-1.x+b-2.0"] {
            assert_eq!(version(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        for text in [
            "",
            "a",
            "1.",
            "1.2.3.4",
            "1.+2.3",
            "-1",
            "1.0.0-",
            "1.0.0+",
            "1.0.0-a..b",
            "1.0.0-a_b",
            "4294967296",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}

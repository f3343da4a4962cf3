//! Checks that many flags share.

use std::ops::RangeInclusive;

use super::FlagValue;

fn text(value: &impl FlagValue) -> String {
    value.to_text().unwrap_or_default()
}

/// The value must be `least` or more.
pub fn at_least<T: FlagValue + PartialOrd>(least: T) -> impl Fn(&T) -> Result<(), String> {
    move |value| {
        if *value >= least {
            return Ok(());
        }
        Err(format!("'{}' is less than {}", text(value), text(&least)))
    }
}

/// The value must lie in the range.
pub fn within<T: FlagValue + PartialOrd>(range: RangeInclusive<T>) -> impl Fn(&T) -> Result<(), String> {
    move |value| {
        if range.contains(value) {
            return Ok(());
        }
        Err(format!("'{}' is not within {} and {}", text(value), text(range.start()), text(range.end())))
    }
}

/// The value must be one of these.
pub fn one_of(choices: &'static [&'static str]) -> impl Fn(&String) -> Result<(), String> {
    move |value| {
        if choices.contains(&value.as_str()) {
            return Ok(());
        }
        Err(format!("'{value}' is not one of {}", choices.join(", ")))
    }
}

//! How much of a resource there is.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use stout::interval::IntervalSet;

use crate::{ResourceError, Scalar};

/// A set of whole numbers, such as ports.
pub type Ranges = IntervalSet<u64>;

/// An amount of one of the three kinds a resource can have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number, such as of processors.
    Scalar(Scalar),
    /// Whole numbers, such as ports.
    Ranges(Arc<Ranges>),
    /// Named items.
    Set(Arc<BTreeSet<String>>),
}

impl Value {
    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Scalar(scalar) => scalar.is_zero(),
            Value::Ranges(ranges) => ranges.is_empty(),
            Value::Set(items) => items.is_empty(),
        }
    }

    /// Whether `other` is of the same kind and not more than this.
    pub fn contains(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Scalar(a), Value::Scalar(b)) => b <= a,
            (Value::Ranges(a), Value::Ranges(b)) => Arc::ptr_eq(a, b) || a.is_superset(b),
            (Value::Set(a), Value::Set(b)) => Arc::ptr_eq(a, b) || b.is_subset(a),
            _ => false,
        }
    }

    /// Adds a value of the same kind; another kind changes nothing.
    pub(crate) fn add(&mut self, other: &Value) {
        match (self, other) {
            (Value::Scalar(a), Value::Scalar(b)) => *a += *b,
            (Value::Ranges(a), Value::Ranges(b)) => *a = Arc::new(a.union(b)),
            (Value::Set(a), Value::Set(b)) => Arc::make_mut(a).extend(b.iter().cloned()),
            _ => {}
        }
    }

    /// Takes away a value of the same kind, as far as it is there.
    pub(crate) fn subtract(&mut self, other: &Value) {
        match (self, other) {
            (Value::Scalar(a), Value::Scalar(b)) => *a -= *b,
            (Value::Ranges(a), Value::Ranges(b)) => *a = Arc::new(a.difference(b)),
            (Value::Set(a), Value::Set(b)) => Arc::make_mut(a).retain(|item| !b.contains(item)),
            _ => {}
        }
    }

    /// Reads `0.5`, `[1-3,5-9]` or `{a,b}`; blanks do not matter.
    ///
    /// # Errors
    ///
    /// Names what was expected where the text is none of these.
    pub(crate) fn parse(text: &str) -> Result<Value, ResourceError> {
        let text: String = text.chars().filter(|c| *c != ' ').collect();
        if text.is_empty() {
            return Err(ResourceError::syntax("Expecting non-empty string"));
        }
        if [('{', '}'), ('[', ']'), ('(', ')')]
            .iter()
            .any(|&(open, close)| !brackets_match(&text, open, close))
        {
            return Err(ResourceError::syntax("Mismatched brackets"));
        }
        match (text.find('['), text.find('{')) {
            (Some(0), _) => parse_ranges(&text),
            (Some(_), _) => Err(ResourceError::syntax("Unexpected '[' found")),
            (None, Some(0)) => {
                Ok(Value::Set(Arc::new(tokens(&text, &['{', '}', ',', '\n']).map(str::to_owned).collect())))
            }
            (None, Some(_)) => Err(ResourceError::syntax("Unexpected '{' found")),
            (None, None) => parse_scalar(&text),
        }
    }
}

fn tokens<'a>(text: &'a str, separators: &'a [char]) -> impl Iterator<Item = &'a str> {
    text.split(separators).filter(|token| !token.is_empty())
}

fn brackets_match(text: &str, open: char, close: char) -> bool {
    let mut depth = 0usize;
    for c in text.chars() {
        if c == open {
            depth += 1;
        } else if c == close {
            match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            }
        }
    }
    depth == 0
}

fn parse_ranges(text: &str) -> Result<Value, ResourceError> {
    let mut ranges = Ranges::new();
    let mut parts = tokens(text, &['[', ']', '-', ',', '\n']);
    while let Some(begin) = parts.next() {
        let end = parts.next().ok_or_else(|| ResourceError::syntax("Expecting one or more \"ranges\""))?;
        match (begin.parse::<u64>(), end.parse::<u64>()) {
            (Ok(begin), Ok(end)) if begin <= end => ranges.insert(begin..=end),
            (Ok(begin), Ok(end)) => {
                return Err(ResourceError::syntax(format!("range '{begin}-{end}' ends before it begins")));
            }
            _ => {
                let text = format!("Expecting non-negative integers in '{begin}'");
                return Err(ResourceError::syntax(text));
            }
        }
    }
    Ok(Value::Ranges(Arc::new(ranges)))
}

fn parse_scalar(text: &str) -> Result<Value, ResourceError> {
    // Only what looks like a number: Rust would also read "inf" and "nan".
    let value = text
        .starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        .then(|| text.parse::<f64>().ok())
        .flatten()
        .ok_or_else(|| ResourceError::syntax(format!("'{text}' is not a number, a range or a set")))?;
    if value.is_subnormal() || !value.is_finite() {
        return Err(ResourceError::syntax(format!("Invalid scalar value '{text}'")));
    }
    let scalar = Scalar::from_f64(value);
    if value != 0.0 && scalar.is_zero() {
        return Err(ResourceError::invalid("Invalid scalar resource: value <= 0"));
    }
    Ok(Value::Scalar(scalar))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Scalar(scalar) => scalar.fmt(f),
            Value::Ranges(ranges) => ranges.fmt(f),
            Value::Set(items) => {
                f.write_str("{")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let found = Value::parse(text).map(|value| value.to_string()).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn values_are_read_as_written() {
        check("2", Ok("2"));
        check(" 0.50 ", Ok("0.5"));
        check("[31000-32000]", Ok("[31000-32000]"));
        check("[1-2, 3-4, 8 - 9]", Ok("[1-4, 8-9]"));
        check("{b, a}", Ok("{a, b}"));
        check("[]", Ok("[]"));
        check("0", Ok("0"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        check("", Err("Expecting non-empty string"));
        check("[1-2", Err("Mismatched brackets"));
        check("1[2]", Err("Unexpected '[' found"));
        check("a{2}", Err("Unexpected '{' found"));
        check("[1-2-3]", Err("Expecting one or more \"ranges\""));
        check("[a-b]", Err("Expecting non-negative integers in 'a'"));
        check("[5-3]", Err("range '5-3' ends before it begins"));
        check("-1", Err("Invalid scalar resource: value <= 0"));
        check("0.0001", Err("Invalid scalar resource: value <= 0"));
        check("inf", Err("'inf' is not a number, a range or a set"));
        check("1e999", Err("Invalid scalar value '1e999'"));
    }
}

//! Types that a flag can have.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::{Bytes, duration};

/// When a value is replaced by the content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilePolicy {
    /// Never: the value is itself a path.
    Never,
    /// When it begins with `file://`.
    Uri,
    /// When it begins with `file://` or with `/`.
    UriOrAbsolutePath,
}

/// A type that a flag can have.
pub trait FlagValue: Sized {
    /// What to write in the help for the value, e.g. `DURATION`.
    const HINT: &'static str;
    /// Whether the flag can be given without a value, and negated.
    const BOOLEAN: bool = false;
    /// When a value is replaced by the content of a file.
    const FILE: FilePolicy = FilePolicy::Uri;

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// The text says what the value should be.
    fn from_text(text: &str) -> Result<Self, String>;

    /// The value as [`from_text`](Self::from_text) reads it, or `None` when unset.
    fn to_text(&self) -> Option<String>;
}

impl FlagValue for String {
    const HINT: &'static str = "TEXT";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    /// The empty text counts as unset.
    fn to_text(&self) -> Option<String> {
        Some(self.clone()).filter(|text| !text.is_empty())
    }
}

impl FlagValue for bool {
    const HINT: &'static str = "BOOLEAN";
    const BOOLEAN: bool = true;

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(format!("'{text}' is not a boolean: use true or false")),
        }
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

macro_rules! integer {
    ($($integer:ty),*) => {$(
        impl FlagValue for $integer {
            const HINT: &'static str = "NUMBER";

            fn from_text(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| {
                    format!("'{text}' is not a whole number from {} to {}", <$integer>::MIN, <$integer>::MAX)
                })
            }

            fn to_text(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

integer!(u8, u16, u32, u64, usize, i32, i64);

impl FlagValue for f64 {
    const HINT: &'static str = "NUMBER";

    fn from_text(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| format!("'{text}' is not a number"))
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl FlagValue for PathBuf {
    const HINT: &'static str = "PATH";
    const FILE: FilePolicy = FilePolicy::Never;

    /// A path may be written as `file:///path`, too.
    fn from_text(text: &str) -> Result<Self, String> {
        match text.strip_prefix("file://").unwrap_or(text) {
            "" => Err("the path is empty".to_owned()),
            path => Ok(PathBuf::from(path)),
        }
    }

    fn to_text(&self) -> Option<String> {
        Some(self.display().to_string()).filter(|text| !text.is_empty())
    }
}

impl FlagValue for Duration {
    const HINT: &'static str = "DURATION";

    fn from_text(text: &str) -> Result<Self, String> {
        duration::parse(text).map_err(|error| error.to_string())
    }

    fn to_text(&self) -> Option<String> {
        Some(duration::format(*self))
    }
}

impl FlagValue for Bytes {
    const HINT: &'static str = "SIZE";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: crate::ParseBytesError| error.to_string())
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl FlagValue for IpAddr {
    const HINT: &'static str = "IP";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("'{text}' is not an IP address"))
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl FlagValue for serde_json::Value {
    const HINT: &'static str = "JSON";
    const FILE: FilePolicy = FilePolicy::UriOrAbsolutePath;

    fn from_text(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("it is not valid JSON: {error}"))
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl<T: FlagValue> FlagValue for Option<T> {
    const HINT: &'static str = T::HINT;
    const BOOLEAN: bool = T::BOOLEAN;
    const FILE: FilePolicy = T::FILE;

    fn from_text(text: &str) -> Result<Self, String> {
        T::from_text(text).map(Some)
    }

    fn to_text(&self) -> Option<String> {
        self.as_ref().and_then(T::to_text)
    }
}

/// A list, separated by commas; empty parts are skipped.
impl<T: FlagValue> FlagValue for Vec<T> {
    const HINT: &'static str = "LIST";

    fn from_text(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(T::from_text).collect()
    }

    /// The empty list counts as unset.
    fn to_text(&self) -> Option<String> {
        let parts: Vec<String> = self.iter().filter_map(T::to_text).collect();
        (!parts.is_empty()).then(|| parts.join(","))
    }
}

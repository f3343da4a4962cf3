//! Who asks.

use std::collections::BTreeMap;
use std::fmt;

/// Who sends a request, as the authenticator of its realm found out.
///
/// A principal has a name, claims (key and value pairs, as a token carries them), or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Principal {
    /// The name, when there is one.
    pub value: Option<String>,
    /// What else the credentials say about the sender.
    pub claims: BTreeMap<String, String>,
}

impl Principal {
    /// A principal that has a name and no claims.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), claims: BTreeMap::new() }
    }
}

/// The name, or the claims when there is no name.
impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(value) = &self.value {
            return formatter.write_str(value);
        }
        formatter.write_str("{")?;
        for (index, (key, value)) in self.claims.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(formatter, "{separator}{key}: {value}")?;
        }
        formatter.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameless_principal_shows_its_claims() {
        let claims = BTreeMap::from([("eid".to_owned(), "e".to_owned()), ("fid".to_owned(), "f".to_owned())]);
        let principal = Principal { value: None, claims };
        assert_eq!(principal.to_string(), "{eid: e, fid: f}");
        assert_eq!(Principal::new("ops").to_string(), "ops");
    }
}

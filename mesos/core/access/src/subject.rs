//! Who wants to do something.

use std::collections::BTreeMap;
use std::fmt;

/// Who wants to do something: nobody known, a named principal, or the bearer of claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The name, as authenticated.
    pub principal: Option<String>,
    /// What a token says about its bearer.
    pub claims: BTreeMap<String, String>,
}

impl Subject {
    /// Whoever it is: nobody was asked to authenticate.
    #[must_use]
    pub fn unknown() -> Subject {
        Subject::default()
    }

    /// A principal with a name.
    #[must_use]
    pub fn named(principal: impl Into<String>) -> Subject {
        Subject { principal: Some(principal.into()), claims: BTreeMap::new() }
    }

    /// A principal with that name, or nobody known.
    #[must_use]
    pub fn maybe_named(principal: Option<impl Into<String>>) -> Subject {
        Subject { principal: principal.map(Into::into), claims: BTreeMap::new() }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.principal.is_none() && self.claims.is_empty()
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.principal {
            Some(principal) => write!(formatter, "'{principal}'"),
            None if self.claims.is_empty() => formatter.write_str("an unknown principal"),
            None => {
                let claims: Vec<String> =
                    self.claims.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(formatter, "the bearer of {}", claims.join(", "))
            }
        }
    }
}

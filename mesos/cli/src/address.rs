//! Where a daemon listens, as it is typed.

use std::fmt;
use std::str::FromStr;

/// The scheme, host and port of a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    scheme: String,
    /// Host and port.
    authority: String,
}

impl Address {
    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.authority)
    }

    /// Where a redirect leads to; one without a scheme keeps ours.
    pub(crate) fn redirected(&self, location: &str) -> Option<Self> {
        let (scheme, rest) = location.split_once("//")?;
        let scheme = scheme.strip_suffix(':').unwrap_or(&self.scheme);
        let authority = rest.split('/').next().unwrap_or(rest);
        format!("{scheme}://{authority}").parse().ok()
    }

    fn check(authority: &str) -> Option<()> {
        let (host, port) = authority.rsplit_once(':')?;
        port.parse::<u16>().ok().filter(|port| *port != 0)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(host) => host.parse::<std::net::Ipv6Addr>().ok().map(drop),
            None => (!host.is_empty() && host.chars().all(is_name)).then_some(()),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let good = matches!(scheme, "http" | "https") && Self::check(authority).is_some();
        if !good {
            return Err(format!("'{text}' is not HOST:PORT, as in 10.0.0.1:5050 or http://10.0.0.1:5050"));
        }
        Ok(Self { scheme: scheme.to_owned(), authority: authority.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme.as_str() {
            "http" => f.write_str(&self.authority),
            scheme => write!(f, "{scheme}://{}", self.authority),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemon_is_named_with_or_without_scheme() {
        let check = |text: &str, url: &str, shown: &str| {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.url("/x").as_str(), address.to_string().as_str()), (url, shown));
        };
        check("10.0.0.1:5050", "http://10.0.0.1:5050/x", "10.0.0.1:5050");
        check("http://m.example:5050/", "http://m.example:5050/x", "m.example:5050");
        check("https://m:5050", "https://m:5050/x", "https://m:5050");
        check("[::1]:5050", "http://[::1]:5050/x", "[::1]:5050");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_form_of_one() {
        for text in ["", "m", "m:", "m:0", "m:65536", ":1", "zk://m:2181/mesos", "m:1/x", "::1:5050", "a b:1"]
        {
            let problem = text.parse::<Address>().unwrap_err();
            assert!(problem.contains(&format!("'{text}'")) && problem.contains("HOST:PORT"), "{problem}");
        }
    }

    #[test]
    fn redirect_without_scheme_keeps_it() {
        let check = |from: &str, location: &str, expected: Option<&str>| {
            let from: Address = from.parse().unwrap();
            assert_eq!(from.redirected(location).map(|to| to.url("")).as_deref(), expected, "{location}");
        };
        check("m:1", "//leader:5050/api/v1", Some("http://leader:5050"));
        check("https://m:1", "//leader:5050/api/v1", Some("https://leader:5050"));
        check("https://m:1", "http://leader:5050", Some("http://leader:5050"));
        check("m:1", "/api/v1", None);
        check("m:1", "//nowhere", None);
    }
}

//! The address of a process, as text and as a value.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// The address of a process: its id and where its node listens, written `id@ip:port`.
///
/// It is what crosses the wire, in the `Libprocess-From` header of every message. Two values are
/// equal when id and address are. Cloning is cheap.
///
/// ```
/// use libprocess::Upid;
///
/// let master: Upid = "master@10.0.0.1:5050".parse()?;
/// assert_eq!(master.id(), "master");
/// assert_eq!(master.to_string(), "master@10.0.0.1:5050");
/// # Ok::<(), libprocess::ParseUpidError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Upid(Arc<Name>);

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Name {
    id: Box<str>,
    address: SocketAddr,
}

impl Upid {
    /// Names the process `id` of the node that listens at `address`.
    pub fn new(id: &str, address: SocketAddr) -> Self {
        Self(Arc::new(Name { id: id.into(), address }))
    }

    /// The sender of a message whose `Libprocess-From` is not a PID: it equals no real process, and
    /// what is sent to it is dropped.
    pub fn nobody() -> Self {
        Self::new("", SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))
    }

    /// Whether this is [`Upid::nobody`], or another PID without an id.
    pub fn is_nobody(&self) -> bool {
        self.id().is_empty()
    }

    /// The id of the process on its node, such as `master` or `slave(1)`.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Where the node of the process listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.0.id, self.0.address)
    }
}

impl fmt::Debug for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Upid {
    type Err = ParseUpidError;

    /// Parses `id@ip:port`.
    ///
    /// # Errors
    ///
    /// Fails when there is no `@`, or no IP address with a port behind it. Host names are not
    /// resolved: an actor must not wait for a name server.
    fn from_str(text: &str) -> Result<Self, ParseUpidError> {
        let refuse = |reason| ParseUpidError { text: text.chars().take(128).collect(), reason };
        let (id, address) = text.rsplit_once('@').ok_or_else(|| refuse("it has no '@'"))?;
        let address = address.parse().map_err(|_| refuse("what follows '@' is not ip:port"))?;
        Ok(Self::new(id, address))
    }
}

/// Why a text is no [`Upid`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseUpidError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for ParseUpidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a PID of the form id@ip:port: {}", self.text, self.reason)
    }
}

impl std::error::Error for ParseUpidError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_agree() {
        for text in ["slave(1)@127.0.0.1:5051", "scheduler-ab@cd@10.0.0.2:1", "master@[::1]:5050"] {
            assert_eq!(text.parse::<Upid>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_pid_is_refused_with_the_reason() {
        for (text, reason) in [
            ("master", "no '@'"),
            ("master@", "not ip:port"),
            ("master@host:5050", "not ip:port"),
            ("master@1.2.3.4", "not ip:port"),
            ("master@1.2.3.4:99999", "not ip:port"),
        ] {
            let error = text.parse::<Upid>().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}

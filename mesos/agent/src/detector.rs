//! Who the master is.

use std::net::SocketAddr;

use libprocess::Upid;
use mesos_api::v1::MasterInfo;

/// The master that leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Leader {
    /// Where it listens.
    pub pid: Upid,
    /// What it says about itself; somebody who was only told its address does not know.
    pub info: Option<MasterInfo>,
}

/// Told each time another master leads, or none.
pub type Tell = Box<dyn Fn(Option<Leader>) + Send + Sync>;

/// Finds out which master leads.
pub trait MasterDetector: Send + Sync + 'static {
    /// Calls `tell` with the leader as soon as it is known, and again whenever that changes.
    fn watch(&self, tell: Tell);
}

/// The master is at an address that never changes.
#[derive(Debug, Clone)]
pub struct StandaloneDetector {
    pid: Upid,
}

impl StandaloneDetector {
    /// The master at this address.
    pub fn new(address: SocketAddr) -> Self {
        StandaloneDetector { pid: Upid::new("master", address) }
    }

    /// Looks up the address of a master: `host:port`, with or without `master@` before it.
    ///
    /// # Errors
    ///
    /// When it is not of that form, or has no address.
    pub async fn lookup(text: &str) -> Result<Self, DetectorError> {
        let invalid = |reason: String| DetectorError { master: text.to_owned(), reason };
        let text = text.trim();
        if text.starts_with("zk://") {
            return Err(invalid(
                "leader election in ZooKeeper is not supported yet, give host:port".to_owned(),
            ));
        }
        let address = text.strip_prefix("master@").unwrap_or(text);
        let mut found = tokio::net::lookup_host(address).await.map_err(|error| invalid(error.to_string()))?;
        let mut all: Vec<SocketAddr> = found.by_ref().collect();
        // Masters of before IPv6 can only be reached over IPv4.
        all.sort_by_key(|address| address.is_ipv6());
        all.first()
            .copied()
            .map(StandaloneDetector::new)
            .ok_or_else(|| invalid("it has no address".to_owned()))
    }
}

impl MasterDetector for StandaloneDetector {
    fn watch(&self, tell: Tell) {
        tell(Some(Leader { pid: self.pid.clone(), info: None }));
    }
}

/// Why no master can be found.
#[derive(Debug, thiserror::Error)]
#[error("cannot find master '{master}': {reason}")]
pub struct DetectorError {
    /// The master as given.
    pub master: String,
    /// What is wrong with it.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_master_is_given_by_its_address() {
        for text in ["127.0.0.1:5050", "master@127.0.0.1:5050", " 127.0.0.1:5050\n"] {
            let detector = StandaloneDetector::lookup(text).await.unwrap();
            assert_eq!(detector.pid.to_string(), "master@127.0.0.1:5050");
        }
        for text in ["127.0.0.1", "zk://a/b", ""] {
            assert!(StandaloneDetector::lookup(text).await.is_err(), "{text}");
        }
    }
}

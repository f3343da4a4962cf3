//! Resource names that cost nothing to copy.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// The name of a resource, such as `cpus`.
///
/// Names the system itself knows are static; any other is shared. Cloning never copies text.
#[derive(Clone)]
pub struct Name(Repr);

#[derive(Clone)]
enum Repr {
    Known(&'static str),
    Other(Arc<str>),
}

impl Name {
    /// Processors, in cores.
    pub const CPUS: Name = Name(Repr::Known("cpus"));
    /// Memory, in MB.
    pub const MEM: Name = Name(Repr::Known("mem"));
    /// Disk space, in MB.
    pub const DISK: Name = Name(Repr::Known("disk"));
    /// Graphics processors, whole ones.
    pub const GPUS: Name = Name(Repr::Known("gpus"));
    /// Network ports.
    pub const PORTS: Name = Name(Repr::Known("ports"));

    /// The name as text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Known(text) => text,
            Repr::Other(text) => text,
        }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        match text {
            "cpus" => Self::CPUS,
            "mem" => Self::MEM,
            "disk" => Self::DISK,
            "gpus" => Self::GPUS,
            "ports" => Self::PORTS,
            other => Self(Repr::Other(Arc::from(other))),
        }
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.as_str(), other.as_str());
        std::ptr::eq(a, b) || a == b
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

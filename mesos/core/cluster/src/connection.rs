//! Names for what the shell holds: connections, questions, requests.

use std::fmt;

/// One peer of the master, as the shell numbers them.
///
/// A PID keeps its number for as long as the model knows it (a link that breaks
/// and is made again is the same number); every HTTP subscription gets a new
/// one. The model only compares them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Ties an answer of the registrar or the authorizer to the question.
///
/// Made by the model, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub u64);

/// Ties the model's reply to the operator's request. Made by the shell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// How a scheduler is connected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SchedulerPeer {
    /// An event stream of the v1 API.
    Http(ConnectionId),
    /// A driver that speaks the v0 messages.
    Pid {
        /// Its number.
        connection: ConnectionId,
        /// Its PID as text, told to agents so that they can answer directly.
        pid: String,
    },
}

impl SchedulerPeer {
    /// The number of the connection.
    #[must_use]
    pub fn connection(&self) -> ConnectionId {
        match self {
            Self::Http(connection) | Self::Pid { connection, .. } => *connection,
        }
    }

    /// The PID, for a driver.
    #[must_use]
    pub fn pid(&self) -> Option<&str> {
        match self {
            Self::Http(_) => None,
            Self::Pid { pid, .. } => Some(pid),
        }
    }
}

/// How an agent is connected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgentPeer {
    /// Its number.
    pub connection: ConnectionId,
    /// Its PID as text.
    pub pid: String,
    /// The IP address out of the PID: with the host name it names the machine.
    pub ip: String,
}

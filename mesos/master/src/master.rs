//! The handle on a running master.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use libprocess::{Future, FutureError, Node, Pid, Promise, Upid};
use mesos_access::{Action, Object};
use mesos_api::v1::{Address, MasterInfo, master_info};
use mesos_cluster::Cluster;
use mesos_daemon::files::Access;
use mesos_daemon::logging::{Verbosity, file_of};
use mesos_daemon::version::MESOS_VERSION;

use crate::components::Components;
use crate::flags::Flags;
use crate::metrics::Metrics;
use crate::observer::Pinging;
use crate::peers::Peers;
use crate::process::{AllocatorSlot, MASTER_ID, MasterProcess};
use crate::subscribers::Subscribers;
use crate::view::Identity;

/// A running master.
///
/// Dropping the handle changes nothing; the master ends with [`Master::stop`], with its node, or
/// when its cluster cannot go on.
#[derive(Debug)]
pub struct Master {
    pid: Pid<MasterProcess>,
    info: MasterInfo,
    ended: Future<()>,
}

/// Why a master could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is one on the node, or the node is shutting down.
    #[error("failed to start a master at {address}")]
    #[non_exhaustive]
    Spawn {
        /// The node's address.
        address: std::net::SocketAddr,
        /// What is in the way.
        source: libprocess::SpawnError,
    },
}

impl Master {
    /// Starts a master on a node, as the process `master`. For paths without the name of a process
    /// to reach it, that must be the node's delegate.
    ///
    /// # Errors
    ///
    /// The node has a master, or is shutting down.
    pub fn start(node: &Node, flags: Flags) -> Result<Self, StartError> {
        let components = Components::new(node, &flags, Verbosity::default());
        let components =
            components.map_err(|source| StartError::Spawn { address: node.address(), source })?;
        Self::start_with(node, flags, components)
    }

    /// Starts a master from parts of one's own.
    ///
    /// # Errors
    ///
    /// As [`Master::start`].
    pub fn start_with(node: &Node, flags: Flags, components: Components) -> Result<Self, StartError> {
        let Components { authorizer, allocator, registrar, files, logging, stream_bytes_max } = components;
        if let Some(log) = file_of(&flags.logging, "mesos-master") {
            let access = Access { action: Action::AccessMesosLog, object: Object::any() };
            files.attach("/master/log", log, Some(access));
        }
        let pid = Upid::new(MASTER_ID, node.address());
        let info = describe(node, &pid, &flags);
        let promise = Promise::new();
        let ended = promise.future();
        let process = MasterProcess {
            cluster: Cluster::new(flags.options(info.clone())),
            peers: Peers::new(),
            subscribers: Subscribers::default(),
            observers: HashMap::new(),
            pinging: Pinging {
                timeout: flags.agent_ping_timeout,
                timeouts_max: flags.max_agent_ping_timeouts,
            },
            allocator: AllocatorSlot::Waiting(allocator),
            whitelist: None,
            registrar,
            authorizer,
            files,
            logging,
            metrics: Metrics::default(),
            requests: HashMap::new(),
            status_requests: HashMap::new(),
            next_request: 0,
            elected_time: None,
            stream_bytes_max,
            view: None,
            happened: VecDeque::new(),
            stepping: false,
            ended: Some(promise),
            identity: Arc::new(Identity {
                info: info.clone(),
                start_time: node.now(),
                role_whitelist: flags.role_whitelist(),
                flags,
            }),
        };
        let pid = node
            .spawn_as(MASTER_ID, process)
            .map_err(|source| StartError::Spawn { address: node.address(), source })?;
        Ok(Self { pid, info, ended })
    }

    /// Who the master is, as it tells schedulers and agents.
    #[must_use]
    pub fn info(&self) -> &MasterInfo {
        &self.info
    }

    /// The address of its process.
    #[must_use]
    pub fn upid(&self) -> &Upid {
        self.pid.upid()
    }

    /// Waits until the master has ended.
    ///
    /// # Errors
    ///
    /// Says why, when it could not go on.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn wait(&mut self) -> Result<(), String> {
        match (&mut self.ended).await {
            Err(FutureError::Failed(reason)) => Err(reason.to_string()),
            // It ended as it was told to, or that was said before.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Ends the master. Agents and schedulers find their links broken.
    pub fn stop(&self) {
        self.pid.terminate();
    }
}

/// What a master says about itself.
fn describe(node: &Node, pid: &Upid, flags: &Flags) -> MasterInfo {
    let address = node.address();
    let hostname = node.hostname().to_owned();
    MasterInfo {
        id: uuid::Uuid::new_v4().to_string(),
        ip: ip_as_number(address.ip()),
        port: u32::from(address.port()),
        pid: Some(pid.to_string()),
        hostname: Some(hostname.clone()),
        version: Some(MESOS_VERSION.to_owned()),
        address: Some(Address {
            hostname: Some(hostname),
            ip: Some(address.ip().to_string()),
            port: i32::from(address.port()),
        }),
        domain: flags.domain(),
        capabilities: vec![master_info::Capability {
            r#type: Some(master_info::capability::Type::AgentUpdate as i32),
        }],
    }
}

/// The IPv4 address in network order read as a little-endian number: 127.0.0.1 is 16777343. There
/// is no such number for IPv6.
fn ip_as_number(ip: IpAddr) -> u32 {
    match ip {
        IpAddr::V4(ip) => u32::from_le_bytes(ip.octets()),
        IpAddr::V6(ip) => ip.to_ipv4_mapped().map_or(0, |ip| u32::from_le_bytes(ip.octets())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_the_number_that_mesos_tells() {
        assert_eq!(ip_as_number([127, 0, 0, 1].into()), 16_777_343);
    }
}

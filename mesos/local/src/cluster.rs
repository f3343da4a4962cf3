//! How the nodes of a cluster are started and ended.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use libprocess::Node;
use mesos_agent::{Agent, AgentFlags};
use mesos_master::{Flags, Master};

use crate::helpers;
use crate::room::{self, PORTS_BEGIN, PORTS_END};

/// Each agent offers so many ports, different ones from the others; fewer where there are not enough.
const PORTS_PER_AGENT: usize = 500;

/// What a cluster is to be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How many agents it has.
    pub agents: usize,
    /// The address at which all of it listens.
    pub ip: IpAddr,
    /// The port of the master; 0 takes a free one. Agents take free ones in any case.
    pub port: u16,
    /// Where master and agents keep what they have, each in a directory of its own.
    pub work_dir: PathBuf,
    /// The resources of each agent, as `--resources` takes them; without it each offers all that
    /// the machine has, and a range of ports of its own.
    pub agent_resources: Option<String>,
    /// Flags of the master, but for addresses and directories.
    pub master: Flags,
    /// Flags of each agent, but for addresses and directories.
    pub agent: AgentFlags,
}

impl Options {
    /// One agent, free ports of the loopback address, and daemons that do not wait before they
    /// register.
    pub fn new(work_dir: impl Into<PathBuf>) -> Self {
        let agent =
            AgentFlags { registration_backoff_factor: Duration::from_millis(10), ..Default::default() };
        Self {
            agents: 1,
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            work_dir: work_dir.into(),
            agent_resources: None,
            master: Flags::default(),
            agent,
        }
    }
}

/// Why a cluster cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened at.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The master does not start.
    #[error("the master does not start")]
    Master(#[source] mesos_master::StartError),
    /// This machine, or this process, has no room for so many agents.
    #[error("{agents} agents are too many: {limit} allow {most}")]
    NoRoom {
        /// How many there were to be.
        agents: usize,
        /// How many there can be.
        most: usize,
        /// What is too little for more.
        limit: String,
    },
    /// It was [stopped](Cluster::start_unless) before it had started.
    #[error("the cluster was stopped before it had started")]
    Stopped,
    /// An agent does not start.
    #[error("agent {number} does not start")]
    Agent {
        /// Which one, from 1.
        number: usize,
        /// Why not.
        source: mesos_agent::StartError,
    },
}

/// A running cluster. Dropped without [`shutdown`](Self::shutdown), it leaves its executors behind.
#[derive(Debug)]
pub struct Cluster {
    master: Node,
    agents: Vec<(Node, Agent)>,
}

impl Cluster {
    /// Starts the master, then the agents.
    ///
    /// # Errors
    ///
    /// Says which daemon does not start, and why. Those that were started are ended again.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        Self::start_unless(options, std::future::pending()).await
    }

    /// Starts the master, then the agents, unless `stop` comes first. To stop takes no longer than one agent takes
    /// to start.
    ///
    /// # Errors
    ///
    /// Says which daemon does not start, and why. Those that were started are ended again.
    pub async fn start_unless(options: Options, stop: impl Future<Output = ()>) -> Result<Self, StartError> {
        room::check(options.agents)?;
        let mut stop = std::pin::pin!(stop);
        let master = listen(SocketAddr::new(options.ip, options.port), "master").await?;
        let mut flags = options.master.clone();
        flags.work_dir = Some(options.work_dir.join("master"));
        Master::start(&master, flags).map_err(StartError::Master)?;
        let mut cluster = Self { master, agents: Vec::new() };
        for number in 1..=options.agents {
            let started = match futures::poll!(stop.as_mut()) {
                std::task::Poll::Ready(()) => Err(StartError::Stopped),
                std::task::Poll::Pending => agent(&options, cluster.master(), number).await,
            };
            match started {
                Ok(agent) => cluster.agents.push(agent),
                Err(error) => {
                    cluster.kill().await;
                    return Err(error);
                }
            }
        }
        Ok(cluster)
    }

    /// Where the master listens.
    pub fn master(&self) -> SocketAddr {
        self.master.address()
    }

    /// Where the agents listen.
    pub fn agents(&self) -> Vec<SocketAddr> {
        self.agents.iter().map(|(node, _)| node.address()).collect()
    }

    /// Ends the agents with all that they run, then the master. What runs has the grace periods that it was given.
    ///
    /// # Cancel safety
    ///
    /// A cluster that has begun to end cannot be used any more, but [`kill`](Self::kill) may end the rest.
    pub async fn shutdown(&self) {
        let ends = self.agents.iter().map(|(node, agent)| async {
            agent.leave().await;
            node.shutdown().await;
        });
        join_all(ends).await;
        self.master.shutdown().await;
    }

    /// Ends everything at once: what runs is not asked to end.
    pub async fn kill(&self) {
        let ends = self.agents.iter().map(|(node, agent)| async {
            agent.kill().await;
            node.shutdown().await;
        });
        join_all(ends).await;
        self.master.shutdown().await;
    }
}

async fn listen(address: SocketAddr, delegate: &str) -> Result<Node, StartError> {
    let node = Node::builder().bind(address).delegate(delegate).start().await;
    node.map_err(|source| StartError::Listen { address, source })
}

async fn agent(options: &Options, master: SocketAddr, number: usize) -> Result<(Node, Agent), StartError> {
    let node = listen(SocketAddr::new(options.ip, 0), "slave(1)").await?;
    let work_dir = options.work_dir.join(format!("agent-{number}"));
    let count = PORTS_PER_AGENT.min((PORTS_END - PORTS_BEGIN) / options.agents);
    let begin = PORTS_BEGIN + (number - 1) * count;
    let ports = format!("ports:[{begin}-{}]", begin + count - 1);
    let flags = AgentFlags {
        master: master.to_string(),
        runtime_dir: work_dir.join("run"),
        resources: options.agent_resources.clone().or(Some(ports)),
        work_dir,
        ..options.agent.clone()
    };
    let started = Agent::start(&node, flags, helpers::parts()).await;
    match started {
        Ok(agent) => Ok((node, agent)),
        Err(source) => {
            node.shutdown().await;
            Err(StartError::Agent { number, source })
        }
    }
}

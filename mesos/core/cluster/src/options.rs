//! What the operator decides about a cluster.

use std::collections::BTreeSet;
use std::time::Duration;

use mesos_api::v1::{MasterInfo, WeightInfo};

/// How many agents may be removed in how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RemovalRate {
    /// So many agents...
    pub permits: u32,
    /// ...in this time.
    pub per: Duration,
}

/// The master's flags as far as they concern decisions, and its identity.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// Who this master is; its id is the prefix of all ids it makes.
    pub master_info: MasterInfo,
    /// Where random numbers (UUIDs of operations) come from.
    pub seed: u64,
    /// `--offer_timeout`: rescind an offer after this time.
    pub offer_timeout: Option<Duration>,
    /// `--max_completed_frameworks`.
    pub max_completed_frameworks: usize,
    /// `--max_completed_tasks_per_framework`.
    pub max_completed_tasks_per_framework: usize,
    /// `--max_unreachable_tasks_per_framework`.
    pub max_unreachable_tasks_per_framework: usize,
    /// `--roles`: the roles that may be used; all when `None`.
    pub roles: Option<BTreeSet<String>>,
    /// `--root_submissions`: whether frameworks may run as root.
    pub root_submissions: bool,
    /// `--agent_reregister_timeout`.
    pub agent_reregister_timeout: Duration,
    /// `--recovery_agent_removal_limit` as a share of 1.
    pub recovery_agent_removal_limit: f64,
    /// `--agent_removal_rate_limit`.
    pub agent_removal_rate: Option<RemovalRate>,
    /// `--agent_ping_timeout`.
    pub agent_ping_timeout: Duration,
    /// `--max_agent_ping_timeouts`.
    pub max_agent_ping_timeouts: u32,
    /// `--require_agent_domain`.
    pub require_agent_domain: bool,
    /// `--weights`, used when the registry holds none.
    pub weights: Vec<WeightInfo>,
    /// `--registry_gc_interval`.
    pub registry_gc_interval: Duration,
    /// `--registry_max_agent_age`.
    pub registry_max_agent_age: Duration,
    /// `--registry_max_agent_count`.
    pub registry_max_agent_count: usize,
}

impl Options {
    /// The defaults of a Mesos 1.5 master.
    #[must_use]
    pub fn new(master_info: MasterInfo) -> Self {
        Self {
            master_info,
            seed: 0,
            offer_timeout: None,
            max_completed_frameworks: 50,
            max_completed_tasks_per_framework: 1000,
            max_unreachable_tasks_per_framework: 1000,
            roles: None,
            root_submissions: true,
            agent_reregister_timeout: Duration::from_secs(600),
            recovery_agent_removal_limit: 1.0,
            agent_removal_rate: None,
            agent_ping_timeout: Duration::from_secs(15),
            max_agent_ping_timeouts: 5,
            require_agent_domain: false,
            weights: Vec::new(),
            registry_gc_interval: Duration::from_secs(15 * 60),
            registry_max_agent_age: Duration::from_secs(2 * 7 * 24 * 3600),
            registry_max_agent_count: 102_400,
        }
    }

    /// How long an agent waits for a ping before it looks for the master anew.
    #[must_use]
    pub fn total_ping_timeout(&self) -> Duration {
        self.agent_ping_timeout.saturating_mul(self.max_agent_ping_timeouts)
    }
}

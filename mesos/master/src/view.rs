//! The master at one moment, for those who only read.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use mesos_api::v1::MasterInfo;
use mesos_cluster::{Agent, Snapshot};
use mesos_resources::Resources;
use stout::Time;

use crate::flags::Flags;

/// What a master is from its start to its end.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Who it is.
    pub(crate) info: MasterInfo,
    /// When it started.
    pub(crate) start_time: Time,
    /// Its flags.
    pub(crate) flags: Flags,
    /// The roles that frameworks may have; `None` for any.
    pub(crate) role_whitelist: Option<BTreeSet<String>>,
}

/// Everything that endpoints show. It does not change any more: the next change
/// of the cluster makes another one.
///
/// Taking a view costs the master next to nothing, whatever the size of the cluster,
/// and whoever has one works on it without the master. A reader asks the master
/// for it, behind what came before: so it sees what it was told of.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) identity: Arc<Identity>,
    /// Since when this master leads; `None` until its registry is read.
    pub(crate) elected_time: Option<Time>,
    pub(crate) snapshot: Arc<Snapshot>,
    totals: OnceLock<Totals>,
}

impl View {
    pub(crate) fn new(identity: Arc<Identity>, elected_time: Option<Time>, snapshot: Arc<Snapshot>) -> Self {
        Self { identity, elected_time, snapshot, totals: OnceLock::new() }
    }

    /// Whether the registry was read.
    pub(crate) fn is_recovered(&self) -> bool {
        self.elected_time.is_some()
    }

    /// The master that leads: without others, this one.
    pub(crate) fn leader(&self) -> Option<&MasterInfo> {
        Some(&self.identity.info)
    }

    /// The sums over all agents, worked out once.
    pub(crate) fn totals(&self) -> &Totals {
        self.totals.get_or_init(|| Totals::of(self.snapshot.agents.values().map(|agent| &**agent)))
    }
}

/// The names of the resources that are summed up.
pub(crate) const SUMMED: [&str; 4] = ["cpus", "gpus", "mem", "disk"];

/// What the agents have and what of it is in use, of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Amounts {
    pub(crate) total: f64,
    pub(crate) used: f64,
    pub(crate) revocable_total: f64,
    pub(crate) revocable_used: f64,
}

/// Sums over the registered agents.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    /// In the order of [`SUMMED`].
    pub(crate) amounts: [Amounts; SUMMED.len()],
    pub(crate) agents_connected: usize,
    pub(crate) agents_active: usize,
}

impl Totals {
    fn of<'a>(agents: impl Iterator<Item = &'a Agent>) -> Self {
        let mut totals = Self::default();
        for agent in agents {
            totals.agents_connected += usize::from(agent.is_connected());
            totals.agents_active += usize::from(agent.is_active());
            let used = agent.allocated();
            for (amounts, name) in totals.amounts.iter_mut().zip(SUMMED) {
                let (total, revocable_total) = scalar(&agent.total, name);
                let (used, revocable_used) = scalar(&used, name);
                amounts.total += total;
                amounts.used += used;
                amounts.revocable_total += revocable_total;
                amounts.revocable_used += revocable_used;
            }
        }
        totals
    }
}

/// How much there is of a resource for good, and how much that may be revoked.
fn scalar(resources: &Resources, name: &str) -> (f64, f64) {
    let mut amounts = (0.0, 0.0);
    for resource in resources.iter().filter(|resource| resource.name().as_str() == name) {
        let amount = resource.scalar().map_or(0.0, |scalar| scalar.as_f64());
        if resource.is_revocable() {
            amounts.1 += amount;
        } else {
            amounts.0 += amount;
        }
    }
    amounts
}

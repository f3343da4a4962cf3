//! The allocation: its state and its door.

use std::collections::BTreeSet;

use mesos_api::v1::{AgentId, FrameworkId};
use mesos_resources::{Quantities, Scalar};
use stout::Time;

use crate::agent::Agent;
use crate::attention::Attentions;
use crate::filter::Expiries;
use crate::framework::Framework;
use crate::ledger::Ledger;
use crate::mutation::Mutations;
use crate::quotas::Quota;
use crate::random::Random;
use crate::role::Role;
use crate::roles::Roles;
use crate::table::{AgentKey, FrameworkKey, Table};
use crate::{Input, Options, Output};

/// Decides who is offered what.
///
/// [`Allocation::apply`] takes one input and runs an allocation if the input calls for one. Who has many
/// inputs waiting uses [`Allocation::accept`] for each and [`Allocation::run`] once: the agents to look at
/// are collected, and one run does for all.
#[derive(Debug)]
pub struct Allocation {
    pub(crate) options: Options,
    /// Names that do not count for shares.
    pub(crate) excluded: Quantities,
    pub(crate) random: Random,
    pub(crate) agents: Table<AgentId, AgentKey, Agent>,
    pub(crate) frameworks: Table<FrameworkId, FrameworkKey, Framework>,
    pub(crate) roles: Roles,
    pub(crate) ledger: Ledger,
    pub(crate) attentions: Attentions,
    /// The agents that are planned to go away.
    pub(crate) maintained: BTreeSet<AgentKey>,
    /// The hosts whose agents are offered; all if there is none.
    pub(crate) whitelist: Option<BTreeSet<String>>,
    pub(crate) expiries: Expiries,
    pub(crate) hold: Option<Hold>,
    /// Whether a run is called for.
    pub(crate) due: bool,
    /// Whether the run that is due is a periodic one.
    pub(crate) periodic: bool,
    pub(crate) runs: u64,
    pub(crate) mutations: Mutations,
}

/// That nothing is offered while agents come back after a failover.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) expected_agents: usize,
    pub(crate) until: Time,
}

/// How a role that has a framework stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoleStatus<'a> {
    /// Its name.
    pub name: &'a str,
    /// The largest part of the cluster that it has, its weight left out.
    pub dominant_share: f64,
    /// How many refusals of its frameworks count now.
    pub active_filters: usize,
}

impl Allocation {
    /// An allocation that knows no framework and no agent.
    pub fn new(options: Options) -> Self {
        let names = options.fair_sharing_excluded_resource_names.iter();
        Self {
            excluded: names.map(|name| (name.as_str(), Scalar::MAX)).collect(),
            random: Random::new(options.seed),
            options,
            agents: Table::new(),
            frameworks: Table::new(),
            roles: Roles::new(),
            ledger: Ledger::default(),
            attentions: Attentions::default(),
            maintained: BTreeSet::new(),
            whitelist: None,
            expiries: Expiries::default(),
            hold: None,
            due: false,
            periodic: false,
            runs: 0,
            mutations: Mutations::default(),
        }
    }

    /// Takes one input in, runs an allocation if one is due, and appends what the caller must now do.
    pub fn apply(&mut self, input: Input, now: Time, out: &mut Vec<Output>) {
        self.accept(input, now, out);
        self.run(now, out);
    }

    /// Takes one input in without running an allocation.
    pub fn accept(&mut self, input: Input, now: Time, out: &mut Vec<Output>) {
        match input {
            Input::AddFramework { id, info, used, active, suppressed_roles } => {
                self.add_framework(id, &info, &used, active, suppressed_roles, now);
            }
            Input::RemoveFramework(id) => self.remove_framework(&id),
            Input::ActivateFramework(id) => self.activate_framework(&id),
            Input::DeactivateFramework(id) => self.deactivate_framework(&id),
            Input::UpdateFramework { id, info, suppressed_roles } => {
                self.update_framework(&id, &info, suppressed_roles);
            }
            Input::AddAgent { id, info, capabilities, unavailability, total, used } => {
                self.add_agent(id, info, &capabilities, unavailability, total, &used);
            }
            Input::RemoveAgent(id) => self.remove_agent(&id),
            Input::ActivateAgent(id) => self.set_agent_active(&id, true),
            Input::DeactivateAgent(id) => self.set_agent_active(&id, false),
            Input::UpdateAgent { id, info, capabilities, total } => {
                self.update_agent(&id, info, capabilities.as_deref(), total);
            }
            Input::AddResourceProvider { agent, total, used } => {
                self.add_resource_provider(&agent, &total, &used)
            }
            Input::UpdateWhitelist(hosts) => {
                self.whitelist = hosts;
                self.attentions.wake_all();
            }
            Input::RequestResources { .. } => {}
            Input::UpdateAllocation { framework, agent, offered, conversions } => {
                self.update_allocation(&framework, &agent, &offered, &conversions);
            }
            Input::UpdateAvailable { agent, token, operations } => {
                let result = self.update_available(&agent, &operations);
                out.push(Output::Available { token, result });
            }
            Input::UpdateUnavailability { agent, unavailability } => {
                self.update_unavailability(&agent, unavailability);
            }
            Input::UpdateInverseOffer { agent, framework, status, filters } => {
                self.update_inverse_offer(&agent, &framework, status, filters.as_ref(), now);
            }
            Input::GetInverseOfferStatuses { token } => {
                out.push(Output::InverseOfferStatuses { token, statuses: self.inverse_offer_statuses() });
            }
            Input::RecoverResources { framework, agent, resources, filters } => {
                self.recover_resources(&framework, &agent, &resources, filters.as_ref(), now);
            }
            Input::Suppress { framework, roles } => self.suppress(&framework, roles),
            Input::Revive { framework, roles } => self.revive(&framework, roles),
            Input::SetQuota { role, quota } => self.set_quota(&role, Some(quota)),
            Input::RemoveQuota(role) => self.set_quota(&role, None),
            Input::UpdateWeights(weights) => self.update_weights(&weights),
            Input::Recover { expected_agents, quotas } => self.recover(expected_agents, quotas, now),
            Input::Tick => self.tick(now),
        }
    }

    /// Whether some input since the last run calls for one.
    pub fn is_run_due(&self) -> bool {
        self.due
    }

    /// How many runs there have been.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// The scalars of all agents.
    pub fn total(&self) -> &Quantities {
        self.ledger.total()
    }

    /// The scalars that are offered or in use.
    pub fn allocated(&self) -> &Quantities {
        self.roles.allocated()
    }

    /// The roles that have a framework.
    pub fn roles(&self) -> impl Iterator<Item = RoleStatus<'_>> {
        self.roles.iter().map(|(_, role)| self.status(role))
    }

    /// A role, if it has a framework.
    pub fn role(&self, name: &str) -> Option<RoleStatus<'_>> {
        Some(self.status(self.roles.get(self.roles.key(name)?)?))
    }

    /// Changes whenever a role gets its first framework or loses its last.
    pub fn roles_generation(&self) -> u64 {
        self.roles.generation()
    }

    fn status<'a>(&'a self, role: &'a Role) -> RoleStatus<'a> {
        RoleStatus {
            name: &role.name,
            dominant_share: self.roles.tree.dominant_share(role.leaf),
            active_filters: role.refusals.get(),
        }
    }

    /// Each role with quota: the quota, and what it has that counts for it.
    pub fn quotas(&self) -> impl Iterator<Item = (&str, &Quota, Quantities)> {
        self.roles.quotas.iter().map(|(role, quota)| {
            let has = self.roles.key(role).and_then(|role| self.roles.get(role));
            (role, quota, has.map(|role| role.firm().clone()).unwrap_or_default())
        })
    }

    /// The quota of a role, and what the role has that counts for it.
    pub fn quota(&self, role: &str) -> Option<(&Quota, Quantities)> {
        let quota = self.roles.quotas.get(role)?;
        let has = self.roles.key(role).and_then(|role| self.roles.get(role));
        Some((quota, has.map(|role| role.firm().clone()).unwrap_or_default()))
    }

    /// Turns a fix off.
    #[doc(hidden)]
    #[cfg(feature = "mutations")]
    pub fn turn_off(&mut self, fix: crate::Fix) {
        self.mutations.turn_off(fix);
    }

    /// Has runs take agents in the order in which they were added, a later one in the place of a removed one.
    #[doc(hidden)]
    #[cfg(feature = "mutations")]
    pub fn be_orderly(&mut self) {
        self.mutations.be_orderly();
    }

    fn tick(&mut self, now: Time) {
        if self.hold.is_some_and(|hold| hold.until <= now) {
            self.hold = None;
        }
        self.mark_all();
        self.periodic = true;
    }

    /// Calls for a run over all agents.
    pub(crate) fn mark_all(&mut self) {
        if self.hold.is_some() {
            return;
        }
        self.due = true;
        self.attentions.mark_all();
    }

    /// Calls for a run over one agent.
    pub(crate) fn mark(&mut self, key: AgentKey) {
        if self.hold.is_some() {
            return;
        }
        self.due = true;
        if let Some(agent) = self.agents.get_mut(key) {
            self.attentions.mark(key, agent);
        }
    }

    /// Has the runs look at an agent again.
    pub(crate) fn wake(&mut self, key: AgentKey) {
        if let Some(agent) = self.agents.get_mut(key) {
            self.attentions.wake(key, agent);
        }
    }
}

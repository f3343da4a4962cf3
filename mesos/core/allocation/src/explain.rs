//! Why a role gets nothing now.

mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use mesos_api::v1::FrameworkId;
use mesos_resources::{Name, Quantities, Scalar};
use stout::Time;

use crate::explain::verdict::{Verdict, Verdicts};
use crate::framework::Framework;
use crate::role::{Member, Role};
use crate::table::FrameworkKey;
use crate::{Allocation, Quota};

/// For how many frameworks of a role every agent is looked at.
const SCANNED_FRAMEWORKS_MAX: usize = 20;

/// How a role stands and why it gets nothing, by [`Allocation::explain`].
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The role.
    pub role: String,
    /// What it is guaranteed and limited to.
    pub quota: Option<Quota>,
    /// By what its share is divided.
    pub weight: f64,
    /// The largest part of the cluster that it has, its weight left out.
    pub dominant_share: f64,
    /// What is offered to its frameworks or used by them.
    pub allocated: Quantities,
    /// What is reserved for it, used or not.
    pub reserved: Quantities,
    /// What counts against its guarantee: its reservations and what else it has that cannot be taken back.
    pub charged: Quantities,
    /// What its limits and those of the roles above leave, by name; other names have no limit.
    pub room: BTreeMap<Name, Scalar>,
    /// How many agents there are.
    pub agents: usize,
    /// Unreserved amounts that must stay free for all quotas.
    pub headroom_required: Quantities,
    /// The part of that for this role.
    pub headroom_required_for_role: Quantities,
    /// Unreserved amounts that are free and cannot be taken back.
    pub headroom_available: Quantities,
    /// Its frameworks, the one that waits longest first.
    pub frameworks: Vec<FrameworkExplanation>,
    /// What keeps the role as a whole from getting anything, in words.
    pub reasons: Vec<String>,
}

/// How a framework stands in a role.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameworkExplanation {
    /// Its identity.
    pub id: FrameworkId,
    /// Whether it can be offered anything.
    pub state: FrameworkState,
    /// What it is offered or uses in the role.
    pub allocated: Quantities,
    /// The largest part of what the role has that it has.
    pub dominant_share: f64,
    /// How many of its refusals count in the role.
    pub filters: usize,
    /// When the first of them ends.
    pub next_expiry: Option<Time>,
    /// For how long it was offered nothing, in any role.
    pub waiting: Duration,
    /// How many agents could be offered to it in the next run.
    pub offerable_agents: usize,
    /// Why it gets nothing of the other agents, in words.
    pub reasons: Vec<String>,
}

/// Whether a framework can be offered anything in a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameworkState {
    /// It can.
    Active,
    /// It wants no offers in this role for now.
    Suppressed,
    /// It is not connected.
    Inactive,
    /// It left the role, and still has something there.
    Left,
}

impl Allocation {
    /// Tells how a role stands and why it gets nothing now.
    ///
    /// This looks at the state as it is and runs nothing. For the frameworks that wait longest, twenty at
    /// most, it looks at every agent.
    pub fn explain(&self, role: &str, now: Time) -> Explanation {
        let row = self.roles.key(role).and_then(|key| self.roles.get(key));
        let room = self.roles.room(role, &self.ledger);
        let required_for_role = self.roles.required_for(role, &self.ledger, self.mutations);
        let mut explanation = Explanation {
            role: role.to_owned(),
            quota: self.roles.quotas.get(role).map(|quota| (**quota).clone()),
            weight: self.roles.tree.weight(role),
            dominant_share: row.map_or(0.0, |row| self.roles.tree.dominant_share(row.leaf)),
            allocated: row.and_then(|row| self.roles.tree.amounts(row.leaf)).cloned().unwrap_or_default(),
            reserved: self.ledger.reserved_to(role).cloned().unwrap_or_default(),
            charged: self.roles.charged(role, &self.ledger, self.mutations),
            room: room.iter().map(|(name, left)| (name.clone(), left)).collect(),
            agents: self.agents.len(),
            headroom_required: self.required_headroom_now(),
            headroom_required_for_role: required_for_role,
            headroom_available: self.available_headroom(),
            frameworks: row.map_or_else(Vec::new, |row| self.explain_frameworks(row, now)),
            reasons: Vec::new(),
        };
        explanation.frameworks.sort_by_key(|framework| std::cmp::Reverse(framework.waiting));
        if let Some(row) = row {
            self.explain_agents(row, &mut explanation, now);
        }
        explanation.reasons = self.reasons(&explanation, now);
        explanation
    }

    /// How long a framework was offered nothing.
    pub(crate) fn waiting(framework: &Framework, now: Time) -> Duration {
        until(now, framework.offered.unwrap_or(framework.added))
    }

    /// For how long each active framework that wants offers was offered nothing.
    pub fn starvation(&self, now: Time) -> impl Iterator<Item = (&FrameworkId, Duration)> {
        self.frameworks
            .iter()
            .filter(|(_, framework)| framework.roles.iter().any(|role| framework.wants(role)))
            .map(move |(_, framework)| (&framework.id, Self::waiting(framework, now)))
    }

    /// For how long a framework was offered nothing, whether it wants anything or not.
    pub fn waiting_of(&self, id: &FrameworkId, now: Time) -> Option<Duration> {
        Some(Self::waiting(self.frameworks.get(self.frameworks.key(id)?)?, now))
    }

    fn explain_frameworks(&self, role: &Role, now: Time) -> Vec<FrameworkExplanation> {
        let total = self.roles.tree.amounts(role.leaf).cloned().unwrap_or_default();
        let total = crate::roles::without(&total, &self.excluded);
        let explained = |(key, member): (FrameworkKey, &Member)| {
            let framework = self.frameworks.get(key)?;
            let in_role = self.roles.key(&role.name)?;
            let filters = framework.refusals.iter().filter(|((_, refused), _)| *refused == in_role);
            let ends = filters.clone().flat_map(|(_, refusals)| refusals.iter().map(|one| one.until));
            Some(FrameworkExplanation {
                id: framework.id.clone(),
                state: state(framework, member, &role.name),
                allocated: member.amounts().clone(),
                dominant_share: member.amounts().dominant_share(&total),
                filters: filters.map(|(_, refusals)| refusals.len()).sum(),
                next_expiry: ends.min(),
                waiting: Self::waiting(framework, now),
                offerable_agents: 0,
                reasons: Vec::new(),
            })
        };
        role.members().filter_map(explained).collect()
    }

    fn explain_agents(&self, role: &Role, explanation: &mut Explanation, now: Time) {
        let Explanation { frameworks, headroom_required, headroom_available, .. } = explanation;
        let active = frameworks.iter_mut().filter(|one| one.state == FrameworkState::Active);
        for framework in active.take(SCANNED_FRAMEWORKS_MAX) {
            let Some(row) = self.frameworks.key(&framework.id).and_then(|key| self.frameworks.get(key))
            else {
                continue;
            };
            let verdicts = Verdicts::of(self, role, row, headroom_required, headroom_available);
            framework.offerable_agents = verdicts.count(Verdict::Offerable);
            framework.reasons = verdicts.in_words(framework, self.agents.len(), now);
        }
    }

    fn reasons(&self, explanation: &Explanation, now: Time) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(hold) = &self.hold {
            reasons.push(format!(
                "nothing is offered to anybody until {} agents are back, of which {} are, or {} s have passed",
                hold.expected_agents,
                self.agents.len(),
                until(hold.until, now).as_secs()
            ));
        }
        if self.agents.len() == 0 {
            reasons.push("there are no agents".to_owned());
        }
        let count = |state| explanation.frameworks.iter().filter(|one| one.state == state).count();
        if explanation.frameworks.is_empty() {
            reasons.push("no framework is in the role".to_owned());
        } else if count(FrameworkState::Active) == 0 {
            reasons.push(format!(
                "no framework of the role takes offers: {} suppressed them, {} are not connected, {} left the role",
                count(FrameworkState::Suppressed),
                count(FrameworkState::Inactive),
                count(FrameworkState::Left)
            ));
        }
        if let Some(Quota { guarantee, limits: None }) = &explanation.quota
            && explanation.charged.contains(guarantee)
        {
            reasons.push(format!(
                "the role has its guarantee of {guarantee}, which without limits is also the most it gets: {} is charged to it, {} of that for its reservations",
                explanation.charged, explanation.reserved
            ));
        }
        for (name, left) in explanation.room.iter().filter(|(_, left)| left.is_zero()) {
            let limit =
                explanation.quota.as_ref().and_then(|quota| quota.limits.as_ref()?.get(name).copied());
            let own = limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
            let whose = if limit.is_some() { "its limit" } else { "the limit of a role above it" };
            reasons.push(format!("{whose}{own} for {name} is reached: {left} is left"));
        }
        reasons
    }
}

/// The time from one moment to a later one.
fn until(later: Time, earlier: Time) -> Duration {
    later.checked_duration_since(earlier).unwrap_or_default()
}

fn state(framework: &Framework, member: &Member, role: &str) -> FrameworkState {
    if member.active {
        FrameworkState::Active
    } else if !framework.roles.contains(role) {
        FrameworkState::Left
    } else if !framework.active {
        FrameworkState::Inactive
    } else {
        FrameworkState::Suppressed
    }
}

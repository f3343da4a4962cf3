//! SET_QUOTA, REMOVE_QUOTA and UPDATE_WEIGHTS.

use std::sync::Arc;

use mesos_access::{Action, Object};
use mesos_allocation::Input as Allocate;
use mesos_api::v1::quota::QuotaInfo;
use mesos_api::v1::{AgentId, WeightInfo};
use mesos_registry::Operation;
use mesos_resources::Quantities;

use crate::cluster::Cluster;
use crate::connection::RequestId;
use crate::effect::OperatorError;
use crate::pending::Write;
use crate::step::Step;
use crate::validation::quota;

/// A change for roles that is being stored.
#[derive(Debug)]
pub(crate) enum RoleWrite {
    /// With what goes back when it cannot be stored.
    Quota(Arc<QuotaInfo>),
    NoQuota(Arc<QuotaInfo>),
    Weights(Vec<WeightInfo>),
}

type Questions = Vec<(Action, Object)>;

impl Cluster {
    pub(crate) fn check_set_quota(&self, info: &Arc<QuotaInfo>) -> Result<Questions, OperatorError> {
        quota::set(info, self.options.roles.as_ref(), &self.state).map_err(OperatorError::Invalid)?;
        Ok(vec![about_quota(info)])
    }

    pub(crate) fn check_remove_quota(&self, role: &str) -> Result<Questions, OperatorError> {
        quota::remove(role, self.options.roles.as_ref(), &self.state).map_err(OperatorError::Invalid)?;
        Ok(self.state.quotas.get(role).map(about_quota).into_iter().collect())
    }

    /// Also where there is nothing to change somebody must be allowed to.
    pub(crate) fn check_weights(&self, infos: &[WeightInfo]) -> Result<Questions, OperatorError> {
        let mut checked = infos.to_vec();
        quota::weights(&mut checked, self.options.roles.as_ref()).map_err(OperatorError::Invalid)?;
        if checked.is_empty() {
            return Ok(vec![(Action::UpdateWeight, Object::any())]);
        }
        Ok(checked.iter().map(|info| (Action::UpdateWeight, Object::of_value(info.role()))).collect())
    }

    pub(crate) fn set_quota(
        &mut self,
        request: RequestId,
        info: Arc<QuotaInfo>,
        force: bool,
        cx: &mut Step<'_>,
    ) {
        // Another one may have come while the authorizer thought.
        let checked = quota::set(&info, self.options.roles.as_ref(), &self.state);
        let checked = checked.map_err(OperatorError::Invalid).and_then(|()| match force {
            true => Ok(()),
            false => quota::capacity(&info, &self.state).map_err(OperatorError::Conflict),
        });
        if let Err(error) = checked {
            self.reply(request, Err(error), cx);
            return;
        }
        // Before it is stored: a second request for the role is refused.
        self.state.quotas.insert(info.role().to_owned(), Arc::clone(&info));
        let operation = Operation::UpdateQuota((*info).clone());
        self.write(operation, Write::Role { request, change: RoleWrite::Quota(info) }, cx);
    }

    pub(crate) fn remove_quota(&mut self, request: RequestId, role: String, cx: &mut Step<'_>) {
        let checked = quota::remove(&role, self.options.roles.as_ref(), &self.state);
        let removed = checked.map(|()| self.state.quotas.remove(&role));
        match removed {
            Ok(Some(info)) => {
                let operation = Operation::RemoveQuota(role);
                self.write(operation, Write::Role { request, change: RoleWrite::NoQuota(info) }, cx);
            }
            Ok(None) => self.reply(request, Ok(()), cx),
            Err(error) => self.reply(request, Err(OperatorError::Invalid(error)), cx),
        }
    }

    pub(crate) fn update_weights(
        &mut self,
        request: RequestId,
        mut infos: Vec<WeightInfo>,
        cx: &mut Step<'_>,
    ) {
        match quota::weights(&mut infos, self.options.roles.as_ref()) {
            Ok(()) => {
                let operation = Operation::UpdateWeights(infos.clone());
                self.write(operation, Write::Role { request, change: RoleWrite::Weights(infos) }, cx);
            }
            Err(error) => self.reply(request, Err(OperatorError::Invalid(error)), cx),
        }
    }

    pub(crate) fn role_stored(
        &mut self,
        request: RequestId,
        change: RoleWrite,
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        if let Err(error) = result {
            match change {
                RoleWrite::Quota(info) => drop(self.state.quotas.remove(info.role())),
                RoleWrite::NoQuota(info) => drop(self.state.quotas.insert(info.role().to_owned(), info)),
                RoleWrite::Weights(_) => {}
            }
            self.reply(request, Err(OperatorError::Conflict(error)), cx);
            return;
        }
        match change {
            RoleWrite::Quota(info) => {
                let quota = quota::guarantee(&info).into();
                // Before the offers go back, which are the role's then.
                cx.allocate(Allocate::SetQuota { role: info.role().to_owned(), quota });
                self.make_room_for_quota(&info, cx);
            }
            RoleWrite::NoQuota(info) => cx.allocate(Allocate::RemoveQuota(info.role().to_owned())),
            RoleWrite::Weights(infos) => self.weights_stored(infos, cx),
        }
        self.reply(request, Ok(()), cx);
    }

    fn weights_stored(&mut self, infos: Vec<WeightInfo>, cx: &mut Step<'_>) {
        let any_active = infos.iter().any(|info| self.state.roles.contains_key(info.role()));
        for info in &infos {
            self.state.weights.insert(info.role().to_owned(), info.weight);
        }
        cx.allocate(Allocate::UpdateWeights(infos));
        if any_active {
            for agent in self.state.agents.keys().cloned().collect::<Vec<_>>() {
                self.rescind_agent_offers(&agent, cx);
            }
        }
    }

    /// Rescinds what is offered on one agent after the other, until that covers the guarantee and every
    /// framework of the role can have an agent. What seems to be free may be in an offer by the time the
    /// allocator hears of the quota.
    fn make_room_for_quota(&mut self, info: &QuotaInfo, cx: &mut Step<'_>) {
        let wanted = quota::guarantee(info);
        let members = self.state.roles.get(info.role());
        let active = |id| self.state.framework(id).is_some_and(|framework| framework.is_active());
        let frameworks = members.map_or(0, |members| members.keys().filter(|id| active(id)).count());
        let takes_part = |agent: &crate::agent::Agent| agent.is_connected() && agent.is_active();
        let agents = self.state.agents.iter().filter(|(_, agent)| takes_part(agent));
        let agents: Vec<AgentId> =
            agents.filter(|(_, agent)| !agent.offers.is_empty()).map(|(id, _)| id.clone()).collect();
        let mut rescinded = Quantities::new();
        for (visited, agent) in agents.iter().enumerate() {
            if visited >= frameworks && rescinded.contains(&wanted) {
                break;
            }
            let offers = self.agent(agent).into_iter().flat_map(|agent| agent.offers.iter());
            for offer in offers.filter_map(|id| self.state.offers.get(id)) {
                rescinded += &offer.resources.quantities();
            }
            self.rescind_agent_offers(agent, cx);
        }
    }
}

fn about_quota(info: &Arc<QuotaInfo>) -> (Action, Object) {
    (Action::UpdateQuota, Object::of_value(info.role()).with_quota(Arc::clone(info)))
}

//! What operators ask for, and when they may.

use std::sync::Arc;

use mesos_access::{Action, Object, Subject};
use mesos_api::internal::ShutdownMessage;
use mesos_api::v1::{AgentId, FrameworkId, MachineId};
use mesos_registry::Operation;
use stout::Time;

use crate::cluster::Cluster;
use crate::connection::RequestId;
use crate::effect::{Effect, OperatorError, ToAgent};
use crate::input::OperatorAction;
use crate::pending::{Question, Write};
use crate::removal::Departure;
use crate::step::Step;
use crate::transition::Transition;
use crate::validation;

pub(crate) const NO_AGENT: &str = "No agent found with specified ID";

impl Cluster {
    pub(crate) fn reply(&self, request: RequestId, result: Result<(), OperatorError>, cx: &mut Step<'_>) {
        cx.push(Effect::Reply { request, result });
    }

    pub(crate) fn operator(
        &mut self,
        request: RequestId,
        subject: Subject,
        mut action: OperatorAction,
        cx: &mut Step<'_>,
    ) {
        if let OperatorAction::SetQuota { info, .. } = &mut action {
            Arc::make_mut(info).principal.clone_from(&subject.principal);
        }
        let action = match self.operator_operation(request, &subject, action) {
            Ok(Ok((operation, questions))) => {
                self.ask(subject, questions, Question::OperatorOperation(operation), cx);
                return;
            }
            Ok(Err(error)) => {
                self.reply(request, Err(error), cx);
                return;
            }
            Err(action) => action,
        };
        match self.questions_before(&action) {
            Ok(questions) => {
                self.ask(subject, questions, Question::Operator { request, action }, cx);
            }
            Err(error) => self.reply(request, Err(error), cx),
        }
    }

    /// What comes before the authorization of an action, and what the authorizer is asked.
    fn questions_before(&self, action: &OperatorAction) -> Result<Vec<(Action, Object)>, OperatorError> {
        let invalid = OperatorError::Invalid;
        let about_machines = |action: Action, machines: &[MachineId]| {
            let object = |id: &MachineId| Object::any().with_machine(id.clone());
            machines.iter().map(|id| (action, object(id))).collect::<Vec<_>>()
        };
        Ok(match action {
            OperatorAction::Teardown(id) => {
                let Some(framework) = self.framework(id) else {
                    return Err(invalid("No framework found with specified ID".to_owned()));
                };
                let object = match &framework.info.principal {
                    Some(principal) => {
                        Object::of_value(principal.as_str()).with_framework(framework.info.clone())
                    }
                    None => Object::any(),
                };
                vec![(Action::TeardownFramework, object)]
            }
            OperatorAction::MarkAgentGone(_) => vec![(Action::MarkAgentGone, Object::any())],
            OperatorAction::SetQuota { info, .. } => self.check_set_quota(info)?,
            OperatorAction::RemoveQuota(role) => self.check_remove_quota(role)?,
            OperatorAction::UpdateWeights(infos) => self.check_weights(infos)?,
            OperatorAction::UpdateMaintenanceSchedule(schedule) => {
                validation::maintenance::schedule(schedule, &self.state).map_err(invalid)?;
                let machines: Vec<_> =
                    schedule.windows.iter().flat_map(|window| window.machine_ids.iter().cloned()).collect();
                about_machines(Action::UpdateMaintenanceSchedule, &machines)
            }
            OperatorAction::StartMaintenance(machines) => {
                self.check_start(machines)?;
                about_machines(Action::StartMaintenance, machines)
            }
            OperatorAction::StopMaintenance(machines) => {
                self.check_stop(machines)?;
                about_machines(Action::StopMaintenance, machines)
            }
            OperatorAction::Reserve { .. }
            | OperatorAction::Unreserve { .. }
            | OperatorAction::CreateVolumes { .. }
            | OperatorAction::DestroyVolumes { .. } => return Err(invalid(NO_AGENT.to_owned())),
        })
    }

    pub(crate) fn operator_authorized(
        &mut self,
        request: RequestId,
        action: OperatorAction,
        allowed: bool,
        cx: &mut Step<'_>,
    ) {
        if !allowed {
            self.reply(request, Err(OperatorError::Forbidden), cx);
            return;
        }
        match action {
            OperatorAction::Teardown(id) => self.teardown_by_operator(request, &id, cx),
            OperatorAction::MarkAgentGone(id) => self.mark_gone(request, id, cx),
            OperatorAction::SetQuota { info, force } => self.set_quota(request, info, force, cx),
            OperatorAction::RemoveQuota(role) => self.remove_quota(request, role, cx),
            OperatorAction::UpdateWeights(infos) => self.update_weights(request, infos, cx),
            OperatorAction::UpdateMaintenanceSchedule(schedule) => {
                self.update_schedule(request, schedule, cx);
            }
            OperatorAction::StartMaintenance(machines) => self.start_maintenance(request, machines, cx),
            OperatorAction::StopMaintenance(machines) => self.stop_maintenance(request, machines, cx),
            // These have a question of their own.
            OperatorAction::Reserve { .. }
            | OperatorAction::Unreserve { .. }
            | OperatorAction::CreateVolumes { .. }
            | OperatorAction::DestroyVolumes { .. } => {}
        }
    }

    fn teardown_by_operator(&mut self, request: RequestId, id: &FrameworkId, cx: &mut Step<'_>) {
        let result = match self.framework(id) {
            Some(_) => {
                self.remove_framework(id, cx);
                Ok(())
            }
            None => Err(OperatorError::Invalid(format!("No framework found with ID {id}"))),
        };
        self.reply(request, result, cx);
    }

    fn mark_gone(&mut self, request: RequestId, id: AgentId, cx: &mut Step<'_>) {
        if self.state.gone_agents.contains_key(&id) {
            self.reply(request, Ok(()), cx);
            return;
        }
        let busy = match self.transitions.get(&id) {
            None | Some(Transition::Reregistering) => None,
            Some(Transition::MarkingGone) => Some("already being transitioned to gone"),
            Some(Transition::Removing) => Some("being transitioned to removed"),
            Some(Transition::MarkingUnreachable) => Some("being transitioned to unreachable"),
        };
        let known = self.state.agents.contains_key(&id)
            || self.state.recovered_agents.contains_key(&id)
            || self.state.unreachable_agents.contains_key(&id);
        let refusal = match busy {
            Some(busy) => OperatorError::Unavailable(format!("Agent '{id}' is {busy}")),
            None if !known => OperatorError::NotFound(format!("Agent '{id}' not found")),
            None => {
                cx.info(format!("marking agent {id} gone"));
                self.transitions.insert(id.clone(), Transition::MarkingGone);
                let when = cx.now;
                let operation = Operation::MarkGone { id: id.clone(), at: when };
                self.write(operation, Write::MarkGone { request, agent: id, when }, cx);
                return;
            }
        };
        self.reply(request, Err(refusal), cx);
    }

    pub(crate) fn marked_gone(
        &mut self,
        request: RequestId,
        id: &AgentId,
        when: Time,
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        self.end_transition(id, Transition::MarkingGone);
        if let Err(error) = result {
            self.reply(request, Err(OperatorError::Conflict(error)), cx);
            return;
        }
        // Mesos forgets this for agents that are not registered, until the next failover.
        self.state.gone_agents.insert(id.clone(), when);
        self.state.recovered_agents.remove(id);
        self.state.unreachable_agents.remove(id);
        if let Some(agent) = self.agent(id) {
            let to = agent.peer.connection;
            let message = ShutdownMessage { message: Some("Agent has been marked gone".to_owned()) };
            cx.send(to, ToAgent::Shutdown(message));
            self.take_down(id, Departure::Gone, "Agent has been marked gone", cx);
        }
        self.reply(request, Ok(()), cx);
    }
}

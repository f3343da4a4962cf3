//! RESERVE, UNRESERVE, CREATE and DESTROY: they convert resources of an agent.

use std::collections::BTreeSet;
use std::sync::Arc;

use mesos_access::{Action, Object};
use mesos_api::internal::{ApplyOperationMessage, CheckpointResourcesMessage, ResourceVersionUuid};
use mesos_api::v1::offer::Operation;
use mesos_api::v1::offer::operation::Type;
use mesos_api::v1::{
    self, AgentId, FrameworkId, OperationState, OperationStatus, Resource, ResourceProviderId, Uuid,
};
use mesos_resources::{Resources, conversions, format, operation_provider_id};

use crate::acceptance::Remaining;
use crate::cluster::Cluster;
use crate::effect::ToAgent;
use crate::step::Step;
use crate::validation;
use crate::validation::operation::Author;

/// What the authorizer must be asked about an operation whose resources are in the form with a list of
/// reservations: at least one question.
pub(crate) fn questions_about(operation: &Operation) -> Vec<(Action, Object)> {
    let (action, resources) = match operation.r#type() {
        Type::Reserve => (Action::ReserveResources, operation.reserve.as_ref().map(|it| &it.resources)),
        Type::Unreserve => (Action::UnreserveResources, operation.unreserve.as_ref().map(|it| &it.resources)),
        Type::Create => (Action::CreateVolume, operation.create.as_ref().map(|it| &it.volumes)),
        Type::Destroy => (Action::DestroyVolume, operation.destroy.as_ref().map(|it| &it.volumes)),
        _ => return Vec::new(),
    };
    let mut names = BTreeSet::new();
    let mut questions = Vec::new();
    for resource in resources.into_iter().flatten() {
        let name = match action {
            // Only one reservation at a time can be pushed: the others were authorized before.
            Action::ReserveResources | Action::CreateVolume => Some(reservation_role(resource)),
            Action::UnreserveResources => {
                resource.reservations.last().and_then(|reservation| reservation.principal.clone())
            }
            _ => resource
                .disk
                .as_ref()
                .and_then(|disk| disk.persistence.as_ref())
                .map(|persistence| persistence.principal().to_owned()),
        };
        if let Some(name) = name.filter(|name| names.insert(name.clone())) {
            questions.push((action, Object::of_value(name).with_resource(resource.clone())));
        }
    }
    if questions.is_empty() {
        questions.push((action, Object::any()));
    }
    questions
}

fn reservation_role(resource: &Resource) -> String {
    let role = resource.reservations.last().and_then(|reservation| reservation.role.clone());
    role.unwrap_or_else(|| "*".to_owned())
}

/// What an operation is about, in words.
fn purpose(r#type: Type) -> &'static str {
    match r#type {
        Type::Reserve => "reserve resources",
        Type::Unreserve => "unreserve resources",
        Type::Create => "create persistent volumes",
        Type::Destroy => "destroy persistent volumes",
        _ => "apply operations",
    }
}

/// Checks one of the four operations by its author's rules.
pub(crate) fn check(
    operation: &Operation,
    author: Author<'_>,
    agent: &crate::agent::Agent,
) -> validation::Verdict {
    match operation {
        Operation { reserve: Some(reserve), .. } if operation.r#type() == Type::Reserve => {
            validation::operation::reserve(reserve, author, agent.capabilities)
        }
        Operation { unreserve: Some(unreserve), .. } if operation.r#type() == Type::Unreserve => {
            validation::operation::unreserve(unreserve)
        }
        Operation { create: Some(create), .. } if operation.r#type() == Type::Create => {
            validation::operation::create(create, author, agent)
        }
        Operation { destroy: Some(destroy), .. } if operation.r#type() == Type::Destroy => {
            validation::operation::destroy(destroy, agent)
        }
        _ => Err("The operation does not convert resources".to_owned()),
    }
}

impl Cluster {
    pub(crate) fn drop_operation(&self, id: &FrameworkId, r#type: Type, error: &str, cx: &mut Step<'_>) {
        cx.warn(format!("dropping {} operation of framework {id}: {error}", r#type.as_str_name()));
    }

    /// Carries out an operation of an ACCEPT, or drops it.
    pub(crate) fn convert(
        &mut self,
        rest: &mut Remaining,
        operation: Operation,
        allowed: bool,
        cx: &mut Step<'_>,
    ) {
        let id = rest.framework.clone();
        let r#type = operation.r#type();
        if let Err(error) = self.try_convert(rest, operation, allowed, cx) {
            self.drop_operation(&id, r#type, &error, cx);
        }
    }

    fn try_convert(
        &mut self,
        rest: &mut Remaining,
        operation: Operation,
        allowed: bool,
        cx: &mut Step<'_>,
    ) -> Result<(), String> {
        let r#type = operation.r#type();
        let framework = self.framework(&rest.framework).ok_or("the framework is gone")?;
        if !allowed {
            return Err(format!("Not authorized to {} as '{}'", purpose(r#type), framework.info.principal()));
        }
        let agent = self.agent(&rest.agent).ok_or("the agent is gone")?;
        check(&operation, Author::Framework(framework), agent)?;
        if r#type == Type::Destroy {
            self.rescind_volumes(&rest.agent, &operation, cx);
        }
        let conversions = conversions(&operation).map_err(|error| error.to_string())?;
        let mut after = rest.resources.clone();
        for conversion in &conversions {
            after = after.convert(conversion).map_err(|error| error.to_string())?;
        }
        self.apply_to_agent(Some(&rest.framework), &rest.agent, operation, cx)?;
        rest.resources = after;
        if matches!(r#type, Type::Create | Type::Destroy) {
            rest.shared = rest.resources.shared();
        }
        rest.conversions.extend(conversions);
        Ok(())
    }

    /// Rescinds offers that hold a volume which is about to be destroyed.
    fn rescind_volumes(&mut self, agent: &AgentId, operation: &Operation, cx: &mut Step<'_>) {
        let volumes = operation.destroy.iter().flat_map(|destroy| destroy.volumes.iter().cloned());
        let Ok(mut volumes) = Resources::from_protos(volumes) else { return };
        volumes.unallocate();
        let Some(agent) = self.agent(agent) else { return };
        let holding: Vec<_> = agent
            .offers
            .iter()
            .filter(|id| {
                self.state.offers.get(*id).is_some_and(|offer| {
                    let mut offered = offer.resources.persistent_volumes();
                    offered.unallocate();
                    volumes.iter().any(|volume| offered.contains(&Resources::from(volume.clone())))
                })
            })
            .cloned()
            .collect();
        for offer in holding {
            self.return_offer(&offer, None, true, cx);
        }
    }

    /// Applies an operation to an agent's total and tells the agent.
    ///
    /// The agent is expected to succeed: what it has is counted as converted at once.
    pub(crate) fn apply_to_agent(
        &mut self,
        framework: Option<&FrameworkId>,
        id: &AgentId,
        operation: Operation,
        cx: &mut Step<'_>,
    ) -> Result<(), String> {
        let agent = self.agent(id).ok_or("the agent is gone")?;
        let mut unallocated = operation.clone();
        format::unallocate_all(&mut unallocated);
        let total = agent.total.apply(&unallocated).map_err(|error| error.to_string())?;
        let provider = operation_provider_id(&operation).map_err(|error| error.to_string())?;
        let version = match &provider {
            None => agent.resource_version.clone(),
            Some(name) => agent
                .resource_providers
                .get(&ResourceProviderId::from(name.as_str()))
                .map(|(_, version)| version.clone()),
        };
        if !agent.capabilities.resource_provider {
            self.set_total(id, total);
            self.send_checkpoint(id, cx);
            return Ok(());
        }
        let version = version.ok_or("the version of the resources is not known")?;
        self.set_total(id, total);
        let uuid = self.ids.uuid();
        let record = v1::Operation {
            framework_id: framework.cloned(),
            agent_id: Some(id.clone()),
            info: operation.clone(),
            latest_status: OperationStatus {
                state: OperationState::OperationPending as i32,
                ..OperationStatus::default()
            },
            statuses: Vec::new(),
            uuid: Uuid { value: uuid.clone() },
        };
        self.track_operation(framework, id, record);
        let message = ApplyOperationMessage {
            framework_id: framework.cloned(),
            operation_info: operation,
            operation_uuid: Uuid { value: uuid },
            resource_version_uuid: ResourceVersionUuid {
                resource_provider_id: provider.map(Into::into),
                uuid: Uuid { value: version },
            },
        };
        if let Some(to) = self.connected_agent(id) {
            cx.send(to, ToAgent::ApplyOperation(Box::new(message)));
        }
        Ok(())
    }

    fn set_total(&mut self, id: &AgentId, total: Resources) {
        if let Some(agent) = self.agent_mut(id) {
            agent.checkpointed = total.filter(|resource| resource.needs_checkpointing());
            agent.total = total;
        }
    }

    /// Tells an agent that cannot apply operations itself what it must remember.
    pub(crate) fn send_checkpoint(&self, id: &AgentId, cx: &mut Step<'_>) {
        let (Some(agent), Some(to)) = (self.agent(id), self.connected_agent(id)) else { return };
        let mut resources = agent.checkpointed.to_protos();
        if !agent.capabilities.reservation_refinement && format::downgrade_all(&mut resources).is_err() {
            cx.warn(format!("not sending refined reservations to agent {id}, which does not know them"));
            return;
        }
        cx.send(to, ToAgent::CheckpointResources(CheckpointResourcesMessage { resources }));
    }

    fn track_operation(&mut self, framework: Option<&FrameworkId>, id: &AgentId, record: v1::Operation) {
        let uuid = record.uuid.value.clone();
        if let Some(framework) = framework.and_then(|framework| self.framework_mut(framework)) {
            framework.operations.insert(uuid.clone(), id.clone());
        }
        if let Some(agent) = self.agent_mut(id) {
            agent.operations.insert(uuid, Arc::new(record));
        }
    }

    /// Operations of storage need what no agent here has.
    pub(crate) fn refuse_storage(&self, rest: &Remaining, operation: &Operation, cx: &mut Step<'_>) {
        let error = format!(
            "Not supported on agent {} because it does not have RESOURCE_PROVIDER capability",
            rest.agent
        );
        self.drop_operation(&rest.framework, operation.r#type(), &error, cx);
    }
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::offer::operation::{Reserve, Unreserve};
    use mesos_api::v1::resource::ReservationInfo;

    use super::*;

    fn reserved(role: &str, principal: Option<&str>) -> Resource {
        Resource {
            name: "cpus".into(),
            reservations: vec![ReservationInfo {
                role: Some(role.into()),
                principal: principal.map(Into::into),
                ..ReservationInfo::default()
            }],
            ..Resource::default()
        }
    }

    fn names(operation: &Operation) -> Vec<Option<String>> {
        let name = |object: Object| object.value.map(|value| value.to_string());
        questions_about(operation).into_iter().map(|(_, object)| name(object)).collect()
    }

    #[test]
    fn each_role_of_a_reservation_is_asked_about_once() {
        let operation = Operation {
            r#type: Some(Type::Reserve as i32),
            reserve: Some(Reserve {
                resources: vec![reserved("a", None), reserved("b", None), reserved("a", None)],
            }),
            ..Operation::default()
        };
        assert_eq!(names(&operation), [Some("a".into()), Some("b".into())]);
    }

    #[test]
    fn there_is_always_a_question() {
        let operation = Operation {
            r#type: Some(Type::Unreserve as i32),
            unreserve: Some(Unreserve { resources: vec![reserved("a", None)] }),
            ..Operation::default()
        };
        assert_eq!(names(&operation), [None]);
    }
}

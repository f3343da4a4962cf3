//! An agent says what it has now: revocable resources, resource providers, operations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use mesos_allocation::Input as Allocate;
use mesos_api::internal::reconcile_operations_message::Operation as Asked;
use mesos_api::internal::update_slave_message::ResourceProvider;
use mesos_api::internal::{ReconcileOperationsMessage, UpdateSlaveMessage};
use mesos_api::v1::{AgentId, Operation, ResourceProviderId, ResourceProviderInfo, Uuid};
use mesos_resources::{Resource, Resources, operation_provider_id};

use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::effect::ToAgent;
use crate::step::Step;
use crate::wire::is_uuid;

/// The checked content of the message.
struct Report {
    /// The new revocable resources, if the message is about them.
    oversubscribed: Option<Resources>,
    /// The new providers, if the message is about them.
    providers: Option<Providers>,
    version: Option<Vec<u8>>,
    /// The operations that the agent knows, by UUID.
    operations: BTreeMap<Vec<u8>, Operation>,
}

struct Providers {
    total: Resources,
    known: OrdMap<ResourceProviderId, (Arc<ResourceProviderInfo>, Vec<u8>)>,
}

fn uuid(uuid: &Uuid) -> Result<Vec<u8>, String> {
    if is_uuid(&uuid.value) { Ok(uuid.value.clone()) } else { Err(format!("'{uuid}' is no UUID")) }
}

fn resources(protos: Vec<mesos_api::v1::Resource>) -> Result<Resources, String> {
    Resources::from_protos(protos).map_err(|error| error.to_string())
}

fn read(message: UpdateSlaveMessage) -> Result<Report, String> {
    // Agents before 1.5 send nothing but revocable resources, and no flag.
    let oversubscribed = match message.update_oversubscribed_resources.unwrap_or(true) {
        true => Some(resources(message.oversubscribed_resources)?),
        false => None,
    };
    let mut operations = message.operations.unwrap_or_default().operations;
    let providers = match message.resource_providers {
        None => None,
        Some(list) => Some(read_providers(list.providers, &mut operations)?),
    };
    let operations = operations
        .into_iter()
        .map(|operation| Ok((uuid(&operation.uuid)?, operation)))
        .collect::<Result<_, String>>()?;
    let version = message.resource_version_uuid.as_ref().map(uuid).transpose()?;
    Ok(Report { oversubscribed, providers, version, operations })
}

fn read_providers(list: Vec<ResourceProvider>, operations: &mut Vec<Operation>) -> Result<Providers, String> {
    let mut providers = Providers { total: Resources::new(), known: OrdMap::new() };
    for provider in list {
        providers.total += resources(provider.total_resources)?;
        operations.extend(provider.operations.operations);
        let Some(info) = provider.info else { continue };
        let id = info.id.clone().ok_or("a resource provider has no id")?;
        let version = uuid(&provider.resource_version_uuid)?;
        if providers.known.insert(id.clone(), (Arc::new(info), version)).is_some() {
            return Err(format!("resource provider '{id}' is there twice"));
        }
    }
    Ok(providers)
}

impl Cluster {
    pub(crate) fn update_agent(
        &mut self,
        from: ConnectionId,
        message: UpdateSlaveMessage,
        cx: &mut Step<'_>,
    ) {
        self.counters.messages_update_slave += 1;
        let Some(id) = self.sender(from, Some(&message.slave_id)) else {
            cx.warn(format!("ignoring update of agent {} from {from}", message.slave_id));
            return;
        };
        match read(message) {
            Ok(report) => self.take_report(&id, report, cx),
            Err(error) => cx.warn(format!("ignoring update of agent {id}: {error}")),
        }
    }

    fn take_report(&mut self, id: &AgentId, report: Report, cx: &mut Step<'_>) {
        let Some(agent) = self.agent(id) else { return };
        let own = |item: &Resource| item.provider_id().is_none();
        let revocable = match &report.oversubscribed {
            Some(revocable) => revocable.clone(),
            None => agent.total.filter(|item| own(item) && item.is_revocable()),
        };
        let provided = match &report.providers {
            Some(providers) => providers.total.clone(),
            None => agent.total.filter(|item| !own(item)),
        };
        let total = agent.total.filter(|item| own(item) && !item.is_revocable()) + revocable + provided;
        let known: BTreeSet<&Vec<u8>> = agent.operations.keys().collect();
        let same_operations = known.into_iter().eq(report.operations.keys());
        if total == agent.total
            && report.providers.is_none()
            && report.version.as_ref().is_none_or(|version| agent.resource_version.as_ref() == Some(version))
            && same_operations
        {
            return;
        }
        let revocable_changed = report.oversubscribed.is_some();
        let providers_changed = report.providers.is_some();
        let Some(agent) = self.agent_mut(id) else { return };
        agent.checkpointed = total.filter(|item| own(item) && item.needs_checkpointing());
        agent.total = total;
        if let Some(version) = report.version {
            agent.resource_version = Some(version);
        }
        if let Some(providers) = report.providers {
            agent.resource_providers = providers.known;
        }
        self.compare_operations(id, report.operations, cx);
        let Some(agent) = self.agent(id) else { return };
        // First the new total, then the offers: nothing stale may be offered in between.
        cx.allocate(Allocate::UpdateAgent {
            id: id.clone(),
            info: (*agent.info).clone(),
            capabilities: None,
            total: Some(agent.total.clone()),
        });
        let affected: Vec<_> = agent
            .offers
            .iter()
            .filter(|offer| {
                providers_changed
                    || revocable_changed
                        && self.state.offers.get(*offer).is_some_and(|offer| {
                            offer.resources.iter().any(|resource| resource.is_revocable())
                        })
            })
            .cloned()
            .collect();
        for offer in affected {
            self.return_offer(&offer, None, true, cx);
        }
    }

    /// Adopts operations that another master sent, and asks about those that the agent does not know.
    fn compare_operations(
        &mut self,
        id: &AgentId,
        mut reported: BTreeMap<Vec<u8>, Operation>,
        cx: &mut Step<'_>,
    ) {
        let Some(agent) = self.agent_mut(id) else { return };
        let mut missing = Vec::new();
        for (uuid, operation) in &agent.operations {
            if reported.remove(uuid).is_none() {
                let provider = operation_provider_id(&operation.info).ok().flatten();
                missing.push(Asked {
                    operation_uuid: Uuid { value: uuid.clone() },
                    resource_provider_id: provider.map(Into::into),
                });
            }
        }
        for (uuid, operation) in reported {
            agent.operations.insert(uuid, Arc::new(operation));
        }
        if let (false, Some(to)) = (missing.is_empty(), self.connected_agent(id)) {
            let message = ReconcileOperationsMessage { operations: missing };
            cx.send(to, ToAgent::ReconcileOperations(message));
        }
    }
}

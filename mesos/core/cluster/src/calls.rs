//! The calls of a subscribed scheduler: where each goes, and the small ones.

use std::collections::BTreeSet;

use mesos_allocation::Input as Allocate;
use mesos_api::internal::{FrameworkToExecutorMessage, ShutdownExecutorMessage};
use mesos_api::v1::allocator::InverseOfferStatus;
use mesos_api::v1::allocator::inverse_offer_status::Status;
use mesos_api::v1::scheduler::Call;
use mesos_api::v1::scheduler::call::{self, Type};
use mesos_api::v1::{Filters, FrameworkId, OfferId};
use mesos_resources::validate;

use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::effect::ToAgent;
use crate::event::SchedulerEvent;
use crate::step::{Step, time_info};

impl Cluster {
    pub(crate) fn call(&mut self, from: ConnectionId, call: Call, cx: &mut Step<'_>) {
        let r#type = call.r#type();
        let Some(id) = call.framework_id.clone() else {
            cx.warn(format!("dropping {} call from {from}: no framework id", r#type.as_str_name()));
            return;
        };
        if self.schedulers.get(&from) != Some(&id) {
            cx.warn(format!(
                "dropping {} call for framework {id} from {from}: it is not its scheduler",
                r#type.as_str_name()
            ));
            return;
        }
        if self.connected_framework(&id) != Some(from) {
            // The link broke and the driver does not know: it must stop.
            cx.tell(Some(from), SchedulerEvent::Error("Framework disconnected".to_owned()));
            return;
        }
        self.dispatch(&id, call, cx);
    }

    fn dispatch(&mut self, id: &FrameworkId, call: Call, cx: &mut Step<'_>) {
        let r#type = call.r#type();
        match (r#type, call) {
            (Type::Teardown, _) => {
                self.counters.messages_unregister_framework += 1;
                self.remove_framework(id, cx);
            }
            (Type::Accept, Call { accept: Some(accept), .. }) => self.accept(id, accept, cx),
            (Type::Decline, Call { decline: Some(decline), .. }) => self.decline(id, decline, cx),
            (Type::AcceptInverseOffers, Call { accept_inverse_offers: Some(accept), .. }) => {
                let call::AcceptInverseOffers { inverse_offer_ids, filters } = accept;
                self.answer_inverse_offers(id, &inverse_offer_ids, Status::Accept, filters, cx);
            }
            (Type::DeclineInverseOffers, Call { decline_inverse_offers: Some(decline), .. }) => {
                let call::DeclineInverseOffers { inverse_offer_ids, filters } = decline;
                self.answer_inverse_offers(id, &inverse_offer_ids, Status::Decline, filters, cx);
            }
            (Type::Revive, Call { revive, .. }) => {
                self.counters.messages_revive_offers += 1;
                if let Some(roles) = self.own_roles(id, r#type, revive.unwrap_or_default().roles, cx) {
                    cx.allocate(Allocate::Revive { framework: id.clone(), roles });
                }
            }
            (Type::Suppress, Call { suppress, .. }) => {
                self.counters.messages_suppress_offers += 1;
                if let Some(roles) = self.own_roles(id, r#type, suppress.unwrap_or_default().roles, cx) {
                    cx.allocate(Allocate::Suppress { framework: id.clone(), roles });
                }
            }
            (Type::Kill, Call { kill: Some(kill), .. }) => self.kill(id, &kill, cx),
            (Type::Shutdown, Call { shutdown: Some(shutdown), .. }) => {
                self.shutdown_executor(id, shutdown, cx);
            }
            (Type::Acknowledge, Call { acknowledge: Some(acknowledge), .. }) => {
                self.acknowledge(id, acknowledge, cx);
            }
            (Type::Reconcile, Call { reconcile: Some(reconcile), .. }) => {
                self.reconcile(id, reconcile.tasks, cx);
            }
            (Type::Message, Call { message: Some(message), .. }) => {
                self.message_to_executor(id, message, cx);
            }
            (Type::Request, Call { request: Some(request), .. }) => {
                self.counters.messages_resource_request += 1;
                cx.allocate(Allocate::RequestResources { framework: id.clone(), requests: request.requests });
            }
            // Accepted and ignored, as 1.5 does.
            (Type::AcknowledgeOperationStatus | Type::ReconcileOperations, _) => {}
            _ => cx.warn(format!("ignoring {} call of framework {id}", r#type.as_str_name())),
        }
    }

    fn decline(&mut self, id: &FrameworkId, decline: call::Decline, cx: &mut Step<'_>) {
        self.counters.messages_decline_offers += 1;
        for offer in &decline.offer_ids {
            // Somebody else's offer is left alone: Mesos would end it.
            if self.framework(id).is_some_and(|framework| framework.offers.contains_key(offer)) {
                self.return_offer(offer, decline.filters, false, cx);
            }
        }
    }

    fn answer_inverse_offers(
        &mut self,
        id: &FrameworkId,
        offers: &[OfferId],
        status: Status,
        filters: Option<Filters>,
        cx: &mut Step<'_>,
    ) {
        for offer in offers {
            let own = self.framework(id).is_some_and(|it| it.inverse_offers.contains_key(offer));
            if let (true, Some(offer)) = (own, self.state.inverse_offers.get(offer).cloned()) {
                let answer = InverseOfferStatus {
                    status: status as i32,
                    framework_id: id.clone(),
                    timestamp: time_info(cx.now),
                };
                self.report_inverse_offer(&offer, Some(answer), filters, cx);
                self.take_inverse_offer(&offer.id);
            }
        }
    }

    /// The roles of a REVIVE or SUPPRESS; one wrong role drops the whole call.
    fn own_roles(
        &self,
        id: &FrameworkId,
        call: Type,
        roles: Vec<String>,
        cx: &mut Step<'_>,
    ) -> Option<BTreeSet<String>> {
        let framework = self.framework(id)?;
        for role in &roles {
            let error = match validate::role(role) {
                Err(error) => format!("role '{role}' is invalid: {error}"),
                Ok(()) if !framework.roles.contains(role) => {
                    format!("role '{role}' is not one of the framework's subscribed roles")
                }
                Ok(()) => continue,
            };
            cx.warn(format!("dropping {} call of framework {id}: {error}", call.as_str_name()));
            return None;
        }
        Some(roles.into_iter().collect())
    }

    fn shutdown_executor(&mut self, id: &FrameworkId, shutdown: call::Shutdown, cx: &mut Step<'_>) {
        let Some(to) = self.connected_agent(&shutdown.agent_id) else {
            cx.warn(format!(
                "cannot shut down executor '{}' of framework {id}: agent {} is not connected",
                shutdown.executor_id, shutdown.agent_id
            ));
            return;
        };
        let message = ShutdownExecutorMessage {
            executor_id: Some(shutdown.executor_id),
            framework_id: Some(id.clone()),
        };
        cx.send(to, ToAgent::ShutdownExecutor(message));
    }

    fn message_to_executor(&mut self, id: &FrameworkId, message: call::Message, cx: &mut Step<'_>) {
        self.counters.messages_framework_to_executor += 1;
        let Some(to) = self.connected_agent(&message.agent_id) else {
            self.counters.invalid_framework_to_executor_messages += 1;
            return;
        };
        let message = FrameworkToExecutorMessage {
            slave_id: message.agent_id,
            framework_id: id.clone(),
            executor_id: message.executor_id,
            data: message.data,
        };
        cx.send(to, ToAgent::ExecutorMessage(message));
        self.counters.valid_framework_to_executor_messages += 1;
    }
}

//! RESERVE_RESOURCES, UNRESERVE_RESOURCES, CREATE_VOLUMES and DESTROY_VOLUMES.

use mesos_access::{Action, Object, Subject};
use mesos_allocation::Input as Allocate;
use mesos_api::v1::offer::Operation;
use mesos_api::v1::offer::operation::{Create, Destroy, Reserve, Type, Unreserve};
use mesos_api::v1::{AgentId, Filters};
use mesos_resources::{Resources, conversions, validate};

use crate::cluster::Cluster;
use crate::connection::RequestId;
use crate::effect::OperatorError;
use crate::input::OperatorAction;
use crate::operations::{check, questions_about};
use crate::operator::NO_AGENT;
use crate::pending::AllocatorAnswer;
use crate::step::Step;
use crate::validation::operation::Author;

/// An operator's operation on what is free on an agent.
#[derive(Debug)]
pub(crate) struct OperatorOperation {
    request: RequestId,
    agent: AgentId,
    operation: Box<Operation>,
}

type Questions = Vec<(Action, Object)>;

fn operation_of(action: OperatorAction) -> Result<(AgentId, Operation), OperatorAction> {
    let of = |r#type: Type| Operation { r#type: Some(r#type as i32), ..Operation::default() };
    Ok(match action {
        OperatorAction::Reserve { agent, resources } => {
            (agent, Operation { reserve: Some(Reserve { resources }), ..of(Type::Reserve) })
        }
        OperatorAction::Unreserve { agent, resources } => {
            (agent, Operation { unreserve: Some(Unreserve { resources }), ..of(Type::Unreserve) })
        }
        OperatorAction::CreateVolumes { agent, volumes } => {
            (agent, Operation { create: Some(Create { volumes }), ..of(Type::Create) })
        }
        OperatorAction::DestroyVolumes { agent, volumes } => {
            (agent, Operation { destroy: Some(Destroy { volumes }), ..of(Type::Destroy) })
        }
        other => return Err(other),
    })
}

impl Cluster {
    /// The first checks of one of the four operations; any other action is given back.
    pub(crate) fn operator_operation(
        &self,
        request: RequestId,
        subject: &Subject,
        action: OperatorAction,
    ) -> Result<Result<(OperatorOperation, Questions), OperatorError>, OperatorAction> {
        let (agent, mut operation) = operation_of(action)?;
        Ok(match self.check_operator_operation(&agent, subject, &mut operation) {
            Ok(questions) => {
                let operation = Box::new(operation);
                Ok((OperatorOperation { request, agent, operation }, questions))
            }
            Err(error) => Err(OperatorError::Invalid(error)),
        })
    }

    fn check_operator_operation(
        &self,
        agent: &AgentId,
        subject: &Subject,
        operation: &mut Operation,
    ) -> Result<Questions, String> {
        let Some(agent) = self.agent(agent) else { return Err(NO_AGENT.to_owned()) };
        validate::operation(operation).map_err(|error| error.to_string())?;
        check(operation, Author::Operator(subject.principal.as_deref()), agent).map_err(|error| {
            format!("Invalid {} operation on agent {}: {error}", operation.r#type().as_str_name(), agent.id)
        })?;
        Ok(questions_about(operation))
    }

    pub(crate) fn operator_operation_authorized(
        &mut self,
        operation: OperatorOperation,
        allowed: bool,
        cx: &mut Step<'_>,
    ) {
        let request = operation.request;
        if !allowed {
            self.reply(request, Err(OperatorError::Forbidden), cx);
            return;
        }
        if !self.state.agents.contains_key(&operation.agent) {
            self.reply(request, Err(OperatorError::Invalid(NO_AGENT.to_owned())), cx);
            return;
        }
        if let Err(error) = self.make_room(&operation, cx) {
            self.reply(request, Err(OperatorError::Conflict(error)), cx);
            return;
        }
        let token = self.ids.token();
        cx.allocate(Allocate::UpdateAvailable {
            agent: operation.agent.clone(),
            token: token.0,
            operations: vec![(*operation.operation).clone()],
        });
        self.allocator_answers.insert(token, AllocatorAnswer::OperatorOperation(operation));
    }

    /// Rescinds offers until the operation fits into what is free.
    ///
    /// What seems to be free may be in an offer by the time the allocator hears of it: enough is rescinded
    /// to be sure.
    fn make_room(&mut self, operation: &OperatorOperation, cx: &mut Step<'_>) -> Result<(), String> {
        let conversions = conversions(&operation.operation).map_err(|error| error.to_string())?;
        let mut required: Resources = conversions.iter().map(|conversion| &conversion.consumed).sum();
        let mut recovered = Resources::new();
        let Some(agent) = self.agent(&operation.agent) else { return Ok(()) };
        for id in agent.offers.iter().cloned().collect::<Vec<_>>() {
            let Some(offer) = self.state.offers.get(&id) else { continue };
            let mut offered = offer.resources.clone();
            offered.unallocate();
            let left = &required - &offered;
            if left == required {
                continue; // It would not help.
            }
            required = left;
            recovered += &offered;
            // The filter keeps the allocator from offering the same again before it hears of us.
            self.return_offer(&id, Some(Filters::default()), true, cx);
            if recovered.apply(&operation.operation).is_ok() {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn operator_operation_available(
        &mut self,
        operation: OperatorOperation,
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        let OperatorOperation { request, agent, operation } = operation;
        let result = result.and_then(|()| self.apply_to_agent(None, &agent, *operation, cx));
        self.reply(request, result.map_err(OperatorError::Conflict), cx);
    }
}

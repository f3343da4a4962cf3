//! What waits for an answer from outside.

use mesos_access::{Action, Object, Subject};
use mesos_api::v1::AgentId;
use mesos_registry::Operation;
use stout::Time;

use crate::acceptance::Acceptance;
use crate::cluster::Cluster;
use crate::connection::{ConnectionId, RequestId, Token};
use crate::effect::Effect;
use crate::input::{OperatorAction, Subscribe};
use crate::maintenance::MaintenanceWrite;
use crate::operator_resources::OperatorOperation;
use crate::quota::RoleWrite;
use crate::registration::Registration;
use crate::removal::RemovalReason;
use crate::reregistration::Reregistration;
use crate::step::Step;
use crate::unreachable::UnreachableCause;

/// What the authorizer was asked about.
#[derive(Debug)]
pub(crate) enum Question {
    Subscribe(Subscribe),
    Register(Registration),
    Reregister(Reregistration),
    Accept(Acceptance),
    Operator { request: RequestId, action: OperatorAction },
    OperatorOperation(OperatorOperation),
}

/// What the registry was asked to store.
#[derive(Debug)]
pub(crate) enum Write {
    Admit(Registration),
    /// The agent's information changed, or it comes back.
    Readmit(Reregistration),
    MarkUnreachable {
        agent: AgentId,
        since: Time,
        cause: UnreachableCause,
        message: String,
    },
    /// An agent that did not come back after a failover.
    MarkRecoveredUnreachable {
        agent: AgentId,
        since: Time,
    },
    MarkGone {
        request: RequestId,
        agent: AgentId,
        when: Time,
    },
    Remove {
        agent: AgentId,
        cause: String,
        reason: RemovalReason,
    },
    Prune {
        unreachable: Vec<AgentId>,
        gone: Vec<AgentId>,
    },
    Weights,
    Role {
        request: RequestId,
        change: RoleWrite,
    },
    Maintenance {
        request: RequestId,
        change: MaintenanceWrite,
    },
}

/// What the allocator was asked about.
#[derive(Debug)]
pub(crate) enum AllocatorAnswer {
    OperatorOperation(OperatorOperation),
}

impl Cluster {
    /// Asks the authorizer; without a question the answer is there at once.
    pub(crate) fn ask(
        &mut self,
        subject: Subject,
        questions: Vec<(Action, Object)>,
        question: Question,
        cx: &mut Step<'_>,
    ) -> Token {
        let token = self.ids.token();
        if questions.is_empty() {
            self.answered(question, token, &[], cx);
            return token;
        }
        self.questions.insert(token, question);
        cx.push(Effect::Authorize { token, subject, questions });
        token
    }

    pub(crate) fn authorized(&mut self, token: Token, allowed: &[bool], cx: &mut Step<'_>) {
        if let Some(question) = self.questions.remove(&token) {
            self.answered(question, token, allowed, cx);
        }
    }

    fn answered(&mut self, question: Question, token: Token, allowed: &[bool], cx: &mut Step<'_>) {
        let all = allowed.iter().all(|allowed| *allowed);
        match question {
            Question::Subscribe(subscribe) => self.subscription_authorized(subscribe, all, cx),
            Question::Register(registration) => self.registration_authorized(registration, all, cx),
            Question::Reregister(registration) => self.reregistration_authorized(registration, all, cx),
            Question::Accept(acceptance) => self.acceptance_authorized(acceptance, token, allowed, cx),
            Question::Operator { request, action } => self.operator_authorized(request, action, all, cx),
            Question::OperatorOperation(operation) => self.operator_operation_authorized(operation, all, cx),
        }
    }

    /// Asks the registrar to store an operation.
    pub(crate) fn write(&mut self, operation: Operation, write: Write, cx: &mut Step<'_>) {
        let token = self.ids.token();
        self.writes.insert(token, write);
        cx.push(Effect::Registry { token, operation });
    }

    pub(crate) fn registry_done(&mut self, token: Token, result: Result<(), String>, cx: &mut Step<'_>) {
        let Some(write) = self.writes.remove(&token) else { return };
        match write {
            Write::Admit(registration) => self.admitted(registration, result, cx),
            Write::Readmit(registration) => self.readmitted(registration, result, cx),
            Write::MarkUnreachable { agent, since, cause, message } => {
                self.marked_unreachable(&agent, since, cause, &message, result, cx);
            }
            Write::MarkRecoveredUnreachable { agent, since } => {
                self.recovered_marked_unreachable(&agent, since, result, cx);
            }
            Write::MarkGone { request, agent, when } => self.marked_gone(request, &agent, when, result, cx),
            Write::Remove { agent, cause, reason } => self.removed(&agent, &cause, reason, result, cx),
            Write::Prune { unreachable, gone } => self.pruned(&unreachable, &gone, result, cx),
            Write::Weights => {
                if let Err(error) = result {
                    cx.warn(format!("failed to store the weights of --weights: {error}"));
                }
            }
            Write::Role { request, change } => self.role_stored(request, change, result, cx),
            Write::Maintenance { request, change } => self.maintenance_stored(request, change, result, cx),
        }
    }

    pub(crate) fn allocator_answered(&mut self, token: Token, result: Result<(), String>, cx: &mut Step<'_>) {
        match self.allocator_answers.remove(&token) {
            Some(AllocatorAnswer::OperatorOperation(operation)) => {
                self.operator_operation_available(operation, result, cx);
            }
            None => {}
        }
    }

    /// Tells a connection that its subscription is refused, and closes it if it is nobody's.
    pub(crate) fn refuse(&mut self, connection: ConnectionId, error: &str, cx: &mut Step<'_>) {
        cx.tell(Some(connection), crate::event::SchedulerEvent::Error(error.to_owned()));
        if !self.schedulers.contains_key(&connection) {
            cx.push(Effect::CloseScheduler(connection));
        }
    }
}

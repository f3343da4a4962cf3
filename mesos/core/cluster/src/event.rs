//! What a scheduler is told, in both dialects.

use mesos_api::internal;
use mesos_api::v1::scheduler::{Event, event};
use mesos_api::v1::{AgentId, FrameworkId, InverseOffer, MasterInfo, Offer, OfferId};
use stout::WireMessage;

use crate::wire::pid_or_none;

/// Seconds between heartbeats of a scheduler's stream.
pub const HEARTBEAT_INTERVAL_SECONDS: f64 = 15.0;

/// One thing that a scheduler is told.
///
/// An event stream gets [`to_event`](Self::to_event), a driver the message of
/// [`to_message`](Self::to_message).
#[derive(Clone, PartialEq, Debug)]
pub enum SchedulerEvent {
    /// The framework is subscribed. Heartbeats start after it.
    Subscribed {
        /// Its id, possibly new.
        framework: FrameworkId,
        /// Who we are.
        master: Box<MasterInfo>,
        /// Whether a driver is told *re*registered.
        again: bool,
    },
    /// Resources to use.
    Offers {
        /// The offers.
        offers: Vec<Offer>,
        /// The PID of each offer's agent.
        agent_pids: Vec<String>,
    },
    /// An offer is no longer valid.
    Rescind(OfferId),
    /// Resources wanted back.
    InverseOffers {
        /// The inverse offers.
        offers: Vec<InverseOffer>,
        /// The PID of each one's agent.
        agent_pids: Vec<String>,
    },
    /// An inverse offer is no longer valid.
    RescindInverse(OfferId),
    /// A task's news.
    Update {
        /// The update; without uuid no acknowledgement is expected.
        update: Box<internal::StatusUpdate>,
        /// The PID of the agent that waits for the acknowledgement.
        agent_pid: Option<String>,
    },
    /// An executor's message.
    Message(Box<internal::ExecutorToFrameworkMessage>),
    /// An executor ended.
    ExecutorExited(Box<internal::ExitedExecutorMessage>),
    /// An agent is gone.
    AgentLost(AgentId),
    /// The subscription is over, or never began.
    Error(String),
}

impl SchedulerEvent {
    /// The v1 event.
    #[must_use]
    pub fn to_event(&self) -> Event {
        use event::Type;
        let of = |r#type: Type| Event { r#type: Some(r#type as i32), ..Event::default() };
        match self {
            Self::Subscribed { framework, master, .. } => Event {
                subscribed: Some(event::Subscribed {
                    framework_id: framework.clone(),
                    heartbeat_interval_seconds: Some(HEARTBEAT_INTERVAL_SECONDS),
                    master_info: Some((**master).clone()),
                }),
                ..of(Type::Subscribed)
            },
            Self::Offers { offers, .. } => {
                Event { offers: Some(event::Offers { offers: offers.clone() }), ..of(Type::Offers) }
            }
            Self::Rescind(id) => {
                Event { rescind: Some(event::Rescind { offer_id: id.clone() }), ..of(Type::Rescind) }
            }
            Self::InverseOffers { offers, .. } => Event {
                inverse_offers: Some(event::InverseOffers { inverse_offers: offers.clone() }),
                ..of(Type::InverseOffers)
            },
            Self::RescindInverse(id) => Event {
                rescind_inverse_offer: Some(event::RescindInverseOffer { inverse_offer_id: id.clone() }),
                ..of(Type::RescindInverseOffer)
            },
            Self::Update { update, agent_pid } => {
                let mut status = update.status.clone();
                if let Some(agent) = &update.slave_id {
                    status.agent_id = Some(agent.clone());
                }
                if let Some(executor) = &update.executor_id {
                    status.executor_id = Some(executor.clone());
                }
                status.timestamp = Some(update.timestamp);
                status.uuid = match (&update.uuid, agent_pid) {
                    (Some(uuid), Some(_)) if !uuid.is_empty() => Some(uuid.clone()),
                    _ => None,
                };
                Event { update: Some(event::Update { status }), ..of(Type::Update) }
            }
            Self::Message(message) => Event {
                message: Some(event::Message {
                    agent_id: message.slave_id.clone(),
                    executor_id: message.executor_id.clone(),
                    data: message.data.clone(),
                }),
                ..of(Type::Message)
            },
            Self::ExecutorExited(exited) => Event {
                failure: Some(event::Failure {
                    agent_id: Some(exited.slave_id.clone()),
                    executor_id: Some(exited.executor_id.clone()),
                    status: Some(exited.status),
                }),
                ..of(Type::Failure)
            },
            Self::AgentLost(agent) => Event {
                failure: Some(event::Failure {
                    agent_id: Some(agent.clone()),
                    executor_id: None,
                    status: None,
                }),
                ..of(Type::Failure)
            },
            Self::Error(message) => {
                Event { error: Some(event::Error { message: message.clone() }), ..of(Type::Error) }
            }
        }
    }

    /// The v0 message: its name on the wire and its bytes.
    #[must_use]
    pub fn to_message(&self) -> (&'static str, Vec<u8>) {
        fn wire<M: WireMessage>(message: &M) -> (&'static str, Vec<u8>) {
            (M::wire_name(), message.encode_wire())
        }
        match self {
            Self::Subscribed { framework, master, again: false } => {
                wire(&internal::FrameworkRegisteredMessage {
                    framework_id: framework.clone(),
                    master_info: (**master).clone(),
                })
            }
            Self::Subscribed { framework, master, again: true } => {
                wire(&internal::FrameworkReregisteredMessage {
                    framework_id: framework.clone(),
                    master_info: (**master).clone(),
                })
            }
            Self::Offers { offers, agent_pids } => {
                wire(&internal::ResourceOffersMessage { offers: offers.clone(), pids: agent_pids.clone() })
            }
            Self::Rescind(id) => wire(&internal::RescindResourceOfferMessage { offer_id: id.clone() }),
            Self::InverseOffers { offers, agent_pids } => wire(&internal::InverseOffersMessage {
                inverse_offers: offers.clone(),
                pids: agent_pids.clone(),
            }),
            Self::RescindInverse(id) => {
                wire(&internal::RescindInverseOfferMessage { inverse_offer_id: id.clone() })
            }
            Self::Update { update, agent_pid } => wire(&internal::StatusUpdateMessage {
                update: (**update).clone(),
                pid: Some(pid_or_none(agent_pid.as_deref())),
            }),
            Self::Message(message) => wire(&**message),
            Self::ExecutorExited(message) => wire(&**message),
            Self::AgentLost(agent) => wire(&internal::LostSlaveMessage { slave_id: agent.clone() }),
            Self::Error(message) => wire(&internal::FrameworkErrorMessage { message: message.clone() }),
        }
    }
}

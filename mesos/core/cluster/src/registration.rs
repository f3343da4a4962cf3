//! New agents.

use mesos_access::{Action, Object, Subject};
use mesos_api::internal::{
    MasterSlaveConnection, RegisterSlaveMessage, ShutdownMessage, SlaveRegisteredMessage,
};
use mesos_api::v1::machine_info::Mode;
use mesos_api::v1::{AgentInfo, Unavailability};
use mesos_registry::Operation;
use mesos_resources::{Resources, apply_checkpointed, format};

use crate::agent::{Agent, AgentState, Machine};
use crate::capabilities::AgentCapabilities;
use crate::cluster::Cluster;
use crate::connection::{AgentPeer, ConnectionId};
use crate::effect::{Effect, ToAgent};
use crate::pending::{Question, Write};
use crate::removal::RemovalReason;
use crate::step::Step;
use crate::text;
use crate::validation;

/// An agent on its way in.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) peer: AgentPeer,
    pub(crate) principal: Option<String>,
    pub(crate) message: Box<RegisterSlaveMessage>,
}

/// Why an agent may not join.
pub(crate) enum Refusal {
    /// It is told to shut down.
    ShutDown(String),
    /// It is not answered, and will try again.
    Ignore(String),
}

impl Cluster {
    pub(crate) fn register_agent(
        &mut self,
        peer: AgentPeer,
        principal: Option<String>,
        mut message: Box<RegisterSlaveMessage>,
        cx: &mut Step<'_>,
    ) {
        self.counters.messages_register_slave += 1;
        if let Err(error) = validation::agent::register(&message) {
            cx.warn(format!("dropping registration of agent at {}: {error}", peer.pid));
            return;
        }
        if !self.registering.insert(peer.connection) {
            return; // It is on its way.
        }
        format::upgrade_all(&mut message.slave);
        format::upgrade_all(&mut message.checkpointed_resources);
        let subject = Subject::maybe_named(principal.clone());
        let registration = Registration { peer, principal, message };
        let questions = vec![(Action::RegisterAgent, Object::any())];
        self.ask(subject, questions, Question::Register(registration), cx);
    }

    pub(crate) fn registration_authorized(
        &mut self,
        mut registration: Registration,
        allowed: bool,
        cx: &mut Step<'_>,
    ) {
        let Registration { peer, message, .. } = &registration;
        let verdict = match allowed {
            true => self.check_joining(peer, &message.slave, message.version()),
            false => Err(Refusal::Ignore(format!(
                "not authorized to register as agent {}",
                text::principal(registration.principal.as_deref())
            ))),
        };
        if let Err(refusal) = verdict {
            self.refuse_agent(peer, refusal, cx);
            self.registering.remove(&registration.peer.connection);
            return;
        }
        if let Some(id) = self.agent_connections.get(&peer.connection).cloned() {
            if let Some(to) = self.connected_agent(&id) {
                // It did not hear our answer.
                self.send_registered(&id, to, cx);
                self.registering.remove(&peer.connection);
                return;
            }
            // It lost its id, and we have not yet missed it.
            let cause = "a new agent registered at the same address";
            self.remove_agent(&id, cause, RemovalReason::Registered, cx);
        }
        let id = self.ids.agent();
        cx.info(format!("registering agent at {} ({}) as {id}", peer.pid, message.slave.hostname));
        registration.message.slave.id = Some(id);
        let operation = Operation::AdmitAgent(Box::new(registration.message.slave.clone()));
        self.write(operation, Write::Admit(registration), cx);
    }

    /// What speaks against an agent, new or back, in the order in which it counts.
    pub(crate) fn check_joining(
        &self,
        peer: &AgentPeer,
        info: &AgentInfo,
        version: &str,
    ) -> Result<(), Refusal> {
        let machine = Machine { hostname: info.hostname.to_lowercase(), ip: peer.ip.clone() };
        if self.state.machines.get(&machine).is_some_and(|machine| machine.is_down()) {
            return Err(Refusal::ShutDown("Machine is `DOWN`".to_owned()));
        }
        validation::agent::version(version).map_err(Refusal::Ignore)?;
        if info.domain.is_some() && self.options.master_info.domain.is_none() {
            return Err(Refusal::Ignore("it has a domain, but the master has none".to_owned()));
        }
        if self.options.require_agent_domain && info.domain.is_none() {
            return Err(Refusal::Ignore("it has no domain, but the master asks for one".to_owned()));
        }
        Ok(())
    }

    pub(crate) fn refuse_agent(&self, peer: &AgentPeer, refusal: Refusal, cx: &mut Step<'_>) {
        let (Refusal::ShutDown(text) | Refusal::Ignore(text)) = &refusal;
        cx.warn(format!("refusing agent at {}: {text}", peer.pid));
        if let Refusal::ShutDown(text) = refusal {
            let message = ShutdownMessage { message: Some(text) };
            cx.send(peer.connection, ToAgent::Shutdown(message));
        }
    }

    pub(crate) fn admitted(
        &mut self,
        registration: Registration,
        result: Result<(), String>,
        cx: &mut Step<'_>,
    ) {
        let Registration { peer, message, .. } = registration;
        self.registering.remove(&peer.connection);
        if let Err(error) = result {
            cx.warn(format!("ignoring registration of agent at {}: {error}", peer.pid));
            return;
        }
        let RegisterSlaveMessage {
            slave,
            checkpointed_resources,
            version,
            agent_capabilities,
            resource_version_uuid,
        } = *message;
        let parts = AgentParts {
            info: slave,
            peer,
            version: version.unwrap_or_default(),
            capabilities: AgentCapabilities::new(&agent_capabilities),
            checkpointed: checkpointed_resources,
            resource_version: resource_version_uuid.map(|uuid| uuid.value),
        };
        let agent = match self.make_agent(parts, cx) {
            Ok(agent) => agent,
            Err((peer, error)) => {
                self.refuse_agent(&peer, Refusal::ShutDown(error), cx);
                return;
            }
        };
        let (id, connection) = (agent.id.clone(), agent.peer.connection);
        self.counters.slave_registrations += 1;
        self.insert_agent(agent);
        self.announce_agent(&id, cx);
        self.send_registered(&id, connection, cx);
    }

    /// An agent out of what it says about itself. Fails if what it remembers does not fit what it has.
    pub(crate) fn make_agent(
        &mut self,
        parts: AgentParts,
        cx: &Step<'_>,
    ) -> Result<Agent, (AgentPeer, String)> {
        let AgentParts { info, peer, version, capabilities, checkpointed, resource_version } = parts;
        let total = match totals(&info, &checkpointed) {
            Ok(total) => total,
            Err(error) => return Err((peer, error)),
        };
        let Some(id) = info.id.clone() else { return Err((peer, "The agent has no id".to_owned())) };
        Ok(Agent {
            id,
            machine: Machine { hostname: info.hostname.to_lowercase(), ip: peer.ip.clone() },
            info: std::sync::Arc::new(info),
            peer,
            state: AgentState::Connected,
            version,
            capabilities,
            registered_time: cx.now,
            reregistered_time: None,
            total: total.total,
            checkpointed: total.checkpointed,
            used: Default::default(),
            offered: Resources::new(),
            tasks: Default::default(),
            pending_tasks: Default::default(),
            executors: Default::default(),
            killed_tasks: Default::default(),
            offers: Default::default(),
            inverse_offers: Default::default(),
            operations: Default::default(),
            resource_version,
            resource_providers: Default::default(),
            accepting: Default::default(),
            epoch: 0,
        })
    }

    /// Adds an agent to the books.
    pub(crate) fn insert_agent(&mut self, agent: Agent) {
        let id = agent.id.clone();
        self.agent_connections.insert(agent.peer.connection, id.clone());
        let machine = self.state.machines.entry(agent.machine.clone()).or_default();
        std::sync::Arc::make_mut(machine).agents.insert(id.clone());
        self.state.unreachable_agents.remove(&id);
        self.state.recovered_agents.remove(&id);
        self.state.agents.insert(id, std::sync::Arc::new(agent));
    }

    /// Tells the shell, the allocator and the operators of an agent that was inserted.
    pub(crate) fn announce_agent(&self, id: &mesos_api::v1::AgentId, cx: &mut Step<'_>) {
        let Some(agent) = self.state.agents.get(id) else { return };
        cx.push(Effect::WatchAgent { agent: id.clone(), connection: agent.peer.connection });
        cx.allocate(mesos_allocation::Input::AddAgent {
            id: id.clone(),
            info: (*agent.info).clone(),
            capabilities: agent.capabilities.to_proto(),
            unavailability: self.unavailability(&agent.machine),
            total: agent.total.clone(),
            used: agent.used.iter().map(|(framework, used)| (framework.clone(), used.clone())).collect(),
        });
        cx.observe(crate::observation::Observation::AgentAdded(std::sync::Arc::clone(agent)));
    }

    /// When the machine is planned to go away.
    pub(crate) fn unavailability(&self, machine: &Machine) -> Option<Unavailability> {
        self.state.machines.get(machine).and_then(|machine| machine.info.unavailability)
    }

    /// What an agent is told about pings.
    pub(crate) fn ping_promise(&self) -> Option<MasterSlaveConnection> {
        let total = self.options.total_ping_timeout();
        Some(MasterSlaveConnection { total_ping_timeout_seconds: Some(total.as_secs_f64()) })
    }

    fn send_registered(&self, id: &mesos_api::v1::AgentId, to: ConnectionId, cx: &mut Step<'_>) {
        let message = SlaveRegisteredMessage { slave_id: id.clone(), connection: self.ping_promise() };
        cx.send(to, ToAgent::Registered(message));
    }
}

/// What an agent says about itself.
pub(crate) struct AgentParts {
    pub(crate) info: AgentInfo,
    pub(crate) peer: AgentPeer,
    pub(crate) version: String,
    pub(crate) capabilities: AgentCapabilities,
    pub(crate) checkpointed: Vec<mesos_api::v1::Resource>,
    pub(crate) resource_version: Option<Vec<u8>>,
}

/// What an agent has, and what of it it must remember.
pub(crate) struct Totals {
    pub(crate) total: Resources,
    pub(crate) checkpointed: Resources,
}

pub(crate) fn totals(info: &AgentInfo, checkpointed: &[mesos_api::v1::Resource]) -> Result<Totals, String> {
    let text = |error: mesos_resources::ResourceError| error.to_string();
    let configured = Resources::from_protos(info.resources.iter().cloned()).map_err(text)?;
    let checkpointed = Resources::from_protos(checkpointed.iter().cloned()).map_err(text)?;
    let total = apply_checkpointed(&configured, &checkpointed).map_err(text)?;
    Ok(Totals { total, checkpointed })
}

impl crate::snapshot::MachineState {
    /// Whether no agent may run on the machine.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.info.mode.is_some() && self.info.mode() == Mode::Down
    }
}

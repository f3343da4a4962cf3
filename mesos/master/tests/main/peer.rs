//! An agent or a driver: a process on a node of its own that collects the messages it gets.

use libprocess::{Clock, Context, Node, Pid, Process, Upid, WireMessage};
use mesos_api::internal::{
    PingSlaveMessage, PongSlaveMessage, RegisterSlaveMessage, SlaveRegisteredMessage, StatusUpdate,
    StatusUpdateMessage, SubmitSchedulerRequest, SubmitSchedulerResponse,
};
use mesos_api::v1::{AgentInfo, TaskState, TaskStatus, agent_info, task_status};
use mesos_resources::Resources;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::rig::{PATIENCE, Rig};

/// The messages that agents and drivers get.
const MESSAGES: [&str; 21] = [
    "mesos.internal.SlaveRegisteredMessage",
    "mesos.internal.SlaveReregisteredMessage",
    "mesos.internal.RunTaskMessage",
    "mesos.internal.RunTaskGroupMessage",
    "mesos.internal.KillTaskMessage",
    "mesos.internal.ShutdownExecutorMessage",
    "mesos.internal.ShutdownFrameworkMessage",
    "mesos.internal.UpdateFrameworkMessage",
    "mesos.internal.CheckpointResourcesMessage",
    "mesos.internal.StatusUpdateAcknowledgementMessage",
    "mesos.internal.ShutdownMessage",
    "mesos.internal.FrameworkToExecutorMessage",
    "mesos.internal.FrameworkRegisteredMessage",
    "mesos.internal.FrameworkReregisteredMessage",
    "mesos.internal.ResourceOffersMessage",
    "mesos.internal.RescindResourceOfferMessage",
    "mesos.internal.StatusUpdateMessage",
    "mesos.internal.LostSlaveMessage",
    "mesos.internal.FrameworkErrorMessage",
    "mesos.internal.SubmitSchedulerResponse",
    "mesos.internal.ExecutorToFrameworkMessage",
];

struct PeerProcess {
    messages: mpsc::UnboundedSender<(&'static str, Vec<u8>)>,
    pings: mpsc::UnboundedSender<bool>,
    answers_pings: bool,
}

impl Process for PeerProcess {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        for name in MESSAGES {
            cx.install_raw(name, move |peer, _cx, _from, body| {
                let _ = peer.messages.send((name, body.to_vec()));
            });
        }
        cx.install(|peer, cx, from, ping: PingSlaveMessage| {
            let _ = peer.pings.send(ping.connected);
            if peer.answers_pings {
                cx.send(from, &PongSlaveMessage {});
            }
        });
    }
}

/// The test's side of it.
pub(crate) struct Peer {
    pub(crate) node: Node,
    pid: Pid<PeerProcess>,
    master: Upid,
    messages: mpsc::UnboundedReceiver<(&'static str, Vec<u8>)>,
    pub(crate) pings: mpsc::UnboundedReceiver<bool>,
}

impl Peer {
    pub(crate) async fn start(rig: &Rig, id: &str) -> Self {
        let node = Node::builder().clock(Clock::system()).start().await.unwrap();
        let (messages, received) = mpsc::unbounded_channel();
        let (pings, pinged) = mpsc::unbounded_channel();
        let process = PeerProcess { messages, pings, answers_pings: true };
        let pid = node.spawn_as(id, process).unwrap();
        Self { node, pid, master: rig.master.upid().clone(), messages: received, pings: pinged }
    }

    /// An agent that has registered.
    pub(crate) async fn agent(rig: &Rig, resources: &str) -> (Self, String) {
        let mut agent = Self::start(rig, "slave(1)").await;
        agent.send(register(resources));
        let registered: SlaveRegisteredMessage = agent.expect().await;
        (agent, registered.slave_id.value)
    }

    pub(crate) fn upid(&self) -> &Upid {
        self.pid.upid()
    }

    /// Sends the master a message.
    pub(crate) fn send<M: WireMessage>(&self, message: M) {
        let master = self.master.clone();
        self.pid.tell(move |_, cx| {
            cx.link(&master);
            cx.send(&master, &message);
        });
    }

    pub(crate) fn ignore_pings(&self) {
        self.pid.tell(|peer, _| peer.answers_pings = false);
    }

    /// Sends the master something and waits for its answer: what was sent before has arrived then.
    pub(crate) async fn round_trip(&mut self, _rig: &Rig) {
        self.send(SubmitSchedulerRequest { name: String::new() });
        let _: SubmitSchedulerResponse = self.expect().await;
    }

    /// The next message, which must be of this type.
    pub(crate) async fn expect<M: WireMessage>(&mut self) -> M {
        let message = tokio::time::timeout(PATIENCE, self.messages.recv()).await;
        let (name, body) = message.unwrap_or_else(|_| panic!("no {} in time", M::wire_name())).unwrap();
        assert_eq!(name, M::wire_name());
        M::decode_wire(&body).unwrap()
    }
}

/// What a new agent with these resources says.
pub(crate) fn register(resources: &str) -> RegisterSlaveMessage {
    use agent_info::capability::Type;
    let resources = Resources::parse(resources, "*").unwrap();
    let capability = |r#type: Type| agent_info::Capability { r#type: Some(r#type as i32) };
    RegisterSlaveMessage {
        slave: AgentInfo {
            hostname: "host1".to_owned(),
            resources: resources.to_protos(),
            ..AgentInfo::default()
        },
        version: Some("1.5.3".to_owned()),
        agent_capabilities: [Type::MultiRole, Type::HierarchicalRole, Type::ReservationRefinement]
            .map(capability)
            .to_vec(),
        ..RegisterSlaveMessage::default()
    }
}

/// A command task for the agent of an offer.
pub(crate) fn task(id: &str, offer: &Value, cpus: f64) -> Value {
    json!({
        "name": id,
        "task_id": {"value": id},
        "agent_id": offer["agent_id"],
        "resources": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 64.0}},
        ],
        "command": {"value": "sleep 1"},
    })
}

/// What an agent says of a task that runs.
pub(crate) fn running(agent: &Peer, agent_id: &str, framework: &str, task: &str) -> StatusUpdateMessage {
    update(agent, agent_id, framework, task, TaskState::TaskRunning)
}

/// What an agent says of a task in some state.
pub(crate) fn update(
    agent: &Peer,
    agent_id: &str,
    framework: &str,
    task: &str,
    state: TaskState,
) -> StatusUpdateMessage {
    let uuid = vec![state as u8; 16];
    let status = TaskStatus {
        task_id: task.into(),
        state: state as i32,
        source: Some(task_status::Source::Executor as i32),
        agent_id: Some(agent_id.into()),
        uuid: Some(uuid.clone()),
        timestamp: Some(1.0),
        ..TaskStatus::default()
    };
    let update = StatusUpdate {
        framework_id: framework.into(),
        executor_id: None,
        slave_id: Some(agent_id.into()),
        latest_state: Some(status.state),
        status,
        timestamp: 1.0,
        uuid: Some(uuid),
    };
    StatusUpdateMessage { update, pid: Some(agent.upid().to_string()) }
}

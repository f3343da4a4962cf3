//! A master that does what the test says, and tells what it hears.

use libprocess::{Context, Node, Pid, Process, Upid, WireMessage};
use mesos_api::internal::{
    ExecutorToFrameworkMessage, ExitedExecutorMessage, MasterSlaveConnection, PongSlaveMessage,
    RegisterSlaveMessage, ReregisterSlaveMessage, SlaveRegisteredMessage, SlaveReregisteredMessage,
    StatusUpdate, StatusUpdateAcknowledgementMessage, StatusUpdateMessage, UnregisterSlaveMessage,
};
use mesos_api::v1::AgentId;
use tokio::sync::mpsc;

use crate::fixture::AGENT_ID;

/// What an agent says to its master.
#[derive(Debug)]
pub(crate) enum Heard {
    Register(RegisterSlaveMessage),
    Reregister(ReregisterSlaveMessage),
    Unregister(String),
    Update(StatusUpdate),
    Exited(ExitedExecutorMessage),
    Message(ExecutorToFrameworkMessage),
    Pong,
}

pub(crate) struct Master {
    pub(crate) pid: Pid<MasterProcess>,
    pub(crate) heard: mpsc::UnboundedReceiver<(Upid, Heard)>,
}

pub(crate) struct MasterProcess {
    tell: mpsc::UnboundedSender<(Upid, Heard)>,
}

impl Process for MasterProcess {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        fn on<M: WireMessage>(
            cx: &mut Context<MasterProcess>,
            heard: impl Fn(M) -> Heard + Send + Sync + 'static,
        ) {
            cx.install(move |master: &mut MasterProcess, _cx, from, message: M| {
                let _ = master.tell.send((from.clone(), heard(message)));
            });
        }
        on(cx, Heard::Register);
        on(cx, Heard::Reregister);
        on(cx, |message: UnregisterSlaveMessage| Heard::Unregister(message.slave_id.value));
        on(cx, |message: StatusUpdateMessage| Heard::Update(message.update));
        on(cx, Heard::Exited);
        on(cx, Heard::Message);
        on(cx, |_: PongSlaveMessage| Heard::Pong);
    }
}

impl Master {
    pub(crate) fn start(node: &Node) -> Self {
        let (tell, heard) = mpsc::unbounded_channel();
        Master { pid: node.spawn_as("master", MasterProcess { tell }).unwrap(), heard }
    }

    /// What comes next, whatever it is.
    pub(crate) async fn next(&mut self) -> (Upid, Heard) {
        self.heard.recv().await.expect("the master listens")
    }

    /// Says something to an agent.
    pub(crate) fn say<M: WireMessage + Sync>(&self, agent: &Upid, message: M) {
        let agent = agent.clone();
        self.pid.tell(move |_master, cx| cx.send(&agent, &message));
    }

    /// Waits for an agent to make itself known, and takes it in.
    pub(crate) async fn register(&mut self) -> (Upid, Heard) {
        loop {
            let (agent, heard) = self.next().await;
            if self.take_in(&agent, &heard) {
                return (agent, heard);
            }
        }
    }

    /// Takes an agent in if that is what it asks for.
    pub(crate) fn take_in(&self, agent: &Upid, heard: &Heard) -> bool {
        let connection = Some(MasterSlaveConnection { total_ping_timeout_seconds: Some(75.0) });
        let slave_id = AgentId { value: AGENT_ID.into() };
        match heard {
            Heard::Register(_) => self.say(agent, SlaveRegisteredMessage { slave_id, connection }),
            Heard::Reregister(_) => {
                let reconciliations = Vec::new();
                self.say(agent, SlaveReregisteredMessage { slave_id, connection, reconciliations });
            }
            _ => return false,
        }
        true
    }

    /// The next update, passing over other words.
    pub(crate) async fn update(&mut self) -> StatusUpdate {
        loop {
            if let (_, Heard::Update(update)) = self.next().await {
                return update;
            }
        }
    }

    /// Acknowledges an update as its framework does.
    pub(crate) fn acknowledge(&self, agent: &Upid, update: &StatusUpdate) {
        self.say(
            agent,
            StatusUpdateAcknowledgementMessage {
                slave_id: AgentId { value: AGENT_ID.into() },
                framework_id: update.framework_id.clone(),
                task_id: update.status.task_id.clone(),
                uuid: update.uuid.clone().unwrap_or_default(),
            },
        );
    }
}

//! Finds out whether an agent is alive.

use std::time::Duration;

use libprocess::{Context, Pid, Process, Upid};
use mesos_api::internal::{PingSlaveMessage, PongSlaveMessage};
use mesos_api::v1::AgentId;
use mesos_cluster::Input;

use crate::process::MasterProcess;

/// How agents are pinged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pinging {
    /// How long an agent has to answer, and the time between two pings.
    pub(crate) timeout: Duration,
    /// After so many pings in a row without an answer the agent counts as unreachable.
    pub(crate) timeouts_max: u32,
}

/// Pings one agent, and tells the master when it is silent for too long.
///
/// It goes on pinging then: an agent that answers late enough to be noticed, but
/// early enough, is still saved from becoming unreachable.
pub(crate) struct Observer {
    agent: AgentId,
    pid: Upid,
    master: Pid<MasterProcess>,
    pinging: Pinging,
    /// Whether the master takes the agent for connected. An agent that hears
    /// otherwise registers again.
    connected: bool,
    /// Whether the last ping was not answered yet.
    waiting: bool,
    timeouts: u32,
    /// Whether the master knows that the agent is silent.
    reported: bool,
}

impl Observer {
    pub(crate) fn new(agent: AgentId, pid: Upid, master: Pid<MasterProcess>, pinging: Pinging) -> Self {
        Self { agent, pid, master, pinging, connected: true, waiting: false, timeouts: 0, reported: false }
    }

    /// Notes what to tell the agent in the next ping.
    pub(crate) fn set_connected(&mut self, connected: bool) {
        self.connected = connected;
    }

    fn ping(&mut self, cx: &mut Context<Self>) {
        cx.send(&self.pid, &PingSlaveMessage { connected: self.connected });
        self.waiting = true;
        cx.delay(self.pinging.timeout, Self::timed_out);
    }

    fn timed_out(&mut self, cx: &mut Context<Self>) {
        if self.waiting {
            self.timeouts += 1;
            if self.timeouts >= self.pinging.timeouts_max && !self.reported {
                self.reported = true;
                self.tell_master(Input::PingsTimedOut);
            }
        }
        self.ping(cx);
    }

    fn pong(&mut self) {
        self.waiting = false;
        self.timeouts = 0;
        if std::mem::take(&mut self.reported) {
            self.tell_master(Input::PongReceived);
        }
    }

    fn tell_master(&self, input: fn(AgentId) -> Input) {
        let agent = self.agent.clone();
        self.master.tell(move |master, cx| master.step(cx, input(agent)));
    }
}

impl Process for Observer {
    const ID_PREFIX: &'static str = "slave-observer";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install(|observer, _cx, _from, _: PongSlaveMessage| observer.pong());
        self.ping(cx);
    }
}

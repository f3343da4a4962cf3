//! How the agent leaves its cluster for good.

use std::time::Duration;

use libprocess::Context;
use mesos_api::internal::UnregisterSlaveMessage;
use mesos_workload::{Input, Phase};
use tracing::info;

use crate::process::{AgentProcess, Answer};

/// How long an agent that leaves waits for a master that is taking it in.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);

impl AgentProcess {
    /// Tells the master that this agent goes for good, and ends all that runs.
    ///
    /// A master that is taking it in would pass over that, and then wait for an agent that is gone: its
    /// answer is waited for, with a bound, unless the agent is told to leave once more.
    pub(crate) fn leave(&mut self, cx: &mut Context<Self>) {
        let awaited = self.registration.answer == Answer::Awaited;
        if self.workload.phase() != Phase::Disconnected || !awaited || self.registration.leaving {
            self.unregister(cx);
            return;
        }
        info!("leaving when the master has answered");
        self.registration.leaving = true;
        cx.delay(ANSWER_WAIT_MAX, |agent, cx| agent.unregister(cx));
    }

    pub(crate) fn unregister(&mut self, cx: &mut Context<Self>) {
        if self.workload.phase() == Phase::Terminating {
            return;
        }
        let told = match &self.registration.answer {
            Answer::Given(id) => Some(id),
            Answer::NotAsked | Answer::Awaited => self.workload.info().id.as_ref(),
        };
        if let Some(slave_id) = told.cloned() {
            self.tell_master(cx, &UnregisterSlaveMessage { slave_id });
        }
        self.step(cx, Input::Shutdown);
    }
}

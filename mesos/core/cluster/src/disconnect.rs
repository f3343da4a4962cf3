//! Schedulers that go away, and come back or not.

use std::time::Duration;

use mesos_allocation::Input as Allocate;
use mesos_api::v1::FrameworkId;

use crate::cluster::Cluster;
use crate::connection::ConnectionId;
use crate::effect::Effect;
use crate::event::SchedulerEvent;
use crate::framework::FrameworkState;
use crate::input::Timer;
use crate::step::Step;

impl Cluster {
    pub(crate) fn scheduler_disconnected(&mut self, connection: ConnectionId, cx: &mut Step<'_>) {
        self.subscribing.remove(&connection);
        let Some(id) = self.schedulers.get(&connection).cloned() else { return };
        let Some(framework) = self.framework(&id) else { return };
        let Some(peer) = framework.state.peer().cloned() else { return };
        if peer.connection() != connection {
            return;
        }
        let timeout = failover_timeout(framework.info.failover_timeout());
        cx.info(format!(
            "framework {id} disconnected; it has {} to come back",
            stout::duration::format(timeout)
        ));
        if peer.pid().is_some() {
            // The link may have broken on our side only: a driver that still hears us must stop.
            cx.tell(Some(connection), SchedulerEvent::Error("Framework disconnected".to_owned()));
        } else {
            self.schedulers.remove(&connection);
            cx.push(Effect::CloseScheduler(connection));
        }
        self.deactivate(&id, false, cx);
        if let Some(framework) = self.framework_mut(&id) {
            framework.state = FrameworkState::Disconnected { last: peer, since: cx.now };
            framework.epoch += 1;
            let epoch = framework.epoch;
            cx.after(timeout, Timer::FrameworkFailover { framework: id, epoch });
        }
    }

    pub(crate) fn failover_expired(&mut self, id: &FrameworkId, epoch: u64, cx: &mut Step<'_>) {
        let Some(framework) = self.framework(id) else { return };
        if framework.epoch == epoch && matches!(framework.state, FrameworkState::Disconnected { .. }) {
            cx.info(format!("framework {id} did not come back in time"));
            self.remove_framework(id, cx);
        }
    }

    pub(crate) fn deactivate_by_message(&mut self, from: ConnectionId, id: &FrameworkId, cx: &mut Step<'_>) {
        self.counters.messages_deactivate_framework += 1;
        if self.schedulers.get(&from) != Some(id) {
            cx.warn(format!("ignoring deactivation of {id} from {from}: it is not its scheduler"));
            return;
        }
        self.deactivate(id, true, cx);
    }

    /// Makes an active framework inactive: no more offers, and what is out comes back.
    pub(crate) fn deactivate(&mut self, id: &FrameworkId, rescind: bool, cx: &mut Step<'_>) {
        let Some(framework) = self.framework_mut(id) else { return };
        let FrameworkState::Active(peer) = &framework.state else { return };
        framework.state = FrameworkState::Inactive(peer.clone());
        cx.allocate(Allocate::DeactivateFramework(id.clone()));
        self.remove_framework_offers(id, rescind, cx);
    }
}

/// The time a framework has to come back; nonsense counts as none.
fn failover_timeout(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
}

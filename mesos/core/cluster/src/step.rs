//! One call of the model: its moment and what it leads to.

use std::time::Duration;

use mesos_api::v1::TimeInfo;
use stout::Time;

use crate::connection::ConnectionId;
use crate::effect::{Effect, Level, ToAgent};
use crate::event::SchedulerEvent;
use crate::input::Timer;
use crate::observation::Observation;

/// What every handler gets: the time, and where effects go.
pub(crate) struct Step<'a> {
    pub(crate) now: Time,
    out: &'a mut Vec<Effect>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(now: Time, out: &'a mut Vec<Effect>) -> Self {
        Self { now, out }
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.out.push(effect);
    }

    /// Tells a scheduler, if there is a connection to it.
    pub(crate) fn tell(&mut self, to: Option<ConnectionId>, event: SchedulerEvent) {
        if let Some(to) = to {
            self.push(Effect::Scheduler { to, event: Box::new(event) });
        }
    }

    pub(crate) fn send(&mut self, to: ConnectionId, message: ToAgent) {
        self.push(Effect::Agent { to, message: Box::new(message) });
    }

    pub(crate) fn allocate(&mut self, input: mesos_allocation::Input) {
        self.push(Effect::Allocate(input));
    }

    pub(crate) fn after(&mut self, wait: Duration, timer: Timer) {
        self.push(Effect::After(wait, timer));
    }

    pub(crate) fn observe(&mut self, observation: Observation) {
        self.push(Effect::Observe(observation));
    }

    pub(crate) fn info(&mut self, text: impl Into<String>) {
        self.push(Effect::Log(Level::Info, text.into()));
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.push(Effect::Log(Level::Warning, text.into()));
    }

    /// The time in seconds, as statuses carry it.
    pub(crate) fn seconds(&self) -> f64 {
        self.now.as_secs_f64()
    }
}

pub(crate) fn time_info(time: Time) -> TimeInfo {
    TimeInfo { nanoseconds: time.as_nanos() }
}

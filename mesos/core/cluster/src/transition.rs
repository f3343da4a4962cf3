//! What is under way with agents, one thing at a time for each.

use std::collections::BTreeMap;
use std::time::Duration;

use mesos_api::v1::AgentId;
use stout::Time;

use crate::options::RemovalRate;
use crate::unreachable::UnreachableCause;

/// A change of an agent that waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transition {
    /// It registers again.
    Reregistering,
    /// It is being marked unreachable.
    MarkingUnreachable,
    /// It is being marked gone.
    MarkingGone,
    /// It is being removed.
    Removing,
}

/// Agents that wait for their turn to become unreachable.
#[derive(Debug)]
pub(crate) struct RemovalQueue {
    rate: Option<RemovalRate>,
    waiting: BTreeMap<u64, (AgentId, UnreachableCause)>,
    places: BTreeMap<(AgentId, UnreachableCause), u64>,
    last_place: u64,
    /// When the next one may go.
    next: Time,
    /// Whether a timer runs.
    armed: bool,
}

impl RemovalQueue {
    pub(crate) fn new(rate: Option<RemovalRate>) -> Self {
        Self {
            rate,
            waiting: BTreeMap::new(),
            places: BTreeMap::new(),
            last_place: 0,
            next: Time::EPOCH,
            armed: false,
        }
    }

    /// Queues an agent, once for each cause; says whether it is new.
    pub(crate) fn push(&mut self, agent: AgentId, cause: UnreachableCause) -> bool {
        let key = (agent, cause);
        if self.places.contains_key(&key) {
            return false;
        }
        self.last_place += 1;
        self.waiting.insert(self.last_place, key.clone());
        self.places.insert(key, self.last_place);
        true
    }

    /// The next agent whose turn it is at `now`.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(AgentId, UnreachableCause)> {
        if self.rate.is_some() && now < self.next {
            return None;
        }
        let (_, entry) = self.waiting.pop_first()?;
        self.places.remove(&entry);
        if let Some(rate) = self.rate {
            self.next = now + rate.per / rate.permits.max(1);
        }
        Some(entry)
    }

    /// How long to wait for the next turn, if somebody waits and no timer runs yet.
    pub(crate) fn arm(&mut self, now: Time) -> Option<Duration> {
        if self.armed || self.waiting.is_empty() {
            return None;
        }
        self.armed = true;
        Some(self.next - now)
    }

    pub(crate) fn disarm(&mut self) {
        self.armed = false;
    }

    /// Takes an agent out of the queue; says whether it was there for this cause.
    pub(crate) fn cancel(&mut self, agent: &AgentId, cause: UnreachableCause) -> bool {
        match self.places.remove(&(agent.clone(), cause)) {
            Some(place) => self.waiting.remove(&place).is_some(),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::EPOCH + Duration::from_secs(seconds)
    }

    fn queue(agents: &[&str], rate: Option<RemovalRate>) -> RemovalQueue {
        let mut queue = RemovalQueue::new(rate);
        for agent in agents {
            queue.push(AgentId::from(*agent), UnreachableCause::Pings);
        }
        queue
    }

    #[test]
    fn without_a_limit_all_go_at_once() {
        let mut queue = queue(&["a", "b"], None);
        assert!(queue.pop(at(0)).is_some());
        assert!(queue.pop(at(0)).is_some());
        assert!(queue.pop(at(0)).is_none());
    }

    #[test]
    fn with_a_limit_they_go_one_by_one() {
        let rate = RemovalRate { permits: 1, per: Duration::from_secs(20) };
        let mut queue = queue(&["a", "b", "c"], Some(rate));
        assert!(queue.pop(at(0)).is_some());
        assert!(queue.pop(at(0)).is_none());
        assert_eq!(queue.arm(at(5)), Some(Duration::from_secs(15)));
        assert_eq!(queue.arm(at(5)), None, "one timer is enough");
        queue.disarm();
        assert!(queue.pop(at(20)).is_some());
        assert!(queue.cancel(&AgentId::from("c"), UnreachableCause::Pings));
        assert!(queue.pop(at(100)).is_none());
    }

    #[test]
    fn an_agent_waits_once_for_each_cause() {
        let mut queue = queue(&["a", "a"], None);
        assert!(queue.pop(at(0)).is_some());
        assert!(queue.pop(at(0)).is_none());
    }
}

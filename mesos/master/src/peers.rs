//! Who is at the other end of the model's connections.

use std::collections::{BTreeSet, HashMap};

use libprocess::Upid;
use mesos_api::v1::AgentId;
use mesos_cluster::ConnectionId;
use mesos_daemon::stream::EventStream;

/// The number that no connection has: what comes from it is from nobody the model knows.
pub(crate) const NOBODY: ConnectionId = ConnectionId(0);

/// A scheduler that subscribed over HTTP.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// Its events.
    pub(crate) stream: EventStream,
    /// What it must say in its calls.
    pub(crate) stream_id: String,
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) enum Peer {
    /// An event stream.
    Stream(Subscription),
    /// A process: a driver or an agent.
    Process {
        /// Its address.
        pid: Upid,
        /// Whether it subscribed. The model keeps the number of a driver that is away.
        driver: bool,
        /// The agents that are watched there: one, but for moments.
        watched: BTreeSet<AgentId>,
    },
}

/// The connections by number and by PID.
#[derive(Debug)]
pub(crate) struct Peers {
    by_id: HashMap<ConnectionId, Peer>,
    by_pid: HashMap<Upid, ConnectionId>,
    next: u64,
    /// Connections that the model let go of in this step. One that it takes up
    /// again in the same step keeps its number.
    released: Vec<ConnectionId>,
}

impl Peers {
    pub(crate) fn new() -> Self {
        Self { by_id: HashMap::new(), by_pid: HashMap::new(), next: NOBODY.0 + 1, released: Vec::new() }
    }

    /// Numbers a new event stream.
    pub(crate) fn add_stream(&mut self, subscription: Subscription) -> ConnectionId {
        let id = self.number();
        self.by_id.insert(id, Peer::Stream(subscription));
        id
    }

    /// The number of a process, a new one if it has none.
    pub(crate) fn of_process(&mut self, pid: &Upid) -> ConnectionId {
        if let Some(id) = self.by_pid.get(pid) {
            return *id;
        }
        let id = self.number();
        self.insert_process(id, pid.clone());
        id
    }

    /// Notes that a process is a driver that subscribed, and gives its PID; none for a stream.
    pub(crate) fn watch_driver(&mut self, id: ConnectionId) -> Option<Upid> {
        match self.by_id.get_mut(&id)? {
            Peer::Process { pid, driver, .. } => {
                *driver = true;
                Some(pid.clone())
            }
            Peer::Stream(_) => None,
        }
    }

    /// Lets go of a process that has exited, unless the model may still name it.
    pub(crate) fn exited(&mut self, id: ConnectionId) {
        if matches!(self.by_id.get(&id), Some(Peer::Process { driver: false, watched, .. }) if watched.is_empty())
        {
            self.release(id);
            self.forget_released();
        }
    }

    /// The number of a process, if it has one.
    pub(crate) fn find(&self, pid: &Upid) -> Option<ConnectionId> {
        self.by_pid.get(pid).copied()
    }

    /// Notes that an agent is watched over this connection. `pid` is where the model
    /// has the agent: it counts if the number was given up meanwhile.
    pub(crate) fn watch(&mut self, id: ConnectionId, agent: &AgentId, pid: Option<Upid>) -> Option<Upid> {
        if !self.by_id.contains_key(&id) {
            self.insert_process(id, pid?);
        }
        match self.by_id.get_mut(&id)? {
            Peer::Process { pid, watched, .. } => {
                watched.insert(agent.clone());
                Some(pid.clone())
            }
            Peer::Stream(_) => None,
        }
    }

    /// Notes that an agent is not watched any more.
    pub(crate) fn unwatch(&mut self, id: ConnectionId, agent: &AgentId) {
        if let Some(Peer::Process { watched, .. }) = self.by_id.get_mut(&id) {
            watched.remove(agent);
        }
        self.released.push(id);
    }

    /// Notes that the model does not need this connection any more.
    pub(crate) fn release(&mut self, id: ConnectionId) {
        self.released.push(id);
    }

    /// Forgets what was released and not taken up again.
    pub(crate) fn forget_released(&mut self) {
        for id in std::mem::take(&mut self.released) {
            if matches!(self.by_id.get(&id), Some(Peer::Process { watched, .. }) if !watched.is_empty()) {
                continue;
            }
            if let Some(Peer::Process { pid, .. }) = self.by_id.remove(&id) {
                self.by_pid.remove(&pid);
            }
        }
    }

    /// The agents that are watched over this connection.
    pub(crate) fn watched(&self, id: ConnectionId) -> impl Iterator<Item = &AgentId> {
        match self.by_id.get(&id) {
            Some(Peer::Process { watched, .. }) => Some(watched.iter()),
            _ => None,
        }
        .into_iter()
        .flatten()
    }

    /// The other end.
    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Peer> {
        self.by_id.get(&id)
    }

    /// The event stream with this number.
    pub(crate) fn subscription(&self, id: ConnectionId) -> Option<&Subscription> {
        match self.by_id.get(&id)? {
            Peer::Stream(subscription) => Some(subscription),
            Peer::Process { .. } => None,
        }
    }

    fn insert_process(&mut self, id: ConnectionId, pid: Upid) {
        self.by_pid.insert(pid.clone(), id);
        self.by_id.insert(id, Peer::Process { pid, driver: false, watched: BTreeSet::new() });
    }

    fn number(&mut self) -> ConnectionId {
        let id = ConnectionId(self.next);
        self.next += 1;
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(text: &str) -> Upid {
        text.parse().unwrap()
    }

    #[test]
    fn process_keeps_its_number_until_it_is_released() {
        let mut peers = Peers::new();
        let agent = pid("slave(1)@127.0.0.1:1");
        let id = peers.of_process(&agent);
        assert_ne!(id, NOBODY);
        assert_eq!(peers.of_process(&agent), id);
        peers.release(id);
        assert_eq!(peers.find(&agent), Some(id));
        peers.forget_released();
        assert_eq!(peers.find(&agent), None);
        assert_ne!(peers.of_process(&agent), id);
    }

    #[test]
    fn connection_taken_up_again_in_the_same_step_stays() {
        let mut peers = Peers::new();
        let agent = pid("slave(1)@127.0.0.1:1");
        let (old, new) = (AgentId::from("old"), AgentId::from("new"));
        let id = peers.of_process(&agent);
        peers.watch(id, &old, None);
        peers.unwatch(id, &old);
        peers.watch(id, &new, None);
        peers.forget_released();
        assert_eq!(peers.find(&agent), Some(id));
        assert_eq!(peers.watched(id).collect::<Vec<_>>(), [&new]);
        peers.unwatch(id, &new);
        peers.forget_released();
        assert_eq!(peers.find(&agent), None);
    }

    #[test]
    fn only_a_process_that_is_nothing_to_the_model_is_forgotten_when_it_exits() {
        let mut peers = Peers::new();
        let (driver, agent, other) = (pid("d@127.0.0.1:1"), pid("a@127.0.0.1:2"), pid("o@127.0.0.1:3"));
        let ids = [peers.of_process(&driver), peers.of_process(&agent), peers.of_process(&other)];
        assert_eq!(peers.watch_driver(ids[0]), Some(driver.clone()));
        peers.watch(ids[1], &AgentId::from("a"), None);
        ids.iter().for_each(|id| peers.exited(*id));
        assert_eq!(
            [peers.find(&driver), peers.find(&agent), peers.find(&other)],
            [Some(ids[0]), Some(ids[1]), None]
        );
    }

    #[test]
    fn watched_agent_brings_a_forgotten_number_back() {
        let mut peers = Peers::new();
        let pid = pid("slave(1)@127.0.0.1:1");
        let agent = AgentId::from("a");
        let id = peers.of_process(&pid);
        peers.release(id);
        peers.forget_released();
        assert_eq!(peers.watch(id, &agent, None), None);
        assert_eq!(peers.watch(id, &agent, Some(pid.clone())), Some(pid));
    }
}

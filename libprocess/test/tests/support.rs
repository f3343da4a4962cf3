//! Processes that tests of several subjects use.

use std::sync::Arc;
use std::time::Duration;

use libprocess::{Context, Process, Time, Upid};
use libprocess_test::{NodeId, Simulation};
use parking_lot::Mutex;

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// What a [`Listener`] hears: when, on the clock of its node, from whom, and what.
pub(crate) type Heard = Arc<Mutex<Vec<(Time, String, u8)>>>;

/// Writes down each message `Say` and each exit, which is number 255.
pub(crate) struct Listener {
    pub(crate) heard: Heard,
    pub(crate) links: Vec<Upid>,
}

impl Process for Listener {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("Say", |listener, cx, from, body| {
            listener.heard.lock().push((cx.now(), from.id().to_owned(), body[0]));
        });
        self.links.iter().for_each(|pid| cx.link(pid));
    }

    fn exited(&mut self, cx: &mut Context<Self>, pid: &Upid) {
        self.heard.lock().push((cx.now(), pid.id().to_owned(), 255));
    }
}

/// Adds a node with a listener of the same name.
pub(crate) fn listen(sim: &mut Simulation, name: &'static str, links: &[Upid]) -> (NodeId, Heard) {
    let heard = Heard::default();
    let (writes, links) = (Arc::clone(&heard), links.to_vec());
    let node = sim.node(name, move |boot| {
        let listener = Listener { heard: Arc::clone(&writes), links: links.clone() };
        boot.node.spawn_as(name, listener).unwrap();
    });
    (node, heard)
}

pub(crate) fn pid(sim: &Simulation, node: NodeId, id: &str) -> Upid {
    Upid::new(id, sim.address(node))
}

/// Sends numbers from one node to a process of another.
pub(crate) fn say(sim: &Simulation, from: NodeId, to: &Upid, numbers: impl IntoIterator<Item = u8>) {
    let node = sim.get(from).expect("the sender is up");
    let from = Upid::new("test", node.address());
    numbers.into_iter().for_each(|number| node.send_raw(&from, to, "Say", vec![number]));
}

pub(crate) fn numbers(heard: &Heard) -> Vec<u8> {
    heard.lock().iter().map(|(_, _, number)| *number).collect()
}

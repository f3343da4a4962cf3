//! The network between the nodes of a simulation.
//!
//! It is modelled on what TCP does to `libprocess::remote`. From each node there is at most one connection
//! to an address, which carries messages one way and keeps their order. A lost packet makes what is on
//! the connection late. Nothing gets through a direction that is cut; what was sent waits, and goes on when
//! that heals, unless somebody loses patience first and the connection breaks. A connection needs both
//! directions to be made, and to live: without acknowledgements it breaks, although all arrives.
//!
//! Of what was on its way when a connection breaks, the first part may still arrive, even after what is
//! sent on the next connection.

mod carry;
mod cuts;
mod nic;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use libprocess::remote::Port;
use libprocess::{Time, Upid};

use crate::NodeId;
use crate::world::World;

pub(crate) use nic::Nic;

/// What the way from one node to another is like.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions {
    /// How long a packet takes, drawn for each message.
    pub latency: Range<Duration>,
    /// How likely a packet is lost, which makes it and what comes behind it late by at least 200 ms. After
    /// eight losses in a row the connection breaks.
    pub loss: f64,
    /// How long a connection survives without an answer.
    pub patience: Range<Duration>,
}

impl Default for Conditions {
    /// Half a millisecond to five, no losses, and five seconds to a minute of patience.
    fn default() -> Self {
        Self {
            latency: Duration::from_micros(500)..Duration::from_millis(5),
            loss: 0.0,
            patience: Duration::from_secs(5)..Duration::from_secs(60),
        }
    }
}

/// One life of a node, from a start to a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) node: NodeId,
    pub(crate) number: u32,
}

/// What happens later on the network.
pub(crate) enum Event {
    /// A connection is made, or cannot be.
    Handshake(u64),
    /// The next message arrives.
    Arrival(u64),
    /// Somebody has had no answer for too long, if the cut is still there.
    Impatience { connection: u64, cut: u64 },
    /// The sender hears that the other side has ended.
    Reset(u64),
    /// The connection breaks.
    Break(u64),
}

/// What is to be told to a node, once nothing of the world is held.
pub(crate) enum Arrival {
    Message { port: Port, message: Message },
    Disconnected { port: Port, peer: SocketAddr },
}

pub(crate) struct Message {
    pub(crate) from: Upid,
    pub(crate) to: Upid,
    pub(crate) name: String,
    pub(crate) body: Bytes,
    /// When it arrives, if it is on its way.
    arrives: Option<Time>,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from.id(), self.to.id());
        let (bytes, digest) = (self.body.len(), crate::trace::digest(&self.body));
        write!(f, "{from} {to} {} {bytes} {digest:016x}", self.name)
    }
}

#[derive(Default)]
pub(crate) struct Network {
    hosts: Vec<Host>,
    by_address: BTreeMap<SocketAddr, NodeId>,
    connections: BTreeMap<u64, Connection>,
    connection_count: u64,
    /// The connection on which a node sends to an address.
    current: BTreeMap<(NodeId, SocketAddr), u64>,
    /// The directions that are cut, with the numbers of the cuts.
    cuts: BTreeMap<(NodeId, NodeId), u64>,
    cut_count: u64,
    conditions: Conditions,
    conditions_between: BTreeMap<(NodeId, NodeId), Conditions>,
}

struct Host {
    name: String,
    address: SocketAddr,
    /// Of the node that runs there.
    up: Option<(u32, Port)>,
}

struct Connection {
    from: Life,
    to_address: SocketAddr,
    to: Option<NodeId>,
    stage: Stage,
    began: Time,
    messages: VecDeque<Message>,
    bytes: usize,
    /// How many of the messages are on their way.
    sent: usize,
    last_arrival: Time,
    /// What waits for a cut to heal.
    stalled: bool,
    /// That the other side has ended could not be told because of a cut.
    reset_held_up: bool,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    /// To that life of the receiver.
    Open(u32),
    /// The receiver has ended, and the sender has not heard of it.
    Dead,
    /// The sender does not use it any more; what is on its way may arrive.
    Tail(u32),
}

impl Network {
    pub(crate) fn host_name(&self, node: NodeId) -> &str {
        self.hosts.get(node.index()).map_or("?", |host| &host.name)
    }
}

impl World {
    /// Enters a machine, on which nothing runs yet.
    pub(crate) fn add_host(&mut self, name: &str, address: SocketAddr) -> NodeId {
        let node = NodeId::new(self.network.hosts.len());
        self.network.hosts.push(Host { name: name.to_owned(), address, up: None });
        self.network.by_address.insert(address, node);
        node
    }

    pub(crate) fn host_name(&self, node: NodeId) -> &str {
        self.network.host_name(node)
    }

    /// A node has started.
    fn attach(&mut self, life: Life, port: Port) {
        if let Some(host) = self.network.hosts.get_mut(life.node.index()) {
            host.up = Some((life.number, port));
        }
    }

    fn is_up(&self, life: Life) -> bool {
        self.port(life).is_some()
    }

    fn port(&self, life: Life) -> Option<&Port> {
        let (number, port) = self.network.hosts.get(life.node.index())?.up.as_ref()?;
        (*number == life.number).then_some(port)
    }

    /// Has nobody hear of a node any more that is about to be ended.
    pub(crate) fn silence(&mut self, node: NodeId) {
        let up = self.network.hosts.get(node.index()).and_then(|host| host.up.as_ref());
        if let Some(number) = up.map(|(number, _)| *number) {
            self.detach(Life { node, number }, false);
        }
    }

    /// Ends a node. What it has sent goes on if it had the time to say goodbye.
    pub(crate) fn detach(&mut self, life: Life, says_goodbye: bool) {
        if !self.is_up(life) {
            return;
        }
        if let Some(host) = self.network.hosts.get_mut(life.node.index()) {
            host.up = None;
        }
        let numbers: Vec<u64> = self.network.connections.keys().copied().collect();
        for number in numbers {
            let Some(connection) = self.network.connections.get(&number) else { continue };
            let (from, to, stage) = (connection.from, connection.to, connection.stage);
            let receives = to == Some(life.node);
            match stage {
                _ if from == life && says_goodbye => self.abandon(number),
                _ if from == life => drop(self.break_off(number, "gone")),
                Stage::Open(number_there) if receives && number_there == life.number => self.kill(number),
                Stage::Tail(number_there) if receives && number_there == life.number => self.lose(number),
                _ => {}
            }
        }
    }

    /// Writes about a connection into the trace.
    fn note_on(&mut self, number: u64, what: fmt::Arguments<'_>) {
        let since_start = self.since_start();
        let Some(connection) = self.network.connections.get(&number) else { return };
        let from = self.network.host_name(connection.from.node);
        match connection.to {
            Some(to) => {
                let to = self.network.host_name(to);
                self.trace.add(since_start, format_args!("{from}>{to}#{number} {what}"));
            }
            None => {
                let to = connection.to_address;
                self.trace.add(since_start, format_args!("{from}>{to}#{number} {what}"));
            }
        }
    }

    fn conditions(&self, from: NodeId, to: NodeId) -> &Conditions {
        self.network.conditions_between.get(&(from, to)).unwrap_or(&self.network.conditions)
    }

    pub(crate) fn set_conditions(&mut self, conditions: Conditions) {
        self.network.conditions = conditions;
        self.network.conditions_between.clear();
    }

    pub(crate) fn set_conditions_between(&mut self, from: NodeId, to: NodeId, conditions: Conditions) {
        self.network.conditions_between.insert((from, to), conditions);
    }

    fn latency(&mut self, from: NodeId, to: NodeId) -> Duration {
        let range = self.conditions(from, to).latency.clone();
        self.draw_duration(&range)
    }
}

//! Five nodes that send each other numbers while everything happens to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libprocess::{Context, Process, Upid};
use libprocess_test::{Boot, Conditions, NodeId, Simulation};
use parking_lot::Mutex;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::support::{ms, secs};

const NODES: usize = 5;

/// A number of a life of a node; no other message to the same node has both.
pub(crate) type Number = (u32, u32);

/// What all nodes did, as they saw it.
#[derive(Default)]
pub(crate) struct Record {
    /// By sender and receiver, in the order in which they were sent.
    pub(crate) sent: BTreeMap<(usize, usize), Vec<Number>>,
    pub(crate) received: BTreeMap<(usize, usize), Vec<Number>>,
    /// By who linked, and to whom.
    pub(crate) exits: BTreeMap<(usize, usize), usize>,
}

/// What the nodes of a simulation have in common.
#[derive(Clone, Default)]
struct Common {
    record: Arc<Mutex<Record>>,
    quiet: Arc<AtomicBool>,
    /// A fault on purpose: what was sent last is sent again after an exit, as if it had not arrived.
    resends: bool,
}

struct Chatter {
    me: usize,
    life: u32,
    peers: Vec<Upid>,
    linked: [bool; NODES],
    last: [u32; NODES],
    rng: Xoshiro256PlusPlus,
    common: Common,
}

impl Process for Chatter {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw("Number", |chatter, _cx, from, body| {
            let word = |at: usize| u32::from_be_bytes(body[at..at + 4].try_into().unwrap());
            let from = chatter.index(from);
            let mut record = chatter.common.record.lock();
            record.received.entry((from, chatter.me)).or_default().push((word(0), word(4)));
        });
        let me = self.me;
        (0..NODES).filter(|peer| *peer != me).for_each(|peer| self.link(cx, peer));
        self.chat_later(cx);
    }

    fn exited(&mut self, cx: &mut Context<Self>, pid: &Upid) {
        let peer = self.index(pid);
        *self.common.record.lock().exits.entry((self.me, peer)).or_default() += 1;
        self.linked[peer] = false;
        let wait = ms(self.rng.random_range(1..500));
        cx.delay(wait, move |chatter, cx| {
            chatter.link(cx, peer);
            if chatter.common.resends && chatter.last[peer] > 0 {
                chatter.send(cx, peer, chatter.last[peer]);
            }
        });
    }
}

impl Chatter {
    fn index(&self, pid: &Upid) -> usize {
        self.peers.iter().position(|peer| peer == pid).expect("nobody else sends")
    }

    fn link(&mut self, cx: &mut Context<Self>, peer: usize) {
        self.linked[peer] = true;
        cx.link(&self.peers[peer]);
    }

    fn chat_later(&mut self, cx: &mut Context<Self>) {
        cx.delay(ms(self.rng.random_range(1..100)), |chatter, cx| {
            if chatter.common.quiet.load(Ordering::Relaxed) {
                return;
            }
            let peer = chatter.rng.random_range(0..NODES);
            if chatter.linked[peer] {
                for _ in 0..chatter.rng.random_range(1..4) {
                    chatter.last[peer] += 1;
                    chatter.send(cx, peer, chatter.last[peer]);
                }
            }
            chatter.chat_later(cx);
        });
    }

    fn send(&self, cx: &mut Context<Self>, peer: usize, number: u32) {
        let mut record = self.common.record.lock();
        record.sent.entry((self.me, peer)).or_default().push((self.life, number));
        let body = [self.life.to_be_bytes(), number.to_be_bytes()].concat();
        cx.send_raw(&self.peers[peer], "Number", body);
    }
}

/// Runs the nodes, has everything happen to them, and then lets them come to rest. `resends` is the
/// fault on purpose.
pub(crate) fn chat(sim: &mut Simulation, resends: bool) -> Arc<Mutex<Record>> {
    let common = Common { resends, ..Common::default() };
    let latency_max = sim.draw(1..200);
    let loss = if sim.chance(0.5) { 0.0 } else { sim.draw(0..30) as f64 / 100.0 };
    sim.set_conditions(Conditions { latency: ms(0)..ms(latency_max), loss, patience: secs(1)..secs(10) });
    let nodes: Vec<NodeId> =
        ["a", "b", "c", "d", "e"].into_iter().map(|name| sim.add(name, boot(common.clone()))).collect();
    nodes.iter().for_each(|node| sim.start(*node));
    for _ in 0..sim.draw(5..25) {
        disturb(sim, &nodes);
        let wait = sim.draw_duration(Duration::ZERO..secs(1));
        sim.run_for(wait);
    }
    sim.heal();
    nodes.iter().for_each(|node| sim.start(*node));
    sim.run_for(secs(2));
    common.quiet.store(true, Ordering::Relaxed);
    sim.run_for(secs(200));
    common.record
}

fn boot(common: Common) -> impl FnMut(&Boot) {
    move |boot| {
        let addresses: Vec<_> = (1..=NODES).map(|node| format!("chatter@10.0.0.{node}:5050")).collect();
        let peers: Vec<Upid> = addresses.iter().map(|pid| pid.parse().unwrap()).collect();
        let me = peers.iter().position(|pid| pid.address() == boot.node.address()).unwrap();
        let chatter = Chatter {
            me,
            life: boot.restarts,
            peers,
            linked: [false; NODES],
            last: [0; NODES],
            rng: Xoshiro256PlusPlus::seed_from_u64(boot.seed),
            common: common.clone(),
        };
        boot.node.spawn_as("chatter", chatter).unwrap();
    }
}

fn disturb(sim: &mut Simulation, nodes: &[NodeId]) {
    let (Some(one), Some(other)) = (sim.pick(nodes), sim.pick(nodes)) else { return };
    match sim.draw(0..9) {
        0 => sim.cut(one, other),
        1 => sim.partition(one, other),
        2 => sim.isolate(one),
        3 => sim.split(&nodes[..2], &nodes[2..]),
        4 => sim.heal(),
        5 => sim.crash(one),
        6 => sim.restart(one),
        7 => nodes.iter().for_each(|node| sim.start(*node)),
        _ => sim.break_connection(one, other),
    }
}

/// What the trace says about a connection.
#[derive(Default)]
struct Connection {
    ends: (usize, usize),
    sent: Vec<Number>,
    received: Vec<Number>,
    ended: bool,
}

/// Holds what the nodes have seen against what the network did.
pub(crate) fn verify(sim: &Simulation, record: &Record) {
    let (mut connections, exits) = read(sim.trace().as_str(), record);
    assert_eq!(record.exits, exits, "each break is one exit for each link, and there is no other exit");
    let mut on: BTreeMap<(usize, usize, Number), u64> = BTreeMap::new();
    for (number, connection) in &connections {
        let (from, to) = connection.ends;
        on.extend(connection.sent.iter().map(|sent| ((from, to, *sent), *number)));
    }
    for ((from, to), received) in &record.received {
        for message in received {
            let number = on.get(&(*from, *to, *message)).expect("nothing arrives that was not sent");
            connections.entry(*number).or_default().received.push(*message);
        }
    }
    for (number, Connection { sent, received, ended, .. }) in connections {
        assert!(sent.starts_with(&received), "connection {number}: sent {sent:?}, received {received:?}");
        assert!(ended || sent == received, "connection {number} lives, and something is missing");
    }
}

/// The connections of a trace, and how often one broke for a sender that lived on.
fn read(trace: &str, record: &Record) -> (BTreeMap<u64, Connection>, BTreeMap<(usize, usize), usize>) {
    let mut connections: BTreeMap<u64, Connection> = BTreeMap::new();
    let mut exits = BTreeMap::new();
    let mut sent: BTreeMap<(usize, usize), std::slice::Iter<'_, Number>> =
        record.sent.iter().map(|(ends, numbers)| (*ends, numbers.iter())).collect();
    for line in trace.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let Some((names, number)) = words[1].split_once('#') else { continue };
        let index = |name: &str| usize::from(name.as_bytes()[0] - b'a');
        let ends = names.split_once('>').map(|(from, to)| (index(from), index(to))).unwrap();
        let connection = connections.entry(number.parse().unwrap()).or_default();
        connection.ends = ends;
        match words[2] {
            "send" => connection.sent.push(*sent.get_mut(&ends).unwrap().next().unwrap()),
            "break" | "reset" | "refused" | "timeout" => {
                *exits.entry(ends).or_default() += 1;
                connection.ended = true;
            }
            "gone" | "dead" => connection.ended = true,
            "connect" | "open" | "arrive" | "lost" => {}
            other => panic!("the trace says '{other}' of a connection"),
        }
    }
    (connections, exits)
}

/// No number arrives twice: what the fault on purpose breaks.
pub(crate) fn verify_no_duplicates(record: &Record) {
    for (ends, received) in &record.received {
        let mut seen = received.clone();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), received.len(), "a number arrived twice from and to {ends:?}");
    }
}

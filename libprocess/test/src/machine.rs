//! A machine of a simulation, and the node that runs on it.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use libprocess::{Node, Time};
use parking_lot::Mutex;

use crate::disk::{Drive, SimulatedDisk};
use crate::network::{Life, Nic};
use crate::ready::{Ready, Turns};
use crate::skew::{Skew, SkewedClock};
use crate::world::World;

/// As C++ libprocess programs choose it.
const PORT: u16 = 5050;

/// A node of a [`Simulation`](crate::Simulation), also while it is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

impl NodeId {
    pub(crate) fn new(index: usize) -> Self {
        Self(index)
    }

    /// The place of the node among those of its simulation, from 0 on.
    pub fn index(self) -> usize {
        self.0
    }

    pub(crate) fn address(self) -> SocketAddr {
        let [_, high, middle, low] = u32::try_from(self.0 + 1).unwrap_or(u32::MAX).to_be_bytes();
        SocketAddr::from((Ipv4Addr::new(10, high, middle, low), PORT))
    }
}

/// What a node that starts has: given to the closure that spawns its processes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Boot {
    /// The node.
    pub node: Node,
    /// Its disk, with what the node had synced before it crashed.
    pub disk: SimulatedDisk,
    /// How often the node has started before.
    pub restarts: u32,
    /// A number drawn for this start: the seed for what processes draw themselves.
    pub seed: u64,
}

pub(crate) type BootFn = Box<dyn FnMut(&Boot)>;

pub(crate) struct Machine {
    pub(crate) id: NodeId,
    pub(crate) name: String,
    pub(crate) drive: Arc<Drive>,
    pub(crate) skew: Skew,
    pub(crate) boot: Option<BootFn>,
    pub(crate) starts: u32,
    pub(crate) running: Option<Running>,
}

/// A node, from a start to a crash.
pub(crate) struct Running {
    pub(crate) node: Node,
    pub(crate) clock: SkewedClock,
    life: Life,
    turns: Arc<Turns>,
    /// Nothing runs on it; but the node ends with it, as it does when a program is killed.
    tokio: tokio::runtime::Runtime,
    tasks: usize,
}

impl Running {
    pub(crate) fn start(
        machine: &Machine,
        now: Time,
        ready: &Arc<Ready>,
        world: &Arc<Mutex<World>>,
    ) -> std::io::Result<Self> {
        let tokio = tokio::runtime::Builder::new_current_thread().build()?;
        let life = Life { node: machine.id, number: machine.starts };
        let turns = Arc::new(Turns::new(machine.id, Arc::clone(ready)));
        let clock = SkewedClock::new(now, machine.skew);
        let builder = Node::builder()
            .bind(machine.id.address())
            .hostname(&machine.name)
            .clock(clock.clock.clone())
            .scheduler(Arc::clone(&turns) as _)
            .network(Arc::new(Nic::new(life, Arc::clone(world))));
        let node = {
            let _entered = tokio.enter();
            match pin!(builder.start()).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(node) => node?,
                Poll::Pending => {
                    return Err(std::io::Error::other("a simulated node does not start at once"));
                }
            }
        };
        let tasks = tokio.metrics().num_alive_tasks();
        Ok(Self { node, clock, life, turns, tokio, tasks })
    }

    /// Whether somebody has started a task that nobody runs.
    pub(crate) fn has_stray_tasks(&self) -> bool {
        self.tokio.metrics().num_alive_tasks() > self.tasks
    }

    /// Calls something as the main function of the node's program would.
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = self.tokio.enter();
        f()
    }

    /// Ends the node at once, without another word.
    pub(crate) fn kill(self, ready: &Ready, world: &Mutex<World>) {
        self.turns.end();
        world.lock().detach(self.life, false);
        drop(self.node);
        self.tokio.shutdown_background();
        ready.bury();
    }
}

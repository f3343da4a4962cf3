//! The simulation itself: what happens next, and what the test does to the nodes.

mod failures;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use libprocess::{Node, Time};
use parking_lot::Mutex;

use crate::disk::Drive;
use crate::machine::{Boot, Machine, NodeId, Running};
use crate::network::Arrival;
use crate::ready::Ready;
use crate::world::World;
use crate::{Skew, Trace};

/// What can run has to come to an end at some instant: after so many runs somebody goes round in circles.
const RUNS_PER_INSTANT_MAX: u64 = 250_000;

/// Nodes that run in one thread, in an order, over a network and in a time that are made up from a
/// seed.
///
/// Nothing happens by itself: the nodes run while the test [runs the simulation](Simulation::run_for), or
/// [waits](Simulation::wait) for something. What is drawn is which process or future runs next, how long
/// messages take, and when connections break. Time passes when nothing can run: it jumps to the next
/// timer or arrival.
pub struct Simulation {
    seed: u64,
    world: Arc<Mutex<World>>,
    ready: Arc<Ready>,
    machines: Vec<Machine>,
    calls: BTreeMap<(Time, u64), Call>,
    call_count: u64,
    runs_at_this_instant: u64,
    panics_fail: bool,
}

type Call = Box<dyn FnOnce(&mut Simulation)>;

impl Simulation {
    /// A simulation without nodes.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            world: Arc::new(Mutex::new(World::new(seed))),
            ready: Arc::default(),
            machines: Vec::new(),
            calls: BTreeMap::new(),
            call_count: 0,
            runs_at_this_instant: 0,
            panics_fail: true,
        }
    }

    /// What all is drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Adds a node and starts it: `boot` spawns its processes, now and at each [restart](Self::restart).
    pub fn node(&mut self, name: &str, boot: impl FnMut(&Boot) + 'static) -> NodeId {
        let id = self.add(name, boot);
        self.start(id);
        id
    }

    /// Adds a node that does not start yet.
    pub fn add(&mut self, name: &str, boot: impl FnMut(&Boot) + 'static) -> NodeId {
        let address = NodeId::new(self.machines.len()).address();
        let id = self.world.lock().add_host(name, address);
        self.machines.push(Machine {
            id,
            name: name.to_owned(),
            drive: Drive::new(id, Arc::clone(&self.world)),
            skew: Skew::default(),
            boot: Some(Box::new(boot)),
            starts: 0,
            running: None,
        });
        id
    }

    /// Starts a node that is down.
    ///
    /// # Panics
    ///
    /// Panics when the node cannot start, or is of another simulation.
    pub fn start(&mut self, id: NodeId) {
        if self.is_up(id) {
            return;
        }
        let (now, seed) = {
            let world = &mut *self.world.lock();
            let name = world.host_name(id).to_owned();
            world.note(format_args!("{name} starts"));
            (world.now, world.draw(0..u64::MAX))
        };
        let machine = &mut self.machines[id.index()];
        let running = Running::start(machine, now, &self.ready, &self.world)
            .unwrap_or_else(|error| panic!("failed to start the simulated node '{}': {error}", machine.name));
        let boot =
            Boot { node: running.node.clone(), disk: machine.drive.handle(), restarts: machine.starts, seed };
        machine.starts += 1;
        if let Some(mut spawn) = machine.boot.take() {
            running.enter(|| spawn(&boot));
            machine.boot = Some(spawn);
        }
        machine.running = Some(running);
    }

    /// The node, unless it is down.
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.machines.get(id.index())?.running.as_ref().map(|running| &running.node)
    }

    /// Whether a node has started and not crashed since.
    pub fn is_up(&self, id: NodeId) -> bool {
        self.get(id).is_some()
    }

    /// The address of a node, which stays the same.
    pub fn address(&self, id: NodeId) -> SocketAddr {
        id.address()
    }

    /// How much time has passed.
    pub fn elapsed(&self) -> Duration {
        self.world.lock().since_start()
    }

    /// What has happened so far.
    pub fn trace(&self) -> Trace {
        self.world.lock().trace.clone()
    }

    /// Writes a line into the trace.
    pub fn note(&self, text: &str) {
        self.world.lock().note(format_args!("note {}", text.escape_debug()));
    }

    /// Lets the nodes go on as long as a process panics: by default the simulation panics, too.
    pub fn tolerate_panics(&mut self) {
        self.panics_fail = false;
    }

    /// A number of the range, drawn; the beginning of one that is empty.
    pub fn draw(&mut self, range: Range<u64>) -> u64 {
        self.world.lock().draw(range)
    }

    /// A time between two, drawn.
    pub fn draw_duration(&mut self, range: Range<Duration>) -> Duration {
        self.world.lock().draw_duration(&range)
    }

    /// One of some, drawn; `None` if there are none.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        let index = self.world.lock().draw_index(choices.len());
        choices.get(index).cloned()
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.world.lock().chance(probability)
    }

    /// Does something to the simulation when so much time has passed.
    pub fn after(&mut self, wait: Duration, f: impl FnOnce(&mut Simulation) + 'static) {
        let due = self.world.lock().now + wait;
        self.call_count += 1;
        self.calls.insert((due, self.call_count), Box::new(f));
    }

    /// Lets so much time pass.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.world.lock().now + duration;
        while self.step(end) {}
    }

    /// Has everything run that can, without letting time pass.
    pub fn settle(&mut self) {
        self.run_for(Duration::ZERO);
    }

    /// Runs until a condition holds, but not longer than `limit`; says whether it does.
    pub fn run_until(&mut self, limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
        let end = self.world.lock().now + limit;
        loop {
            if condition() {
                return true;
            }
            if !self.step(end) {
                return condition();
            }
        }
    }

    /// Runs until a future is ready, and gives its output; `None` if that takes longer than `limit`.
    ///
    /// It is how a test asks a process: `sim.wait(limit, pid.ask(...))`.
    pub fn wait<F: Future>(&mut self, limit: Duration, future: F) -> Option<F::Output> {
        let end = self.world.lock().now + limit;
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut future = pin!(future);
        loop {
            while woken.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Some(output);
                }
            }
            if !self.step(end) && !woken.0.load(Ordering::SeqCst) {
                return None;
            }
        }
    }

    /// Has one thing run or, if nothing can, time go on to when something happens; false when that is
    /// after `end`, which it is now.
    fn step(&mut self, end: Time) -> bool {
        if self.run_one() {
            return true;
        }
        let next = self.next_time().filter(|next| *next <= end);
        let before = self.world.lock().now;
        self.advance_to(next.unwrap_or(end).max(before));
        next.is_some() || self.ready.len() > 0
    }

    fn run_one(&mut self) -> bool {
        let count = self.ready.len();
        if count == 0 {
            return false;
        }
        let index = {
            let world = &mut *self.world.lock();
            world.draw_index(count)
        };
        let (node, runnable) = self.ready.take(index);
        self.world.lock().note_run(node, index, count);
        runnable.run();
        self.runs_at_this_instant += 1;
        assert!(
            self.runs_at_this_instant <= RUNS_PER_INSTANT_MAX,
            "the simulation does not get on: something has run {RUNS_PER_INSTANT_MAX} times, and time stands still"
        );
        let panics = self.ready.panics();
        if self.machines.get(node.index()).is_some_and(|machine| machine.drive.has_died()) {
            self.crash(node); // What it did after that does not count.
            return true;
        }
        for panic in panics {
            self.world.lock().note(format_args!("panic {}", panic.escape_debug()));
            assert!(!self.panics_fail, "{panic}");
        }
        true
    }

    /// When something happens next.
    fn next_time(&self) -> Option<Time> {
        let timers = self.machines.iter().filter_map(|machine| machine.running.as_ref()?.clock.next_timer());
        let calls = self.calls.first_key_value().map(|((due, _), _)| *due);
        timers.chain(calls).chain(self.world.lock().next_event()).min()
    }

    fn advance_to(&mut self, time: Time) {
        {
            let world = &mut *self.world.lock();
            if time > world.now {
                self.runs_at_this_instant = 0;
            }
            world.now = time;
        }
        for machine in &self.machines {
            let Some(running) = &machine.running else { continue };
            assert!(
                !running.has_stray_tasks(),
                "something on node '{}' was given to tokio::spawn, where a simulation does not run it: \
                 Context::run and Node::run do",
                machine.name
            );
            if running.clock.next_timer().is_some_and(|due| due <= time) {
                self.world.lock().note(format_args!("{} timer", machine.name));
            }
            running.clock.advance_to(time);
        }
        loop {
            let arrival = {
                let world = &mut *self.world.lock();
                let Some(event) = world.pop_due() else { break };
                world.happen(event)
            };
            self.tell(arrival);
        }
        while let Some(entry) = self.calls.first_entry()
            && entry.key().0 <= time
        {
            entry.remove()(self);
        }
    }

    /// Tells a node what has arrived; nothing of the world is held.
    fn tell(&self, arrival: Option<Arrival>) {
        match arrival {
            Some(Arrival::Message { port, message }) => {
                let (from, to) = (&message.from, &message.to);
                if !port.deliver(from, to.id(), &message.name, message.body) {
                    self.world.lock().note(format_args!("absent {to}"));
                }
            }
            Some(Arrival::Disconnected { port, peer }) => port.disconnected(peer),
            None => {}
        }
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        for machine in &mut self.machines {
            if let Some(running) = machine.running.take() {
                running.kill(&self.ready, &self.world);
            }
        }
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation")
            .field("seed", &self.seed)
            .field("elapsed", &self.elapsed())
            .finish_non_exhaustive()
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

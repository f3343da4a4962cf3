//! actix: actors belong to arbiters, which are threads; a message has a type and a handler.

use std::future::Future;
use std::sync::Arc;

use actix::{Actor as _, ActorContext as _};
use actix::{Addr, Arbiter, ArbiterHandle, AsyncContext, Context, Handler, Message, System};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::library::{Actor, Library, Tell, Then, Worker, timers};

/// On so many threads.
#[derive(Clone)]
pub(crate) struct Actix<const THREADS: usize> {
    handles: Arc<[ArbiterHandle]>,
    /// Until it stops.
    arbiters: Arc<Mutex<Vec<Arbiter>>>,
}

pub(crate) struct Player(Worker<Addr<Player>>);

struct Bump;

impl Message for Tell<Addr<Player>> {
    type Result = ();
}

impl Message for Bump {
    type Result = u64;
}

impl actix::Actor for Player {
    type Context = Context<Self>;
}

impl Handler<Tell<Addr<Player>>> for Player {
    type Result = ();

    fn handle(&mut self, message: Tell<Addr<Player>>, context: &mut Context<Self>) {
        match self.0.tell(message) {
            Then::Wait => {}
            Then::Send(to, message) => to.do_send(message),
            Then::Delay(first) => timers(first).for_each(|delay| {
                context.notify_later(Tell::Touch, delay);
            }),
            Then::Stop => context.stop(),
        }
    }
}

impl Handler<Bump> for Player {
    type Result = u64;

    fn handle(&mut self, _bump: Bump, _context: &mut Context<Self>) -> u64 {
        self.0.bump()
    }
}

impl<const THREADS: usize> Library for Actix<THREADS> {
    type Actor = Addr<Player>;

    fn start(_runtime: &Handle) -> Self {
        // Arbiters belong to the system of the thread that starts them.
        let _system = System::new();
        let arbiters: Vec<_> = (0..THREADS).map(|_| Arbiter::new()).collect();
        let handles = arbiters.iter().map(Arbiter::handle).collect();
        Self { handles, arbiters: Arc::new(Mutex::new(arbiters)) }
    }

    async fn spawn(&self, place: usize, worker: Worker<Addr<Player>>) -> Addr<Player> {
        if THREADS == 1 {
            // The client is on the same one.
            Player(worker).start()
        } else {
            Player::start_in_arbiter(&self.handles[place % THREADS], |_context| Player(worker))
        }
    }

    fn client(&self, place: usize, work: impl Future<Output = ()> + Send + 'static) {
        self.handles[place % THREADS].spawn(work);
    }

    fn stop(self, _runtime: &Handle) {
        for arbiter in std::mem::take(&mut *self.arbiters.lock()) {
            arbiter.stop();
            arbiter.join().expect("no arbiter panics");
        }
    }
}

impl Actor for Addr<Player> {
    async fn tell(&self, message: Tell<Self>) {
        self.do_send(message);
    }

    async fn bump(&self) -> u64 {
        self.send(Bump).await.expect("the actor answers")
    }
}

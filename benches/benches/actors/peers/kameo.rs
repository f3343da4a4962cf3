//! kameo: a message has a type and an asynchronous handler.

use std::future::Future;

use kameo::actor::{ActorRef, Spawn as _};
use kameo::message::{Context, Message};
use tokio::runtime::Handle;

use crate::library::{Actor, Library, Tell, Then, Worker, timers};

#[derive(Clone)]
pub(crate) struct Kameo(Handle);

#[derive(kameo::Actor)]
pub(crate) struct Player(Worker<ActorRef<Player>>);

struct Bump;

impl Message<Tell<ActorRef<Player>>> for Player {
    type Reply = ();

    async fn handle(&mut self, message: Tell<ActorRef<Player>>, context: &mut Context<Self, ()>) {
        match self.0.tell(message) {
            Then::Wait => {}
            Then::Send(to, message) => drop(to.tell(message).send().await),
            Then::Delay(first) => timers(first).for_each(|delay| {
                drop(context.actor_ref().tell(Tell::Touch).send_after(delay));
            }),
            Then::Stop => context.stop(),
        }
    }
}

impl Message<Bump> for Player {
    type Reply = u64;

    async fn handle(&mut self, _bump: Bump, _context: &mut Context<Self, u64>) -> u64 {
        self.0.bump()
    }
}

impl Library for Kameo {
    type Actor = ActorRef<Player>;

    fn start(runtime: &Handle) -> Self {
        Self(runtime.clone())
    }

    async fn spawn(&self, _place: usize, worker: Worker<ActorRef<Player>>) -> ActorRef<Player> {
        Player::spawn_with_mailbox(Player(worker), kameo::mailbox::unbounded())
    }

    fn client(&self, _place: usize, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work);
    }

    fn stop(self, _runtime: &Handle) {}
}

impl Actor for ActorRef<Player> {
    async fn tell(&self, message: Tell<Self>) {
        let _ = self.tell(message).send().await;
    }

    async fn bump(&self) -> u64 {
        self.ask(Bump).await.expect("the actor answers")
    }
}

//! xtra: a message has a type and an asynchronous handler; timers are left to the runtime.

use std::future::Future;

use tokio::runtime::Handle;
use xtra::{Address, Context, Handler, Mailbox};

use crate::library::{Actor, Library, Tell, Then, Worker, timers};

#[derive(Clone)]
pub(crate) struct Xtra(Handle);

pub(crate) struct Player(Worker<Address<Player>>);

struct Bump;

impl xtra::Actor for Player {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Tell<Address<Player>>> for Player {
    type Return = ();

    async fn handle(&mut self, message: Tell<Address<Player>>, context: &mut Context<Self>) {
        match self.0.tell(message) {
            Then::Wait => {}
            Then::Send(to, message) => drop(to.send(message).detach().await),
            Then::Delay(first) => {
                for delay in timers(first) {
                    let Some(own) = context.mailbox().address().try_upgrade() else { return };
                    tokio::spawn(async move {
                        tokio::time::sleep(delay).await;
                        let _ = own.send(Tell::Touch).detach().await;
                    });
                }
            }
            Then::Stop => context.stop_self(),
        }
    }
}

impl Handler<Bump> for Player {
    type Return = u64;

    async fn handle(&mut self, _bump: Bump, _context: &mut Context<Self>) -> u64 {
        self.0.bump()
    }
}

impl Library for Xtra {
    type Actor = Address<Player>;

    fn start(runtime: &Handle) -> Self {
        Self(runtime.clone())
    }

    async fn spawn(&self, _place: usize, worker: Worker<Address<Player>>) -> Address<Player> {
        xtra::spawn_tokio(Player(worker), Mailbox::unbounded())
    }

    fn client(&self, _place: usize, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work);
    }

    fn stop(self, _runtime: &Handle) {}
}

impl Actor for Address<Player> {
    async fn tell(&self, message: Tell<Self>) {
        let _ = self.send(message).detach().await;
    }

    async fn bump(&self) -> u64 {
        self.send(Bump).await.expect("the actor answers")
    }
}

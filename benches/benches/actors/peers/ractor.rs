//! ractor: an actor has one type of messages, and its state apart from itself.

use std::future::Future;

use ractor::{Actor as _, ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::runtime::Handle;

use crate::library::{Actor, Library, Tell, Then, Worker, timers};

#[derive(Clone)]
pub(crate) struct Ractor(Handle);

struct Player;

pub(crate) enum Message {
    Tell(Tell<ActorRef<Message>>),
    Bump(RpcReplyPort<u64>),
}

impl ractor::Actor for Player {
    type Msg = Message;
    type State = Worker<ActorRef<Message>>;
    type Arguments = Worker<ActorRef<Message>>;

    async fn pre_start(
        &self,
        _myself: ActorRef<Message>,
        worker: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(worker)
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        worker: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let message = match message {
            Message::Tell(message) => message,
            Message::Bump(reply) => return Ok(reply.send(worker.bump())?),
        };
        match worker.tell(message) {
            Then::Wait => {}
            Then::Send(to, message) => to.cast(Message::Tell(message))?,
            Then::Delay(first) => timers(first).for_each(|delay| {
                drop(myself.send_after(delay, || Message::Tell(Tell::Touch)));
            }),
            Then::Stop => myself.stop(None),
        }
        Ok(())
    }
}

impl Library for Ractor {
    type Actor = ActorRef<Message>;

    fn start(runtime: &Handle) -> Self {
        Self(runtime.clone())
    }

    async fn spawn(&self, _place: usize, worker: Worker<ActorRef<Message>>) -> ActorRef<Message> {
        let (actor, _join) = Player::spawn(None, Player, worker).await.expect("it starts without fail");
        actor
    }

    fn client(&self, _place: usize, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work);
    }

    fn stop(self, _runtime: &Handle) {}
}

impl Actor for ActorRef<Message> {
    async fn tell(&self, message: Tell<Self>) {
        let _ = self.cast(Message::Tell(message));
    }

    async fn bump(&self) -> u64 {
        ractor::call!(self, Message::Bump).expect("the actor answers")
    }
}

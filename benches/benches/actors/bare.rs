//! No library: a task that reads an unbounded channel.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::library::{Actor, Library, Tell, Then, Worker, timers};

#[derive(Clone)]
pub(crate) struct Tokio(Handle);

#[derive(Clone)]
pub(crate) struct Sender(mpsc::UnboundedSender<Message>);

enum Message {
    Tell(Tell<Sender>),
    Bump(oneshot::Sender<u64>),
}

impl Library for Tokio {
    type Actor = Sender;

    fn start(runtime: &Handle) -> Self {
        Self(runtime.clone())
    }

    async fn spawn(&self, _place: usize, worker: Worker<Sender>) -> Sender {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.spawn(run(worker, receiver, sender.downgrade()));
        Sender(sender)
    }

    fn client(&self, _place: usize, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work);
    }

    fn stop(self, _runtime: &Handle) {}
}

impl Actor for Sender {
    async fn tell(&self, message: Tell<Self>) {
        // Whoever counts the messages sees that one is missing.
        let _ = self.0.send(Message::Tell(message));
    }

    async fn bump(&self) -> u64 {
        let (reply, answer) = oneshot::channel();
        let _ = self.0.send(Message::Bump(reply));
        answer.await.expect("the task answers")
    }
}

async fn run(
    mut worker: Worker<Sender>,
    mut receiver: mpsc::UnboundedReceiver<Message>,
    own: mpsc::WeakUnboundedSender<Message>,
) {
    while let Some(message) = receiver.recv().await {
        let message = match message {
            Message::Tell(message) => message,
            Message::Bump(reply) => {
                let _ = reply.send(worker.bump());
                continue;
            }
        };
        match worker.tell(message) {
            Then::Wait => {}
            Then::Send(to, message) => drop(to.0.send(Message::Tell(message))),
            Then::Delay(first) => {
                for delay in timers(first) {
                    let Some(own) = own.upgrade() else { return };
                    tokio::spawn(async move {
                        tokio::time::sleep(delay).await;
                        let _ = own.send(Message::Tell(Tell::Touch));
                    });
                }
            }
            Then::Stop => return,
        }
    }
}

//! libprocess: a message is a closure, which runs on the actor.

use std::future::Future;

use libprocess::{Context, Node, Pid, Process};
use tokio::runtime::Handle;

use crate::library::{Actor, Library, Tell, Worker, timers};

#[derive(Clone)]
pub(crate) struct Libprocess(pub(crate) Node);

pub(crate) struct Player(Worker<Pid<Player>>);

impl Process for Player {}

impl Library for Libprocess {
    type Actor = Pid<Player>;

    fn start(runtime: &Handle) -> Self {
        let node = runtime.block_on(Node::builder().start());
        Self(node.expect("a node that listens on the loopback address starts"))
    }

    async fn spawn(&self, _place: usize, worker: Worker<Pid<Player>>) -> Pid<Player> {
        self.0.spawn(Player(worker))
    }

    fn client(&self, _place: usize, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.0.run(work));
    }

    fn stop(self, runtime: &Handle) {
        runtime.block_on(self.0.shutdown());
    }
}

impl Actor for Pid<Player> {
    async fn tell(&self, message: Tell<Self>) {
        match message {
            Tell::Add(count) => self.tell(move |player, _cx| player.0.add(count)),
            Tell::Touch => self.tell(|player, _cx| player.0.touch()),
            Tell::Ball(hops) => hit(self, hops),
            Tell::Meet(neighbour) => self.tell(move |player, _cx| player.0.meet(neighbour)),
            Tell::Arm(first) => self.tell(move |_player, cx| {
                for delay in timers(first) {
                    let _ = cx.delay(delay, |player, _cx| player.0.touch());
                }
            }),
            Tell::Finish => self.tell(|player, cx: &mut Context<Player>| {
                player.0.finish();
                cx.terminate();
            }),
        }
    }

    async fn bump(&self) -> u64 {
        self.ask(|player, _cx| player.0.bump()).await.expect("the actor answers")
    }
}

fn hit(pid: &Pid<Player>, hops: u64) {
    pid.tell(move |player, _cx| {
        if let Some((neighbour, hops)) = player.0.ball(hops) {
            hit(neighbour, hops);
        }
    });
}

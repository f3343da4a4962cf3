//! How many messages a second go from one node to another, over loopback?
//!
//! Both ends are in this process, so that the processor time of a message is that of both. Beside ours
//! stand the same bytes, made before and sent in large pieces to a reader that only counts them, and
//! hyper on both ends, which asks for one message at a time, since it sends the next on a connection
//! when it has the answer to the last, and messages must keep their order.

mod hyper;
mod stream;

use std::sync::Arc;

use libprocess::{Context, Node, Process};
use mesos_benches::Limit;
use tokio::sync::Notify;

use crate::Plan;
use crate::local::runtime;
use crate::measure::{Sample, Stopwatch};
use crate::report::number;

const COUNT: u64 = 200_000;
const BODY_BYTES: usize = 64;
const NAME: &str = "bench.Numbered";

/// Ten times what C++ libprocess does on such a machine (26 to 40 thousand a second), for a tenth of
/// the processor time (22 to 35 microseconds each).
const PER_SECOND_MIN: f64 = 300_000.0;
const CPU_MICROSECONDS_MAX: f64 = 2.2;

type Measure = fn(u64) -> Sample;

const OURS: usize = 0;
/// With the part of the messages that each is given.
const COMPETITORS: [(&str, u64, Measure); 3] =
    [("libprocess", 1, ours), ("bytes", 1, stream::measure), ("hyper", 10, hyper::measure)];

pub(crate) fn measure(plan: &Plan) -> Vec<String> {
    if !plan.wants("remote") {
        return Vec::new();
    }
    let mut best = [Sample::default(); COMPETITORS.len()];
    for round in 0..plan.rounds() {
        eprintln!("remote: round {} of {}", round + 1, plan.rounds());
        for ((_, part, measure), best) in COMPETITORS.iter().zip(&mut best) {
            *best = best.best(measure(plan.scaled(COUNT) / part));
        }
    }
    println!("\nMessages to another node over loopback, best of {} rounds", plan.rounds());
    println!("{:12}{:>14}{:>14}{:>14}", "", "per second", "wall ns", "cpu ns");
    for ((name, ..), sample) in COMPETITORS.iter().zip(&best) {
        let (wall, cpu) = (number(sample.wall), number(sample.cpu));
        println!("{name:12}{:>14.0}{wall:>14}{cpu:>14}", 1e9 / sample.wall);
    }
    vec![
        Limit::AtLeast(PER_SECOND_MIN).bar("actors/remote_per_second", 1e9 / best[OURS].wall),
        Limit::AtMost(CPU_MICROSECONDS_MAX).bar("actors/remote_cpu_microseconds", best[OURS].cpu / 1e3),
    ]
}

/// The body of a message: its number, and filling.
fn body(number: u64) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.resize(BODY_BYTES, b'.');
    body
}

fn number_of(body: &[u8]) -> Option<u64> {
    let number = body.first_chunk().copied().map(u64::from_le_bytes);
    number.filter(|_| body.len() == BODY_BYTES)
}

struct Receiver {
    seen: u64,
    awaited: u64,
    done: Arc<Notify>,
}

impl Process for Receiver {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        cx.install_raw(NAME, |receiver, _cx, _from, body| {
            assert_eq!(number_of(body), Some(receiver.seen), "messages keep their order, and none is lost");
            receiver.seen += 1;
            if receiver.seen == receiver.awaited {
                receiver.done.notify_one();
            }
        });
    }
}

struct Source;

impl Process for Source {}

fn ours(count: u64) -> Sample {
    let runtime = runtime();
    runtime.block_on(async {
        let start = || async { Node::builder().start().await.expect("a node starts on loopback") };
        let (near, far) = (start().await, start().await);
        let done = Arc::new(Notify::new());
        let receiver = far.spawn(Receiver { seen: 0, awaited: count, done: Arc::clone(&done) });
        let source = near.spawn(Source);
        // Until it has its handlers.
        receiver.ask(|_, _| ()).await.expect("the receiver runs");

        let watch = Stopwatch::start();
        let (from, to, node) = (source.upid().clone(), receiver.upid().clone(), near.clone());
        let sending = near.run(async move {
            for number in 0..count {
                node.send_raw(&from, &to, NAME, body(number));
            }
        });
        done.notified().await;
        let sample = watch.stop(count);
        sending.await.expect("all is sent when all has come");
        near.shutdown().await;
        far.shutdown().await;
        sample
    })
}

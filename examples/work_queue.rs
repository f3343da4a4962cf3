//! Futures that actors give: several answers as one, the first of several, one that is too late, and work that
//! stops since nobody wants its result any more.
//!
//! ```text
//! cargo run --example work_queue
//! ```

use std::collections::VecDeque;
use std::error::Error;
use std::time::Duration;

use libprocess::{Clock, Context, Future, Node, Pid, Process, Promise, Time, collect, select};

/// Hands jobs to workers, one each at a time; what comes while all of them work waits.
struct Dispatcher {
    idle: Vec<Pid<Worker>>,
    waiting: VecDeque<(u32, Promise<String>)>,
}

impl Process for Dispatcher {}

impl Dispatcher {
    /// The result is not there when this returns: what it returns is the promise of it.
    fn submit(&mut self, cx: &mut Context<Self>, job: u32) -> Future<String> {
        let (promise, result) = Promise::pair();
        self.waiting.push_back((job, promise));
        self.assign(cx);
        result
    }

    fn assign(&mut self, cx: &mut Context<Self>) {
        while let Some((job, promise)) = self.waiting.pop_front() {
            if !promise.is_wanted() {
                println!("job {job}: nobody waits for it any more");
                promise.discard();
                continue;
            }
            let Some(worker) = self.idle.pop() else { return self.waiting.push_front((job, promise)) };
            // An actor does not wait: the worker's answer comes back as another piece of work.
            let done = worker.ask_future(move |worker, cx| worker.work(cx, job));
            cx.run(done, move |dispatcher, cx, done| {
                promise.complete(done);
                dispatcher.idle.push(worker);
                dispatcher.assign(cx);
            });
        }
    }
}

struct Worker {
    name: &'static str,
    takes: Duration,
}

impl Process for Worker {}

impl Worker {
    /// Works for as long as it takes, on the clock of the node.
    fn work(&mut self, cx: &mut Context<Self>, job: u32) -> Future<String> {
        let name = self.name;
        cx.node().clock().sleep(self.takes).then(move |()| format!("job {job} by {name}"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Time goes on when it is told to, so that what is printed is the same each time.
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await?;
    let worker = |name, seconds| node.spawn(Worker { name, takes: Duration::from_secs(seconds) });
    let idle = vec![worker("snail", 60), worker("hare", 2)];
    let dispatcher = node.spawn(Dispatcher { idle, waiting: VecDeque::new() });
    let submit = |job| dispatcher.ask_future(move |dispatcher, cx| dispatcher.submit(cx, job));
    let pass = async |seconds| {
        // Whoever is to wait begins to before time goes on.
        clock.settle().await;
        clock.advance(Duration::from_secs(seconds)).await;
    };

    // All of several, in the order in which they were asked for.
    let all = collect([submit(1), submit(2), submit(3)]);
    pass(60).await;
    for result in all.await? {
        println!("{result}");
    }

    // The first of several; the others are asked to stop.
    let first = select([submit(4), submit(5)]);
    pass(2).await;
    let (place, result) = first.await?;
    println!("first: {result}, number {place} of the two");

    // One that may take so long and no longer. It waits behind others here, and gets no worker at all once it
    // has been discarded.
    let (busy, late) = (collect([submit(6), submit(7)]), submit(8));
    let late = late.after(&clock, Duration::from_secs(1), |late| {
        late.discard();
        Future::failed("job 8: not done within a second")
    });
    pass(1).await;
    println!("{}", late.await.err().ok_or("it was in time")?);
    pass(59).await;
    println!("{}", busy.await?.join(", "));

    node.shutdown().await;
    Ok(())
}

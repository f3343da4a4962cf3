//! The rows: what is sent, how much of it, and what must have come of it.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::library::{Actor, Gate, Library, TIMERS, Tell, Worker};
use crate::measure::{Sample, Stopwatch};

/// How many actors a ring, a fan-out and the timers have.
pub(crate) const CROWD: usize = 1000;
/// How many balls each pair plays with.
const BALLS: usize = 1000;
const PAIRS: usize = 2;

/// Clients that never pause send to one actor.
pub(crate) async fn tell<L: Library>(library: L, producers: u64, count: u64) -> Sample {
    let each = count / producers;
    let gate = Gate::new(1);
    let actor = library.spawn(1, Worker::awaiting(each * producers, &gate)).await;
    let watch = Stopwatch::start();
    for producer in 0..producers {
        let actor = actor.clone();
        library.client(producer as usize, async move {
            for _ in 0..each {
                actor.tell(Tell::Add(1)).await;
            }
        });
    }
    gate.wait().await;
    let sample = watch.stop(each * producers);
    assert_eq!(actor.bump().await, each * producers + 1, "the actor had every message once");
    sample
}

/// Clients ask one actor, each again when it has its answer.
pub(crate) async fn ask<L: Library>(library: L, clients: u64, count: u64, timed: bool) -> Sample {
    let each = count / clients;
    let actor = library.spawn(1, Worker::new(&Gate::new(1))).await;
    let (done, mut results) = mpsc::unbounded_channel();
    let watch = Stopwatch::start();
    for client in 0..clients {
        let (actor, done) = (actor.clone(), done.clone());
        library.client(client as usize, async move {
            let latencies =
                if timed { asks_timed(&actor, each).await } else { asks(&actor, each, clients == 1).await };
            // The row waits for it.
            let _ = done.send(latencies);
        });
    }
    let mut latencies = Vec::new();
    for _ in 0..clients {
        latencies.extend(results.recv().await.expect("no client gives up"));
    }
    let sample = watch.stop(each * clients);
    assert_eq!(actor.bump().await, each * clients + 1, "the actor answered every question once");
    if timed { Sample::default().with_latencies(latencies) } else { sample }
}

async fn asks<A: Actor>(actor: &A, count: u64, alone: bool) -> Vec<u32> {
    let mut last = 0;
    for _ in 0..count {
        let seen = actor.bump().await;
        assert!(if alone { seen == last + 1 } else { seen > last }, "{seen} is the answer to {last}");
        last = seen;
    }
    Vec::new()
}

async fn asks_timed<A: Actor>(actor: &A, count: u64) -> Vec<u32> {
    let mut latencies = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let asked = Instant::now();
        actor.bump().await;
        latencies.push(u32::try_from(asked.elapsed().as_nanos()).unwrap_or(u32::MAX));
    }
    latencies
}

/// Two actors pass a ball back and forth.
pub(crate) async fn ping_pong<L: Library>(library: L, hops: u64) -> Sample {
    let gate = Gate::new(1);
    let pair = ring(&library, 0, 2, &gate).await;
    let watch = Stopwatch::start();
    pair[0].tell(Tell::Ball(hops - 1)).await;
    gate.wait().await;
    let sample = watch.stop(hops);
    check(&pair, hops).await;
    sample
}

/// Two pairs of actors, each with many balls in the air.
pub(crate) async fn pairs<L: Library>(library: L, hops: u64) -> Sample {
    let each = hops / (PAIRS * BALLS) as u64;
    let gate = Gate::new(PAIRS * BALLS);
    let mut pairs = Vec::new();
    for place in 0..PAIRS {
        pairs.push(ring(&library, place, 2, &gate).await);
    }
    let watch = Stopwatch::start();
    for _ in 0..BALLS {
        for pair in &pairs {
            pair[0].tell(Tell::Ball(each - 1)).await;
        }
    }
    gate.wait().await;
    let sample = watch.stop(each * (PAIRS * BALLS) as u64);
    for pair in &pairs {
        check(pair, each * BALLS as u64).await;
    }
    sample
}

/// One ball goes round a ring of actors.
pub(crate) async fn around<L: Library>(library: L, hops: u64) -> Sample {
    let gate = Gate::new(1);
    let actors = ring(&library, 0, CROWD, &gate).await;
    let watch = Stopwatch::start();
    actors[0].tell(Tell::Ball(hops - 1)).await;
    gate.wait().await;
    let sample = watch.stop(hops);
    check(&actors, hops).await;
    sample
}

/// One sends to a crowd, and again when all of it has the message.
pub(crate) async fn fan_out<L: Library>(library: L, messages: u64) -> Sample {
    let rounds = messages / CROWD as u64;
    let gate = Gate::new(0);
    let mut actors = Vec::new();
    for place in 0..CROWD {
        actors.push(library.spawn(place, Worker::new(&gate)).await);
    }
    ready(&actors).await;
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        gate.close(CROWD);
        for actor in &actors {
            actor.tell(Tell::Touch).await;
        }
        gate.wait().await;
    }
    let sample = watch.stop(rounds * CROWD as u64);
    check(&actors, rounds * CROWD as u64).await;
    sample
}

/// Actors that start and have a message, and when all of them live, end.
pub(crate) async fn lives<L: Library>(library: L, actors: u64) -> Sample {
    // Each arrives with its message, and when it ends.
    let gate = Gate::new(2 * actors as usize);
    let watch = Stopwatch::start();
    let mut alive = Vec::with_capacity(actors as usize);
    for place in 0..actors {
        let actor = library.spawn(place as usize, Worker::awaiting(1, &gate)).await;
        actor.tell(Tell::Add(1)).await;
        alive.push(actor);
    }
    for actor in alive {
        actor.tell(Tell::Finish).await;
    }
    gate.wait().await;
    watch.stop(actors)
}

/// Actors that set timers, which all come back as messages.
pub(crate) async fn timers<L: Library>(library: L, timers: u64) -> Sample {
    let count = (timers as usize / TIMERS).clamp(1, CROWD);
    let gate = Gate::new(count * TIMERS);
    let mut actors = Vec::new();
    for place in 0..count {
        actors.push(library.spawn(place, Worker::new(&gate)).await);
    }
    ready(&actors).await;
    let watch = Stopwatch::start();
    for (n, actor) in actors.iter().enumerate() {
        actor.tell(Tell::Arm(Duration::from_millis(50) + Duration::from_micros(n as u64))).await;
    }
    gate.wait().await;
    let sample = watch.stop((count * TIMERS) as u64);
    check(&actors, (count * TIMERS) as u64).await;
    // How long they take is what they were told.
    Sample { wall: f64::NAN, ..sample }
}

/// Actors each of which has the next one as neighbour, and the last one the first.
async fn ring<L: Library>(
    library: &L,
    place: usize,
    count: usize,
    gate: &std::sync::Arc<Gate>,
) -> Vec<L::Actor> {
    let mut actors = Vec::new();
    for _ in 0..count {
        actors.push(library.spawn(place, Worker::new(gate)).await);
    }
    for (n, actor) in actors.iter().enumerate() {
        actor.tell(Tell::Meet(actors[(n + 1) % count].clone())).await;
    }
    ready(&actors).await;
    actors
}

/// Waits until all have started.
pub(crate) async fn ready<A: Actor>(actors: &[A]) {
    for actor in actors {
        assert_eq!(actor.bump().await, 1, "an actor counts from nothing");
    }
}

/// Sees that the actors had so many messages, beside those that [`ready`] and this send.
async fn check<A: Actor>(actors: &[A], messages: u64) {
    let mut seen = 0;
    for actor in actors {
        seen += actor.bump().await - 2;
    }
    assert_eq!(seen, messages, "the actors had every message once");
}

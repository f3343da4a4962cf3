//! The rows between actors of one process, for every library in turn.

use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::bare::Tokio;
use crate::library::Library;
use crate::measure::Sample;
use crate::ours::Libprocess;
use crate::peers::actix::Actix;
use crate::peers::kameo::Kameo;
use crate::peers::ractor::Ractor;
use crate::peers::xtra::Xtra;
use crate::report::{Figure, Results, Role, Row};
use crate::{Plan, call, work};

/// No sample takes nearly as long; one that does hangs.
const SAMPLE_WAIT_MAX: Duration = Duration::from_secs(120);

#[derive(Clone, Copy)]
enum Work {
    Tell { producers: u64 },
    Ask { clients: u64 },
    Latency { clients: u64 },
    PingPong,
    Pairs,
    Ring,
    FanOut,
    Lives,
    Timers,
}

/// What is measured, how often in a round, and how many times as long as tokio's task ours may take.
const ROWS: [(Row, Work, u64); 12] = [
    (Row::new("tell_1", Figure::Wall, Some(1.1)), Work::Tell { producers: 1 }, 1_000_000),
    (Row::new("tell_4", Figure::Wall, Some(0.5)), Work::Tell { producers: 4 }, 1_000_000),
    (Row::new("ask_1", Figure::Wall, Some(0.6)), Work::Ask { clients: 1 }, 100_000),
    (Row::new("ask_100", Figure::Wall, Some(0.9)), Work::Ask { clients: 100 }, 300_000),
    (Row::new("ping_pong", Figure::Wall, Some(0.3)), Work::PingPong, 500_000),
    (Row::new("two_pairs", Figure::Wall, Some(0.5)), Work::Pairs, 1_000_000),
    (Row::new("ring", Figure::Wall, Some(0.3)), Work::Ring, 300_000),
    (Row::new("fan_out", Figure::Wall, Some(1.0)), Work::FanOut, 500_000),
    (Row::new("spawn", Figure::Wall, Some(0.15)), Work::Lives, 100_000),
    (Row::new("timers", Figure::Cpu, Some(1.0)), Work::Timers, 100_000),
    (Row::new("ask_1_p99", Figure::P99, None), Work::Latency { clients: 1 }, 100_000),
    (Row::new("ask_100_p99", Figure::P99, Some(2.0)), Work::Latency { clients: 100 }, 300_000),
];

type Measure = fn(Work, u64) -> Option<Sample>;

const COMPETITORS: [(&str, Role, Measure); 8] = [
    ("call", Role::Floor, call),
    ("tokio", Role::Limit, sample::<Tokio>),
    ("libprocess", Role::Ours, sample::<Libprocess>),
    ("actix", Role::Crate, sample::<Actix<2>>),
    ("actix (1)", Role::Crate, sample::<Actix<1>>),
    ("ractor", Role::Crate, sample::<Ractor>),
    ("kameo", Role::Crate, sample::<Kameo>),
    ("xtra", Role::Crate, sample::<Xtra>),
];

pub(crate) fn measure(plan: &Plan) -> Vec<String> {
    let rows: Vec<_> = ROWS.into_iter().filter(|(row, ..)| plan.wants(row.name)).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let roles = COMPETITORS.map(|(name, role, _)| (name, role));
    let mut results = Results::new(&roles, rows.iter().map(|(row, ..)| *row));
    for round in 0..plan.rounds() {
        eprintln!("actors: round {} of {}", round + 1, plan.rounds());
        for (at, (_, work, count)) in rows.iter().enumerate() {
            for turn in 0..COMPETITORS.len() {
                let turn = (turn + round) % COMPETITORS.len();
                let (_, _, measure) = COMPETITORS[turn];
                if let Some(sample) = measure(*work, plan.scaled(*count)) {
                    results.add(at, turn, sample);
                }
            }
        }
    }
    println!("\nBetween actors of one process: wall/cpu ns per operation, best of {} rounds", plan.rounds());
    results.print()
}

/// Two workers, which every library on tokio has.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads can be started")
}

fn sample<L: Library>(work: Work, count: u64) -> Option<Sample> {
    Some(on_client(move |library: L| async move {
        run(work, library.clone(), count / 10).await;
        run(work, library, count).await
    }))
}

/// Starts a library, has a client of it do the work, and ends the library again.
pub(crate) fn on_client<L, T, F>(work: impl FnOnce(L) -> F) -> T
where
    L: Library,
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let runtime = runtime();
    let library = L::start(runtime.handle());
    let (done, result) = mpsc::channel();
    let work = work(library.clone());
    library.client(0, async move {
        // Whoever waits has given up only if all ends.
        let _ = done.send(work.await);
    });
    let result = result.recv_timeout(SAMPLE_WAIT_MAX).expect("the work ends, and well");
    library.stop(runtime.handle());
    result
}

async fn run<L: Library>(work: Work, library: L, count: u64) -> Sample {
    match work {
        Work::Tell { producers } => work::tell(library, producers, count).await,
        Work::Ask { clients } => work::ask(library, clients, count, false).await,
        Work::Latency { clients } => work::ask(library, clients, count, true).await,
        Work::PingPong => work::ping_pong(library, count).await,
        Work::Pairs => work::pairs(library, count).await,
        Work::Ring => work::around(library, count).await,
        Work::FanOut => work::fan_out(library, count).await,
        Work::Lives => work::lives(library, count).await,
        Work::Timers => work::timers(library, count).await,
    }
}

fn call(work: Work, count: u64) -> Option<Sample> {
    match work {
        Work::Tell { producers: 1 } => Some(call::tell(count)),
        Work::Ask { clients: 1 } => Some(call::ask(count)),
        Work::PingPong => Some(call::ring(2, count)),
        Work::Ring => Some(call::ring(work::CROWD, count)),
        _ => None,
    }
}

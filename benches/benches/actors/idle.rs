//! How many bytes an actor takes that has had a message and waits for the next?
//!
//! Each library is measured in a process of its own, which counts its allocations. The bytes are those
//! that were asked for; 40 of them are what the actor keeps.

use std::process::{Command, ExitCode};

use mesos_benches::Limit;

use crate::bare::Tokio;
use crate::library::{Gate, Library, Worker};
use crate::ours::Libprocess;
use crate::peers::actix::Actix;
use crate::peers::kameo::Kameo;
use crate::peers::ractor::Ractor;
use crate::peers::xtra::Xtra;
use crate::{Plan, counting, local, work};

const ACTORS: usize = 20_000;
/// Actors that are there before the count begins, with all that is made once.
const ACTORS_BEFORE: usize = 1000;

const BYTES_MAX: f64 = 250.0;

type Measure = fn() -> f64;

const OURS: &str = "libprocess";

const COMPETITORS: [(&str, Measure); 6] = [
    ("tokio", bytes::<Tokio>),
    (OURS, bytes::<Libprocess>),
    ("actix", bytes::<Actix<1>>),
    ("ractor", bytes::<Ractor>),
    ("kameo", bytes::<Kameo>),
    ("xtra", bytes::<Xtra>),
];

pub(crate) fn measure(plan: &Plan) -> Vec<String> {
    if !plan.wants("idle_bytes") {
        return Vec::new();
    }
    println!("\nBytes of an idle actor");
    let mut ours = f64::NAN;
    let mut crates = f64::NAN;
    for (name, _) in COMPETITORS {
        let bytes = in_child(name);
        println!("{name:12}{bytes:>14.0}");
        match name {
            OURS => ours = bytes,
            "tokio" => {}
            _ => crates = crates.min(bytes),
        }
    }
    vec![
        Limit::AtMost(BYTES_MAX).bar("actors/idle_bytes", ours),
        Limit::AtMost(1.0).bar("actors/idle_bytes/ahead", ours / crates),
    ]
}

fn in_child(name: &str) -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program).args(["--idle", name]).output().expect("this program starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    printed.trim().parse().unwrap_or_else(|_| {
        panic!("no figure from {name}: {printed}{}", String::from_utf8_lossy(&output.stderr))
    })
}

/// Prints the figure of one library.
pub(crate) fn child(name: &str) -> ExitCode {
    let Some((_, measure)) = COMPETITORS.iter().find(|(other, _)| *other == name) else {
        eprintln!("there is no library '{name}'");
        return ExitCode::FAILURE;
    };
    counting::start();
    println!("{}", measure());
    ExitCode::SUCCESS
}

fn bytes<L: Library>() -> f64 {
    local::on_client(|library: L| async move {
        let before = crowd(&library, ACTORS_BEFORE).await;
        let empty: Vec<L::Actor> = Vec::with_capacity(ACTORS);
        let bytes = counting::bytes();
        // As long as the other, so that handles do not count.
        drop(empty);
        let actors = crowd(&library, ACTORS).await;
        let bytes = counting::bytes() - bytes;
        drop((before, actors));
        bytes as f64 / ACTORS as f64
    })
}

async fn crowd<L: Library>(library: &L, count: usize) -> Vec<L::Actor> {
    let gate = Gate::new(1);
    let mut actors = Vec::with_capacity(count);
    for place in 0..count {
        actors.push(library.spawn(place, Worker::new(&gate)).await);
    }
    work::ready(&actors).await;
    actors
}

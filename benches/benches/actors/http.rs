//! How many HTTP requests a second, and how much processor time is one?
//!
//! Each server is a process of its own, so that the time of the clients does not count; what counts is
//! processor time a request. All answer the same five bytes, over connections that stay open.

mod load;
mod server;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use mesos_benches::Limit;

use crate::Plan;
use crate::local::runtime;
use crate::measure::{Sample, Stopwatch};
use crate::report::number;

pub(crate) use server::child;

const CONNECTIONS: u64 = 50;
const REQUESTS: u64 = 40_000;

/// So many times the processor time of bare hyper a request may take.
const HYPER_RATIO_MAX: f64 = 1.15;

pub(crate) fn measure(plan: &Plan) -> Vec<String> {
    if !plan.wants("http") {
        return Vec::new();
    }
    let runtime = runtime();
    let mut servers = server::NAMES.map(Server::start);
    let mut best = [Sample::default(); server::NAMES.len()];
    let requests = plan.scaled(REQUESTS);
    for round in 0..plan.rounds() {
        eprintln!("http: round {} of {}", round + 1, plan.rounds());
        for (server, best) in servers.iter_mut().zip(&mut best) {
            let address = server.address.clone();
            let ask = |requests| runtime.block_on(load::run(&address, CONNECTIONS, requests / CONNECTIONS));
            ask(requests / 10);
            let (cpu, watch) = (server.cpu_ns(), Stopwatch::start());
            ask(requests);
            let sample = Sample { cpu: f64::NAN, ..watch.stop(requests) };
            let cpu = (server.cpu_ns() - cpu) as f64 / requests as f64;
            *best = best.best(Sample { cpu, ..sample });
        }
    }
    println!("\nHTTP requests over {CONNECTIONS} connections, best of {} rounds", plan.rounds());
    println!("{:16}{:>14}{:>14}", "", "per second", "cpu ns");
    for (name, sample) in server::NAMES.iter().zip(&best) {
        println!("{name:16}{:>14.0}{:>14}", 1e9 / sample.wall, number(sample.cpu));
    }
    let ratio = |name: &str| {
        let at = |name: &str| server::NAMES.iter().position(|other| *other == name);
        let cpu = |name: &str| at(name).map_or(f64::NAN, |at| best[at].cpu);
        cpu(name) / cpu(server::HYPER)
    };
    vec![Limit::AtMost(HYPER_RATIO_MAX).bar("actors/http", ratio(server::OURS))]
}

/// A server in a process of its own, which ends with this handle.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start(name: &str) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args(["--serve", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut server = Self { child, input, output, address: String::new() };
        server.address = server.line();
        server
    }

    /// Its processor time so far.
    fn cpu_ns(&mut self) -> u64 {
        writeln!(self.input, "cpu").expect("the server lives");
        self.line().parse().expect("the server prints a number")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the server lives");
        line.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is gone already, or goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server process prints when it is asked for its processor time, until nobody asks any more.
fn answer_for_cpu_time(address: impl std::fmt::Display) -> ExitCode {
    println!("{address}");
    for line in std::io::stdin().lines() {
        if line.is_err() {
            break;
        }
        println!("{}", crate::measure::cpu_ns());
    }
    ExitCode::SUCCESS
}

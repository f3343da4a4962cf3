//! Cycles that offer every agent.

use std::hint::black_box;

use mesos_resources::{Quantities, Resources};

use crate::cluster::{AGENT, Cluster, Roles, resources};
use crate::timing::cpu;
use crate::{Bars, Plan};

/// Agents, frameworks, and the most milliseconds that a cycle over all may take, if there is a limit apart from
/// that for each agent.
const SIZES: [(usize, usize, Option<f64>); 7] = [
    (1_000, 50, None),
    (5_000, 200, None),
    (5_000, 1_000, None),
    (10_000, 50, None),
    (10_000, 1_000, Some(60.0)),
    (20_000, 2_000, None),
    (50_000, 5_000, Some(500.0)),
];

/// The most microseconds for each agent that is offered.
pub(crate) const MICROS_PER_AGENT_MAX: f64 = 6.0;

pub(crate) fn measure(plan: Plan, bars: &mut Bars) {
    println!("A cycle that offers every agent; milliseconds for all, microseconds for each agent.");
    println!(
        "{:>7} {:>10}  {:<11} {:>9} {:>9} {:>8} {:>9} {:>8} {:>9} {:>7} {:>7}",
        "agents", "frameworks", "", "add", "cycle", "each", "again", "each", "decline", "bare", "ratio"
    );
    for (agents, frameworks, limit) in SIZES {
        for roles in [Roles::One, Roles::Each] {
            let figures = cycle(plan.scaled(agents), plan.scaled(frameworks), roles);
            figures.print(roles);
            let name = format!("{agents}x{frameworks}/{}", roles.label().replace(' ', "_"));
            let worst = figures.each(figures.cycle).max(figures.each(figures.again));
            bars.at_most(&format!("{name}/us_per_agent"), MICROS_PER_AGENT_MAX, worst);
            if let Some(limit) = limit {
                bars.at_most(&format!("{name}/ms"), limit, figures.cycle.max(figures.again) * 1e3);
            }
        }
    }
    one_by_one(plan);
}

/// Seconds.
struct Figures {
    agents: usize,
    frameworks: usize,
    add: f64,
    cycle: f64,
    /// Once all were declined for long, so that each goes to somebody else.
    again: f64,
    decline: f64,
    bare: f64,
}

impl Figures {
    fn each(&self, seconds: f64) -> f64 {
        seconds * 1e6 / self.agents as f64
    }

    fn print(&self, roles: Roles) {
        println!(
            "{:>7} {:>10}  {:<11} {:>9.2} {:>9.2} {:>8.2} {:>9.2} {:>8.2} {:>9.2} {:>7.2} {:>7.1}",
            self.agents,
            self.frameworks,
            roles.label(),
            self.add * 1e3,
            self.cycle * 1e3,
            self.each(self.cycle),
            self.again * 1e3,
            self.each(self.again),
            self.decline * 1e3,
            self.bare * 1e3,
            self.cycle / self.bare,
        );
    }
}

fn cycle(agents: usize, frameworks: usize, roles: Roles) -> Figures {
    let mut cluster = Cluster::new();
    cluster.frameworks(frameworks, roles);
    let total = resources(AGENT);
    let add = cpu(|| cluster.agents(agents, |_| total.clone())).1;
    let cycle = cluster.run();
    let offers = cluster.offers();
    assert_eq!(offers.len(), agents, "every agent is offered");
    let decline = cluster.decline(offers, 1e6);
    let again = cluster.tick();
    assert_eq!(cluster.offers().len(), agents, "every agent is offered to somebody else");
    Figures { agents, frameworks, add, cycle, again, decline, bare: bare(agents) }
}

/// One pass over the resources of so many agents.
fn bare(agents: usize) -> f64 {
    let all: Vec<Resources> = (0..agents).map(|_| resources(AGENT)).collect();
    let pass = || {
        let mut sum = Quantities::new();
        for resources in black_box(&all) {
            let copy = resources.clone();
            sum += &black_box(copy).quantities();
        }
        black_box(sum);
    };
    (0..5).map(|_| cpu(pass).1).fold(f64::INFINITY, f64::min)
}

/// Adds agents with a run for each, as when they register slowly.
fn one_by_one(plan: Plan) {
    println!("Adding agents with a run for each:");
    for roles in [Roles::One, Roles::Each] {
        let (agents, frameworks) = (plan.scaled(10_000), plan.scaled(1_000));
        let mut cluster = Cluster::new();
        cluster.frameworks(frameworks, roles);
        let total = resources(AGENT);
        let took = cpu(|| {
            for agent in 0..agents {
                cluster.accept(Cluster::agent(agent, total.clone()));
                cluster.allocation.run(cluster.now, &mut cluster.out);
            }
        })
        .1;
        assert_eq!(cluster.offers().len(), agents, "every agent is offered");
        println!(
            "{agents:>7} {frameworks:>10}  {:<11} {:>9.2} ms, {:.2} us each",
            roles.label(),
            took * 1e3,
            took * 1e6 / agents as f64
        );
    }
}

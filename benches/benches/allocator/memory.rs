//! What the allocation keeps.

use mesos_resources::Resources;

use crate::cluster::{AGENT, Cluster, Roles, resources};
use crate::{Plan, counting};

pub(crate) fn measure(plan: Plan) {
    let (agents, frameworks) = (plan.scaled(10_000), plan.scaled(1_000));
    counting::start();
    let mut cluster = Cluster::new();
    let total: Resources = resources(AGENT);
    let before = counting::bytes();
    cluster.frameworks(frameworks, Roles::Each);
    let with_frameworks = counting::bytes();
    cluster.agents(agents, |_| total.clone());
    let with_agents = counting::bytes();
    cluster.run();
    let offers = cluster.offers();
    drop(offers);
    let offered = counting::bytes();
    let each = |bytes: isize, count: usize| bytes as f64 / count as f64;
    println!("Memory in bytes:");
    println!("{:>9.0} for a framework in a role of its own", each(with_frameworks - before, frameworks));
    println!("{:>9.0} for an agent", each(with_agents - with_frameworks, agents));
    println!("{:>9.0} more for an agent that is offered", each(offered - with_agents, agents));
}

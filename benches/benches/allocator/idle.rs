//! Cycles with little or nothing to do.

use std::collections::BTreeSet;

use mesos_allocation::Input;

use crate::cluster::{AGENT, Cluster, Roles, framework_id, resources};
use crate::{Bars, Plan};

/// The most milliseconds of a cycle with nothing to do.
const IDLE_MS_MAX: f64 = 5.0;

pub(crate) fn measure(plan: Plan, bars: &mut Bars) {
    let agents = plan.scaled(50_000);
    println!("Cycles over {agents} agents with nothing to do, in milliseconds.");

    let frameworks = plan.scaled(5_000);
    let mut cluster = Cluster::new();
    cluster.frameworks(frameworks, Roles::Each);
    for framework in 0..frameworks {
        let framework = framework_id(framework);
        cluster.accept(Input::Suppress { framework, roles: BTreeSet::new() });
    }
    cluster.agents(agents, |_| resources(AGENT));
    report(&mut cluster, bars, "all suppressed", frameworks);

    let frameworks = plan.scaled(500).min(10);
    let mut cluster = Cluster::new();
    cluster.frameworks(frameworks, Roles::One);
    cluster.agents(agents, |_| resources(AGENT));
    for _ in 0..frameworks {
        cluster.tick();
        let offers = cluster.offers();
        assert!(!offers.is_empty(), "somebody has not refused yet");
        cluster.decline(offers, 1e6);
    }
    report(&mut cluster, bars, "all filtered", frameworks);
    curve(&mut cluster, agents);
    // Of everything that was woken, nothing is left to do.
    let offers = cluster.offers();
    assert!(offers.is_empty(), "all is filtered");

    let mut cluster = Cluster::new();
    cluster.frameworks(frameworks, Roles::Each);
    cluster.quota("hungry".to_owned(), "cpus:1000000000;mem:1000000000;disk:1000000000");
    cluster.agents(agents, |_| resources("cpus:24;mem:4096;disk:4096"));
    report(&mut cluster, bars, "all held for a quota", frameworks);
}

/// Runs a cycle that has to look at everything, then one that has not.
fn report(cluster: &mut Cluster, bars: &mut Bars, name: &str, frameworks: usize) {
    let first = cluster.tick();
    assert!(cluster.offers().is_empty(), "nothing is offered");
    let later = (0..3).map(|_| cluster.tick()).fold(0.0, f64::max);
    println!("{name:<24} {frameworks:>5} frameworks: first {:>9.3}, then {:>9.3}", first * 1e3, later * 1e3);
    bars.at_most(&format!("idle/{}/ms", name.replace(' ', "_")), IDLE_MS_MAX, later * 1e3);
}

/// What a cycle costs in which some agents changed.
fn curve(cluster: &mut Cluster, agents: usize) {
    println!("A cycle in which so many of them changed:");
    for changed in [0, 1, 10, 100, 1_000, 10_000, 50_000] {
        let changed = changed.min(agents);
        for agent in 0..changed {
            // A hair more, which was never refused.
            let total = resources("cpus:24;mem:4096;disk:4096;ports:[31000-32000]") + resources("spare:1");
            cluster.accept(Input::UpdateAgent {
                id: crate::cluster::agent_id(agent),
                info: mesos_api::v1::AgentInfo { hostname: format!("agent-{agent}"), ..Default::default() },
                capabilities: None,
                total: Some(total),
            });
        }
        let took = cluster.tick();
        let offers = cluster.offers();
        assert_eq!(offers.len(), changed, "what changed is offered");
        cluster.decline(offers, 0.0);
        for agent in 0..changed {
            cluster.accept(Input::UpdateAgent {
                id: crate::cluster::agent_id(agent),
                info: mesos_api::v1::AgentInfo { hostname: format!("agent-{agent}"), ..Default::default() },
                capabilities: None,
                total: Some(resources(AGENT)),
            });
        }
        cluster.tick();
        println!("{changed:>7} agents {:>9.3} ms", took * 1e3);
    }
}

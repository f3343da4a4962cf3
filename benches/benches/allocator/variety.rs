//! Clusters that are less plain.

use mesos_resources::Resources;

use crate::cluster::{AGENT, Cluster, Roles, resources};
use crate::cycles::MICROS_PER_AGENT_MAX;
use crate::timing::cpu;
use crate::{Bars, Plan};

pub(crate) fn measure(plan: Plan, bars: &mut Bars) {
    println!("Cycles over less plain clusters; milliseconds for all, microseconds for each agent.");
    let agents = plan.scaled(10_000);
    let frameworks = plan.scaled(1_000);
    let mut report = |name: &str, seconds: f64, limited: bool| {
        let each = seconds * 1e6 / agents as f64;
        println!("{name:<40} {:>9.2} {each:>8.2}", seconds * 1e3);
        if limited {
            bars.at_most(
                &format!("{}/us_per_agent", name.replace(',', "").replace(' ', "_")),
                MICROS_PER_AGENT_MAX,
                each,
            );
        }
    };
    for roles in [Roles::One, Roles::Each] {
        let mut cluster = Cluster::new();
        cluster.frameworks(frameworks, roles);
        cluster.agents(agents, uneven);
        let cycle = cluster.run();
        report(&format!("agents all different, {}", roles.label()), cycle, true);
        let offers = cluster.offers();
        cluster.decline(offers, 0.0);
        report(&format!("the same again, {}", roles.label()), cluster.tick(), true);
    }
    let mut cluster = Cluster::new();
    cluster.frameworks(frameworks, Roles::Each);
    for framework in (0..frameworks).step_by(2) {
        cluster.quota(Roles::Each.name(framework), "cpus:120;mem:20480");
    }
    cluster.agents(agents, |_| resources(AGENT));
    report("quota on half of the roles", cluster.run(), true);
    let offers = cluster.offers();
    cluster.decline(offers, 0.0);
    report("quota on half of the roles, again", cluster.tick(), true);

    let labels: String = (0..200).map(|n| format!("{{key{n}: value{n}}}")).collect::<Vec<_>>().join(",");
    let reserved: Vec<Resources> = (0..frameworks).map(|framework| labelled(framework, &labels)).collect();
    let mut cluster = Cluster::new();
    cluster.frameworks(frameworks, Roles::Each);
    cluster.agents(agents, |agent| reserved[agent % frameworks].clone());
    report("200 labels on reservations", cluster.run(), true);

    let mut cluster = Cluster::new();
    cluster.frameworks(frameworks, Roles::Each);
    cluster.agents(agents, |agent| resources(AGENT) + shared(agent % frameworks, agent));
    report("shared volumes, first cycle", cluster.run(), false);
    report("shared volumes, once all is offered", cluster.tick(), true);
    drop(cluster);

    let roles = plan.scaled(5_000);
    let mut cluster = Cluster::new();
    cluster.frameworks(roles, Roles::Each);
    for framework in 0..roles {
        cluster.quota(Roles::Each.name(framework), "cpus:120;mem:20480");
    }
    cluster.agents(agents, |_| resources(AGENT));
    cluster.run();
    let read = cpu(|| {
        let roles: f64 = cluster.allocation.roles().map(|role| role.dominant_share).sum();
        let quotas = cluster.allocation.quotas().filter(|(.., has)| !has.is_empty()).count();
        std::hint::black_box((roles, quotas, cluster.allocation.total(), cluster.allocation.allocated()))
    })
    .1;
    println!("{:<40} {:>9.2} ({roles} roles with quota)", "metrics read", read * 1e3);
}

/// No two agents have the same.
fn uneven(agent: usize) -> Resources {
    let (cpus, mem, disk) = (8 + agent % 57, 4096 + agent * 37 % 9001, 1000 + agent * 101 % 7919);
    resources(&format!("cpus:{cpus};mem:{mem};disk:{disk};ports:[31000-32000]"))
}

fn labelled(framework: usize, labels: &str) -> Resources {
    let json = |name: &str, amount: u32| {
        let labels = labels.replace('{', "{\"key\":\"").replace(": ", "\",\"value\":\"").replace('}', "\"}");
        format!(
            r#"{{"name":"{name}","type":"SCALAR","scalar":{{"value":{amount}}},"reservations":[{{"type":"DYNAMIC",
            "role":"{}","labels":{{"labels":[{labels}]}}}}]}}"#,
            Roles::Each.name(framework)
        )
    };
    from_json(&[json("cpus", 24), json("mem", 4096), json("disk", 4096)])
}

fn shared(framework: usize, agent: usize) -> Resources {
    from_json(&[format!(
        r#"{{"name":"disk","type":"SCALAR","scalar":{{"value":100}},"shared":{{}},
        "reservations":[{{"type":"DYNAMIC","role":"{}"}}],"disk":{{"persistence":{{"id":"volume-{agent}"}}}}}}"#,
        Roles::Each.name(framework)
    )])
}

fn from_json(texts: &[String]) -> Resources {
    let protos = texts.iter().map(|text| mesos_api::json::from_str(text).expect("the text is right"));
    Resources::from_protos(protos).expect("the resources are right")
}

//! The allocator on a node with a clock that stands still.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::Duration;

use libprocess::{Clock, Node, Time};
use mesos_allocator::{Allocator, HierarchicalAllocator, Input, Options, Output};
use mesos_api::v1::{AgentId, AgentInfo, Filters, FrameworkId, FrameworkInfo};
use mesos_resources::Resources;

const INTERVAL: Duration = Duration::from_secs(1);

struct Fixture {
    node: Node,
    clock: Clock,
    allocator: HierarchicalAllocator,
    outputs: mpsc::Receiver<Output>,
}

async fn start() -> Fixture {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await.unwrap();
    let (sender, outputs) = mpsc::channel();
    let sink = Box::new(move |output| sender.send(output).unwrap());
    let allocator = HierarchicalAllocator::start(&node, Options::default(), sink);
    clock.settle().await;
    Fixture { node, clock, allocator, outputs }
}

fn framework(id: &str) -> Input {
    Input::AddFramework {
        id: FrameworkId { value: id.to_owned() },
        info: FrameworkInfo::default(),
        used: BTreeMap::new(),
        active: true,
        suppressed_roles: BTreeSet::new(),
    }
}

fn agent(id: &str) -> Input {
    Input::AddAgent {
        id: AgentId { value: id.to_owned() },
        info: AgentInfo::default(),
        capabilities: Vec::new(),
        unavailability: None,
        total: Resources::parse("cpus:2;mem:1024", "*").unwrap(),
        used: BTreeMap::new(),
    }
}

impl Fixture {
    async fn apply(&self, input: Input) {
        self.allocator.apply(input);
        self.clock.settle().await;
    }

    /// What was offered since the last call: framework, agent, resources.
    fn offers(&self) -> Vec<(String, String, Resources)> {
        let mut all = Vec::new();
        for output in self.outputs.try_iter() {
            let Output::Offers { framework, offers } = output else { panic!("{output:?}") };
            for (agent, resources) in offers.into_values().flatten() {
                all.push((framework.value.clone(), agent.value, resources));
            }
        }
        all
    }

    async fn metric(&self, name: &str) -> Option<f64> {
        self.node.metrics().snapshot(None).await.get(name).copied()
    }
}

#[tokio::test]
async fn an_agent_is_offered_when_it_comes_and_a_declined_one_after_an_interval() {
    let cluster = start().await;
    cluster.apply(framework("f")).await;
    cluster.apply(agent("a")).await;
    let [(framework, agent, resources)] = &cluster.offers()[..] else { panic!("not one offer") };
    assert_eq!((framework.as_str(), agent.as_str()), ("f", "a"));
    let declined = Input::RecoverResources {
        framework: FrameworkId { value: framework.clone() },
        agent: AgentId { value: agent.clone() },
        resources: resources.clone(),
        filters: Some(Filters { refuse_seconds: Some(0.0) }),
    };
    cluster.apply(declined).await;
    cluster.clock.advance(INTERVAL / 2).await;
    assert!(cluster.offers().is_empty());
    cluster.clock.advance(INTERVAL / 2).await;
    assert_eq!(cluster.offers().len(), 1);
    cluster.node.shutdown().await;
}

#[tokio::test]
async fn a_refusal_of_five_seconds_counts_for_five_seconds() {
    let cluster = start().await;
    cluster.apply(framework("f")).await;
    cluster.apply(agent("a")).await;
    let (framework, agent, resources) = cluster.offers().remove(0);
    let declined = Input::RecoverResources {
        framework: FrameworkId { value: framework },
        agent: AgentId { value: agent },
        resources,
        filters: Some(Filters::default()),
    };
    cluster.apply(declined).await;
    assert_eq!(cluster.metric("allocator/mesos/offer_filters/roles/*/active").await, Some(1.0));
    for _ in 0..5 {
        cluster.clock.advance(INTERVAL).await;
        assert!(cluster.offers().is_empty());
    }
    cluster.clock.advance(INTERVAL).await;
    assert_eq!(cluster.offers().len(), 1);
    cluster.node.shutdown().await;
}

#[tokio::test]
async fn a_burst_of_inputs_costs_one_run() {
    let cluster = start().await;
    cluster.apply(framework("f")).await;
    let before = cluster.metric("allocator/mesos/allocation_runs").await.unwrap();
    // The sink blocks nobody here, so whether inputs pile up depends on the threads: this test has one.
    for number in 0..100 {
        cluster.allocator.apply(agent(&format!("a{number}")));
    }
    cluster.clock.settle().await;
    assert_eq!(cluster.offers().len(), 100);
    let runs = cluster.metric("allocator/mesos/allocation_runs").await.unwrap() - before;
    assert!(runs < 100.0, "{runs} runs");
    cluster.node.shutdown().await;
}

#[tokio::test]
async fn metrics_follow_the_allocation() {
    let cluster = start().await;
    cluster.apply(framework("f")).await;
    cluster.apply(agent("a")).await;
    let quota = [("cpus", mesos_resources::Scalar::from_f64(3.0))].into_iter().collect();
    cluster
        .apply(Input::SetQuota {
            role: "q".to_owned(),
            quota: mesos_allocator::Quota { guarantee: quota, limits: None },
        })
        .await;
    for _ in 0..3 {
        cluster.clock.advance(INTERVAL).await;
    }
    for (name, value) in [
        ("allocator/mesos/event_queue_dispatches", Some(0.0)),
        ("allocator/event_queue_dispatches", Some(0.0)),
        ("allocator/mesos/resources/cpus/total", Some(2.0)),
        ("allocator/mesos/resources/mem/offered_or_allocated", Some(1024.0)),
        ("allocator/mesos/resources/disk/total", Some(0.0)),
        ("allocator/mesos/roles/*/shares/dominant", Some(1.0)),
        ("allocator/mesos/offer_filters/roles/*/active", Some(0.0)),
        ("allocator/mesos/quota/roles/q/resources/cpus/guarantee", Some(3.0)),
        ("allocator/mesos/quota/roles/q/resources/cpus/offered_or_allocated", Some(0.0)),
        ("allocator/mesos/allocation_run_ms/count", Some(5.0)),
        ("allocator/mesos/allocation_run_latency_ms/count", Some(5.0)),
        ("allocator/mesos/allocation_runs", Some(5.0)),
        ("allocator/mesos/frameworks/f/since_last_offer_secs", Some(3.0)),
    ] {
        assert_eq!(cluster.metric(name).await, value, "{name}");
    }
    cluster.apply(Input::RemoveQuota("q".to_owned())).await;
    cluster.apply(Input::RemoveFramework(FrameworkId { value: "f".to_owned() })).await;
    assert_eq!(cluster.metric("allocator/mesos/quota/roles/q/resources/cpus/guarantee").await, None);
    assert_eq!(cluster.metric("allocator/mesos/roles/*/shares/dominant").await, None);
    assert_eq!(cluster.metric("allocator/mesos/frameworks/f/since_last_offer_secs").await, None);
    cluster.allocator.terminate();
    cluster.allocator.wait().await.unwrap();
    cluster.clock.settle().await;
    assert_eq!(cluster.metric("allocator/mesos/allocation_runs").await, None);
    cluster.node.shutdown().await;
}

#[tokio::test]
async fn a_role_is_explained_as_of_the_nodes_time() {
    let cluster = start().await;
    cluster.apply(framework("f")).await;
    cluster.clock.advance(INTERVAL * 4).await;
    let explanation = cluster.allocator.explain("*").unwrap().await.unwrap();
    assert_eq!(explanation.reasons, ["there are no agents"]);
    assert_eq!(explanation.frameworks[0].waiting, INTERVAL * 4);
    cluster.node.shutdown().await;
}

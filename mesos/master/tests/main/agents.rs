//! Agents that register, answer pings, go away and come back.

use std::time::Duration;

use mesos_api::internal::{
    ReregisterSlaveMessage, SlaveRegisteredMessage, SlaveReregisteredMessage, UpdateFrameworkMessage,
};
use mesos_api::v1::AgentId;
use mesos_master::Flags;
use serde_json::{Value, json};

use crate::peer::{Peer, register};
use crate::rig::{PATIENCE, Rig};

const PING_TIMEOUT: Duration = Duration::from_secs(15);

async fn ping(agent: &mut Peer) -> bool {
    tokio::time::timeout(PATIENCE, agent.pings.recv()).await.expect("a ping in time").unwrap()
}

async fn agents(rig: &Rig) -> Value {
    rig.get("/slaves").await.json()["slaves"].clone()
}

#[tokio::test]
async fn agent_is_told_its_id_and_how_long_to_wait_for_pings() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut agent = Peer::start(&rig, "slave(1)").await;
    agent.send(register("cpus:2;mem:512"));
    let registered: SlaveRegisteredMessage = agent.expect().await;
    assert_eq!(registered.slave_id.value, format!("{}-S0", rig.master.info().id));
    assert_eq!(registered.connection.unwrap().total_ping_timeout_seconds, Some(75.0));
    // It did not hear that, and asks again.
    agent.send(register("cpus:2;mem:512"));
    let again: SlaveRegisteredMessage = agent.expect().await;
    assert_eq!(again.slave_id, registered.slave_id);
    let agents = agents(&rig).await;
    assert_eq!(agents.as_array().unwrap().len(), 1);
    assert_eq!(agents[0]["pid"], agent.upid().to_string());
    assert_eq!(agents[0]["active"], true);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn silent_agent_becomes_unreachable_after_five_pings() {
    let rig = Rig::paused(Flags::default()).await;
    let (mut agent, id) = Peer::agent(&rig, "cpus:2;mem:512").await;
    assert!(ping(&mut agent).await);
    // The first ping is answered.
    agent.round_trip(&rig).await;
    agent.ignore_pings();
    for _ in 0..5 {
        assert_eq!(agents(&rig).await[0]["id"], id);
        rig.node.clock().advance(PING_TIMEOUT).await;
        assert!(ping(&mut agent).await);
    }
    rig.node.clock().advance(PING_TIMEOUT).await;
    rig.node.clock().settle().await;
    assert_eq!(agents(&rig).await, json!([]));
    let state = rig.get("/state").await.json();
    assert_eq!(state["unreachable_slaves"], 1.0);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn agent_that_answers_stays() {
    let rig = Rig::paused(Flags::default()).await;
    let (mut agent, id) = Peer::agent(&rig, "cpus:2;mem:512").await;
    for _ in 0..20 {
        assert!(ping(&mut agent).await);
        // A round trip over the same connection: the pong is there.
        agent.round_trip(&rig).await;
        rig.node.clock().advance(PING_TIMEOUT).await;
    }
    assert_eq!(agents(&rig).await[0]["id"], id);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn agent_whose_connection_broke_is_inactive_until_it_comes_back() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (agent, id) = Peer::agent(&rig, "cpus:2;mem:512").await;
    let mut scheduler = rig.framework().await;
    let offer = scheduler.offer().await;
    agent.node.shutdown().await;
    let rescinded = scheduler.events.expect("RESCIND").await;
    assert_eq!(rescinded["rescind"]["offer_id"], offer["id"]);
    assert_eq!(agents(&rig).await[0]["active"], false);

    let mut back = Peer::start(&rig, "slave(1)").await;
    let registration = register("cpus:2;mem:512");
    let mut info = registration.slave;
    info.id = Some(AgentId::from(id.as_str()));
    back.send(ReregisterSlaveMessage {
        slave: info,
        version: registration.version,
        agent_capabilities: registration.agent_capabilities,
        ..ReregisterSlaveMessage::default()
    });
    let reregistered: SlaveReregisteredMessage = back.expect().await;
    assert_eq!(reregistered.slave_id.value, id);
    assert!(ping(&mut back).await);
    let agents = agents(&rig).await;
    assert_eq!((&agents[0]["active"], &agents[0]["pid"]), (&json!(true), &json!(back.upid().to_string())));
    assert_eq!(scheduler.offer().await["agent_id"]["value"], id);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn agents_of_a_framework_hear_where_its_scheduler_is() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (mut agent, _) = Peer::agent(&rig, "cpus:2;mem:512").await;
    let mut scheduler = rig.framework().await;
    let offer = scheduler.offer().await;
    rig.launch(&scheduler, &offer, json!([crate::peer::task("t", &offer, 1.0)])).await;
    let run: mesos_api::internal::RunTaskMessage = agent.expect().await;
    assert_eq!(run.pid.as_deref(), Some("@0.0.0.0:0"));
    let mut again = rig.subscribe(json!({"user": "u", "name": "n", "id": scheduler.framework_id})).await;
    again.welcomed().await;
    let update: UpdateFrameworkMessage = agent.expect().await;
    assert_eq!(Some(update.framework_id.value.as_str()), scheduler.framework_id["value"].as_str());
    rig.node.shutdown().await;
}

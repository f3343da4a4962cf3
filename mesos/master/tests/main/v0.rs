//! Drivers of the older protocol.

use mesos_api::internal::{
    DeactivateFrameworkMessage, FrameworkErrorMessage, FrameworkRegisteredMessage,
    FrameworkReregisteredMessage, KillTaskMessage, LaunchTasksMessage, ReconcileTasksMessage,
    RegisterFrameworkMessage, ReregisterFrameworkMessage, ResourceOffersMessage, RunTaskMessage,
    StatusUpdateAcknowledgementMessage, StatusUpdateMessage, SubmitSchedulerRequest, SubmitSchedulerResponse,
    UnregisterFrameworkMessage,
};
use mesos_api::v1::scheduler::{Call, call};
use mesos_api::v1::{CommandInfo, Filters, FrameworkInfo, Offer, TaskInfo, TaskState};
use mesos_resources::Resources;
use serde_json::json;

use crate::peer::{Peer, running};
use crate::rig::{JSON, Rig};

fn info() -> FrameworkInfo {
    FrameworkInfo { user: "u".into(), name: "driver".into(), ..FrameworkInfo::default() }
}

fn subscribe(framework_info: FrameworkInfo) -> Call {
    Call {
        r#type: Some(call::Type::Subscribe as i32),
        framework_id: framework_info.id.clone(),
        subscribe: Some(call::Subscribe { framework_info, ..call::Subscribe::default() }),
        ..Call::default()
    }
}

fn task(id: &str, offer: &Offer) -> TaskInfo {
    TaskInfo {
        name: id.into(),
        task_id: id.into(),
        agent_id: offer.agent_id.clone(),
        resources: Resources::parse("cpus:1;mem:64", "*").unwrap().to_protos(),
        command: Some(CommandInfo { value: Some("true".into()), ..CommandInfo::default() }),
        ..TaskInfo::default()
    }
}

#[tokio::test]
async fn driver_subscribes_launches_and_acknowledges() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (mut agent, agent_id) = Peer::agent(&rig, "cpus:2;mem:1024;disk:1024").await;
    let mut driver = Peer::start(&rig, "scheduler-1").await;
    driver.send(subscribe(info()));
    let registered: FrameworkRegisteredMessage = driver.expect().await;
    assert_eq!(registered.master_info.id, rig.master.info().id);
    let framework_id = registered.framework_id;
    let offers: ResourceOffersMessage = driver.expect().await;
    assert_eq!(offers.pids, [agent.upid().to_string()]);

    driver.send(LaunchTasksMessage {
        framework_id: framework_id.clone(),
        tasks: vec![task("t", &offers.offers[0])],
        filters: Filters::default(),
        offer_ids: vec![offers.offers[0].id.clone()],
    });
    let run: RunTaskMessage = agent.expect().await;
    assert_eq!(run.pid, Some(driver.upid().to_string()));

    agent.send(running(&agent, &agent_id, &framework_id.value, "t"));
    let update: StatusUpdateMessage = driver.expect().await;
    assert_eq!(update.update.status.state(), TaskState::TaskRunning);
    assert_eq!(update.pid, Some(agent.upid().to_string()));
    driver.send(StatusUpdateAcknowledgementMessage {
        slave_id: agent_id.as_str().into(),
        framework_id: framework_id.clone(),
        task_id: "t".into(),
        uuid: update.update.uuid.unwrap(),
    });
    let _: StatusUpdateAcknowledgementMessage = agent.expect().await;

    driver.send(ReconcileTasksMessage {
        framework_id: framework_id.clone(),
        ..ReconcileTasksMessage::default()
    });
    let reconciled: StatusUpdateMessage = driver.expect().await;
    assert_eq!(reconciled.update.status.state(), TaskState::TaskRunning);
    assert!(reconciled.update.uuid.is_none_or(|uuid| uuid.is_empty()));

    driver.send(KillTaskMessage {
        framework_id: framework_id.clone(),
        task_id: "t".into(),
        kill_policy: None,
    });
    let kill: KillTaskMessage = agent.expect().await;
    assert_eq!(kill.task_id.value, "t");

    driver.send(UnregisterFrameworkMessage { framework_id: framework_id.clone() });
    let _: mesos_api::internal::ShutdownFrameworkMessage = agent.expect().await;
    let frameworks = rig.get(&format!("/frameworks?framework_id={framework_id}")).await.json();
    assert_eq!(frameworks["completed_frameworks"][0]["id"], framework_id.value);
    assert_eq!(frameworks["completed_frameworks"][0]["pid"], driver.upid().to_string());
    rig.node.shutdown().await;
}

#[tokio::test]
async fn oldest_messages_register_and_reregister() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut driver = Peer::start(&rig, "scheduler-1").await;
    let with_id = FrameworkInfo { id: Some("f".into()), ..info() };
    driver.send(RegisterFrameworkMessage { framework: with_id });
    let error: FrameworkErrorMessage = driver.expect().await;
    assert_eq!(error.message, "Registering with 'id' already set");
    driver.send(ReregisterFrameworkMessage { framework: info(), failover: false });
    let error: FrameworkErrorMessage = driver.expect().await;
    assert_eq!(error.message, "Re-registering without an 'id'");

    driver.send(RegisterFrameworkMessage { framework: info() });
    let registered: FrameworkRegisteredMessage = driver.expect().await;
    // It did not hear that, and asks again.
    driver.send(RegisterFrameworkMessage { framework: info() });
    let again: FrameworkRegisteredMessage = driver.expect().await;
    assert_eq!(again.framework_id, registered.framework_id);

    let known = FrameworkInfo { id: Some(registered.framework_id), ..info() };
    driver.send(ReregisterFrameworkMessage { framework: known.clone(), failover: false });
    let _: FrameworkReregisteredMessage = driver.expect().await;

    let mut other = Peer::start(&rig, "scheduler-2").await;
    other.send(ReregisterFrameworkMessage { framework: known.clone(), failover: false });
    let error: FrameworkErrorMessage = other.expect().await;
    assert_eq!(error.message, "Framework failed over");
    other.send(ReregisterFrameworkMessage { framework: known, failover: true });
    let _: FrameworkRegisteredMessage = other.expect().await;
    let error: FrameworkErrorMessage = driver.expect().await;
    assert_eq!(error.message, "Framework failed over");
    rig.node.shutdown().await;
}

/// Observed with real drivers: one that starts with an id hears registered, not reregistered.
#[tokio::test]
async fn driver_that_starts_with_an_unknown_id_is_told_registered() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut driver = Peer::start(&rig, "scheduler-1").await;
    driver.send(subscribe(FrameworkInfo { id: Some("known-elsewhere".into()), ..info() }));
    let registered: FrameworkRegisteredMessage = driver.expect().await;
    assert_eq!(registered.framework_id.value, "known-elsewhere");
    rig.node.shutdown().await;
}

#[tokio::test]
async fn framework_of_a_driver_takes_no_calls_over_http() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut driver = Peer::start(&rig, "scheduler-1").await;
    driver.send(subscribe(info()));
    let registered: FrameworkRegisteredMessage = driver.expect().await;
    let revive = json!({"type": "REVIVE", "framework_id": {"value": registered.framework_id.value}});
    let headers = [JSON[0], ("Mesos-Stream-Id", "x")];
    let body = revive.to_string().into_bytes();
    let answer = rig.ask(libprocess::http::Method::POST, "/api/v1/scheduler", &headers, body).await;
    assert_eq!((answer.status, answer.text()), (403, "Framework is not connected via HTTP"));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn call_from_another_process_than_the_driver_is_dropped() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut driver = Peer::start(&rig, "scheduler-1").await;
    driver.send(subscribe(info()));
    let registered: FrameworkRegisteredMessage = driver.expect().await;
    let mut stranger = Peer::start(&rig, "scheduler-2").await;
    stranger.send(UnregisterFrameworkMessage { framework_id: registered.framework_id.clone() });
    stranger.round_trip(&rig).await;
    assert_eq!(rig.get("/frameworks").await.json()["frameworks"][0]["active"], true);

    driver.send(DeactivateFrameworkMessage { framework_id: registered.framework_id });
    driver.round_trip(&rig).await;
    let framework = rig.get("/frameworks").await.json()["frameworks"][0].clone();
    assert_eq!((&framework["active"], &framework["connected"]), (&json!(false), &json!(true)));
    rig.node.shutdown().await;
}

#[tokio::test]
async fn driver_whose_connection_broke_is_removed_without_a_failover_timeout() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut driver = Peer::start(&rig, "scheduler-1").await;
    driver.send(subscribe(info()));
    let registered: FrameworkRegisteredMessage = driver.expect().await;
    driver.node.shutdown().await;
    loop {
        let frameworks = rig.get("/frameworks").await.json();
        if frameworks["completed_frameworks"][0]["id"] == registered.framework_id.value {
            assert_eq!(frameworks["frameworks"], json!([]));
            break;
        }
        tokio::task::yield_now().await;
    }
    rig.node.shutdown().await;
}

#[tokio::test]
async fn schedulers_are_not_submitted() {
    let rig = Rig::start().await;
    let mut driver = Peer::start(&rig, "scheduler-1").await;
    driver.send(SubmitSchedulerRequest { name: "x".into() });
    let response: SubmitSchedulerResponse = driver.expect().await;
    assert!(!response.okay);
    rig.node.shutdown().await;
}

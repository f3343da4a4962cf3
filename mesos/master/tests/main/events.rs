//! Event streams of schedulers and operators.

use std::time::Duration;

use libprocess::Clock;
use libprocess::http::Method;
use mesos_api::internal::{ExecutorToFrameworkMessage, ExitedExecutorMessage, UnregisterSlaveMessage};
use mesos_master::Flags;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::peer::{Peer, running, task};
use crate::rig::{Events, JSON, PATIENCE, Rig};

const INTERVAL: Duration = Duration::from_secs(15);

async fn operator_events(rig: &Rig) -> Events {
    let call = json!({"type": "SUBSCRIBE"}).to_string().into_bytes();
    let response = rig.open(Method::POST, "/api/v1", JSON, call).await;
    assert_eq!(response.status, 200);
    assert!(response.header("mesos-stream-id").is_none());
    Events::new(response)
}

#[tokio::test]
async fn heartbeats_come_at_once_and_then_every_fifteen_seconds() {
    let rig = Rig::paused(Flags::default()).await;
    let mut scheduler = rig.subscribe(json!({"user": "u", "name": "n"})).await;
    let subscribed = scheduler.events.next().await;
    assert_eq!(subscribed["subscribed"]["heartbeat_interval_seconds"], 15.0);
    assert_eq!(subscribed["subscribed"]["master_info"]["id"], rig.master.info().id);
    let mut operator = operator_events(&rig).await;
    let first = operator.next().await;
    assert_eq!(first["type"], "SUBSCRIBED");
    assert_eq!(first["subscribed"]["heartbeat_interval_seconds"], 15.0);
    for _ in 0..3 {
        assert_eq!(scheduler.events.next().await, json!({"type": "HEARTBEAT"}));
        assert_eq!(operator.next().await, json!({"type": "HEARTBEAT"}));
        rig.node.clock().settle().await;
        rig.node.clock().advance(INTERVAL).await;
    }
    rig.node.shutdown().await;
}

/// Clients that take each chunk for a record depend on it.
#[tokio::test]
async fn each_record_is_one_chunk_of_http() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut stream = TcpStream::connect(rig.node.address()).await.unwrap();
    let call =
        json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "u", "name": "n"}}}).to_string();
    let request = format!(
        "POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\nAccept-Encoding: gzip\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{call}",
        call.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    while !text.ends_with("{\"type\":\"HEARTBEAT\"}\r\n") {
        let mut buffer = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert_ne!(read, 0, "{text}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.contains("transfer-encoding: chunked") && !head.contains("content-length"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    let id = head.lines().find_map(|line| line.strip_prefix("mesos-stream-id: ")).unwrap();
    assert_eq!(id.len(), 36);
    let mut rest = body;
    for _ in 0..2 {
        let (size, after) = rest.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let (chunk, after) = after.split_at(size);
        let (length, record) = chunk.split_once('\n').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), record.len(), "{chunk}");
        serde_json::from_str::<Value>(record).unwrap();
        rest = after.strip_prefix("\r\n").unwrap();
    }
    assert_eq!(rest, "");
    rig.node.shutdown().await;
}

#[tokio::test]
async fn scheduler_that_does_not_read_is_cut_off() {
    let rig = Rig::with(Clock::system(), Flags::default(), |components| {
        components.stream_bytes_max = 1 << 20;
    })
    .await;
    rig.recovered().await;
    let (agent, agent_id) = Peer::agent(&rig, "cpus:2;mem:1024").await;
    let mut scheduler = rig.subscribe(json!({"user": "u", "name": "n", "failover_timeout": 3600.0})).await;
    scheduler.welcomed().await;
    let framework = scheduler.framework_id["value"].as_str().unwrap();
    for _ in 0..40 {
        agent.send(ExecutorToFrameworkMessage {
            slave_id: agent_id.as_str().into(),
            framework_id: framework.into(),
            executor_id: "e".into(),
            data: vec![0; 1 << 19],
        });
    }
    // It still holds the connection open, and reads nothing.
    loop {
        let frameworks = rig.get("/frameworks").await.json();
        if frameworks["frameworks"][0]["connected"] == json!(false) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut read = 0;
    let error = loop {
        match scheduler.events.chunk().await {
            Some(Ok(chunk)) => read += chunk.len(),
            Some(Err(error)) => break error,
            None => panic!("the stream ended well after {read} bytes"),
        }
    };
    assert!(!error.is_empty() && read < 40 << 19);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn operator_hears_of_the_whole_state_and_then_of_every_change() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (mut agent, agent_id) = Peer::agent(&rig, "cpus:2;mem:1024;disk:1024").await;
    let mut events = operator_events(&rig).await;
    let state = events.next().await["subscribed"]["get_state"].clone();
    assert_eq!(state["get_agents"]["agents"][0]["agent_info"]["id"]["value"], agent_id);
    assert_eq!(events.next().await, json!({"type": "HEARTBEAT"}));

    let mut scheduler = rig.framework().await;
    let added = events.expect("FRAMEWORK_ADDED").await;
    assert_eq!(added["framework_added"]["framework"]["framework_info"]["id"], scheduler.framework_id);

    let offer = scheduler.offer().await;
    rig.launch(&scheduler, &offer, json!([task("t1", &offer, 1.0)])).await;
    let added = events.expect("TASK_ADDED").await;
    assert_eq!(added["task_added"]["task"]["task_id"]["value"], "t1");
    assert_eq!(added["task_added"]["task"]["state"], "TASK_STAGING");

    let framework = scheduler.framework_id["value"].as_str().unwrap().to_owned();
    agent.send(running(&agent, &agent_id, &framework, "t1"));
    let updated = events.expect("TASK_UPDATED").await;
    assert_eq!(updated["task_updated"]["state"], "TASK_RUNNING");
    assert_eq!(updated["task_updated"]["framework_id"], scheduler.framework_id);

    rig.operator_ok(json!({"type": "TEARDOWN", "teardown": {"framework_id": scheduler.framework_id}})).await;
    events.expect("TASK_UPDATED").await;
    let removed = events.expect("FRAMEWORK_REMOVED").await;
    assert_eq!(removed["framework_removed"]["framework_info"]["id"], scheduler.framework_id);
    let _: mesos_api::internal::RunTaskMessage = agent.expect().await;
    let shutdown: mesos_api::internal::ShutdownFrameworkMessage = agent.expect().await;
    assert_eq!(shutdown.framework_id.value, framework);
    let frameworks = rig.operator(json!({"type": "GET_FRAMEWORKS"})).await;
    assert_eq!(
        frameworks["get_frameworks"]["completed_frameworks"][0]["framework_info"]["id"],
        scheduler.framework_id
    );
    while let Some(event) = scheduler.events.try_next().await {
        assert_ne!(event["type"], "ERROR", "{event}");
    }

    agent.send(UnregisterSlaveMessage { slave_id: agent_id.as_str().into() });
    let removed = events.expect("AGENT_REMOVED").await;
    assert_eq!(removed["agent_removed"]["agent_id"]["value"], agent_id);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn protobuf_stream_says_the_same() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let call = json!({"type": "SUBSCRIBE"}).to_string().into_bytes();
    let headers = [JSON[0], ("Accept", "application/x-protobuf")];
    let mut response = rig.open(Method::POST, "/api/v1", &headers, call).await;
    assert_eq!(response.header("content-type"), Some("application/x-protobuf"));
    let mut decoder = mesos_api::recordio::Decoder::default();
    let mut records = Vec::new();
    while records.len() < 2 {
        let chunk = tokio::time::timeout(PATIENCE, response.chunk()).await.unwrap().unwrap().unwrap();
        records.extend(decoder.push(&chunk).unwrap());
    }
    use mesos_api::v1::master::{Event, event::Type};
    let types: Vec<Type> =
        records.iter().map(|record| mesos_api::protobuf::decode::<Event>(record).unwrap().r#type()).collect();
    assert_eq!(types, [Type::Subscribed, Type::Heartbeat]);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn end_of_an_executor_is_a_failure_with_its_status() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (mut agent, agent_id) = Peer::agent(&rig, "cpus:2;mem:1024;disk:1024").await;
    let mut scheduler = rig.framework().await;
    let offer = scheduler.offer().await;
    let mut with_executor = task("t1", &offer, 1.0);
    with_executor.as_object_mut().unwrap().remove("command");
    with_executor["executor"] = json!({"executor_id": {"value": "e"}, "command": {"value": "x"}});
    rig.launch(&scheduler, &offer, json!([with_executor])).await;
    let _: mesos_api::internal::RunTaskMessage = agent.expect().await;
    agent.send(ExitedExecutorMessage {
        slave_id: agent_id.as_str().into(),
        framework_id: scheduler.framework_id["value"].as_str().unwrap().into(),
        executor_id: "e".into(),
        status: 7 << 8,
    });
    let failure = scheduler.events.expect("FAILURE").await;
    assert_eq!(failure["failure"]["executor_id"]["value"], "e");
    assert_eq!(failure["failure"]["status"], 7 << 8);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn offer_that_is_not_answered_in_time_is_rescinded() {
    let rig = Rig::paused(Flags { offer_timeout: Some(Duration::from_secs(2)), ..Flags::default() }).await;
    let (_agent, _) = Peer::agent(&rig, "cpus:2;mem:1024").await;
    let mut scheduler = rig.framework().await;
    let offer = scheduler.offer().await;
    rig.node.clock().settle().await;
    rig.node.clock().advance(Duration::from_secs(2)).await;
    let rescinded = scheduler.events.expect("RESCIND").await;
    assert_eq!(rescinded["rescind"]["offer_id"], offer["id"]);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn framework_has_its_failover_timeout_to_come_back() {
    let rig = Rig::paused(Flags::default()).await;
    let info = json!({"user": "u", "name": "n", "failover_timeout": 60.0});
    let mut scheduler = rig.subscribe(info.clone()).await;
    scheduler.welcomed().await;
    let id = scheduler.framework_id.clone();
    drop(scheduler.events);
    let framework = async || rig.get("/frameworks").await.json()["frameworks"][0].clone();
    while framework().await["connected"] == json!(true) {
        tokio::task::yield_now().await;
    }
    rig.node.clock().advance(Duration::from_secs(59)).await;
    assert_eq!(framework().await["id"], id["value"]);
    let mut again = info;
    again["id"] = id.clone();
    let mut scheduler = rig.subscribe(again).await;
    scheduler.welcomed().await;
    rig.node.clock().advance(Duration::from_secs(3600)).await;
    assert_eq!(framework().await["connected"], true);
    drop(scheduler.events);
    while framework().await["connected"] == json!(true) {
        tokio::task::yield_now().await;
    }
    rig.node.clock().advance(Duration::from_secs(60)).await;
    rig.node.clock().settle().await;
    assert_eq!(rig.get("/frameworks").await.json()["completed_frameworks"][0]["id"], id["value"]);
    // Its id is spent.
    let mut late = rig.subscribe(json!({"user": "u", "name": "n", "id": id})).await;
    let error = late.events.next().await;
    assert_eq!(error["error"]["message"], "Framework has been removed");
    rig.node.shutdown().await;
}

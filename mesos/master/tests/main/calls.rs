//! The status table of the scheduler API.

use libprocess::http::Method;
use serde_json::{Value, json};

use crate::peer::{Peer, running, task};
use crate::rig::{JSON, Rig};

const PATH: &str = "/api/v1/scheduler";

fn subscribe(framework_info: Value) -> Value {
    json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": framework_info}})
}

#[tokio::test]
async fn request_is_refused_by_the_first_check_that_fails() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let info = json!({"user": "u", "name": "n"});
    let check = async |headers: &[(&str, &str)], body: &str, status: u16, part: &str| {
        let answer = rig.ask(Method::POST, PATH, headers, body.as_bytes().to_vec()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(answer.text().contains(part), "{body}: {}", answer.text());
    };
    let refused = rig.get(PATH).await;
    assert_eq!((refused.status, refused.headers["allow"].to_str().unwrap()), (405, "POST"));
    check(&[], "{}", 400, "Content-Type").await;
    check(&[("Content-Type", "text/plain")], "{}", 415, "application/json").await;
    check(JSON, "{", 400, "").await;
    check(&[("Content-Type", "application/x-protobuf")], "garbage", 400, "").await;
    check(JSON, r#"{"type":"SUBSCRIBE","subscribe":{}}"#, 400, "subscribe.framework_info").await;
    check(JSON, "{}", 400, "'type'").await;
    check(JSON, r#"{"type":"NO_SUCH_CALL"}"#, 400, "'type'").await;
    check(JSON, r#"{"type":"TEARDOWN"}"#, 400, "'framework_id'").await;
    check(JSON, r#"{"type":"KILL","framework_id":{"value":"f"}}"#, 400, "'kill'").await;
    let mismatch = json!({"type": "SUBSCRIBE", "framework_id": {"value": "a"},
        "subscribe": {"framework_info": {"user": "u", "name": "n", "id": {"value": "b"}}}});
    check(JSON, &mismatch.to_string(), 400, "framework_id").await;
    let acknowledge = json!({"type": "ACKNOWLEDGE", "framework_id": {"value": "f"},
        "acknowledge": {"agent_id": {"value": "a"}, "task_id": {"value": "t"}, "uuid": "AAAA"}});
    check(JSON, &acknowledge.to_string(), 400, "UUID").await;
    let call = subscribe(info).to_string();
    check(&[JSON[0], ("Accept", "text/html")], &call, 406, "Accept").await;
    check(&[JSON[0], ("Mesos-Stream-Id", "x")], &call, 400, "Mesos-Stream-Id").await;
    check(JSON, r#"{"type":"TEARDOWN","framework_id":{"value":"f"}}"#, 400, "cannot be found").await;
    rig.node.shutdown().await;
}

#[tokio::test]
async fn call_of_a_framework_needs_its_present_stream() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut first = rig.framework().await;
    let revive = json!({"type": "REVIVE", "framework_id": first.framework_id});
    let body = revive.to_string().into_bytes();
    let missing = rig.ask(Method::POST, PATH, JSON, body).await;
    assert_eq!(missing.status, 400, "{}", missing.text());
    assert!(missing.text().contains("Mesos-Stream-Id"));

    rig.call(&first, json!({"type": "REVIVE"})).await;
    let mut again = rig.subscribe(json!({"user": "u", "name": "n", "id": first.framework_id})).await;
    again.welcomed().await;
    assert_eq!(again.framework_id, first.framework_id);
    assert_ne!(again.stream_id, first.stream_id);
    let error = first.events.expect("ERROR").await;
    assert_eq!(error["error"]["message"], "Framework failed over");
    assert!(first.events.try_next().await.is_none());
    let outdated = rig.scheduler_call(&first, json!({"type": "REVIVE"})).await;
    assert_eq!(outdated.status, 400, "{}", outdated.text());
    rig.call(&again, json!({"type": "SUPPRESS"})).await;
    rig.node.shutdown().await;
}

#[tokio::test]
async fn calls_that_mean_nothing_yet_are_told_so() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let scheduler = rig.framework().await;
    let reconcile = json!({"type": "RECONCILE_OPERATIONS", "reconcile_operations": {}});
    assert_eq!(rig.scheduler_call(&scheduler, reconcile).await.status, 403);
    assert_eq!(rig.scheduler_call(&scheduler, json!({"type": "UNKNOWN"})).await.status, 501);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn framework_without_a_stream_is_forbidden_to_call() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut scheduler = rig.subscribe(json!({"user": "u", "name": "n", "failover_timeout": 3600.0})).await;
    scheduler.welcomed().await;
    let (id, stream_id) = (scheduler.framework_id.clone(), scheduler.stream_id.clone());
    drop(scheduler.events);
    // The master hears of it when the connection breaks.
    let revive = json!({"type": "REVIVE", "framework_id": id}).to_string().into_bytes();
    let headers = [JSON[0], ("Mesos-Stream-Id", stream_id.as_str())];
    loop {
        let answer = rig.ask(Method::POST, PATH, &headers, revive.clone()).await;
        if answer.status == 403 {
            assert_eq!(answer.text(), "Framework is not subscribed");
            break;
        }
        assert_eq!(answer.status, 202);
    }
    rig.node.shutdown().await;
}

#[tokio::test]
async fn refused_subscription_is_a_stream_with_one_error() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut scheduler = rig.subscribe(json!({"user": "u", "name": "n", "role": "a//b"})).await;
    let error = scheduler.events.next().await;
    assert_eq!(error["type"], "ERROR");
    assert!(scheduler.events.try_next().await.is_none());
    rig.node.shutdown().await;
}

#[tokio::test]
async fn task_goes_to_its_agent_and_its_updates_come_back() {
    use mesos_api::internal::{RunTaskMessage, StatusUpdateAcknowledgementMessage};

    let rig = Rig::start().await;
    rig.recovered().await;
    let (mut agent, agent_id) = Peer::agent(&rig, "cpus:2;mem:1024;disk:1024;ports:[31000-31005]").await;
    let mut scheduler = rig.framework().await;
    let offer = scheduler.offer().await;
    assert_eq!(offer["agent_id"]["value"], agent_id);
    assert_eq!(offer["hostname"], "host1");
    assert!(offer.get("allocation_info").is_none(), "{offer}");

    rig.launch(&scheduler, &offer, json!([task("t1", &offer, 1.0)])).await;
    let run: RunTaskMessage = agent.expect().await;
    assert_eq!(run.task.task_id.value, "t1");
    assert_eq!(Some(run.framework.id.unwrap().value.as_str()), scheduler.framework_id["value"].as_str());

    let framework = scheduler.framework_id["value"].as_str().unwrap();
    let message = running(&agent, &agent_id, framework, "t1");
    let uuid = message.update.uuid.clone().unwrap();
    agent.send(message);
    let update = scheduler.events.expect("UPDATE").await;
    assert_eq!(update["update"]["status"]["state"], "TASK_RUNNING");
    assert_eq!(update["update"]["status"]["source"], "SOURCE_EXECUTOR");
    assert_eq!(update["update"]["status"]["agent_id"]["value"], agent_id);

    let state = rig.get("/state").await.json();
    assert_eq!(state["frameworks"][0]["tasks"][0]["state"], "TASK_RUNNING");
    assert_eq!(state["slaves"][0]["used_resources"]["cpus"], 1.0);

    rig.call(
        &scheduler,
        json!({"type": "ACKNOWLEDGE", "acknowledge": {"agent_id": offer["agent_id"], "task_id": {"value": "t1"},
            "uuid": update["update"]["status"]["uuid"]}}),
    )
    .await;
    let acknowledged: StatusUpdateAcknowledgementMessage = agent.expect().await;
    assert_eq!(acknowledged.uuid, uuid);
    rig.node.shutdown().await;
}

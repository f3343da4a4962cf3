//! The JSON of the APIs.

use serde_json::json;

use crate::harness::{Cluster, Framework, command_task, framework_info, get_json, post_json, shared};

/// A client sends `slave_id` beside `agent_id`, null for what it does not have, and one operation where a list is
/// expected.
#[test]
fn unknown_members_null_and_a_single_element_are_taken() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("lenient"));
    let offer = framework.offer();
    let mut task = command_task("lenient", &offer, "exit 0");
    task["slave_id"] = offer["agent_id"].clone();
    task["no_such_member"] = json!({ "deep": [1, 2, 3] });
    task["executor"] = json!(null);
    task["data"] = json!(null);
    let operation = json!({ "type": "LAUNCH", "launch": { "task_infos": task }, "reserve": null });
    let accept = json!({ "offer_ids": offer["id"], "operations": operation, "filters": null });
    framework.call(json!({ "type": "ACCEPT", "accept": accept, "subscribe": null }));
    framework.updates_to("lenient", "TASK_FINISHED");
}

#[test]
fn v1_says_agent_where_state_says_slave() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("dialects"));
    let offer = framework.offer();
    assert!(offer["agent_id"]["value"].is_string() && offer.get("slave_id").is_none(), "{offer}");
    // The agent's own word, as no executor gets that far.
    let mut task = command_task("unfetched", &offer, "true");
    task["command"]["uris"] = json!([{ "value": "/no/such/file" }]);
    framework.launch(&offer, &[task]);
    let last = framework.updates_to_end("unfetched").pop().unwrap();
    assert_eq!(last["source"], "SOURCE_AGENT", "{last}");
    let state = get_json(cluster.master(), "/state");
    let tasks = state["frameworks"][0]["completed_tasks"].as_array().expect("tasks");
    assert!(tasks.iter().all(|task| task["slave_id"] == offer["agent_id"]["value"]), "{tasks:?}");
}

#[test]
fn scalars_are_floats_and_times_are_nanoseconds() {
    let cluster = shared();
    let answer = post_json(cluster.master(), "/api/v1", &json!({ "type": "GET_AGENTS" }));
    let text = answer.text();
    assert!(text.contains(r#""scalar":{"value":2.0}"#), "{text}");
    let registered = &answer.json()["get_agents"]["agents"][0]["registered_time"];
    assert_eq!(registered.as_object().map(|time| time.len()), Some(1), "{registered}");
    assert!(registered["nanoseconds"].is_u64(), "{registered}");
}

#[test]
fn member_that_would_be_empty_is_left_out() {
    let cluster = shared();
    let answer = post_json(cluster.agent(0), "/api/v1", &json!({ "type": "GET_CONTAINERS" }));
    assert_eq!(answer.text(), r#"{"type":"GET_CONTAINERS"}"#);
}

#[test]
fn only_multi_role_frameworks_see_allocation_info() {
    let cluster = Cluster::local(1);
    let mut plain = Framework::subscribe(cluster.master(), framework_info("plain"));
    let offer = plain.offer();
    assert!(!offer.to_string().contains("allocation_info"), "{offer}");
    plain.teardown();
    let mut info = framework_info("several");
    info["roles"] = json!(["*"]);
    info["capabilities"] = json!([{ "type": "MULTI_ROLE" }]);
    let offer = Framework::subscribe(cluster.master(), info).offer();
    assert_eq!(offer["allocation_info"]["role"], "*", "{offer}");
    let resources = offer["resources"].as_array().expect("resources");
    assert!(resources.iter().all(|resource| resource["allocation_info"]["role"] == "*"), "{resources:?}");
}

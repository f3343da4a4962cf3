//! Reconciliation.

use serde_json::{Value, json};

use crate::harness::{Cluster, Framework, command_task, framework_info, task_id};

fn reconcile(framework: &Framework, tasks: Value) {
    framework.call(json!({ "type": "RECONCILE", "reconcile": { "tasks": tasks } }));
}

#[track_caller]
fn assert_answer(status: &Value, state: &str) {
    assert_eq!(status["state"], state, "{status}");
    assert_eq!(status["reason"], "REASON_RECONCILIATION", "{status}");
    assert_eq!(status["source"], "SOURCE_MASTER", "{status}");
    assert!(status.get("uuid").is_none(), "{status}");
}

#[test]
fn implicit_reconciliation_gives_exactly_the_live_tasks() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("implicit"));
    for id in ["over", "live-1", "live-2"] {
        framework.run(|offer| command_task(id, offer, "sleep 1000"));
    }
    framework.kill("over");
    framework.updates_to_end("over");
    reconcile(&framework, json!([]));
    // Its answer comes after those to the call before.
    reconcile(&framework, json!([{ "task_id": task_id("never") }]));
    let mut answers = Vec::new();
    loop {
        let status = framework.next_of("UPDATE")["status"].clone();
        let id = status["task_id"]["value"].as_str().expect("an id").to_owned();
        if id == "never" {
            assert_answer(&status, "TASK_LOST");
            break;
        }
        assert_answer(&status, "TASK_RUNNING");
        answers.push(id);
    }
    answers.sort();
    assert_eq!(answers, ["live-1", "live-2"]);
}

#[test]
fn unknown_task_is_gone_only_for_partition_aware_frameworks_on_a_known_agent() {
    let cluster = Cluster::local(1);
    let mut info = framework_info("partition aware");
    info["capabilities"] = json!([{ "type": "PARTITION_AWARE" }]);
    for (info, with_agent, without) in
        [(info, "TASK_GONE", "TASK_UNKNOWN"), (framework_info("other"), "TASK_LOST", "TASK_LOST")]
    {
        let mut framework = Framework::subscribe(cluster.master(), info);
        let agent_id = framework.offer()["agent_id"].clone();
        reconcile(&framework, json!([{ "task_id": task_id("here"), "agent_id": agent_id }]));
        assert_answer(&framework.update_of("here"), with_agent);
        reconcile(&framework, json!([{ "task_id": task_id("nowhere") }]));
        assert_answer(&framework.update_of("nowhere"), without);
        framework.teardown();
    }
}

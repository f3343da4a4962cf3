//! Tasks that the master does not launch.

use serde_json::{Value, json};

use crate::harness::{Cluster, Framework, command_task, framework_info, launch_group, resources};

#[track_caller]
fn assert_refused(status: &Value, state: &str, reason: &str) {
    assert_eq!((&status["state"], &status["reason"]), (&json!(state), &json!(reason)), "{status}");
    assert_eq!(status["source"], "SOURCE_MASTER", "{status}");
    assert!(status.get("uuid").is_none(), "{status}");
}

#[test]
fn tasks_on_a_stale_offer_are_lost() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("stale"));
    let offer = framework.offer();
    framework.decline(std::slice::from_ref(&offer), 0.0);
    framework.launch(&offer, &[command_task("late", &offer, "true")]);
    assert_refused(&framework.update_of("late"), "TASK_LOST", "REASON_INVALID_OFFERS");
}

#[test]
fn task_that_is_larger_than_its_offer_is_an_error() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("large"));
    let offer = framework.offer();
    let mut task = command_task("large", &offer, "true");
    task["resources"] = resources(1000.0, 32.0);
    framework.launch(&offer, &[task]);
    let status = framework.update_of("large");
    assert_refused(&status, "TASK_ERROR", "REASON_TASK_INVALID");
    assert!(status["message"].as_str().is_some_and(|text| text.contains("1000")), "{status}");
    // Nothing of the offer was used.
    framework.offer_of(2.0);
}

#[test]
fn task_group_whose_executor_has_no_disk_is_an_error() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("disk"));
    let offer = framework.offer();
    let tasks = ["one", "two"].map(|id| command_task(id, &offer, "true"));
    framework.accept(&offer, &[launch_group(&framework.id, "x", resources(0.1, 32.0), &tasks)]);
    for id in ["one", "two"] {
        let status = framework.update_of(id);
        assert_refused(&status, "TASK_ERROR", "REASON_TASK_GROUP_INVALID");
        let message = status["message"].as_str().expect("a message");
        assert!(message.contains("Executor 'x' uses no disk"), "{message}");
    }
}

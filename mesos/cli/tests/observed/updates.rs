//! Updates on their way.

use std::time::Instant;

use serde_json::json;

use crate::harness::{Cluster, Framework, command_task, framework_info};

#[test]
fn unacknowledged_update_comes_again_after_ten_seconds_and_the_next_one_waits() {
    let cluster = Cluster::local(1);
    let mut framework = Framework::subscribe(cluster.master(), framework_info("silent"));
    framework.acknowledges = false;
    let offer = framework.offer();
    framework.launch(&offer, &[command_task("task", &offer, "exit 0")]);
    let first = framework.update_of("task");
    let begin = Instant::now();
    let second = framework.update_of("task");
    let elapsed = begin.elapsed();
    assert_eq!((&first["state"], &second["state"]), (&json!("TASK_STARTING"), &json!("TASK_STARTING")));
    assert_eq!(first["uuid"], second["uuid"]);
    assert!((9.0..15.0).contains(&elapsed.as_secs_f64()), "{elapsed:?}");
    // A wrong uuid acknowledges nothing.
    let mut wrong = first.clone();
    wrong["uuid"] = json!("AAAAAAAAAAAAAAAAAAAAAA==");
    framework.acknowledge(&wrong);
    framework.acknowledges = true;
    framework.acknowledge(&first);
    let rest = framework.updates_to_end("task");
    let states: Vec<_> = rest.iter().filter_map(|status| status["state"].as_str()).collect();
    assert_eq!(states, ["TASK_RUNNING", "TASK_FINISHED"]);
}

#[test]
fn only_frameworks_that_know_task_killing_get_it() {
    let cluster = Cluster::local(1);
    let mut knowing = framework_info("knowing");
    knowing["capabilities"] = json!([{ "type": "TASK_KILLING_STATE" }]);
    for (info, expected) in
        [(knowing, &["TASK_KILLING", "TASK_KILLED"][..]), (framework_info("other"), &["TASK_KILLED"])]
    {
        let mut framework = Framework::subscribe(cluster.master(), info);
        framework.run(|offer| command_task("task", offer, "sleep 1000"));
        framework.kill("task");
        let statuses = framework.updates_to_end("task");
        let states: Vec<_> = statuses.iter().filter_map(|status| status["state"].as_str()).collect();
        assert_eq!(states, expected);
        framework.teardown();
    }
}

//! The numbers under `master/`.

use mesos_api::internal::{FrameworkRegisteredMessage, RegisterFrameworkMessage, UnregisterFrameworkMessage};
use mesos_api::v1::FrameworkInfo;
use serde_json::json;

use crate::peer::{Peer, task};
use crate::rig::Rig;

/// Everything that Mesos has there, whatever happened.
const FIXED: &str = "\
uptime_secs elected slaves_connected slaves_disconnected slaves_active slaves_inactive slaves_unreachable \
frameworks_connected frameworks_disconnected frameworks_active frameworks_inactive outstanding_offers \
tasks_staging tasks_starting tasks_running tasks_unreachable tasks_killing \
event_queue_messages event_queue_dispatches event_queue_http_requests \
cpus_total cpus_used cpus_percent cpus_revocable_total cpus_revocable_used cpus_revocable_percent \
gpus_total gpus_used gpus_percent gpus_revocable_total gpus_revocable_used gpus_revocable_percent \
mem_total mem_used mem_percent mem_revocable_total mem_revocable_used mem_revocable_percent \
disk_total disk_used disk_percent disk_revocable_total disk_revocable_used disk_revocable_percent \
tasks_finished tasks_failed tasks_killed tasks_lost tasks_error tasks_dropped tasks_gone tasks_gone_by_operator \
dropped_messages messages_register_framework messages_reregister_framework messages_unregister_framework \
messages_deactivate_framework messages_kill_task messages_status_update_acknowledgement \
messages_resource_request messages_launch_tasks messages_decline_offers messages_revive_offers \
messages_suppress_offers messages_reconcile_tasks messages_framework_to_executor \
messages_executor_to_framework messages_register_slave messages_reregister_slave messages_unregister_slave \
messages_status_update messages_exited_executor messages_update_slave messages_authenticate \
valid_framework_to_executor_messages invalid_framework_to_executor_messages \
valid_executor_to_framework_messages invalid_executor_to_framework_messages valid_status_updates \
invalid_status_updates valid_status_update_acknowledgements invalid_status_update_acknowledgements \
recovery_slave_removals slave_registrations slave_reregistrations slave_removals \
slave_removals/reason_unhealthy slave_removals/reason_unregistered slave_removals/reason_registered \
slave_shutdowns_scheduled slave_shutdowns_completed slave_shutdowns_canceled slave_unreachable_scheduled \
slave_unreachable_completed slave_unreachable_canceled";

#[tokio::test]
async fn fresh_master_has_every_fixed_metric_and_no_other() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let snapshot = rig.node.metrics().snapshot(None).await;
    let mut expected: Vec<String> = FIXED.split_whitespace().map(|name| format!("master/{name}")).collect();
    expected.sort_unstable();
    let found: Vec<String> = snapshot.into_keys().filter(|name| name.starts_with("master/")).collect();
    assert_eq!(found, expected);
    rig.node.shutdown().await;
}

#[tokio::test]
async fn numbers_follow_what_happens() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let (_agent, _) = Peer::agent(&rig, "cpus:4;mem:1024;disk:1024").await;
    let mut scheduler = rig.framework().await;
    let offer = scheduler.offer().await;
    assert_eq!(rig.metric("master/outstanding_offers").await, Some(1.0));
    let tasks = json!([task("fits", &offer, 1.0), task("too-large", &offer, 100.0)]);
    rig.launch(&scheduler, &offer, tasks).await;
    let error = scheduler.events.expect("UPDATE").await;
    assert_eq!(error["update"]["status"]["state"], "TASK_ERROR");
    for (name, value) in [
        ("elected", 1.0),
        ("slaves_active", 1.0),
        ("slaves_disconnected", 0.0),
        ("frameworks_active", 1.0),
        ("tasks_staging", 1.0),
        ("tasks_error", 1.0),
        ("task_error/source_master/reason_task_invalid", 1.0),
        ("cpus_total", 4.0),
        ("cpus_used", 1.0),
        ("cpus_percent", 0.25),
        ("slave_registrations", 1.0),
        ("messages_register_slave", 1.0),
        ("messages_register_framework", 1.0),
        ("messages_launch_tasks", 1.0),
    ] {
        assert_eq!(rig.metric(&format!("master/{name}")).await, Some(value), "{name}");
    }
    rig.node.shutdown().await;
}

#[tokio::test]
async fn messages_of_a_principal_are_counted_while_it_has_a_framework() {
    let rig = Rig::start().await;
    rig.recovered().await;
    let mut driver = Peer::start(&rig, "scheduler-1").await;
    let framework = FrameworkInfo {
        user: "u".into(),
        name: "n".into(),
        principal: Some("ops".into()),
        ..FrameworkInfo::default()
    };
    driver.send(RegisterFrameworkMessage { framework });
    let registered: FrameworkRegisteredMessage = driver.expect().await;
    assert_eq!(rig.metric("frameworks/ops/messages_received").await, Some(0.0));
    driver.round_trip(&rig).await;
    assert_eq!(rig.metric("frameworks/ops/messages_received").await, Some(1.0));
    assert_eq!(rig.metric("frameworks/ops/messages_processed").await, Some(1.0));
    driver.send(UnregisterFrameworkMessage { framework_id: registered.framework_id });
    driver.round_trip(&rig).await;
    assert_eq!(rig.metric("frameworks/ops/messages_received").await, None);
    rig.node.shutdown().await;
}

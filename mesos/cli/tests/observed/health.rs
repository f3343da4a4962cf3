//! Health checks.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::harness::{Cluster, Framework, command_task, framework_info};

/// Answers every request by 200 or 500; gives its port.
fn serve(healthy: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let status = if healthy.load(Ordering::Acquire) { "200 OK" } else { "500 Internal Server Error" };
            let mut request = [0; 4096];
            // Whoever asks may be gone: it is asked again.
            let _ = stream.read(&mut request);
            let _ = stream.write_all(
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
            );
        }
    });
    port
}

#[test]
fn task_that_fails_its_health_check_three_times_is_killed() {
    let cluster = Cluster::local(1);
    let healthy = Arc::new(AtomicBool::new(true));
    let port = serve(Arc::clone(&healthy));
    let mut framework = Framework::subscribe(cluster.master(), framework_info("health"));
    let offer = framework.offer();
    let mut task = command_task("checked", &offer, "sleep 1000");
    task["health_check"] = json!({
        "type": "HTTP",
        "http": { "port": port, "path": "/health" },
        "delay_seconds": 0.0,
        "interval_seconds": 0.1,
        "grace_period_seconds": 0.1,
    });
    framework.launch(&offer, &[task]);
    framework.updates_to("checked", "TASK_RUNNING");
    let status = framework.update_of("checked");
    let seen = [&status["state"], &status["reason"], &status["healthy"]];
    assert_eq!(
        seen,
        [&json!("TASK_RUNNING"), &json!("REASON_TASK_HEALTH_CHECK_STATUS_UPDATED"), &json!(true)]
    );
    healthy.store(false, Ordering::Release);
    let statuses = framework.updates_to_end("checked");
    let last = statuses.last().expect("an update");
    assert_eq!((&last["state"], &last["healthy"]), (&json!("TASK_KILLED"), &json!(false)), "{last}");
    assert!(statuses.iter().all(|status| status["healthy"] == false), "{statuses:?}");
}

//! Tasks from the master to their executor and back.

use mesos_api::v1::{TaskState, executor::event::Type, task_status::Source};

use crate::fixture::{Executor, agent_pid, framework, run, run_task, task, tell, tests};
use crate::master::Heard;

tests![task_runs_and_ends];

fn task_runs_and_ends() {
    run(|mut fixture| async move {
        let agent = fixture.registered().await;
        let pid = agent_pid(&agent);
        fixture.master.say(&pid, run_task(framework(false), task("t", "e")));
        let mut executor = loop {
            let response = fixture.post("/slave(1)/api/v1/executor", r#"{"type":"SUBSCRIBE","framework_id":{"value":"F"},"executor_id":{"value":"e"},"subscribe":{}}"#).await;
            if response.status == 200 {
                break Executor::subscribe(&fixture, "F", "e").await;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(executor.kind().await, Some(Type::Subscribed));
        assert_eq!(executor.kind().await, Some(Type::Launch));
        tell(&fixture, "F", "e", "t", "TASK_RUNNING", 1).await;
        assert_eq!(executor.kind().await, Some(Type::Acknowledged));
        let update = fixture.master.update().await;
        assert_eq!(update.status.state(), TaskState::TaskRunning);
        assert_eq!(update.status.source(), Source::Executor);
        let status = update.status.container_status.clone().unwrap();
        assert!(status.executor_pid.is_some() && status.container_id.is_some(), "{status:?}");
        assert_eq!(status.network_infos[0].ip_addresses[0].ip_address.as_deref(), Some("127.0.0.1"));
        fixture.master.acknowledge(&pid, &update);
        tell(&fixture, "F", "e", "t", "TASK_FINISHED", 2).await;
        let update = fixture.master.update().await;
        assert_eq!(update.status.state(), TaskState::TaskFinished);
        fixture.master.acknowledge(&pid, &update);
        agent.leave().await;
        let exited = loop {
            if let (_, Heard::Exited(exited)) = fixture.master.next().await {
                break exited;
            }
        };
        assert_eq!(exited.executor_id.value, "e");
    });
}

//! Agents that are killed while they launch a task.

use mesos_agent::{AgentFlags, Helper};
use mesos_api::v1::{TaskState, task_status::Reason};

use crate::fixture::{agent_pid, framework, run, run_task, task, tests, until};
use crate::restarting::reregistered;

tests![task_that_the_agent_did_not_live_to_start_has_not_run, cause_of_a_failed_launch_comes_first];

/// What an agent leaves that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    /// After it wrote the executor and its task down.
    WithoutContainer,
    /// After it wrote what the container's helper needs.
    WithoutPid,
    /// After it wrote down the helper's pid, which then has not gone on.
    BeforeTheGo,
}

fn task_that_the_agent_did_not_live_to_start_has_not_run() {
    for killed in [Killed::WithoutContainer, Killed::WithoutPid, Killed::BeforeTheGo] {
        run(|mut fixture| async move {
            // A helper that does nothing, for as long as the agent is to live.
            let gate = fixture.directory.path().join("gate");
            let script = format!("while [ ! -e {} ]; do sleep 0.01; done", gate.display());
            let helper = Helper { program: "/bin/sh".into(), arguments: vec!["-c".into(), script] };
            let agent = fixture.agent_with(fixture.flags(), helper).await.unwrap();
            fixture.master.register().await;
            fixture.master.say(&agent_pid(&agent), run_task(framework(true), task("t", "e")));
            let runs = fixture.work_dir().join("meta/slaves/S0/frameworks/F/executors/e/runs/latest");
            let forked = runs.join("pids/forked.pid");
            until(|| forked.exists()).await;
            fixture.crash().await;
            if killed != Killed::BeforeTheGo {
                std::fs::remove_file(&forked).unwrap();
            }
            if killed == Killed::WithoutContainer {
                std::fs::remove_dir_all(fixture.directory.path().join("run")).unwrap();
            }
            std::fs::write(&gate, "").unwrap();
            let agent = fixture.agent(fixture.flags()).await;
            reregistered(&mut fixture).await;
            let update = fixture.master.update().await;
            assert_eq!(update.status.state(), TaskState::TaskLost, "{killed:?} {:?}", update.status);
            assert_eq!(update.status.reason(), Reason::AgentRestarted, "{killed:?}");
            let message = "The agent ended while the task was being launched; nothing of the task has run";
            assert_eq!(update.status.message(), message, "{killed:?}");
            fixture.master.acknowledge(&agent_pid(&agent), &update);
            agent.stop().await;
        });
    }
}

fn cause_of_a_failed_launch_comes_first() {
    run(|mut fixture| async move {
        let root = nix::unistd::geteuid().is_root();
        let agent = fixture.agent(AgentFlags { switch_user: root, ..fixture.flags() }).await;
        fixture.master.register().await;
        let mut unfetched = task("t", "e");
        let command = unfetched.executor.as_mut().unwrap().command.as_mut().unwrap();
        command.user = Some("root".into());
        command.uris =
            vec![mesos_api::v1::command_info::Uri { value: "/no/such/file".into(), ..Default::default() }];
        fixture.master.say(&agent_pid(&agent), run_task(framework(true), unfetched));
        let failed = async |fixture: &mut crate::fixture::Fixture| {
            let update = fixture.master.update().await;
            assert_eq!(update.status.reason(), Reason::ContainerLaunchFailed);
            fixture.master.acknowledge(&agent_pid(&agent), &update);
            update.status.message().to_owned()
        };
        let message = failed(&mut fixture).await;
        let expected =
            "Failed to launch container: failed to fetch '/no/such/file': No such file or directory";
        assert!(message.starts_with(expected), "{message}");
        if root {
            let mut unknown = task("u", "f");
            unknown.executor.as_mut().unwrap().command.as_mut().unwrap().user = Some("nemo".into());
            fixture.master.say(&agent_pid(&agent), run_task(framework(true), unknown));
            let message = failed(&mut fixture).await;
            assert!(message.starts_with("Failed to launch container: there is no user 'nemo'"), "{message}");
        }
        agent.stop().await;
    });
}

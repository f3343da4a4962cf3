//! Containers that outlive their agent.

use std::time::Duration;

use mesos_api::v1::ContainerId;
use mesos_containerizer::{ContainerClass, Recovered, Volume};
use nix::sys::signal::Signal;

use crate::fixture::{self, Fixture, exited, nested, processes_with, run, shell, signalled};

fixture::tests![
    container_is_taken_back_and_its_end_is_seen,
    end_while_the_agent_was_away_is_known,
    orphans_are_destroyed_and_standalone_containers_kept,
    nested_containers_come_back_and_debug_ones_do_not,
    other_process_with_the_pid_is_not_taken_for_the_container,
    lost_container_ends_at_once,
    volumes_of_a_container_are_known_after_a_restart,
];

async fn recovered(f: &Fixture, id: &ContainerId) -> Recovered {
    let status = f.containerizer.status(id).await.unwrap();
    let (container_id, pid) = (id.clone(), status.executor_pid.unwrap());
    Recovered { container_id, pid, directory: f.sandbox(id), resources: Vec::new() }
}

async fn ids(f: &Fixture) -> Vec<String> {
    f.containerizer.containers().await.unwrap().iter().map(|c| c.container_id.to_string()).collect()
}

fn container_is_taken_back_and_its_end_is_seen() {
    run(|f| async {
        let id = ContainerId::from("c");
        f.launch(&id, "echo up; while ! [ -e go ]; do sleep 0.01; done; echo down; exit 5").await;
        f.read_soon(&id, "stdout").await;
        let was = recovered(&f, &id).await;
        let f = f.restarted().await;
        f.containerizer.recover(vec![was.clone()]).await.unwrap();
        assert_eq!(recovered(&f, &id).await.pid, was.pid);
        let command: u32 =
            std::fs::read_to_string(f.runtime(&id).join("command_pid")).unwrap().parse().unwrap();
        let parent = stout::proc::stat(command).unwrap().unwrap().ppid;
        assert_eq!(parent, was.pid, "the process that was forked for the container, as in Mesos 1.5");
        std::fs::write(f.sandbox(&id).join("go"), "").unwrap();
        assert_eq!(f.wait(&id).await, exited(5));
        assert_eq!(f.read(&id, "stdout"), "up\ndown\n");

        f.launch(&id, "exec sleep 600").await;
        let was = recovered(&f, &id).await;
        let f = f.restarted().await;
        f.containerizer.recover(vec![was]).await.unwrap();
        assert_eq!(f.containerizer.kill(&id, Signal::SIGTERM).await, Ok(true));
        assert_eq!(f.wait(&id).await, signalled(15));
        f
    });
}

fn end_while_the_agent_was_away_is_known() {
    run(|f| async {
        let id = ContainerId::from("c");
        f.launch(&id, "while ! [ -e go ]; do sleep 0.01; done; exit 6").await;
        let was = recovered(&f, &id).await;
        f.node.shutdown().await;
        std::fs::write(f.sandbox(&id).join("go"), "").unwrap();
        f.read_status_soon(&id).await;
        let f = f.restarted().await;
        f.containerizer.recover(vec![was]).await.unwrap();
        assert_eq!(f.wait(&id).await, exited(6));
        assert_eq!(f.containerizer.wait(&id).await, Ok(None));
        f
    });
}

fn orphans_are_destroyed_and_standalone_containers_kept() {
    run(|f| async {
        let (orphan, kept) = (ContainerId::from("orphan"), ContainerId::from("standalone"));
        f.launch(&orphan, "exec sleep 600").await;
        let mut config = f.config(&kept, shell("exec sleep 600"));
        config.standalone = true;
        f.containerizer.launch(&kept, config).await.unwrap();
        let f = f.restarted().await;
        f.containerizer.recover(Vec::new()).await.unwrap();
        while ids(&f).await != ["standalone"] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(processes_with(&f.sandbox(&orphan).display().to_string()), Vec::<u32>::new());
        assert_eq!(f.containerizer.destroy(&kept).await, Ok(Some(signalled(9))));
        f
    });
}

fn nested_containers_come_back_and_debug_ones_do_not() {
    run(|f| async {
        let root = ContainerId::from("root");
        f.launch(&root, "exec sleep 600").await;
        let [child, debug, ended] = ["child", "debug", "ended"].map(|name| nested(&root, name));
        f.launch(&child, "exec sleep 600").await;
        let mut config = f.config(&debug, shell("exec sleep 600"));
        config.class = ContainerClass::Debug;
        f.containerizer.launch(&debug, config).await.unwrap();
        f.run(&ended, "exit 2").await;
        let was = recovered(&f, &root).await;
        let f = f.restarted().await;
        f.containerizer.recover(vec![was]).await.unwrap();
        assert_eq!(f.wait(&ended).await, exited(2));
        assert_eq!(f.wait(&debug).await, signalled(9));
        assert_eq!(ids(&f).await, ["root", "root.child"]);
        f.containerizer.remove(&ended).await.unwrap();
        assert!(!f.sandbox(&ended).exists());
        assert_eq!(f.containerizer.destroy(&child).await, Ok(Some(signalled(9))));
        assert_eq!(f.containerizer.destroy(&root).await, Ok(Some(signalled(9))));
        f
    });
}

fn other_process_with_the_pid_is_not_taken_for_the_container() {
    run(|f| async {
        let id = ContainerId::from("c");
        f.launch(&id, "exec sleep 600").await;
        let was = recovered(&f, &id).await;
        let kept = std::fs::read(f.runtime(&id).join("config")).unwrap();
        f.containerizer.destroy(&id).await.unwrap();
        // As if the machine had started again, and this process had got the pid.
        std::fs::create_dir_all(f.runtime(&id)).unwrap();
        std::fs::write(f.runtime(&id).join("config"), kept).unwrap();
        std::fs::write(f.runtime(&id).join("pid"), std::process::id().to_string()).unwrap();
        std::fs::write(f.runtime(&id).join("status"), "begun").unwrap();
        let f = f.restarted().await;
        f.containerizer.recover(vec![Recovered { pid: std::process::id(), ..was }]).await.unwrap();
        let termination = f.wait(&id).await;
        assert_eq!(termination.status, None);
        assert!(termination.message.unwrap().contains("nobody saw"));
        f
    });
}

fn lost_container_ends_at_once() {
    run(|f| async {
        let id = ContainerId::from("c");
        let gone =
            Recovered { container_id: id.clone(), pid: 1, directory: f.sandbox(&id), resources: Vec::new() };
        f.containerizer.recover(vec![gone]).await.unwrap();
        let termination = f.wait(&id).await;
        assert!(termination.message.unwrap().contains("nothing is left"));
        assert_eq!(f.containerizer.wait(&id).await, Ok(None));
        f
    });
}

fn volumes_of_a_container_are_known_after_a_restart() {
    run(|f| async {
        let id = ContainerId::from("c");
        let volume = |name: &str| Volume { path: name.into(), directory: f.directory.path().join(name) };
        let [kept, gone] = ["kept", "gone"].map(volume);
        for volume in [&kept, &gone] {
            std::fs::create_dir(&volume.directory).unwrap();
        }
        let mut config = f.config(&id, shell("exec sleep 600"));
        config.volumes = [gone.clone()].into();
        f.containerizer.launch(&id, config).await.unwrap();
        let both = [kept.clone(), gone.clone()].into();
        f.containerizer.update(&id, Vec::new(), both).await.unwrap();
        let was = recovered(&f, &id).await;
        let f = f.restarted().await;
        f.containerizer.recover(vec![was]).await.unwrap();
        f.containerizer.update(&id, Vec::new(), [kept.clone()].into()).await.unwrap();
        assert_eq!(std::fs::read_link(f.sandbox(&id).join("kept")).unwrap(), kept.directory);
        assert!(f.sandbox(&id).join("gone").symlink_metadata().is_err(), "no link is left to what may go");
        assert!(gone.directory.is_dir());
        f
    });
}

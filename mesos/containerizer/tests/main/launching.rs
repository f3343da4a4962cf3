//! What a container is given, and how it ends.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::AsRawFd;

use mesos_api::v1::command_info::Uri;
use mesos_api::v1::environment::Variable;
use mesos_api::v1::task_status::Reason;
use mesos_api::v1::{CommandInfo, ContainerId, ContainerInfo, Environment, TaskState};
use mesos_containerizer::{ContainerConfig, ContainerError, Launched, Termination, Volume};
use nix::sys::signal::Signal;

use crate::fixture::{self, container_error, exited, processes_with, run, shell, signalled};

fixture::tests![
    exit_code_and_output_are_kept,
    signal_reaches_the_command,
    argv_is_run_without_a_shell,
    environment_is_what_was_given,
    what_the_agent_holds_open_is_not_for_the_command,
    command_that_cannot_be_executed_says_why,
    uris_are_fetched_before_the_command_runs,
    failed_fetch_fails_the_launch,
    destroy_takes_what_hides_in_other_sessions,
    nothing_outlives_the_command,
    destroyed_launch_is_told,
    cause_of_a_destruction_becomes_the_termination,
    second_launch_changes_nothing,
    what_cannot_be_done_is_refused,
    killed_helper_leaves_nothing_behind,
    group_of_the_command_does_not_hold_its_helper,
    user_is_switched_as_root,
    pid_is_written_down_before_the_command_runs,
    signal_to_the_pid_that_is_told_reaches_the_command,
    volume_that_is_taken_away_during_the_launch_is_not_shown,
];

fn exit_code_and_output_are_kept() {
    run(|f| async {
        let id = ContainerId::from("c");
        let termination = f.run(&id, "echo out; echo err >&2; pwd >&2; exit 3").await;
        assert_eq!(termination, exited(3));
        assert_eq!(f.read(&id, "stdout"), "out\n");
        assert_eq!(f.read(&id, "stderr"), format!("err\n{}\n", f.sandbox(&id).display()));
        assert!(!f.runtime(&id).exists());
        assert_eq!(f.containerizer.wait(&id).await, Ok(None));
        f
    });
}

fn what_the_agent_holds_open_is_not_for_the_command() {
    run(|f| async {
        // Like what a shell or an init system leaves open: a copy is not closed when a program starts.
        let inherited = nix::unistd::dup(fs::File::open("/etc/hostname").unwrap()).unwrap();
        let script = format!("test ! -e /proc/self/fd/{}", inherited.as_raw_fd());
        assert_eq!(f.run(&ContainerId::from("c"), &script).await, exited(0));
        f
    });
}

fn signal_reaches_the_command() {
    run(|f| async {
        for signal in [Signal::SIGTERM, Signal::SIGKILL, Signal::SIGUSR1] {
            let id = ContainerId::from("c");
            f.launch(&id, "exec sleep 600").await;
            assert_eq!(f.containerizer.kill(&id, signal).await, Ok(true));
            assert_eq!(f.wait(&id).await, signalled(signal as i32));
            assert_eq!(f.containerizer.kill(&id, signal).await, Ok(false));
        }
        f
    });
}

fn argv_is_run_without_a_shell() {
    run(|f| async {
        let id = ContainerId::from("c");
        let command = CommandInfo {
            shell: Some(false),
            value: Some("printf".into()),
            arguments: ["printf", "%s|", "a b", "$HOME", ""].map(String::from).into(),
            ..Default::default()
        };
        f.containerizer.launch(&id, f.config(&id, command)).await.unwrap();
        assert_eq!(f.wait(&id).await, exited(0));
        assert_eq!(f.read(&id, "stdout"), "a b|$HOME||");
        f
    });
}

fn environment_is_what_was_given() {
    run(|f| async {
        let id = ContainerId::from("c");
        let variable = |name: &str, value: &str| Variable {
            name: name.into(),
            value: Some(value.into()),
            ..Default::default()
        };
        let variables = vec![variable("BOTH", "command"), variable("OWN", "x")];
        let command =
            CommandInfo { environment: Some(Environment { variables }), ..shell("/usr/bin/env | sort") };
        let mut config = f.config(&id, command);
        config.environment = [("BOTH", "agent"), ("GIVEN", "y"), ("MESOS_SANDBOX", "z")]
            .map(|(name, value)| (name.into(), value.into()))
            .into();
        f.containerizer.launch(&id, config).await.unwrap();
        assert_eq!(f.wait(&id).await, exited(0));
        let output = f.read(&id, "stdout");
        let variables: Vec<&str> = output
            .lines()
            .filter(|line| !["_=", "PWD=", "SHLVL=", "OLDPWD="].iter().any(|name| line.starts_with(name)))
            .collect();
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let sandbox = format!("MESOS_SANDBOX={}", f.sandbox(&id).display());
        assert_eq!(variables, ["BOTH=command", "GIVEN=y", &sandbox, "OWN=x", path]);
        f
    });
}

fn command_that_cannot_be_executed_says_why() {
    run(|f| async {
        let id = ContainerId::from("c");
        let command = CommandInfo { shell: Some(false), value: Some("./nope".into()), ..Default::default() };
        assert_eq!(f.containerizer.launch(&id, f.config(&id, command)).await, Ok(Launched::New));
        let message = "Failed to exec './nope': No such file or directory";
        let expected = Termination {
            status: Some(1 << 8),
            state: Some(TaskState::TaskFailed),
            reason: Some(Reason::ContainerLaunchFailed),
            message: Some(message.into()),
            ..Termination::default()
        };
        assert_eq!(f.wait(&id).await, expected);
        assert_eq!(f.read(&id, "stderr"), format!("{message}\n"));
        f
    });
}

fn uris_are_fetched_before_the_command_runs() {
    run(|f| async {
        let id = ContainerId::from("c");
        let file = f.directory.path().join("tool");
        fs::write(&file, "#!/bin/sh\necho fetched\n").unwrap();
        let uri = Uri { value: file.display().to_string(), executable: Some(true), ..Default::default() };
        let command = CommandInfo { uris: vec![uri], ..shell("./tool") };
        f.containerizer.launch(&id, f.config(&id, command)).await.unwrap();
        assert_eq!(f.wait(&id).await, exited(0));
        assert_eq!(f.read(&id, "stdout"), "fetched\n");
        assert!(f.read(&id, "stderr").contains(&format!("Fetched '{}' to ", file.display())));
        f
    });
}

fn failed_fetch_fails_the_launch() {
    run(|f| async {
        let id = ContainerId::from("c");
        let uri = Uri { value: "/no/such/file".into(), ..Default::default() };
        let command = CommandInfo { uris: vec![uri], ..shell("touch ran") };
        let error = f.containerizer.launch(&id, f.config(&id, command)).await.unwrap_err();
        assert!(matches!(container_error(&error), ContainerError::Launch { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with(
                "failed to launch container c: failed to fetch '/no/such/file': No such file or directory"
            ),
            "{text}"
        );
        assert!(f.read(&id, "stderr").contains("/no/such/file") && !f.sandbox(&id).join("ran").exists());
        assert_eq!(f.containerizer.wait(&id).await, Ok(None));
        assert!(!f.runtime(&id).exists());
        f
    });
}

/// A daemon as they are: in its own session, its parent gone. Its environment holds the sandbox.
const DAEMON: &str = "(setsid sh -c 'sleep 600 & exec sleep 600' >/dev/null 2>&1 &) ; ";

fn destroy_takes_what_hides_in_other_sessions() {
    run(|f| async {
        let id = ContainerId::from("c");
        f.launch(&id, &format!("{DAEMON} echo up; exec sleep 600")).await;
        f.read_soon(&id, "stdout").await;
        assert_eq!(f.containerizer.destroy(&id).await, Ok(Some(signalled(9))));
        assert_eq!(processes_with(&f.sandbox(&id).display().to_string()), Vec::<u32>::new());
        assert_eq!(f.containerizer.destroy(&id).await, Ok(None));
        f
    });
}

fn nothing_outlives_the_command() {
    run(|f| async {
        let id = ContainerId::from("c");
        assert_eq!(f.run(&id, &format!("{DAEMON} sleep 600 & exit 4")).await, exited(4));
        assert_eq!(processes_with(&f.sandbox(&id).display().to_string()), Vec::<u32>::new());
        f
    });
}

fn destroyed_launch_is_told() {
    run(|f| async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}/never", listener.local_addr().unwrap());
        let id = ContainerId::from("c");
        let uri = Uri { value: uri, ..Default::default() };
        let command = CommandInfo { uris: vec![uri], ..shell("touch ran") };
        let launch = f.containerizer.launch(&id, f.config(&id, command));
        // The fetch is under way.
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        let termination = f.containerizer.destroy(&id).await.unwrap().unwrap();
        assert!(termination.message.unwrap().contains("destroyed while it was being launched"));
        let error = launch.await.unwrap_err();
        assert!(matches!(container_error(&error), ContainerError::Destroyed { .. }), "{error}");

        // So early that there may be no process yet.
        let launch = f.containerizer.launch(&id, f.config(&id, shell("touch ran")));
        f.containerizer.destroy(&id).await.unwrap();
        assert!(launch.await.is_err());
        assert!(!f.sandbox(&id).join("ran").exists());
        f
    });
}

fn cause_of_a_destruction_becomes_the_termination() {
    run(|f| async {
        let id = ContainerId::from("c");
        f.launch(&id, "exec sleep 600").await;
        let cause = Termination {
            status: None,
            state: Some(TaskState::TaskFailed),
            reason: Some(Reason::ExecutorRegistrationTimeout),
            message: Some("the executor did not register".into()),
            ..Termination::default()
        };
        let waiting = f.containerizer.wait(&id);
        let ended = f.containerizer.destroy_because(&id, cause.clone()).await.unwrap().unwrap();
        assert_eq!(ended, Termination { status: Some(9), ..cause });
        assert_eq!(waiting.await.unwrap().unwrap(), ended);
        f
    });
}

fn second_launch_changes_nothing() {
    run(|f| async {
        let id = ContainerId::from("c");
        f.launch(&id, "echo once; exec sleep 600").await;
        let again = f.containerizer.launch(&id, f.config(&id, shell("echo twice"))).await;
        assert_eq!(again, Ok(Launched::Already));
        assert_eq!(f.read_soon(&id, "stdout").await, "once\n");
        assert_eq!(f.containerizer.containers().await.unwrap().len(), 1);
        f
    });
}

fn what_cannot_be_done_is_refused() {
    run(|f| async {
        let refusal = async |id: &str, change: fn(&mut ContainerConfig)| {
            let id = ContainerId::from(id);
            let mut config = f.config(&id, shell("true"));
            change(&mut config);
            f.containerizer.launch(&id, config).await.unwrap_err().to_string()
        };
        assert!(refusal("a.b", |_| ()).await.contains("invalid container id 'a.b': it holds a point"));
        assert!(refusal("c", |config| config.command.value = None).await.contains("command is empty"));
        assert!(refusal("c", |config| config.command.value = Some("a\0".into())).await.contains("zero byte"));
        assert!(
            refusal("c", |config| config.container = Some(ContainerInfo { r#type: 1, ..Default::default() }))
                .await
                .contains("no Docker containers")
        );
        assert!(
            refusal("c", |config| config.environment = [("A=B".into(), "c".into())].into())
                .await
                .contains("variable 'A=B' cannot be set")
        );
        assert!(
            refusal("c", |config| {
                config.command.uris = vec![Uri { value: "gopher://h/x".into(), ..Default::default() }];
            })
            .await
            .contains("'gopher'")
        );
        assert!(
            refusal("c", |config| config.user = Some("no-such-user".into())).await.contains("no-such-user")
        );
        assert_eq!(f.containerizer.containers().await, Ok(Vec::new()));
        f
    });
}

fn killed_helper_leaves_nothing_behind() {
    run(|f| async {
        let id = ContainerId::from("c");
        f.launch(&id, "sleep 600 & echo up; exec sleep 600").await;
        f.read_soon(&id, "stdout").await;
        let helper = f.containerizer.status(&id).await.unwrap().executor_pid.unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(helper as i32), Signal::SIGKILL).unwrap();
        let termination = f.wait(&id).await;
        assert_eq!(termination.status, None);
        assert!(termination.message.unwrap().contains("nobody saw"));
        while !processes_with(&f.sandbox(&id).display().to_string()).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        f
    });
}

fn group_of_the_command_does_not_hold_its_helper() {
    run(|f| async {
        let id = ContainerId::from("c");
        assert_eq!(f.run(&id, "echo out; kill -9 0").await, signalled(9));
        assert_eq!(f.read(&id, "stdout"), "out\n");
        f
    });
}

/// Needs root; says so when it is not.
fn user_is_switched_as_root() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    run(|f| async {
        // The temporary directory is its owner's only.
        fs::set_permissions(f.directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let id = ContainerId::from("c");
        let secret = f.directory.path().join("secret");
        fs::write(&secret, "x").unwrap();
        fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let mut config = f.config(&id, shell("id -un; touch mine; stat -c %U stdout mine; id -G"));
        config.user = Some("nobody".into());
        f.containerizer.launch(&id, config).await.unwrap();
        assert_eq!(f.wait(&id).await, exited(0));
        assert!(f.read(&id, "stdout").starts_with("nobody\nnobody\nnobody\n"), "{}", f.read(&id, "stdout"));
        assert_ne!(f.read(&id, "stdout").lines().last(), Some("0"), "root's groups are gone");

        // What the user may not read is not fetched for it.
        let id = ContainerId::from("thief");
        let uri = Uri { value: secret.display().to_string(), ..Default::default() };
        let mut config = f.config(&id, CommandInfo { uris: vec![uri], ..shell("true") });
        config.user = Some("nobody".into());
        let error = f.containerizer.launch(&id, config).await.unwrap_err().to_string();
        assert!(error.contains("Permission denied"), "{error}");
        f
    });
}

fn pid_is_written_down_before_the_command_runs() {
    run(|f| async {
        let id = ContainerId::from("c");
        let path = f.directory.path().join("meta/pids/forked.pid");
        let mut config = f.config(&id, shell(&format!("cat {}; sleep 600", path.display())));
        config.pid_checkpoint = Some(path.clone());
        f.containerizer.launch(&id, config).await.unwrap();
        let pid = f.containerizer.status(&id).await.unwrap().executor_pid.unwrap().to_string();
        assert_eq!(fs::read_to_string(path).unwrap(), pid);
        assert_eq!(fs::read_to_string(f.runtime(&id).join("pid")).unwrap(), pid);
        while f.read(&id, "stdout") != pid {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        f
    });
}

/// Mesos' launcher forks `mesos-containerizer launch`, whose pid it tells, and which then stays as the parent of
/// the command.
fn signal_to_the_pid_that_is_told_reaches_the_command() {
    run(|f| async {
        let id = ContainerId::from("c");
        f.launch(&id, "trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done").await;
        f.read_soon(&id, "stdout").await;
        let pid = f.containerizer.status(&id).await.unwrap().executor_pid.unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), Signal::SIGTERM).unwrap();
        assert_eq!(f.wait(&id).await, exited(5));
        f
    });
}

fn volume_that_is_taken_away_during_the_launch_is_not_shown() {
    run(|f| async {
        let id = ContainerId::from("c");
        let mut config = f.config(&id, shell("exec sleep 600"));
        let directory = f.directory.path().join("volume");
        fs::create_dir(&directory).unwrap();
        config.volumes = [Volume { path: "data".into(), directory }].into();
        let launch = f.containerizer.launch(&id, config);
        f.containerizer.update(&id, Vec::new(), Default::default()).await.unwrap();
        assert_eq!(launch.await, Ok(Launched::New));
        assert!(f.sandbox(&id).join("data").symlink_metadata().is_err());
        f
    });
}

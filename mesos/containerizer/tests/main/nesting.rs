//! Containers in containers.

use mesos_api::v1::volume::{Mode, Source, source};
use mesos_api::v1::{ContainerId, ContainerInfo, Resource, Volume, container_info};
use mesos_containerizer::{ContainerClass, ContainerError, Volume as Outside};
use nix::sys::signal::Signal;

use crate::fixture::{self, container_error, exited, nested, run, shell, signalled};

fixture::tests![
    nested_container_lies_in_its_parent_and_answers_until_removed,
    end_of_a_parent_is_the_end_of_all_in_it,
    parent_must_be_there,
    debug_container_works_in_its_parents_sandbox,
    volumes_lead_to_the_parents_sandbox,
    siblings_do_not_touch_each_other,
];

fn nested_container_lies_in_its_parent_and_answers_until_removed() {
    run(|f| async {
        let root = ContainerId::from("root");
        f.launch(&root, "exec sleep 600").await;
        let child = nested(&root, "child");
        f.launch(&child, "pwd; exec sleep 600").await;
        assert_eq!(f.read_soon(&child, "stdout").await, format!("{}\n", f.sandbox(&child).display()));
        let error = f.containerizer.remove(&child).await.unwrap_err();
        assert!(matches!(container_error(&error), ContainerError::Running { .. }), "{error}");
        assert_eq!(f.containerizer.kill(&child, Signal::SIGTERM).await, Ok(true));
        for _ in 0..2 {
            assert_eq!(f.wait(&child).await, signalled(15));
        }
        assert_eq!(f.containerizer.destroy(&child).await, Ok(Some(signalled(15))));
        let error = f.containerizer.launch(&child, f.config(&child, shell("true"))).await.unwrap_err();
        assert!(error.to_string().contains("was not removed"), "{error}");
        assert!(f.runtime(&child).join("termination").exists());
        f.containerizer.remove(&child).await.unwrap();
        f.containerizer.remove(&child).await.unwrap();
        assert_eq!(f.containerizer.wait(&child).await, Ok(None));
        assert!(!f.runtime(&child).exists() && !f.sandbox(&child).exists());
        f
    });
}

fn end_of_a_parent_is_the_end_of_all_in_it() {
    run(|f| async {
        let root = ContainerId::from("root");
        f.launch(&root, "while ! [ -e go ]; do sleep 0.01; done; exit 7").await;
        let child = nested(&root, "child");
        f.launch(&child, "exec sleep 600").await;
        let grandchild = nested(&child, "grandchild");
        f.launch(&grandchild, "exec sleep 600").await;
        let waits = [f.containerizer.wait(&child), f.containerizer.wait(&grandchild)];
        std::fs::write(f.sandbox(&root).join("go"), "").unwrap();
        assert_eq!(f.wait(&root).await, exited(7));
        for wait in waits {
            assert_eq!(wait.await, Ok(Some(signalled(9))));
        }
        assert_eq!(f.containerizer.wait(&child).await, Ok(None));
        assert!(!f.runtime(&root).exists());
        f
    });
}

fn parent_must_be_there() {
    run(|f| async {
        let child = nested(&ContainerId::from("absent"), "child");
        let error = f.containerizer.launch(&child, f.config(&child, shell("true"))).await.unwrap_err();
        assert!(matches!(container_error(&error), ContainerError::UnknownParent { .. }), "{error}");

        let root = ContainerId::from("root");
        f.launch(&root, "exec sleep 600").await;
        let child = nested(&root, "child");
        let mut config = f.config(&child, shell("true"));
        config.resources = vec![Resource::default()];
        let error = f.containerizer.launch(&child, config).await.unwrap_err();
        assert!(error.to_string().contains("no resources of its own"), "{error}");
        f
    });
}

fn debug_container_works_in_its_parents_sandbox() {
    run(|f| async {
        let root = ContainerId::from("root");
        f.launch(&root, "exec sleep 600").await;
        let child = nested(&root, "child");
        let mut config = f.config(&child, shell("pwd; touch seen"));
        config.class = ContainerClass::Debug;
        f.containerizer.launch(&child, config).await.unwrap();
        assert_eq!(f.wait(&child).await, exited(0));
        assert_eq!(f.read(&child, "stdout"), format!("{}\n", f.sandbox(&root).display()));
        assert!(f.sandbox(&root).join("seen").exists());
        f
    });
}

fn volumes_lead_to_the_parents_sandbox() {
    run(|f| async {
        let root = ContainerId::from("root");
        let volume = f.directory.path().join("volume");
        std::fs::create_dir(&volume).unwrap();
        let mut config = f.config(&root, shell("exec sleep 600"));
        config.volumes = [Outside { path: "data".into(), directory: volume.clone() }].into();
        f.containerizer.launch(&root, config).await.unwrap();

        let child = nested(&root, "child");
        let sandbox_path = source::SandboxPath {
            r#type: Some(source::sandbox_path::Type::Parent as i32),
            path: "data".into(),
        };
        let source = Source {
            r#type: Some(source::Type::SandboxPath as i32),
            sandbox_path: Some(sandbox_path),
            ..Default::default()
        };
        let shared = Volume {
            mode: Mode::Rw as i32,
            container_path: "my/data".into(),
            source: Some(source),
            ..Default::default()
        };
        let container = |volume: &Volume| ContainerInfo {
            r#type: container_info::Type::Mesos as i32,
            volumes: vec![volume.clone()],
            ..Default::default()
        };
        let mut config = f.config(&child, shell("echo x > my/data/file"));
        config.container = Some(container(&shared));
        f.containerizer.launch(&child, config.clone()).await.unwrap();
        assert_eq!(f.wait(&child).await, exited(0));
        assert_eq!(std::fs::read_to_string(volume.join("file")).unwrap(), "x\n");

        let other = nested(&root, "other");
        let host = Volume { source: None, host_path: Some("/etc".into()), ..shared.clone() };
        let read_only = Volume { mode: Mode::Ro as i32, ..shared };
        for (volume, text) in [(host, "SANDBOX_PATH only"), (read_only, "no read-only volumes")] {
            config.container = Some(container(&volume));
            let error = f.containerizer.launch(&other, config.clone()).await.unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
        let more = Outside { path: "more".into(), directory: volume.clone() };
        f.containerizer.update(&root, Vec::new(), [more].into()).await.unwrap();
        assert!(f.sandbox(&root).join("more/file").exists() && !f.sandbox(&root).join("data").exists());
        f
    });
}

fn siblings_do_not_touch_each_other() {
    run(|f| async {
        let root = ContainerId::from("root");
        f.launch(&root, "exec sleep 600").await;
        let (one, other) = (nested(&root, "one"), nested(&root, "other"));
        f.launch(&one, "exec sleep 600").await;
        f.launch(&other, "exec sleep 600").await;
        assert_eq!(f.containerizer.destroy(&one).await, Ok(Some(signalled(9))));
        let living: Vec<_> =
            f.containerizer.containers().await.unwrap().into_iter().map(|c| c.container_id).collect();
        assert_eq!(living, [root, other.clone()]);
        assert_eq!(f.containerizer.kill(&other, Signal::SIGTERM).await, Ok(true));
        assert_eq!(f.wait(&other).await, signalled(15));
        f
    });
}

//! Containers in containers.

use mesos_api::v1::{ContainerId, Resource};
use mesos_containerizer::{ContainerClass, ContainerError};
use nix::sys::signal::Signal;

use crate::fixture::{self, container_error, exited, nested, run, shell, signalled};

fixture::tests![
    nested_container_lies_in_its_parent_and_answers_until_removed,
    end_of_a_parent_is_the_end_of_all_in_it,
    parent_must_be_there,
    debug_container_works_in_its_parents_sandbox,
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
        while f.containerizer.kill(&child, Signal::SIGTERM).await != Ok(true) {}
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
        while f.containerizer.kill(&other, Signal::SIGTERM).await != Ok(true) {}
        assert_eq!(f.wait(&other).await, signalled(15));
        f
    });
}

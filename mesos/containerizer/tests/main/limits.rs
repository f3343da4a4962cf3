//! What a container uses, and what its output may take.

use std::collections::BTreeSet;

use mesos_api::v1::{ContainerId, Resource, value};
use mesos_containerizer::{Containerizer, LogBounds, Options};

use crate::fixture::{self, exited, options, run, shell};

fixture::tests![
    output_stays_within_its_bound,
    usage_is_that_of_all_processes,
    resources_are_reported_as_limits
];

fn output_stays_within_its_bound() {
    run(|f| async {
        let bound = 256 * 1024;
        let logs = LogBounds { stdout_size_max: Some(bound), stderr_size_max: None };
        let options =
            Options { logs, runtime_dir: f.directory.path().join("other"), ..options(f.directory.path()) };
        let containerizer = Containerizer::start(&f.node, options);
        let id = ContainerId::from("c");
        let script = "seq 1 200000; seq 1 100000 >&2; echo last";
        containerizer.launch(&id, f.config(&id, shell(script))).await.unwrap();
        assert_eq!(containerizer.wait(&id).await.unwrap().unwrap(), exited(0));
        let (now, before) = (f.read(&id, "stdout"), f.read(&id, "stdout.1"));
        assert!(now.ends_with("200000\nlast\n"));
        for length in [now.len(), before.len()] {
            assert!(length as u64 <= bound && length > 0, "{length}");
        }
        // No line is lost between the two.
        let both = format!("{before}{now}");
        let numbers: Vec<u64> = both.lines().filter_map(|line| line.parse().ok()).skip(1).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
        assert_eq!(f.read(&id, "stderr").lines().count(), 100_000);
        f
    });
}

fn usage_is_that_of_all_processes() {
    run(|f| async {
        let id = ContainerId::from("c");
        f.launch(&id, "(while :; do :; done) & (while :; do :; done) & echo up; wait").await;
        f.read_soon(&id, "stdout").await;
        let used = loop {
            let usage = f.containerizer.usage(&id).await.unwrap();
            if usage.cpus_user_time_secs.unwrap() + usage.cpus_system_time_secs.unwrap() > 0.1 {
                break usage;
            }
        };
        // The shell and two of its children; the helper does not count.
        assert_eq!((used.processes, used.threads), (Some(3), Some(3)));
        assert!(used.mem_rss_bytes.unwrap() > 1 << 20);
        assert!(used.timestamp > 1e9);
        assert!(f.containerizer.usage(&ContainerId::from("absent")).await.is_err());
        f
    });
}

fn resources_are_reported_as_limits() {
    run(|f| async {
        let resource = |name: &str, value: f64| Resource {
            name: name.into(),
            scalar: Some(value::Scalar { value }),
            ..Default::default()
        };
        let id = ContainerId::from("c");
        let mut config = f.config(&id, shell("exec sleep 600"));
        config.resources = vec![resource("cpus", 0.5), resource("mem", 64.0)];
        f.containerizer.launch(&id, config).await.unwrap();
        let usage = f.containerizer.usage(&id).await.unwrap();
        assert_eq!((usage.cpus_limit, usage.mem_limit_bytes), (Some(0.5), Some(64 << 20)));
        f.containerizer.update(&id, vec![resource("cpus", 2.0)], BTreeSet::new()).await.unwrap();
        let usage = f.containerizer.usage(&id).await.unwrap();
        assert_eq!((usage.cpus_limit, usage.mem_limit_bytes), (Some(2.0), None));
        assert!(
            f.containerizer.update(&ContainerId::from("absent"), Vec::new(), BTreeSet::new()).await.is_err()
        );
        f
    });
}

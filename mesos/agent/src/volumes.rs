//! Persistent volumes among resources.

use std::collections::BTreeSet;

use mesos_api::v1::Resource;
use mesos_containerizer::Volume;
use mesos_workload::Layout;

/// Finds the volumes that have a directory on this agent.
pub(crate) fn volumes(layout: &Layout, resources: &[Resource]) -> BTreeSet<Volume> {
    let found = resources.iter().filter_map(|proto| {
        let path = &proto.disk.as_ref()?.volume.as_ref()?.container_path;
        let resource = mesos_resources::Resource::from_proto(proto.clone()).ok()?;
        Some(Volume { path: path.into(), directory: layout.volume(&resource)? })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_found_among_the_resources() {
        let parse = |text: &str| mesos_api::json::from_slice::<Resource>(text.as_bytes()).unwrap();
        let disk = r#"{"name":"disk","type":"SCALAR","scalar":{"value":8},
            "reservations":[{"type":"DYNAMIC","role":"a/b"}],
            "disk":{"persistence":{"id":"v"},"volume":{"container_path":"data","mode":"RW"}}}"#;
        let cpus = r#"{"name":"cpus","type":"SCALAR","scalar":{"value":1}}"#;
        let layout = Layout::new("/work");
        let volume = Volume { path: "data".into(), directory: "/work/volumes/roles/a b/v".into() };
        assert_eq!(volumes(&layout, &[parse(cpus), parse(disk)]), [volume].into());
        assert_eq!(volumes(&layout, &[parse(cpus)]), BTreeSet::new());
    }
}

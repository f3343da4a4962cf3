//! Persistent volumes as a container sees them: links in its sandbox.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::PathBuf;

use mesos_api::v1::Resource;
use mesos_workload::Layout;
use nix::unistd::{User, geteuid};

/// The volumes among the resources of a container.
#[derive(Debug, Default)]
pub(crate) struct Volumes {
    /// Where they are wanted in the sandbox, and where they are.
    pub(crate) links: BTreeMap<PathBuf, PathBuf>,
    /// The directories; true for those that other containers may use at the same time.
    directories: Vec<(PathBuf, bool)>,
}

impl Volumes {
    /// Finds the volumes that have a directory on this agent.
    pub(crate) fn of(layout: &Layout, resources: &[Resource]) -> Self {
        let mut volumes = Self::default();
        for proto in resources {
            let path = proto.disk.as_ref().and_then(|disk| disk.volume.as_ref());
            let Some(path) = path.map(|volume| PathBuf::from(&volume.container_path)) else { continue };
            let Ok(resource) = mesos_resources::Resource::from_proto(proto.clone()) else { continue };
            let Some(directory) = layout.volume(&resource) else { continue };
            volumes.directories.push((directory.clone(), resource.is_shared()));
            volumes.links.insert(path, directory);
        }
        volumes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Lets a user write into the volumes. One that others may be using is given away only the first
    /// time. It blocks.
    ///
    /// # Errors
    ///
    /// What could not be given, as text for people.
    pub(crate) fn give(&self, user: Option<&str>) -> Result<(), String> {
        let Some(name) = user.filter(|_| geteuid().is_root()) else { return Ok(()) };
        let found =
            User::from_name(name).map_err(|error| format!("failed to look up user '{name}': {error}"))?;
        let found = found.ok_or_else(|| format!("there is no user '{name}'"))?;
        for (directory, shared) in &self.directories {
            let failed = |error| {
                format!("failed to give the persistent volume '{}' to '{name}': {error}", directory.display())
            };
            if *shared && directory.symlink_metadata().map_err(failed)?.uid() != 0 {
                continue;
            }
            lchown(directory, Some(found.uid.as_raw()), Some(found.gid.as_raw())).map_err(failed)?;
        }
        Ok(())
    }
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
        let volumes = Volumes::of(&layout, &[parse(cpus), parse(disk)]);
        let expected = BTreeMap::from([("data".into(), "/work/volumes/roles/a b/v".into())]);
        assert_eq!(volumes.links, expected);
        assert!(Volumes::of(&layout, &[parse(cpus)]).is_empty());
        volumes.give(None).unwrap();
    }
}

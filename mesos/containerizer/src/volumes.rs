//! Directories that outlive a container, as it sees them.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{ContainerError, sandbox};

/// A directory that outlives the container, such as a persistent volume.
///
/// A link in the sandbox leads there. It is given to the owner of the sandbox, without what is in it,
/// unless another container uses it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Volume {
    /// Where it is wanted: a relative path in the sandbox.
    pub path: PathBuf,
    /// Where it is on the machine.
    pub directory: PathBuf,
}

/// What is to be done when the volumes of a container change.
#[derive(Debug)]
pub(crate) struct VolumeChange {
    remove: Vec<Volume>,
    add: Vec<Volume>,
    /// Those of the new directories that no other container uses.
    give: BTreeSet<PathBuf>,
}

impl VolumeChange {
    pub(crate) fn new(
        current: &BTreeSet<Volume>,
        wanted: &BTreeSet<Volume>,
        used_elsewhere: &BTreeSet<PathBuf>,
    ) -> Self {
        let add: Vec<Volume> = wanted.difference(current).cloned().collect();
        let directories = add.iter().map(|volume| &volume.directory);
        let give = directories.filter(|directory| !used_elsewhere.contains(*directory)).cloned().collect();
        Self { remove: current.difference(wanted).cloned().collect(), add, give }
    }

    /// Brings a sandbox to where it shall be; what is so already is left alone. It blocks.
    pub(crate) fn make(&self, sandbox: &Path, user: Option<&str>) -> Result<(), ContainerError> {
        let failed = |doing, path: PathBuf| move |cause| ContainerError::File { doing, path, cause };
        for Volume { path, directory } in &self.remove {
            sandbox::unlink(sandbox, path, directory).map_err(failed("unlink", sandbox.join(path)))?;
        }
        for directory in &self.give {
            give(directory, sandbox).map_err(failed("change the owner of", directory.clone()))?;
        }
        for Volume { path, directory } in &self.add {
            sandbox::link(sandbox, path, directory, user).map_err(failed("link", sandbox.join(path)))?;
        }
        Ok(())
    }
}

/// Gives a directory, and nothing in it, to the owner of a sandbox.
fn give(directory: &Path, sandbox: &Path) -> io::Result<()> {
    let (is, owner) = (directory.symlink_metadata()?, sandbox.metadata()?);
    if (is.uid(), is.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    lchown(directory, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use nix::unistd::geteuid;

    use super::*;

    fn volume(path: &str, directory: &Path) -> Volume {
        Volume { path: path.into(), directory: directory.into() }
    }

    #[test]
    fn links_come_and_go_and_the_directories_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["sandbox", "a", "b"] {
            fs::create_dir(path(name)).unwrap();
        }
        let sets = [
            BTreeSet::new(),
            BTreeSet::from([volume("data", &path("a")), volume("more/data", &path("b"))]),
            BTreeSet::from([volume("data", &path("b"))]),
            BTreeSet::new(),
        ];
        for change in sets.windows(2) {
            let change = VolumeChange::new(&change[0], &change[1], &BTreeSet::new());
            // A second time after a crash, it is as good.
            for _ in 0..2 {
                change.make(&path("sandbox"), None).unwrap();
            }
            let leads = |name: &str| fs::read_link(path("sandbox").join(name)).ok();
            let expected = |name: &str| {
                let links = change.add.iter().find(|volume| volume.path == Path::new(name));
                links.map(|volume| volume.directory.clone())
            };
            assert_eq!(leads("data"), expected("data"));
            assert_eq!(leads("more/data"), expected("more/data"));
        }
        assert!(path("a").is_dir() && path("b").is_dir());
    }

    #[test]
    fn place_that_is_taken_is_an_error_and_what_the_task_put_there_stays() {
        let directory = tempfile::tempdir().unwrap();
        let sandbox = directory.path().join("sandbox");
        fs::create_dir(&sandbox).unwrap();
        fs::write(sandbox.join("data"), "x").unwrap();
        let set = BTreeSet::from([volume("data", directory.path())]);
        let none = BTreeSet::new();
        let error = VolumeChange::new(&none, &set, &none_used()).make(&sandbox, None).unwrap_err();
        assert!(error.to_string().contains("failed to link"), "{error}");
        VolumeChange::new(&set, &none, &none_used()).make(&sandbox, None).unwrap();
        assert_eq!(fs::read(sandbox.join("data")).unwrap(), b"x");
        fs::remove_dir_all(&sandbox).unwrap();
        VolumeChange::new(&set, &none, &none_used()).make(&sandbox, None).unwrap();
    }

    fn none_used() -> BTreeSet<PathBuf> {
        BTreeSet::new()
    }

    /// Needs root; says so when it is not.
    #[test]
    fn volume_is_given_to_the_owner_of_the_sandbox_but_not_what_is_in_it_as_root() {
        if !geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["sandbox", "volume", "used"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("volume/file"), "x").unwrap();
        lchown(path("sandbox"), Some(1234), Some(4321)).unwrap();
        let wanted = BTreeSet::from([volume("a", &path("volume")), volume("b", &path("used"))]);
        let change = VolumeChange::new(&BTreeSet::new(), &wanted, &BTreeSet::from([path("used")]));
        change.make(&path("sandbox"), None).unwrap();
        let owner = |name: &str| {
            let metadata = path(name).metadata().unwrap();
            (metadata.uid(), metadata.gid())
        };
        assert_eq!(owner("volume"), (1234, 4321));
        assert_eq!((owner("volume/file"), owner("used")), ((0, 0), (0, 0)));

        // Back to the agent's own user, when it runs the next container.
        lchown(path("sandbox"), Some(0), Some(0)).unwrap();
        fs::remove_file(path("sandbox/a")).unwrap();
        change.make(&path("sandbox"), None).unwrap();
        assert_eq!(owner("volume"), (0, 0));
    }
}

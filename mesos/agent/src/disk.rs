//! What is written to disk and read from it. Everything here blocks: it runs off the actors.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use mesos_workload::recovery::Disk;
use mesos_workload::{File, VolumeRemoval};

/// Replaces files, in order, creating the directories above them. A crash leaves each of them as it was
/// or as it shall be.
///
/// # Errors
///
/// The first file that could not be written, as text for people; those before it are.
pub(crate) fn write_files(files: &[File]) -> Result<(), String> {
    for file in files {
        if let Some(directory) = file.path.parent() {
            stout::fs::create_dir_durable(directory).map_err(|error| error.to_string())?;
        }
        stout::fs::write_atomic(&file.path, &file.content).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Appends a record to a file so that the whole of it is on disk, or none.
///
/// # Errors
///
/// When it could not be written; what was written of it has been taken back then.
pub(crate) fn append_record(path: &Path, record: &[u8]) -> Result<(), String> {
    let failed = |error: io::Error| format!("failed to append to '{}': {error}", path.display());
    if let Some(directory) = path.parent() {
        stout::fs::create_dir_durable(directory).map_err(|error| error.to_string())?;
    }
    let existed = path.exists();
    let mut file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let written = file.write_all(record).and_then(|()| file.sync_data());
    if let Err(error) = written {
        // A part of a record in the middle of the file would make the rest of it unreadable.
        file.set_len(length).map_err(failed)?;
        return Err(failed(error));
    }
    if let (false, Some(directory)) = (existed, path.parent()) {
        stout::fs::sync_dir(directory).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Makes links point to directories, creating these, whatever was there before.
///
/// # Errors
///
/// The first that could not be made, as text for people.
pub(crate) fn make_links(links: &[(PathBuf, PathBuf)]) -> Result<(), String> {
    for (link, target) in links {
        let failed = |error: io::Error| {
            format!("failed to link '{}' to '{}': {error}", link.display(), target.display())
        };
        stout::fs::create_dir_durable(target).map_err(|error| error.to_string())?;
        let mut temporary = link.clone().into_os_string();
        temporary.push(".new");
        stout::fs::remove_file(&temporary).map_err(|error| error.to_string())?;
        symlink(target, &temporary).map_err(failed)?;
        fs::rename(&temporary, link).map_err(failed)?;
        if let Some(directory) = link.parent() {
            stout::fs::sync_dir(directory).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// Reservations and volumes to put in force.
#[derive(Debug, Clone)]
pub(crate) struct ResourceSync {
    pub(crate) target: PathBuf,
    pub(crate) info: PathBuf,
    pub(crate) content: Vec<u8>,
    pub(crate) create: Vec<PathBuf>,
    pub(crate) remove: Vec<VolumeRemoval>,
}

/// Writes down what is to be, makes it so, and then says that it is: a crash at any time is made good by
/// doing it all again.
///
/// # Errors
///
/// What could not be done, as text for people.
pub(crate) fn sync_resources(sync: &ResourceSync) -> Result<(), String> {
    write_files(&[File { path: sync.target.clone(), content: sync.content.clone() }])?;
    sync_volumes(&sync.create, &sync.remove)?;
    commit_resources(&sync.target, &sync.info)
}

/// Creates and removes the directories of volumes.
///
/// # Errors
///
/// What could not be done, as text for people.
pub(crate) fn sync_volumes(create: &[PathBuf], remove: &[VolumeRemoval]) -> Result<(), String> {
    for path in create {
        stout::fs::create_dir_durable(path)
            .map_err(|error| format!("failed to create the persistent volume: {error}"))?;
    }
    for VolumeRemoval { path, keep_root } in remove {
        let removed = if *keep_root { empty_dir(path) } else { stout::fs::remove_dir(path) };
        removed.map_err(|error| format!("failed to remove the persistent volume: {error}"))?;
    }
    Ok(())
}

/// Makes the target of reservations and volumes the state that is in force.
///
/// # Errors
///
/// When the file cannot be renamed.
pub(crate) fn commit_resources(target: &Path, info: &Path) -> Result<(), String> {
    fs::rename(target, info).map_err(|error| format!("failed to rename '{}': {error}", target.display()))?;
    match info.parent() {
        Some(directory) => stout::fs::sync_dir(directory).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

fn empty_dir(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            stout::fs::remove_dir(entry.path())?;
        } else {
            stout::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Cuts files off where their last whole record ends.
///
/// # Errors
///
/// The first file that could not be cut.
pub(crate) fn truncate(files: &[(PathBuf, u64)]) -> Result<(), String> {
    for (path, length) in files {
        let cut = OpenOptions::new().write(true).open(path).and_then(|file| {
            file.set_len(*length)?;
            file.sync_all()
        });
        cut.map_err(|error| format!("failed to truncate '{}': {error}", path.display()))?;
    }
    Ok(())
}

/// The file system as recovery sees it.
pub(crate) struct StdDisk;

impl Disk for StdDisk {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        stout::fs::read_if_exists(path).map_err(|error| error.to_string())
    }

    fn directories(&self, path: &Path) -> Result<Vec<String>, String> {
        let failed = |error: io::Error| error.to_string();
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            // The type is that of the entry itself: a link to a directory is none.
            if entry.file_type().map_err(failed)?.is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn link(&self, path: &Path) -> Result<Option<String>, String> {
        match fs::read_link(path) {
            Ok(target) => Ok(target.file_name().map(|name| name.to_string_lossy().into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_cannot_be_written_leaves_the_file_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks/t/task.updates");
        append_record(&path, b"one").unwrap();
        append_record(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"onetwo");
        let error = append_record(Path::new("/dev/full"), b"three").unwrap_err();
        assert!(error.contains("/dev/full"), "{error}");
    }

    #[test]
    fn links_follow_the_newest_run() {
        let directory = tempfile::tempdir().unwrap();
        let (link, runs) = (directory.path().join("runs/latest"), directory.path().join("runs"));
        for run in ["a", "b"] {
            make_links(&[(link.clone(), runs.join(run))]).unwrap();
            assert_eq!(StdDisk.link(&link), Ok(Some(run.to_owned())));
        }
        assert_eq!(StdDisk.directories(&runs), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(StdDisk.link(&runs.join("none")), Ok(None));
        assert_eq!(StdDisk.directories(&runs.join("none")), Ok(Vec::new()));
    }

    #[test]
    fn volumes_appear_and_go_and_mount_points_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir_all(path("mount/below")).unwrap();
        fs::write(path("mount/file"), b"x").unwrap();
        fs::create_dir_all(path("gone/below")).unwrap();
        let sync = ResourceSync {
            target: path("meta/resources.target"),
            info: path("meta/resources.info"),
            content: b"content".to_vec(),
            create: vec![path("volumes/roles/web/v")],
            remove: vec![
                VolumeRemoval { path: path("mount"), keep_root: true },
                VolumeRemoval { path: path("gone"), keep_root: false },
                VolumeRemoval { path: path("never"), keep_root: false },
            ],
        };
        sync_resources(&sync).unwrap();
        assert!(path("volumes/roles/web/v").is_dir());
        assert_eq!(fs::read_dir(path("mount")).unwrap().count(), 0);
        assert!(!path("gone").exists());
        assert_eq!(fs::read(path("meta/resources.info")).unwrap(), b"content");
        assert!(!path("meta/resources.target").exists());
    }

    #[test]
    fn a_torn_tail_is_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("task.updates");
        fs::write(&path, b"whole-torn").unwrap();
        truncate(&[(path.clone(), 5)]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }
}

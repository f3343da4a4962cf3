//! What is in a directory.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::Path;

use mesos_api::v1::{FileInfo, TimeInfo};
use stout::Time;
use tracing::warn;

use super::FilesError;
use super::content::{failed, open_any};
use super::table::Located;
use crate::os;

/// How many entries of a directory are listed; the rest are left out.
pub const LISTING_MAX: usize = 100_000;

/// The entries of a directory, under the virtual path that was asked for.
pub(super) fn list(located: &Located, virtual_path: &str) -> Result<Vec<FileInfo>, FilesError> {
    let directory = open_any(located)?;
    let metadata = directory.metadata().map_err(|error| failed(located, &error))?;
    if !metadata.is_dir() {
        return Ok(Vec::new());
    }
    let names = os::names(directory, LISTING_MAX).map_err(|error| failed(located, &error))?;
    if names.len() == LISTING_MAX {
        warn!(path = %located.root.join(&located.relative).display(), "not all entries are listed");
    }
    let mut owners = Owners::default();
    let virtual_path = virtual_path.trim_end_matches('/');
    let mut infos: Vec<FileInfo> = names
        .iter()
        .filter_map(|name| {
            let relative = located.relative.join(name);
            // It may be gone by now.
            let metadata = metadata_within(&located.root, &relative)?;
            Some(owners.info(format!("{virtual_path}/{}", name.to_string_lossy()), &metadata))
        })
        .collect();
    infos.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(infos)
}

/// What the file system says of a file; of a symbolic link only where it stays inside is told
/// where it leads.
fn metadata_within(root: &Path, relative: &Path) -> Option<Metadata> {
    let path = root.join(relative);
    let metadata = fs::symlink_metadata(&path).ok()?;
    if !metadata.is_symlink() {
        return Some(metadata);
    }
    match path.canonicalize() {
        Ok(target) if target.starts_with(root) => fs::symlink_metadata(target).ok(),
        _ => Some(metadata),
    }
}

/// Names of owners that were looked up before.
#[derive(Default)]
struct Owners {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Owners {
    fn info(&mut self, path: String, metadata: &Metadata) -> FileInfo {
        let ownership = os::ownership(metadata);
        let (uid, gid) = (ownership.uid, ownership.gid);
        let user = self.users.entry(uid).or_insert_with(|| os::user_name(uid).unwrap_or(uid.to_string()));
        let group = self.groups.entry(gid).or_insert_with(|| os::group_name(gid).unwrap_or(gid.to_string()));
        let modified = metadata.modified().map_or(Time::EPOCH, Time::from);
        FileInfo {
            path,
            nlink: Some(i32::try_from(ownership.links).unwrap_or(i32::MAX)),
            size: Some(metadata.len()),
            mtime: Some(TimeInfo { nanoseconds: modified.as_nanos() }),
            mode: Some(ownership.mode),
            uid: Some(user.clone()),
            gid: Some(group.clone()),
        }
    }
}

/// A mode as `ls -l` writes it.
pub(super) fn mode_text(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o020_000 => 'c',
        0o060_000 => 'b',
        0o010_000 => 'p',
        0o120_000 => 'l',
        0o140_000 => 's',
        _ => '-',
    };
    let bits = (0..9).rev().zip("rwxrwxrwx".chars());
    let permissions = bits.map(|(bit, letter)| if mode & (1 << bit) == 0 { '-' } else { letter });
    std::iter::once(kind).chain(permissions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_ls_does() {
        for (mode, text) in [
            (0o100_644, "-rw-r--r--"),
            (0o040_755, "drwxr-xr-x"),
            (0o120_777, "lrwxrwxrwx"),
            (0o140_000, "s---------"),
            (0o010_421, "pr---w---x"),
        ] {
            assert_eq!(mode_text(mode), text);
        }
    }
}

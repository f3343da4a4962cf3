//! Giving a directory to a user.

use std::fs;
use std::io;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};

use nix::unistd::User;

use crate::FetchError;

/// Gives `directory` and all that is in it to `user` and the user's group. Symbolic links
/// themselves change hands, never what they point to.
///
/// # Errors
///
/// The first file that cannot be given away; or `user`, if there is none of this name.
pub fn chown_all(directory: &Path, user: &str) -> Result<(), FetchError> {
    let failed =
        |path: &Path, cause| FetchError::Chown { path: path.to_owned(), user: user.to_owned(), cause };
    let found = User::from_name(user).map_err(|error| failed(directory, error.into()))?;
    let found = found
        .ok_or_else(|| failed(directory, io::Error::new(io::ErrorKind::NotFound, "there is no such user")))?;
    let mut waiting: Vec<PathBuf> = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        let failed = |cause| failed(&path, cause);
        lchown(&path, Some(found.uid.as_raw()), Some(found.gid.as_raw())).map_err(failed)?;
        if path.symlink_metadata().map_err(failed)?.is_dir() {
            for entry in fs::read_dir(&path).map_err(failed)? {
                waiting.push(entry.map_err(failed)?.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_user_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let error = chown_all(directory.path(), "no-such-user-here").unwrap_err().to_string();
        assert!(error.ends_with("to user 'no-such-user-here': there is no such user"), "{error}");
    }

    /// Needs root; says so when it is not.
    #[test]
    fn links_change_hands_but_not_their_targets_as_root() {
        use std::os::unix::fs::{MetadataExt, symlink};
        if !nix::unistd::geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
        let outside = tempfile::NamedTempFile::new().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let nested = directory.path().join("a/b");
        fs::create_dir_all(&nested).unwrap();
        symlink(outside.path(), nested.join("link")).unwrap();
        chown_all(directory.path(), "nobody").unwrap();
        let nobody = User::from_name("nobody").unwrap().unwrap().uid.as_raw();
        assert_eq!(nested.symlink_metadata().unwrap().uid(), nobody);
        assert_eq!(nested.join("link").symlink_metadata().unwrap().uid(), nobody);
        assert_eq!(outside.path().metadata().unwrap().uid(), 0);
    }
}

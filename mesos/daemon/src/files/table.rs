//! Which virtual path is which real one.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Access, FilesError};

/// What is attached where.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    access: Option<Access>,
}

/// A path below an attached one, not looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    root: PathBuf,
    rest: PathBuf,
}

/// A file that is below the attached path, all symbolic links followed.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub(super) root: PathBuf,
    pub(super) relative: PathBuf,
}

impl Table {
    pub(super) fn attach(&mut self, virtual_path: &str, path: PathBuf, access: Option<Access>) {
        self.detach(virtual_path);
        self.entries.insert(normal(virtual_path), Entry { path, access });
    }

    pub(super) fn detach(&mut self, virtual_path: &str) {
        let own = normal(virtual_path);
        let below = format!("{own}/");
        self.entries.remove(&own);
        // What begins with a text stands together, from that text on.
        let range = self.entries.range(below.clone()..).map(|(path, _)| path);
        let below: Vec<String> = range.take_while(|path| path.starts_with(&below)).cloned().collect();
        below.iter().for_each(|path| drop(self.entries.remove(path)));
    }

    /// The entry with the longest path at or above the virtual path, and what is left of that.
    pub(super) fn find(&self, virtual_path: &str) -> Option<Target> {
        let normal = normal(virtual_path);
        let (entry, rest) =
            prefixes(&normal).find_map(|(prefix, rest)| Some((self.entries.get(prefix)?, rest)))?;
        Some(Target { root: entry.path.clone(), rest: PathBuf::from(rest) })
    }

    /// What one must be allowed to read the virtual path.
    pub(super) fn access(&self, virtual_path: &str) -> Option<Access> {
        let normal = normal(virtual_path);
        prefixes(&normal).find_map(|(prefix, _)| self.entries.get(prefix)?.access.clone())
    }

    /// Virtual and real paths.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.entries.iter().map(|(virtual_path, entry)| (virtual_path.as_str(), entry.path.as_path()))
    }
}

impl Target {
    /// Looks the file up. What lies outside of the attached path is as if it were not there.
    pub(super) fn locate(&self) -> Result<Located, FilesError> {
        let root = canonical(&self.root)?;
        let path =
            if self.rest.as_os_str().is_empty() { root.clone() } else { canonical(&root.join(&self.rest))? };
        match path.strip_prefix(&root) {
            Ok(relative) => Ok(Located { relative: relative.to_owned(), root }),
            Err(_) => Err(FilesError::NotFound),
        }
    }
}

fn canonical(path: &Path) -> Result<PathBuf, FilesError> {
    path.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput => {
            FilesError::NotFound
        }
        _ => FilesError::Failed(format!("failed to find {}: {error}", path.display())),
    })
}

/// Without empty parts and those that say "here"; `..` is left to the file system. It begins with
/// a slash if the path does.
fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let slash = if path.starts_with('/') { "/" } else { "" };
    format!("{slash}{}", parts.join("/"))
}

/// A normal path and those above it, each with what is left of the path.
fn prefixes(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let cuts = path.rmatch_indices('/').map(|(at, _)| (&path[..at], &path[at + 1..]));
    std::iter::once((path, "")).chain(cuts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesos_access::{Action, Object};

    fn access(name: &str) -> Option<Access> {
        Some(Access { action: Action::AccessSandbox, object: Object::of_value(name) })
    }

    #[test]
    fn longest_attached_path_decides() {
        let mut table = Table::default();
        table.attach("/a/", PathBuf::from("/real/a"), access("a"));
        table.attach("/a/b", PathBuf::from("/real/b"), None);
        table.attach("/a/b/c", PathBuf::from("/real/c"), access("c"));
        let check = |table: &Table, path: &str, root: &str, rest: &str, name: &str| {
            let target = Target { root: PathBuf::from(root), rest: PathBuf::from(rest) };
            assert_eq!(table.find(path), Some(target), "{path}");
            assert_eq!(table.access(path).unwrap().object, Object::of_value(name), "{path}");
        };
        check(&table, "/a", "/real/a", "", "a");
        check(&table, "/a/x/y/", "/real/a", "x/y", "a");
        check(&table, "/a//./b/x", "/real/b", "x", "a");
        check(&table, "/a/b/c/../x", "/real/c", "../x", "c");
        for path in ["", "/", "/b", "a", "/ab", "/../a"] {
            assert_eq!(table.find(path), None, "{path}");
        }
        table.detach("/a/b/c/");
        check(&table, "/a/b/c/x", "/real/b", "c/x", "a");
        assert_eq!(table.iter().count(), 2);
    }

    #[test]
    fn what_is_attached_below_goes_with_it() {
        let mut table = Table::default();
        for path in ["/run", "/run/data", "/run/data/deep", "/run-2", "/rum"] {
            table.attach(path, PathBuf::from("/real").join(path.trim_start_matches('/')), None);
        }
        let left = |table: &Table| table.iter().map(|(path, _)| path.to_owned()).collect::<Vec<_>>();
        table.attach("/run", PathBuf::from("/real/newer"), None);
        assert_eq!(left(&table), ["/rum", "/run", "/run-2"]);
        table.attach("/run/data", PathBuf::from("/real/data"), None);
        table.detach("/run");
        assert_eq!(left(&table), ["/rum", "/run-2"]);
    }

    #[test]
    fn what_lies_outside_is_as_if_it_were_not_there() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("inside/deep")).unwrap();
        std::fs::create_dir(dir.path().join("inside-out")).unwrap();
        std::fs::write(dir.path().join("secret"), "s").unwrap();
        let root = dir.path().join("inside");
        std::os::unix::fs::symlink("../secret", root.join("escape")).unwrap();
        std::os::unix::fs::symlink("deep", root.join("link")).unwrap();
        let locate = |rest: &str| Target { root: root.clone(), rest: PathBuf::from(rest) }.locate();
        for rest in
            ["../secret", "escape", "absent", "../inside-out", "deep/../../secret", "a\0b", "link/../.."]
        {
            assert_eq!(locate(rest).unwrap_err(), FilesError::NotFound, "{rest:?}");
        }
        assert_eq!(locate("link").unwrap().relative, PathBuf::from("deep"));
        assert_eq!(locate("link/../deep").unwrap().relative, PathBuf::from("deep"));
    }
}

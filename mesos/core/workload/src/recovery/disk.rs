use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The part of a file system that recovery looks at.
///
/// Errors are texts for people: what was tried, on what, and what was found.
pub trait Disk {
    /// The content of a file; `None` when there is none.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be read.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String>;

    /// The names of the directories in a directory, in order; none when it does not exist. Links and
    /// files are left out.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be read.
    fn directories(&self, path: &Path) -> Result<Vec<String>, String>;

    /// The last part of what a link points to; `None` when there is no link.
    ///
    /// # Errors
    ///
    /// When it cannot be followed.
    fn link(&self, path: &Path) -> Result<Option<String>, String>;
}

/// Files and links held in memory, for tests and tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryDisk {
    /// Files by path.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Links by path, and what they point to.
    pub links: BTreeMap<PathBuf, PathBuf>,
}

impl Disk for MemoryDisk {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        Ok(self.files.get(path).cloned())
    }

    fn directories(&self, path: &Path) -> Result<Vec<String>, String> {
        let below =
            self.files.keys().chain(self.links.keys()).filter_map(|file| file.strip_prefix(path).ok());
        let mut names: Vec<String> = below
            .filter(|rest| rest.components().count() > 1)
            .filter_map(|rest| rest.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn link(&self, path: &Path) -> Result<Option<String>, String> {
        let name = |target: &PathBuf| target.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(self.links.get(path).and_then(name))
    }
}

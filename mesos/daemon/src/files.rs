//! Files of a daemon and of tasks, read over HTTP: `/files`.
//!
//! A daemon attaches files and directories under virtual paths, such as its log under
//! `/master/log`, and others read and browse what is below. Nothing outside can be reached, by
//! `..` or by symbolic links, and each path may name who is allowed to read it.
//!
//! ```
//! use std::sync::Arc;
//! use mesos_access::Subject;
//! use mesos_auth::Permissive;
//! use mesos_daemon::files::Files;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let sandbox = tempfile::tempdir()?;
//! let node = libprocess::Node::builder().start().await?;
//! let files = Files::start(&node, Arc::new(Permissive))?;
//! std::fs::write(sandbox.path().join("stdout"), "hello")?;
//! files.attach("/sandbox", sandbox.path(), None);
//!
//! let subject = Subject::unknown();
//! let chunk = files.read("/sandbox/stdout", 1, None, subject.clone()).await??;
//! assert_eq!((chunk.size, chunk.data.as_slice()), (5, &b"ello"[..]));
//! assert!(files.browse("/sandbox/../..", subject).await?.is_err());
//! # node.shutdown().await;
//! # Ok(()) })
//! # }
//! ```

mod content;
mod error;
mod handlers;
mod listing;
mod process;
mod table;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use libprocess::{Future, Node, Pid, SpawnError};
use mesos_access::{Action, Object, Subject};
use mesos_api::v1::FileInfo;
use mesos_auth::Authorizer;

pub use content::{Chunk, READ_BYTES_MAX};
pub use error::FilesError;
pub use listing::LISTING_MAX;

use process::FilesProcess;

/// What one must be allowed in order to read an attached path.
#[derive(Clone, Debug)]
pub struct Access {
    /// To do what.
    pub action: Action,
    /// On what.
    pub object: Object,
}

/// The files that a daemon shows. Clones show the same.
#[derive(Clone, Debug)]
pub struct Files {
    pid: Pid<FilesProcess>,
}

impl Files {
    /// Answers `/files` on the node.
    ///
    /// # Errors
    ///
    /// The node answers it already.
    pub fn start(node: &Node, authorizer: Arc<dyn Authorizer>) -> Result<Files, SpawnError> {
        Ok(Files { pid: node.spawn_as("files", FilesProcess::new(authorizer))? })
    }

    /// Shows the file or directory at `path`, which need not be there yet, under a virtual path,
    /// in the place of what was shown there and below. Without `access`, that of the next attached path
    /// above counts; where no path above has one either, everybody may read it.
    pub fn attach(&self, virtual_path: impl Into<String>, path: impl Into<PathBuf>, access: Option<Access>) {
        let (virtual_path, path) = (virtual_path.into(), path.into());
        self.pid.tell(move |process, _cx| process.attach(&virtual_path, path, access));
    }

    /// Shows nothing at and below the virtual path any more.
    pub fn detach(&self, virtual_path: impl Into<String>) {
        let virtual_path = virtual_path.into();
        self.pid.tell(move |process, _cx| process.detach(&virtual_path));
    }

    /// What is in a directory, sorted by path; for a file, nothing.
    ///
    /// The future fails only when the process is gone.
    pub fn browse(
        &self,
        path: impl Into<String>,
        subject: Subject,
    ) -> Future<Result<Vec<FileInfo>, FilesError>> {
        let path = path.into();
        self.pid.ask_future(move |process, cx| {
            let node = cx.node().clone();
            node.run(process.browse(node.clone(), path, subject))
        })
    }

    /// Reads a file from an offset on, as many bytes as it has, `length` says or
    /// [`READ_BYTES_MAX`] allows.
    ///
    /// The future fails only when the process is gone.
    pub fn read(
        &self,
        path: impl Into<String>,
        offset: u64,
        length: Option<u64>,
        subject: Subject,
    ) -> Future<Result<Chunk, FilesError>> {
        let path = path.into();
        self.pid.ask_future(move |process, cx| {
            let node = cx.node().clone();
            node.run(process.read(node.clone(), path, offset, length, subject))
        })
    }
}

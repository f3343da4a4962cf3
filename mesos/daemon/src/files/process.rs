//! The process behind `/files`.

use std::path::PathBuf;
use std::sync::Arc;

use libprocess::{Context, Node, Process};
use mesos_access::Subject;
use mesos_api::v1::FileInfo;
use mesos_auth::Authorizer;

use super::content::{self, Chunk};
use super::table::{Located, Table};
use super::{Access, FilesError, handlers, listing};

pub(crate) struct FilesProcess {
    pub(super) table: Table,
    pub(super) authorizer: Arc<dyn Authorizer>,
}

impl Process for FilesProcess {
    const ID_PREFIX: &'static str = "files";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        handlers::install(cx);
    }
}

impl FilesProcess {
    pub(super) fn new(authorizer: Arc<dyn Authorizer>) -> FilesProcess {
        FilesProcess { table: Table::default(), authorizer }
    }

    pub(super) fn attach(&mut self, virtual_path: &str, path: PathBuf, access: Option<Access>) {
        self.table.attach(virtual_path, path, access);
    }

    pub(super) fn detach(&mut self, virtual_path: &str) {
        self.table.detach(virtual_path);
    }

    pub(super) fn browse(
        &self,
        node: Node,
        path: String,
        subject: Subject,
    ) -> impl Future<Output = Result<Vec<FileInfo>, FilesError>> + Send + 'static {
        self.with(node, path.clone(), subject, move |located| listing::list(located, &path))
    }

    pub(super) fn read(
        &self,
        node: Node,
        path: String,
        offset: u64,
        length: Option<u64>,
        subject: Subject,
    ) -> impl Future<Output = Result<Chunk, FilesError>> + Send + 'static {
        self.with(node, path, subject, move |located| content::read(located, offset, length))
    }

    /// Does something with a file that the subject may read, on a thread that may block.
    pub(super) fn with<T: Send + 'static>(
        &self,
        node: Node,
        path: String,
        subject: Subject,
        work: impl FnOnce(&Located) -> Result<T, FilesError> + Send + 'static,
    ) -> impl Future<Output = Result<T, FilesError>> + Send + 'static {
        let access = self.table.access(&path);
        let allowed = access.map(|access| self.authorizer.authorize(&subject, access.action, access.object));
        let target = self.table.find(&path);
        async move {
            if let Some(allowed) = allowed {
                match allowed.await {
                    Ok(true) => {}
                    Ok(false) => return Err(FilesError::Forbidden),
                    Err(error) => {
                        return Err(FilesError::Failed(format!(
                            "failed to authorize reading '{path}': {error}"
                        )));
                    }
                }
            }
            let target = target.ok_or(FilesError::NotFound)?;
            let worked = node.run_blocking(move || work(&target.locate()?)).await;
            worked
                .unwrap_or_else(|error| Err(FilesError::Failed(format!("failed to read '{path}': {error}"))))
        }
    }
}

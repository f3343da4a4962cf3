//! Working through the URIs of a command.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libprocess::http::Client;
use mesos_api::v1::command_info::Uri;

use crate::archive::{self, ArchiveError, ArchiveLimits, Kind};
use crate::item::{Item, Source, Treatment};
use crate::{FetchError, chown_all, download, local};

/// What to fetch, and where to.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchPlan {
    /// The URIs, in the order in which they are fetched.
    pub uris: Vec<Uri>,
    /// The directory that gets the files; it must exist.
    pub sandbox: PathBuf,
    /// Whom the sandbox and all in it is given to at the end, if somebody.
    pub user: Option<String>,
    /// Where relative paths are looked up.
    pub frameworks_home: Option<PathBuf>,
    /// How long a download may stand still: it fails when less than a byte a second arrived over
    /// this time.
    pub stall_timeout: Duration,
    /// How much one archive may unpack to.
    pub limits: ArchiveLimits,
}

impl FetchPlan {
    /// Fetches `uris` into `sandbox`, with the defaults for the rest.
    pub fn new(uris: Vec<Uri>, sandbox: impl Into<PathBuf>) -> Self {
        Self {
            uris,
            sandbox: sandbox.into(),
            user: None,
            frameworks_home: None,
            stall_timeout: Duration::from_secs(60),
            limits: ArchiveLimits::default(),
        }
    }
}

/// Checks the URIs without fetching any.
///
/// # Errors
///
/// [`FetchError::Invalid`] for the first URI that breaks a rule.
pub fn validate(uris: &[Uri], frameworks_home: Option<&Path>) -> Result<(), FetchError> {
    uris.iter().try_for_each(|uri| Item::new(uri, frameworks_home).map(drop))
}

/// Fetches everything a plan names, in order; `progress` gets a line for the log of the task at
/// each step.
///
/// # Errors
///
/// The first URI that could not be fetched. All URIs are checked before the first is fetched. What
/// was fetched before stays.
///
/// # Cancel safety
///
/// Dropping the future stops the download under way; an extraction under way goes on.
pub async fn fetch(
    plan: &FetchPlan,
    client: &Client,
    mut progress: impl FnMut(&str),
) -> Result<(), FetchError> {
    let home = plan.frameworks_home.as_deref();
    let items: Vec<Item> = plan.uris.iter().map(|uri| Item::new(uri, home)).collect::<Result<_, _>>()?;
    for item in &items {
        progress(&format!("Fetching '{}'", item.uri));
        let path = place(item, &plan.sandbox)?;
        match &item.source {
            Source::Local(from) => local::copy(item, from, &path).await?,
            Source::Web(url) => download::download(item, client, url, &path, plan.stall_timeout).await?,
        }
        let what = treat(item, &path, plan).await?;
        progress(&format!("Fetched '{}' to '{}'{what}", item.uri, path.display()));
    }
    if let Some(user) = plan.user.clone() {
        let sandbox = plan.sandbox.clone();
        blocking(move || chown_all(&sandbox, &user)).await?;
    }
    Ok(())
}

/// Where the file goes, with the directories above it made, and what lay there removed.
fn place(item: &Item, sandbox: &Path) -> Result<PathBuf, FetchError> {
    archive::place(sandbox, &item.output).map_err(|error| {
        let path = sandbox.join(&item.output);
        match error {
            ArchiveError::Write { path, cause } => FetchError::Write { uri: item.uri.clone(), path, cause },
            error => FetchError::Write { uri: item.uri.clone(), path, cause: io::Error::other(error) },
        }
    })
}

/// Unpacks the file or makes it executable; says what was done.
async fn treat(item: &Item, path: &Path, plan: &FetchPlan) -> Result<&'static str, FetchError> {
    match (item.treatment, Kind::of(path)) {
        (Treatment::Keep, _) => Ok(""),
        (Treatment::MakeExecutable, _) => {
            std::fs::set_permissions(path, Permissions::from_mode(0o755))
                .map_err(|cause| FetchError::Write { uri: item.uri.clone(), path: path.to_owned(), cause })?;
            Ok(" and made it executable")
        }
        (Treatment::Extract, None) => Ok(" (kept as it is: its name is not that of an archive)"),
        (Treatment::Extract, Some(kind)) => {
            let (archive, sandbox, limits) = (path.to_owned(), plan.sandbox.clone(), plan.limits);
            let (uri, path) = (item.uri.clone(), path.to_owned());
            blocking(move || archive::extract(kind, &archive, &sandbox, limits))
                .await
                .map_err(|cause| FetchError::Extract { uri, path, cause })?;
            Ok(" and extracted it")
        }
    }
}

/// Runs what blocks on a thread made for that.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only when the runtime shuts down; then nobody polls this again.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests;

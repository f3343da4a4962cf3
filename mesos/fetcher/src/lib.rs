//! Fetches and unpacks what a task names by URI.
//!
//! [`fetch`] works through the URIs of a command in order: a file of this machine (`/path`,
//! `file:///path`, or a path below `--frameworks_home`) is copied, an `http` or `https` URI is
//! downloaded, and what looks like an archive by its name is unpacked into the sandbox, unless the
//! URI says otherwise. The archive stays beside its content.
//!
//! Archives are unpacked in this process. No entry leaves the sandbox: one that would is refused,
//! and the fetch fails.
//!
//! Whoever calls [`fetch`] reads local files with its own rights. To fetch on behalf of a user, call
//! it in a process that runs as that user, as the containerizer does.
//!
//! There is no cache yet: a URI that asks for it with `cache` is fetched anew each time.
//!
//! ```
//! use libprocess::http::Client;
//! use mesos_api::v1::command_info::Uri;
//! use mesos_fetcher::{FetchPlan, fetch};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let directory = tempfile::tempdir()?;
//! # let (sandbox, notes) = (directory.path().join("sandbox"), directory.path().join("notes.txt"));
//! # std::fs::create_dir(&sandbox)?;
//! std::fs::write(&notes, "hello")?;
//! let uri = Uri { value: notes.display().to_string(), ..Default::default() };
//! let plan = FetchPlan::new(vec![uri], &sandbox);
//! fetch(&plan, &Client::new(), |line| println!("{line}")).await?;
//! assert_eq!(std::fs::read_to_string(sandbox.join("notes.txt"))?, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod archive;
mod download;
mod error;
mod fetch;
mod item;
mod local;
mod owner;
mod redirect;

pub use archive::{ArchiveError, ArchiveLimits};
pub use error::FetchError;
pub use fetch::{FetchPlan, fetch, validate};
pub use owner::chown_all;

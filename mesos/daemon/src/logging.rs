//! The log of a daemon, and turning it up for a while.
//!
//! [`init`] sets the log up once for the whole program. [`serve`] answers `/logging/toggle`: an operator
//! raises the level for some time, after which it goes back by itself. Level 0 is what the flags say, 1
//! adds what helps to find out, 2 and more add everything.

mod file;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use libprocess::{Logging, Node, SpawnError};
use mesos_auth::Authorizer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::endpoint;
use crate::flags::LoggingFlags;
use file::LogFile;

const TOGGLE: &str = "/logging/toggle";

/// Why the log cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoggingError {
    /// The directory or file cannot be made.
    #[error("failed to open the log file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Sets how much is logged.
#[derive(Clone, Default)]
pub struct Verbosity {
    set: Option<Arc<dyn Fn(u32) + Send + Sync>>,
}

impl Verbosity {
    /// Something that is told each new level.
    pub fn new(set: impl Fn(u32) + Send + Sync + 'static) -> Verbosity {
        Verbosity { set: Some(Arc::new(set)) }
    }

    /// Logs as much as level 0, 1, 2 and so on says.
    pub fn set(&self, level: u32) {
        if let Some(set) = &self.set {
            set(level);
        }
    }
}

impl std::fmt::Debug for Verbosity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Verbosity").finish_non_exhaustive()
    }
}

/// Answers `/logging/toggle` on the node, to those who may read it.
///
/// # Errors
///
/// The node answers it already, or is shutting down.
pub fn serve(
    node: &Node,
    verbosity: Verbosity,
    authorizer: Arc<dyn Authorizer>,
) -> Result<Logging, SpawnError> {
    let logging = Logging::start(node, move |level| verbosity.set(level))?;
    node.authorize(TOGGLE, move |request| endpoint::authorize(&*authorizer, request, TOGGLE));
    Ok(logging)
}

/// The file that the log of the program goes to, for [`files`](crate::files) to show.
#[must_use]
pub fn file_of(flags: &LoggingFlags, program: &str) -> Option<PathBuf> {
    let own = || Some(flags.log_dir.as_ref()?.join(format!("{program}.INFO")));
    flags.external_log_file.clone().or_else(own)
}

/// Sets up the log of this program as the flags say.
///
/// That can be done once: for a second daemon in the same program, and where something else set
/// the log up, nothing changes. `RUST_LOG` in the environment replaces `--logging_level`.
///
/// # Errors
///
/// The log file cannot be opened.
pub fn init(flags: &LoggingFlags, program: &str) -> Result<Verbosity, LoggingError> {
    static VERBOSITY: OnceLock<Verbosity> = OnceLock::new();
    if let Some(verbosity) = VERBOSITY.get() {
        return Ok(verbosity.clone());
    }
    let file = match &flags.log_dir {
        Some(dir) => {
            let path = dir.join(format!("{program}.INFO"));
            let opened = LogFile::open(path.clone());
            Some(opened.map_err(|source| LoggingError::Open { path, source })?)
        }
        None => None,
    };
    let base = std::env::var("RUST_LOG").unwrap_or_else(|_| base_filter(&flags.logging_level).to_owned());
    let (filter, handle) = reload::Layer::<EnvFilter, Registry>::new(EnvFilter::new(&base));
    let colour = std::io::stderr().is_terminal();
    let terminal =
        (!flags.quiet).then(|| fmt::layer().with_ansi(colour).with_writer(std::io::stderr).boxed());
    let file = file.map(|file| fmt::layer().with_ansi(false).with_writer(file).boxed());
    let layers: Vec<Box<dyn Layer<_> + Send + Sync>> = terminal.into_iter().chain(file).collect();
    let initialized = tracing_subscriber::registry().with(filter).with(layers).try_init();
    let verbosity = match initialized {
        Ok(()) => Verbosity::new(move |level| {
            // It fails only when the program's log is gone.
            let _ = handle.reload(EnvFilter::new(filter_at(&base, level)));
        }),
        // Somebody else's log.
        Err(_) => Verbosity::default(),
    };
    Ok(VERBOSITY.get_or_init(|| verbosity).clone())
}

fn base_filter(level: &str) -> &'static str {
    match level {
        "ERROR" => "error",
        "WARNING" => "warn",
        _ => "info",
    }
}

/// The base, with more of what our own crates say.
fn filter_at(base: &str, level: u32) -> String {
    let more = match level {
        0 => return base.to_owned(),
        1 => "debug",
        _ => "trace",
    };
    format!("{base},mesos={more},libprocess={more},stout={more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_levels_add_what_our_crates_say() {
        assert_eq!(filter_at("warn", 0), "warn");
        assert_eq!(filter_at("info", 1), "info,mesos=debug,libprocess=debug,stout=debug");
        assert_eq!(filter_at("info", 7), "info,mesos=trace,libprocess=trace,stout=trace");
        for level in 0..3 {
            EnvFilter::try_new(filter_at("info", level)).unwrap();
        }
    }

    /// The only test that sets up the log of this program.
    #[test]
    fn log_goes_to_the_file_and_can_be_turned_up() {
        let dir = tempfile::tempdir().unwrap();
        let log_dir = Some(dir.path().join("logs"));
        let flags = LoggingFlags { log_dir, quiet: true, ..LoggingFlags::default() };
        let verbosity = init(&flags, "test").unwrap();
        let say = |level| {
            verbosity.set(level);
            tracing::info!("important at {level}");
            tracing::debug!("detail at {level}");
        };
        [0, 1, 0].into_iter().for_each(say);
        let log = std::fs::read_to_string(file_of(&flags, "test").unwrap()).unwrap();
        let count = |text: &str| log.matches(text).count();
        assert_eq!((count("important at 0"), count("detail at 0"), count("detail at 1")), (2, 0, 1), "{log}");
        init(&LoggingFlags::default(), "again").unwrap();
    }

    #[test]
    fn external_log_file_is_shown_in_the_place_of_our_own() {
        let mut flags = LoggingFlags::default();
        assert_eq!(file_of(&flags, "mesos-master"), None);
        flags.log_dir = Some(PathBuf::from("/logs"));
        assert_eq!(file_of(&flags, "mesos-master"), Some(PathBuf::from("/logs/mesos-master.INFO")));
        flags.external_log_file = Some(PathBuf::from("/var/log/syslog"));
        assert_eq!(file_of(&flags, "mesos-master"), Some(PathBuf::from("/var/log/syslog")));
    }
}

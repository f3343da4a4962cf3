//! The agents that are offered, from a file that operators change.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use libprocess::{Context, Process};
use mesos_allocator::{Allocator, Input};
use tracing::{info, warn};

/// The time between two looks at the file.
const INTERVAL: Duration = Duration::from_secs(5);

/// A longer list is not one.
const BYTES_MAX: u64 = 64 << 20;

/// Reads the file again and again, and tells the allocator when it says something else.
pub(crate) struct Whitelist {
    path: PathBuf,
    allocator: Arc<dyn Allocator>,
    told: Option<BTreeSet<String>>,
}

impl Whitelist {
    pub(crate) fn new(path: PathBuf, allocator: Arc<dyn Allocator>) -> Self {
        Self { path, allocator, told: None }
    }

    fn look(&mut self, cx: &mut Context<Self>) {
        let path = self.path.clone();
        cx.run_blocking(
            move || read(&path),
            |whitelist, cx, hosts| {
                match hosts {
                    Ok(hosts) => whitelist.tell(hosts),
                    // What was told before stays.
                    Err(error) => {
                        warn!(path = %whitelist.path.display(), %error, "failed to read the whitelist");
                    }
                }
                cx.delay(INTERVAL, Self::look);
            },
        );
    }

    fn tell(&mut self, hosts: BTreeSet<String>) {
        if self.told.as_ref() != Some(&hosts) {
            info!(hosts = hosts.len(), "the whitelist has changed");
            self.allocator.apply(Input::UpdateWhitelist(Some(hosts.clone())));
            self.told = Some(hosts);
        }
    }
}

/// The names in the file, one a line.
fn read(path: &std::path::Path) -> std::io::Result<BTreeSet<String>> {
    if std::fs::metadata(path)?.len() > BYTES_MAX {
        return Err(std::io::Error::other(format!("it is longer than {BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().map(str::trim).filter(|host| !host.is_empty()).map(str::to_owned).collect())
}

impl Process for Whitelist {
    const ID_PREFIX: &'static str = "whitelist";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        self.look(cx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libprocess::{Clock, Node, Time};
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Told(Mutex<Vec<Input>>);

    impl Allocator for Told {
        fn apply(&self, input: Input) {
            self.0.lock().push(input);
        }
    }

    #[tokio::test]
    async fn allocator_is_told_when_the_file_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hosts");
        let node = Node::builder().clock(Clock::paused(Time::EPOCH)).start().await.unwrap();
        let told = Arc::new(Told::default());
        std::fs::write(&path, "b\n a \n\n").unwrap();
        node.spawn(Whitelist::new(path.clone(), Arc::clone(&told) as Arc<dyn Allocator>));
        node.clock().settle().await;
        node.clock().advance(INTERVAL).await;
        std::fs::remove_file(&path).unwrap();
        node.clock().advance(INTERVAL).await;
        std::fs::write(&path, "").unwrap();
        node.clock().advance(INTERVAL).await;
        let hosts = |names: &[&str]| {
            Input::UpdateWhitelist(Some(names.iter().map(|name| (*name).to_owned()).collect()))
        };
        assert_eq!(*told.0.lock(), [hosts(&["a", "b"]), hosts(&[])]);
        node.shutdown().await;
    }
}

//! Removes what is left of executors, off the agent's actor.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use libprocess::metrics::{Counter, Gauge};
use libprocess::{Context, Future, Node, Pid, Process, Promise, Time};
use mesos_daemon::files::Files;
use mesos_workload::Garbage;
use mesos_workload::gc::{Schedule, max_age};
use tracing::{info, warn};

use crate::metrics::{counter, gauge};
use crate::sandbox::hide_removed;

/// How long things are kept.
#[derive(Debug, Clone)]
pub(crate) struct GcOptions {
    /// `--gc_delay`.
    pub(crate) delay: Duration,
    /// `--gc_disk_headroom`.
    pub(crate) headroom: f64,
    /// `--disk_watch_interval`.
    pub(crate) watch_interval: Duration,
    /// `--work_dir`: nothing outside of it is ever removed.
    pub(crate) work_dir: PathBuf,
    /// What shows sandboxes: not those that are gone.
    pub(crate) files: Files,
}

/// A handle on the garbage collector of an agent.
#[derive(Debug, Clone)]
pub(crate) struct GarbageCollector {
    pid: Pid<GcProcess>,
}

impl GarbageCollector {
    pub(crate) fn start(node: &Node, options: GcOptions) -> Self {
        let registry = node.metrics();
        let process = GcProcess {
            max_age: options.delay,
            options,
            schedule: Schedule::new(),
            aging: HashMap::new(),
            requests: 0,
            removing: HashSet::new(),
            promises: Vec::new(),
            wake: None,
            succeeded: counter(registry, "gc/path_removals_succeeded"),
            failed: counter(registry, "gc/path_removals_failed"),
            pending: gauge(registry, "gc/path_removals_pending"),
        };
        GarbageCollector { pid: node.spawn(process) }
    }

    /// Removes these when they are old enough.
    pub(crate) fn collect(&self, garbage: Vec<Garbage>) {
        self.pid.tell(move |gc, cx| gc.collect(cx, garbage));
    }

    /// Keeps these after all; ready when none of them is being removed any more.
    pub(crate) fn keep(&self, paths: Vec<PathBuf>) -> Future<()> {
        self.pid.ask_future(move |gc, _cx| gc.keep(paths))
    }

    /// How old something unused may get now.
    pub(crate) fn max_age(&self) -> Future<Duration> {
        self.pid.ask(|gc, _cx| gc.max_age)
    }

    pub(crate) fn terminate(&self) {
        self.pid.terminate();
    }
}

struct GcProcess {
    options: GcOptions,
    max_age: Duration,
    schedule: Schedule,
    /// Paths whose age is being looked up, and by which request: whoever keeps one takes it out.
    aging: HashMap<PathBuf, u64>,
    requests: u64,
    removing: HashSet<PathBuf>,
    /// Who waits until paths are gone.
    promises: Vec<(Vec<PathBuf>, Promise<()>)>,
    wake: Option<(Time, libprocess::Timer)>,
    succeeded: Option<Counter>,
    failed: Option<Counter>,
    pending: Option<Gauge>,
}

impl Process for GcProcess {
    const ID_PREFIX: &'static str = "agent-garbage-collector";

    fn initialize(&mut self, cx: &mut Context<Self>) {
        self.watch_disk(cx);
    }
}

impl GcProcess {
    fn collect(&mut self, cx: &mut Context<Self>, garbage: Vec<Garbage>) {
        self.requests += 1;
        let request = self.requests;
        let garbage: Vec<Garbage> =
            garbage.into_iter().filter(|garbage| is_below(&garbage.path, &self.options.work_dir)).collect();
        self.aging.extend(garbage.iter().map(|garbage| (garbage.path.clone(), request)));
        // Files are asked for their age, which blocks.
        let aged = move || -> Vec<(PathBuf, Option<Duration>)> {
            garbage.into_iter().map(|garbage| (garbage.path.clone(), age(&garbage))).collect()
        };
        cx.run_blocking(aged, move |gc, cx, aged| {
            for (path, age) in aged {
                // It may have been taken into use again meanwhile.
                if gc.aging.get(&path) != Some(&request) {
                    continue;
                }
                gc.aging.remove(&path);
                let Some(age) = age else { continue };
                let wait = gc.options.delay.saturating_sub(age);
                info!(path = %path.display(), ?wait, "scheduling for removal");
                gc.schedule.insert(path, cx.now() + wait);
            }
            gc.rearm(cx);
        });
    }

    fn keep(&mut self, paths: Vec<PathBuf>) -> Future<()> {
        paths.iter().for_each(|path| {
            self.schedule.keep(path);
            self.aging.remove(path);
        });
        self.count();
        let busy: Vec<PathBuf> = paths.into_iter().filter(|path| self.removing.contains(path)).collect();
        if busy.is_empty() {
            return Future::ready(());
        }
        let promise = Promise::new();
        let future = promise.future();
        self.promises.push((busy, promise));
        future
    }

    fn rearm(&mut self, cx: &mut Context<Self>) {
        self.count();
        let next = self.schedule.next();
        if next == self.wake.as_ref().map(|(time, _)| *time) {
            return;
        }
        if let Some((_, timer)) = self.wake.take() {
            timer.cancel();
        }
        if let Some(time) = next {
            let wait = time - cx.now();
            let timer = cx.delay(wait, |gc, cx| {
                gc.wake = None;
                let due = gc.schedule.take_due(cx.now());
                gc.remove(cx, due);
            });
            self.wake = Some((time, timer));
        }
    }

    fn remove(&mut self, cx: &mut Context<Self>, paths: Vec<PathBuf>) {
        self.rearm(cx);
        if paths.is_empty() {
            return;
        }
        self.removing.extend(paths.iter().cloned());
        let work = move || {
            let outcomes: Vec<bool> = paths.iter().map(|path| remove_tree(path)).collect();
            (paths, outcomes)
        };
        cx.run_blocking(work, |gc, cx, (paths, outcomes)| {
            for (path, removed) in paths.iter().zip(outcomes) {
                gc.removing.remove(path);
                if removed {
                    hide_removed(&gc.options.files, path);
                }
                let counter = if removed { &gc.succeeded } else { &gc.failed };
                counter.iter().for_each(Counter::inc);
            }
            gc.answer();
            gc.rearm(cx);
        });
    }

    /// Tells those who wait for paths that are not being removed any more.
    fn answer(&mut self) {
        for (busy, promise) in std::mem::take(&mut self.promises) {
            if busy.iter().any(|path| self.removing.contains(path)) {
                self.promises.push((busy, promise));
            } else {
                promise.set(());
            }
        }
    }

    fn watch_disk(&mut self, cx: &mut Context<Self>) {
        let work_dir = self.options.work_dir.clone();
        cx.run_blocking(
            move || disk_usage(&work_dir),
            |gc, cx, usage| {
                match usage {
                    Ok(usage) => {
                        gc.max_age = max_age(gc.options.delay, gc.options.headroom, usage);
                        let remaining = gc.options.delay.saturating_sub(gc.max_age);
                        let due = gc.schedule.prune(cx.now(), remaining);
                        gc.remove(cx, due);
                    }
                    Err(reason) => warn!(%reason, "cannot tell how full the disk is"),
                }
                let wait = gc.options.watch_interval;
                cx.delay(wait, |gc, cx| gc.watch_disk(cx));
            },
        );
    }

    fn count(&self) {
        if let Some(gauge) = &self.pending {
            gauge.set(self.schedule.len() as f64);
        }
    }
}

/// How full the file system of a directory is, between 0 and 1.
pub(crate) fn disk_usage(path: &Path) -> Result<f64, String> {
    let stat = nix::sys::statvfs::statvfs(path)
        .map_err(|error| format!("failed to look at the file system of '{}': {error}", path.display()))?;
    let (all, free) = (stat.blocks() as f64, stat.blocks_free() as f64);
    Ok(if all > 0.0 { (all - free) / all } else { 0.0 })
}

fn is_below(path: &Path, work_dir: &Path) -> bool {
    let inside = path.strip_prefix(work_dir).is_ok_and(|rest| {
        rest.components().next().is_some()
            && rest.components().all(|part| matches!(part, std::path::Component::Normal(_)))
    });
    if !inside {
        warn!(path = %path.display(), "not removing what is not below the work directory");
    }
    inside
}

/// How long something is not used; nothing when it does not exist.
fn age(garbage: &Garbage) -> Option<Duration> {
    let metadata = std::fs::symlink_metadata(&garbage.path).ok()?;
    if garbage.fresh {
        // So that an agent that starts later knows since when.
        let now = SystemTime::now();
        let touched = std::fs::File::open(&garbage.path).and_then(|file| file.set_modified(now));
        if let Err(error) = touched {
            warn!(path = %garbage.path.display(), %error, "failed to note the time of last use");
        }
        return Some(Duration::ZERO);
    }
    let modified = metadata.modified().ok()?;
    Some(SystemTime::now().duration_since(modified).unwrap_or_default())
}

fn remove_tree(path: &Path) -> bool {
    match stout::fs::remove_dir(path) {
        Ok(()) => {
            info!(path = %path.display(), "removed");
            true
        }
        Err(error) => {
            warn!(path = %path.display(), %error, "failed to remove");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libprocess::Clock;
    use mesos_auth::Permissive;
    use std::sync::Arc;
    use tempfile::TempDir;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    struct Fixture {
        directory: TempDir,
        node: Node,
        gc: GarbageCollector,
    }

    impl Fixture {
        async fn start() -> Self {
            let directory = TempDir::new().unwrap();
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let clock = Clock::paused(Time::EPOCH + now);
            let node = Node::builder().clock(clock).start().await.unwrap();
            let options = GcOptions {
                delay: 7 * DAY,
                headroom: 0.0,
                // Not in this test: how full the disk is, is not known here.
                watch_interval: 1000 * DAY,
                work_dir: directory.path().to_owned(),
                files: Files::start(&node, Arc::new(Permissive)).unwrap(),
            };
            let gc = GarbageCollector::start(&node, options);
            node.clock().settle().await;
            Fixture { directory, node, gc }
        }

        fn make(&self, name: &str) -> PathBuf {
            let path = self.directory.path().join(name);
            std::fs::create_dir_all(path.join("below")).unwrap();
            path
        }

        fn collect(&self, path: &Path) {
            self.gc.collect(vec![Garbage { path: path.to_owned(), fresh: true }]);
        }

        async fn pass(&self, duration: Duration) {
            self.node.clock().settle().await;
            self.node.clock().advance(duration).await;
        }
    }

    #[tokio::test]
    async fn what_is_old_enough_is_removed() {
        let fixture = Fixture::start().await;
        let path = fixture.make("slaves/S/frameworks/F");
        fixture.collect(&path);
        fixture.pass(6 * DAY).await;
        assert!(path.exists());
        fixture.pass(DAY).await;
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_is_used_again_is_kept_however_soon() {
        let fixture = Fixture::start().await;
        let (early, late) = (fixture.make("early"), fixture.make("late"));
        fixture.collect(&early);
        fixture.gc.keep(vec![early.clone()]).await.unwrap();
        fixture.collect(&late);
        fixture.pass(DAY).await;
        fixture.gc.keep(vec![late.clone()]).await.unwrap();
        fixture.pass(10 * DAY).await;
        assert!(early.exists() && late.exists());
    }

    #[tokio::test]
    async fn nothing_outside_of_the_work_directory_is_removed() {
        let fixture = Fixture::start().await;
        let other = TempDir::new().unwrap();
        let sneaky = fixture.directory.path().join("..").join(other.path().file_name().unwrap());
        for path in [other.path(), fixture.directory.path(), &sneaky] {
            fixture.collect(path);
        }
        fixture.pass(10 * DAY).await;
        assert!(other.path().exists() && fixture.directory.path().exists());
    }
}

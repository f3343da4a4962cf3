//! Noticing that a process has ended that is not our child.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use stout::proc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How often `/proc` is looked at where the kernel has no pidfds.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A process and when it started, so that no later one with the same id is taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    pub(crate) start_ticks: u64,
}

impl Identity {
    /// The process that has this id now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = proc::stat(pid).ok()??;
        (!stat.has_ended()).then_some(Self { pid, start_ticks: stat.start_ticks })
    }

    pub(crate) fn lives(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

/// Ready when the process has ended.
pub(crate) async fn ended(process: Identity) {
    if let Some(pidfd) = open(process) {
        // The descriptor holds on to the process; if it is a later one, ours is gone.
        if !process.lives() {
            return;
        }
        if let Ok(pidfd) = AsyncFd::with_interest(pidfd, Interest::READABLE)
            && pidfd.readable().await.is_ok()
        {
            return;
        }
    }
    while process.lives() {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn open(process: Identity) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(process.pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::NONBLOCK).ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn end_of_a_process_is_noticed_while_nobody_has_waited_for_it() {
        let mut child = Command::new("sleep").arg("0.1").spawn().unwrap();
        let process = Identity::of(child.id()).unwrap();
        assert!(process.lives());
        ended(process).await;
        assert!(!process.lives());
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn another_process_with_the_same_id_is_no_reason_to_wait() {
        let me = Identity::of(std::process::id()).unwrap();
        ended(Identity { start_ticks: me.start_ticks + 1, ..me }).await;
    }
}

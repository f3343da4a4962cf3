//! Noticing that a process has ended that is not our child.

use std::time::Duration;

use stout::proc;

/// How often `/proc` is looked at: at first, and after a while.
const POLL_INTERVAL_MIN: Duration = Duration::from_millis(5);
const POLL_INTERVAL_MAX: Duration = Duration::from_millis(100);

/// A process and when it started, so that no later one with the same id is taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    pub(crate) start_ticks: u64,
}

impl Identity {
    /// The process that has this id now, unless it has ended and only its parent has not noticed.
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
    let mut interval = POLL_INTERVAL_MIN;
    while process.lives() {
        tokio::time::sleep(interval).await;
        interval = (interval * 2).min(POLL_INTERVAL_MAX);
    }
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

//! How many agents there can be in one process.

use crate::StartError;

/// The ports that agents offer lie in this range, and each agent has one of its own at least.
pub(crate) const PORTS_BEGIN: usize = 31_000;
pub(crate) const PORTS_END: usize = 65_536;

/// An agent without tasks has so many files open, its connections with the master counted on both sides.
const FILES_PER_AGENT: u64 = 8;

/// What the process has open beside them.
const FILES_OF_PROCESS: u64 = 64;

/// An agent without tasks takes less than so much memory.
const BYTES_PER_AGENT: u64 = 2 << 20;

/// Refuses more agents than there can be.
pub(crate) fn check(agents: usize) -> Result<(), StartError> {
    let mut limits = vec![(PORTS_END - PORTS_BEGIN, format!("the ports from {PORTS_BEGIN} on"))];
    if let Ok((files, _)) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE) {
        let text = format!("the {files} files that a process may have open (ulimit -n)");
        limits.push((count(files.saturating_sub(FILES_OF_PROCESS), FILES_PER_AGENT), text));
    }
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    if let Some(bytes) = available(&memory) {
        let text = format!("the {} MB of memory that are free", bytes >> 20);
        limits.push((count(bytes, BYTES_PER_AGENT), text));
    }
    within(agents, limits)
}

fn count(all: u64, each: u64) -> usize {
    usize::try_from(all / each).unwrap_or(usize::MAX)
}

/// The memory that is there to be used, as `/proc/meminfo` tells it.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

fn within(agents: usize, limits: Vec<(usize, String)>) -> Result<(), StartError> {
    match limits.into_iter().min_by_key(|(most, _)| *most) {
        // One is always tried: these are estimates.
        Some((most, limit)) if agents > most.max(1) => {
            Err(StartError::NoRoom { agents, most: most.max(1), limit })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scarcest_limit_is_told() {
        let check = |agents, expected: Option<&str>| {
            let limits = vec![(20, "the files".to_owned()), (10, "the megabytes".to_owned())];
            let problem = within(agents, limits).err().map(|error| error.to_string());
            assert_eq!(problem.as_deref(), expected, "{agents}");
        };
        check(10, None);
        check(11, Some("11 agents are too many: the megabytes allow 10"));
    }

    #[test]
    fn one_agent_is_always_tried() {
        assert!(within(1, vec![(0, "nothing".to_owned())]).is_ok());
        assert!(check(1).is_ok() && check(1_000_000).is_err());
    }

    #[test]
    fn available_memory_is_read() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    2 kB\n"), Some(2048));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
    }
}

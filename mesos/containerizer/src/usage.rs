//! What the processes of a container use, from `/proc`.

use std::collections::BTreeSet;
use std::io;

use mesos_api::v1::ResourceStatistics;
use nix::unistd::{SysconfVar, sysconf};
use stout::proc;

use crate::runtime::Limits;

/// Sums over all processes of containers, of which `supervisors` are the parents and do not count
/// themselves. Time of processes that have ended is in that of their parents, so the sums only grow.
pub(crate) fn measure(supervisors: &[u32], limits: Limits, timestamp: f64) -> io::Result<ResourceStatistics> {
    let constant =
        |variable, usual: i64| sysconf(variable).ok().flatten().filter(|value| *value > 0).unwrap_or(usual);
    let ticks_per_second = constant(SysconfVar::CLK_TCK, 100) as f64;
    let page_size = constant(SysconfVar::PAGE_SIZE, 4096) as u64;

    let processes = proc::snapshot()?;
    let mut members: BTreeSet<u32> = supervisors.iter().copied().collect();
    for supervisor in supervisors {
        members.extend(proc::family(&processes, *supervisor, &[]));
    }
    let (mut user, mut system, mut resident, mut threads, mut count) = (0u64, 0u64, 0u64, 0u32, 0u32);
    for process in processes.iter().filter(|process| members.contains(&process.pid)) {
        let (children_user, children_system) = process.children_ticks;
        if supervisors.contains(&process.pid) {
            user = user.saturating_add(children_user);
            system = system.saturating_add(children_system);
            continue;
        }
        user = user.saturating_add(process.user_ticks).saturating_add(children_user);
        system = system.saturating_add(process.system_ticks).saturating_add(children_system);
        resident = resident.saturating_add(process.resident_pages.saturating_mul(page_size));
        threads = threads.saturating_add(process.threads);
        count += u32::from(!process.has_ended());
    }
    Ok(ResourceStatistics {
        timestamp,
        processes: Some(count),
        threads: Some(threads),
        cpus_user_time_secs: Some(user as f64 / ticks_per_second),
        cpus_system_time_secs: Some(system as f64 / ticks_per_second),
        cpus_limit: limits.cpus,
        mem_total_bytes: Some(resident),
        mem_rss_bytes: Some(resident),
        mem_limit_bytes: limits.mem_bytes,
        ..Default::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_count_and_their_supervisor_does_not() {
        let mut child = std::process::Command::new("sh").args(["-c", "sleep 600; true"]).spawn().unwrap();
        let limits = Limits { cpus: Some(0.5), mem_bytes: Some(1 << 20) };
        let usage = loop {
            let usage = measure(&[child.id()], limits, 12.0).unwrap();
            if usage.processes == Some(1) {
                break usage;
            }
        };
        proc::signal_family(child.id(), &[], nix::sys::signal::Signal::SIGKILL).unwrap();
        child.wait().unwrap();
        assert!(usage.mem_rss_bytes.unwrap() > 0 && usage.threads == Some(1));
        assert_eq!(
            (usage.timestamp, usage.cpus_limit, usage.mem_limit_bytes),
            (12.0, Some(0.5), Some(1 << 20))
        );
    }

    #[test]
    fn no_container_uses_nothing() {
        let usage = measure(&[], Limits::default(), 0.0).unwrap();
        assert_eq!((usage.processes, usage.mem_rss_bytes, usage.cpus_limit), (Some(0), Some(0), None));
    }
}

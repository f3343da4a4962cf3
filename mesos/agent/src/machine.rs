//! What the machine has, where the operator does not say.

use std::path::Path;

use mesos_resources::{ResourceError, Resources};

/// The part of memory and disk that is left to the system, in MB, when there is more than twice of it.
const RESERVED_MEM: u64 = 1024;
const RESERVED_DISK: u64 = 5 * 1024;

/// What is assumed when nobody can tell.
const DEFAULT_CPUS: f64 = 1.0;
const DEFAULT_MEM: u64 = 1024;
const DEFAULT_DISK: u64 = 10 * 1024;
const DEFAULT_PORTS: &str = "[31000-32000]";

/// The resources of the flag, and what is not among them as found out.
///
/// # Errors
///
/// What cannot be read.
pub(crate) fn resources(
    text: Option<&str>,
    default_role: &str,
    work_dir: &Path,
) -> Result<Resources, ResourceError> {
    complete(text.unwrap_or_default(), default_role, || Found::of_machine(work_dir))
}

/// The machine as found.
#[derive(Debug, Clone, Copy)]
struct Found {
    cpus: Option<f64>,
    mem: Option<u64>,
    disk: Option<u64>,
}

impl Found {
    fn of_machine(work_dir: &Path) -> Self {
        let cpus = std::thread::available_parallelism().ok().map(|count| count.get() as f64);
        let total = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_total(&text));
        let disk = nix::sys::statvfs::statvfs(work_dir).ok();
        let disk = disk.map(|stat| stat.blocks().saturating_mul(stat.fragment_size()) >> 20);
        Found { cpus, mem: total, disk }
    }
}

/// MB of memory, from the text of `/proc/meminfo`.
fn mem_total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes >> 10)
}

fn complete(
    text: &str,
    default_role: &str,
    found: impl FnOnce() -> Found,
) -> Result<Resources, ResourceError> {
    let mut all = Resources::parse(text, default_role)?;
    // A resource that is given as nothing is not there, and not looked for either.
    let given = |name: &str| {
        text.contains(name)
            && text.split([';', '"', '\n']).any(|part| {
                let part = part.trim_start();
                part.strip_prefix(name)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['(', ':', ' ']))
            })
    };
    let found = found();
    let rest = |total: Option<u64>, reserved: u64, default: u64| match total {
        Some(total) if total / 2 > reserved => total - reserved,
        Some(total) => total / 2,
        None => default,
    };
    for (name, value) in [
        ("cpus", found.cpus.unwrap_or(DEFAULT_CPUS).to_string()),
        ("mem", rest(found.mem, RESERVED_MEM, DEFAULT_MEM).to_string()),
        ("disk", rest(found.disk, RESERVED_DISK, DEFAULT_DISK).to_string()),
        ("ports", DEFAULT_PORTS.to_owned()),
    ] {
        if !given(name) && all.named(name).is_empty() {
            all += Resources::parse(&format!("{name}:{value}"), default_role)?;
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, found: Found, expected: &str) {
        let all = complete(text, "*", || found).unwrap();
        assert_eq!(all, Resources::parse(expected, "*").unwrap(), "{text}: {all}");
    }

    #[test]
    fn what_the_operator_does_not_say_is_found_out() {
        let big = Found { cpus: Some(8.0), mem: Some(16384), disk: Some(100_000) };
        check("", big, "cpus:8;mem:15360;disk:94880;ports:[31000-32000]");
        check("cpus:2", big, "cpus:2;mem:15360;disk:94880;ports:[31000-32000]");
        check("cpus(web):2;mem:5;disk:7;ports:[1-2]", big, "cpus(web):2;mem:5;disk:7;ports:[1-2]");
        let small = Found { cpus: Some(1.0), mem: Some(1000), disk: Some(8000) };
        check("", small, "cpus:1;mem:500;disk:4000;ports:[31000-32000]");
        let unknown = Found { cpus: None, mem: None, disk: None };
        check("", unknown, "cpus:1;mem:1024;disk:10240;ports:[31000-32000]");
    }

    #[test]
    fn a_resource_that_is_given_as_nothing_is_not_looked_for() {
        let found = Found { cpus: Some(1.0), mem: Some(1000), disk: Some(8000) };
        check("cpus:1;mem:1;disk:0;ports:[]", found, "cpus:1;mem:1");
    }

    #[test]
    fn memory_is_read_from_the_system() {
        assert_eq!(mem_total("MemTotal:       16384000 kB\nMemFree: 1 kB\n"), Some(16000));
        assert_eq!(mem_total("nothing"), None);
    }
}

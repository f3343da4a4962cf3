//! Numbers about the machine.

use std::fs::read_to_string;

/// The `system/...` gauges, without those that the machine does not tell.
pub(super) fn gauges() -> impl Iterator<Item = (String, f64)> {
    let load = read_to_string("/proc/loadavg").unwrap_or_default();
    let memory = read_to_string("/proc/meminfo").unwrap_or_default();
    let [load_1min, load_5min, load_15min] = loads(&load);
    let gauges = [
        ("cpus_total", cpus()),
        ("load_1min", load_1min),
        ("load_5min", load_5min),
        ("load_15min", load_15min),
        ("mem_total_bytes", memory_bytes(&memory, "MemTotal")),
        ("mem_free_bytes", memory_bytes(&memory, "MemFree")),
    ];
    gauges.into_iter().filter_map(|(name, value)| Some((format!("system/{name}"), value?)))
}

/// The processors of the machine; where it does not say, those that this program may use.
fn cpus() -> Option<f64> {
    let described = read_to_string("/proc/cpuinfo").unwrap_or_default();
    match described.lines().filter(|line| line.starts_with("processor")).count() {
        0 => std::thread::available_parallelism().ok().map(|cpus| cpus.get() as f64),
        cpus => Some(cpus as f64),
    }
}

fn loads(text: &str) -> [Option<f64>; 3] {
    let mut loads = text.split_whitespace().map(|load| load.parse().ok());
    std::array::from_fn(|_| loads.next().flatten())
}

/// A row such as `MemFree:   123 kB`.
fn memory_bytes(text: &str, name: &str) -> Option<f64> {
    let row = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kilobytes: f64 = row.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read_as_the_kernel_writes_them() {
        assert_eq!(loads("0.25 1.50 3.00 2/345 6789\n"), [Some(0.25), Some(1.5), Some(3.0)]);
        assert_eq!(loads("x"), [None, None, None]);
        let memory = "MemTotal:       16000 kB\nMemFree:         1000 kB\n";
        assert_eq!(memory_bytes(memory, "MemFree"), Some(1_024_000.0));
        assert_eq!(memory_bytes(memory, "MemAvailable"), None);
    }
}

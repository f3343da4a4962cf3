//! The page `/metrics`, for Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Metrics;
use super::endpoint::timeout;
use super::registry::Kind;
use crate::http::{Reply, Request, Response};

/// The text format that every Prometheus reads.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What percentiles are called in a snapshot, and their shares.
const QUANTILES: [(&str, &str); 6] = [
    ("p50", "0.5"),
    ("p90", "0.9"),
    ("p95", "0.95"),
    ("p99", "0.99"),
    ("p999", "0.999"),
    ("p9999", "0.9999"),
];

/// Answers a request for all metrics with text in the format of Prometheus.
///
/// The names are those of the [snapshot](super::snapshot) with `_` for what Prometheus does not allow in
/// them, such as `/`; the rate and `timeout=DURATION` are the same. The percentiles of a timer are a
/// summary; the last sample, and the least, the greatest and the number in the window, are gauges beside it.
pub fn text(metrics: &Metrics, request: Request) -> Reply {
    let timeout = match timeout(&request) {
        Ok(timeout) => timeout,
        Err(refusal) => return refusal.into(),
    };
    let metrics = metrics.clone();
    Reply::later(async move {
        metrics.permit().await;
        // Before the numbers: what is gone by then has none.
        let kinds = metrics.kinds();
        Response::ok().with_body(CONTENT_TYPE, to_text(&metrics.snapshot(timeout).await, &kinds))
    })
}

fn to_text(snapshot: &BTreeMap<String, f64>, kinds: &BTreeMap<String, Kind>) -> String {
    let mut page = Page::default();
    for (name, value) in snapshot {
        match kinds.get(name) {
            Some(Kind::Counter) => page.metric(name, "counter", *value),
            Some(Kind::Timer) => page.timer(name, *value, snapshot),
            // The statistics of a timer are told with it.
            None if statistic(name).is_some_and(|timer| kinds.get(timer) == Some(&Kind::Timer)) => {}
            // Gauges, what came while the numbers were collected, and those about the machine.
            Some(Kind::Gauge) | None => page.metric(name, "gauge", *value),
        }
    }
    page.text
}

/// The name of the timer that a number may be a statistic of.
fn statistic(name: &str) -> Option<&str> {
    let (timer, statistic) = name.rsplit_once('/')?;
    let known =
        matches!(statistic, "count" | "min" | "max") || QUANTILES.iter().any(|(name, _)| *name == statistic);
    known.then_some(timer)
}

#[derive(Default)]
struct Page {
    text: String,
    /// Two names may be one once they are mended.
    taken: BTreeSet<String>,
}

impl Page {
    fn metric(&mut self, name: &str, kind: &str, value: f64) {
        let name = self.begin(name, kind);
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{name} {value}");
    }

    fn timer(&mut self, name: &str, last: f64, snapshot: &BTreeMap<String, f64>) {
        let statistic = |statistic: &str| snapshot.get(&format!("{name}/{statistic}")).copied();
        self.metric(&format!("{name}_last"), "gauge", last);
        for (from, to) in [("min", "min"), ("max", "max"), ("count", "window_count")] {
            if let Some(value) = statistic(from) {
                self.metric(&format!("{name}_{to}"), "gauge", value);
            }
        }
        if statistic("p50").is_none() {
            return;
        }
        let summary = self.begin(name, "summary");
        for (percentile, share) in QUANTILES {
            if let Some(value) = statistic(percentile) {
                let _ = writeln!(self.text, "{summary}{{quantile=\"{share}\"}} {value}");
            }
        }
    }

    /// Tells the kind of a metric; returns its name.
    fn begin(&mut self, name: &str, kind: &str) -> String {
        let mended = mend(name);
        let mut free = mended.clone();
        let mut count = 1_usize;
        while !self.taken.insert(free.clone()) {
            count += 1;
            free = format!("{mended}_{count}");
        }
        let _ = writeln!(self.text, "# TYPE {free} {kind}");
        free
    }
}

/// A name that Prometheus takes: ASCII letters, digits and `_`, no digit first.
fn mend(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let mended: String = name.chars().map(fits).collect();
    if mended.starts_with(|c: char| c.is_ascii_digit()) || mended.is_empty() {
        format!("_{mended}")
    } else {
        mended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use std::time::Duration;
    use stout::Time;

    #[tokio::test]
    async fn kinds_are_told_and_names_are_mended() {
        let metrics = Metrics::with_rate(Clock::paused(Time::EPOCH), None);
        let launches = metrics.counter("master/launches").unwrap();
        let _same = metrics.counter("master_launches").unwrap();
        let load = metrics.gauge("9/load-ü").unwrap();
        let run = metrics.timer("run", Some(Duration::from_secs(60))).unwrap();
        let _silent = metrics.timer("silent", None).unwrap();
        launches.add(3);
        load.set(0.25);
        run.record(Duration::from_millis(1));
        run.record(Duration::from_millis(3));

        let response = text(&metrics, Request::get("/metrics")).response().await;
        assert_eq!(response.headers["content-type"], CONTENT_TYPE);
        let page = String::from_utf8(response.body.full().unwrap().to_vec()).unwrap();
        for expected in [
            "# TYPE master_launches counter\nmaster_launches 3\n",
            "# TYPE master_launches_2 counter\nmaster_launches_2 0\n",
            "# TYPE _9_load__ gauge\n_9_load__ 0.25\n",
            "# TYPE run_ms_last gauge\nrun_ms_last 3\n# TYPE run_ms_min gauge\nrun_ms_min 1\n",
            "# TYPE run_ms_window_count gauge\nrun_ms_window_count 2\n",
            "# TYPE run_ms summary\nrun_ms{quantile=\"0.5\"} 2\n",
            "# TYPE system_cpus_total gauge\n",
        ] {
            assert!(page.contains(expected), "no {expected:?} in\n{page}");
        }
        assert!(!page.contains("silent") && !page.contains("p50"), "{page}");
    }

    #[tokio::test]
    async fn timeout_must_be_a_duration() {
        let metrics = Metrics::with_rate(Clock::paused(Time::EPOCH), None);
        let response = text(&metrics, Request::get("/metrics?timeout=soon")).response().await;
        assert_eq!(response.status, 400);
    }
}

//! The page `/metrics/snapshot`.

use std::collections::BTreeMap;
use std::time::Duration;

use stout::duration;

use super::Metrics;
use crate::http::{Reply, Request, Response};

/// Answers a request for all metrics with an object of names and numbers.
///
/// `timeout=DURATION` says how long to wait for gauges; `jsonp=NAME` wraps the object in a call. Too
/// many requests are delayed, not refused.
pub fn snapshot(metrics: &Metrics, request: Request) -> Reply {
    let timeout = match timeout(&request) {
        Ok(timeout) => timeout,
        Err(refusal) => return refusal.into(),
    };
    let metrics = metrics.clone();
    Reply::later(async move {
        metrics.permit().await;
        let json = to_json(&metrics.snapshot(timeout).await);
        Response::jsonp(json, request.query.get("jsonp"))
    })
}

/// How long a request lets gauges take, if it says so.
///
/// # Errors
///
/// The answer to one that says something else.
pub(super) fn timeout(request: &Request) -> Result<Option<Duration>, Response> {
    let asked = request.query.get("timeout").map(duration::parse).transpose();
    asked.map_err(|error| Response::bad_request(format!("Invalid timeout parameter: {error}")))
}

/// Writes a snapshot as a JSON object, all numbers with a decimal point or an exponent.
pub fn to_json(snapshot: &BTreeMap<String, f64>) -> String {
    let finite = snapshot.iter().filter(|(_, value)| value.is_finite());
    let object: serde_json::Map<_, _> =
        finite.map(|(name, value)| (name.clone(), serde_json::Value::from(*value))).collect();
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;
    use stout::Time;

    async fn ask(metrics: &Metrics, target: &str) -> (u16, String) {
        let response = snapshot(metrics, Request::get(target)).response().await;
        let body = response.body.full().unwrap_or_default();
        (response.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn page_is_json_with_floats() {
        let metrics = Metrics::with_rate(Clock::system(), None);
        let counter = metrics.counter("master/\"launches\"").unwrap();
        counter.add(3);
        let (status, body) = ask(&metrics, "/metrics/snapshot?timeout=1secs").await;
        assert_eq!(status, 200);
        assert!(body.contains(r#""master/\"launches\"":3.0"#), "{body}");
        let (_, body) = ask(&metrics, "/metrics/snapshot?jsonp=show").await;
        assert!(body.starts_with("show({") && body.ends_with("});"), "{body}");
    }

    #[tokio::test]
    async fn timeout_must_be_a_duration() {
        let metrics = Metrics::with_rate(Clock::paused(Time::EPOCH), None);
        let (status, body) = ask(&metrics, "/metrics/snapshot?timeout=soon").await;
        assert_eq!(status, 400);
        assert!(body.contains("soon"), "{body}");
    }
}

//! What is made of what checks find: which of it is told, and when a task is killed.

use std::time::Duration;

use mesos_api::v1::check_status_info::{Command, Http, Tcp};
use mesos_api::v1::{CheckInfo, CheckStatusInfo, HealthCheck, check_info};

use crate::probe::Outcome;
use crate::schedule::seconds;

/// What a health check says about a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether it is well.
    pub healthy: bool,
    /// Whether it has failed too often and must go.
    pub kill: bool,
    /// What was wrong.
    pub message: Option<String>,
}

/// Tells each change of a check's result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CheckState {
    kind: check_info::Type,
    last: CheckStatusInfo,
}

impl CheckState {
    pub(crate) fn new(info: &CheckInfo) -> Self {
        let kind = info.r#type();
        Self { kind, last: empty(kind) }
    }

    /// The status before there is a result.
    pub(crate) fn empty(&self) -> CheckStatusInfo {
        empty(self.kind)
    }

    pub(crate) fn observe(&mut self, outcome: &Outcome) -> Option<CheckStatusInfo> {
        let mut status = empty(self.kind);
        match (self.kind, outcome) {
            (check_info::Type::Command, Outcome::Exited(code)) => {
                status.command = Some(Command { exit_code: Some(*code) });
            }
            (check_info::Type::Http, Outcome::Answered(code)) => {
                status.http = Some(Http { status_code: Some(u32::from(*code)) });
            }
            (check_info::Type::Tcp, Outcome::Connected) => status.tcp = Some(Tcp { succeeded: Some(true) }),
            (check_info::Type::Tcp, Outcome::Failed(_)) => status.tcp = Some(Tcp { succeeded: Some(false) }),
            // No result: a timeout, or a check that could not be made.
            _ => {}
        }
        if status == self.last {
            return None;
        }
        self.last = status;
        Some(status)
    }
}

fn empty(kind: check_info::Type) -> CheckStatusInfo {
    let mut status = CheckStatusInfo { r#type: Some(kind as i32), ..CheckStatusInfo::default() };
    match kind {
        check_info::Type::Command => status.command = Some(Command::default()),
        check_info::Type::Http => status.http = Some(Http::default()),
        check_info::Type::Tcp => status.tcp = Some(Tcp::default()),
        check_info::Type::Unknown => {}
    }
    status
}

/// Tells the first success, each change, and each failure; failures in the grace period before the
/// first success are not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HealthState {
    grace_period: Duration,
    failures_max: u32,
    failures: u32,
    seen_healthy: bool,
    last: Option<bool>,
}

impl HealthState {
    pub(crate) fn new(info: &HealthCheck) -> Self {
        Self {
            grace_period: seconds(info.grace_period_seconds, 10.0),
            failures_max: info.consecutive_failures.unwrap_or(3),
            failures: 0,
            seen_healthy: false,
            last: None,
        }
    }

    pub(crate) fn observe(&mut self, outcome: &Outcome, since_start: Duration) -> Option<Health> {
        match problem(outcome) {
            None => {
                self.failures = 0;
                self.seen_healthy = true;
                let news = self.last != Some(true);
                self.last = Some(true);
                news.then_some(Health { healthy: true, kill: false, message: None })
            }
            Some(_) if !self.seen_healthy && since_start < self.grace_period => None,
            Some(problem) => {
                self.failures = self.failures.saturating_add(1);
                self.last = Some(false);
                let kill = self.failures >= self.failures_max;
                Some(Health { healthy: false, kill, message: Some(problem) })
            }
        }
    }
}

/// Why an outcome is not healthy.
fn problem(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Exited(0) | Outcome::Connected | Outcome::Answered(200..400) => None,
        Outcome::Exited(code) => Some(format!("The health check's command exited with status {code}")),
        Outcome::Answered(code) => Some(format!("The health check was answered with status {code}")),
        Outcome::TimedOut => Some("The health check took too long".to_owned()),
        Outcome::Failed(problem) => Some(format!("The health check failed: {problem}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(grace_period_seconds: f64, consecutive_failures: u32) -> HealthState {
        HealthState::new(&HealthCheck {
            grace_period_seconds: Some(grace_period_seconds),
            consecutive_failures: Some(consecutive_failures),
            ..Default::default()
        })
    }

    /// (healthy, kill) of what is told for each outcome, one a second.
    fn told(mut state: HealthState, outcomes: &[Outcome]) -> Vec<Option<(bool, bool)>> {
        let seconds = (0..).map(Duration::from_secs);
        outcomes
            .iter()
            .zip(seconds)
            .map(|(outcome, at)| state.observe(outcome, at).map(|health| (health.healthy, health.kill)))
            .collect()
    }

    const GOOD: Outcome = Outcome::Exited(0);
    const BAD: Outcome = Outcome::Exited(1);

    #[test]
    fn each_failure_is_told_and_the_last_one_kills() {
        let expected = [Some((false, false)), Some((false, false)), Some((false, true))];
        assert_eq!(told(health(0.0, 3), &[BAD, Outcome::TimedOut, Outcome::Answered(404)]), expected);
    }

    #[test]
    fn success_is_told_when_it_is_news_and_forgives_failures() {
        let outcomes = [GOOD, GOOD, BAD, Outcome::Answered(302), BAD, Outcome::Connected];
        let (up, down) = (Some((true, false)), Some((false, false)));
        assert_eq!(told(health(0.0, 2), &outcomes), [up, None, down, up, down, up]);
    }

    #[test]
    fn failures_in_the_grace_period_count_only_after_a_success() {
        let failed = Some((false, false));
        assert_eq!(told(health(2.0, 9), &[BAD, BAD, BAD, BAD]), [None, None, failed, failed]);
        assert_eq!(told(health(9.0, 9), &[BAD, GOOD, BAD]), [None, Some((true, false)), failed]);
    }

    #[test]
    fn check_tells_changes_only() {
        let info = CheckInfo { r#type: Some(check_info::Type::Command as i32), ..Default::default() };
        let mut state = CheckState::new(&info);
        let codes = [0, 1, 1, 0].map(|code| state.observe(&Outcome::Exited(code)));
        let codes = codes.map(|status| status.and_then(|status| status.command?.exit_code));
        assert_eq!(codes, [Some(0), Some(1), None, Some(0)]);
        assert_eq!(state.observe(&Outcome::TimedOut), Some(state.empty()));
        assert_eq!(state.observe(&Outcome::TimedOut), None);
    }

    #[test]
    fn tcp_check_tells_whether_it_connected() {
        let info = CheckInfo { r#type: Some(check_info::Type::Tcp as i32), ..Default::default() };
        let mut state = CheckState::new(&info);
        let mut observe = |outcome| state.observe(&outcome)?.tcp?.succeeded;
        assert_eq!(observe(Outcome::Failed("refused".into())), Some(false));
        assert_eq!(observe(Outcome::Connected), Some(true));
    }
}

//! What a framework says about itself.

use std::collections::BTreeSet;

use mesos_api::v1::FrameworkInfo;
use mesos_resources::validate;

use super::{Verdict, id, within};
use crate::capabilities::FrameworkCapabilities;
use crate::text::braces;

/// The longest time that Mesos can count, in seconds: 2^63 - 1 nanoseconds.
const DURATION_SECONDS_MAX: f64 = i64::MAX as f64 / 1e9;

/// Checks a framework's information: its id, if it has one, and its roles.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn info(info: &FrameworkInfo) -> Verdict {
    if let Some(name) = info.id.as_ref().filter(|name| !name.value.is_empty()) {
        within(id::id(&name.value), "'FrameworkInfo.id' is not a valid ID")?;
    }
    roles(info)
}

fn roles(info: &FrameworkInfo) -> Verdict {
    if !FrameworkCapabilities::new(&info.capabilities).multi_role {
        if !info.roles.is_empty() {
            return Err(
                "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable".into()
            );
        }
        return validate::role(info.role.as_deref().unwrap_or("*"))
            .map_err(|error| format!("'FrameworkInfo.role' is not a valid role: {error}"));
    }
    if info.role.is_some() {
        return Err("'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable".into());
    }
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<_> = info.roles.iter().filter(|role| !seen.insert(*role)).collect();
    if !twice.is_empty() {
        return Err(format!("'FrameworkInfo.roles' contains duplicate items: {}", braces(twice)));
    }
    for role in &info.roles {
        validate::role(role)
            .map_err(|error| format!("'FrameworkInfo.roles' contains invalid role: {error}"))?;
    }
    Ok(())
}

/// Checks that the failover timeout is a time.
///
/// # Errors
///
/// Names the timeout.
pub fn failover_timeout(info: &FrameworkInfo) -> Verdict {
    let seconds = info.failover_timeout();
    if seconds.abs() <= DURATION_SECONDS_MAX {
        Ok(())
    } else {
        Err(format!("The framework failover_timeout ({seconds}) is invalid"))
    }
}

#[cfg(test)]
mod tests {
    use mesos_api::v1::framework_info::{Capability, capability::Type};

    use super::*;

    fn single(role: &str) -> FrameworkInfo {
        FrameworkInfo { role: Some(role.into()), ..FrameworkInfo::default() }
    }

    fn multi(roles: &[&str]) -> FrameworkInfo {
        FrameworkInfo {
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            capabilities: vec![Capability { r#type: Some(Type::MultiRole as i32) }],
            ..FrameworkInfo::default()
        }
    }

    #[test]
    fn roles_that_frameworks_use_are_fine() {
        for framework in
            [FrameworkInfo::default(), single("*"), single("a/b"), multi(&[]), multi(&["a", "a/b", "*"])]
        {
            assert_eq!(info(&framework), Ok(()));
        }
    }

    #[test]
    fn a_broken_rule_is_named() {
        let cases = [
            (single("a//b"), "'FrameworkInfo.role' is not a valid role: "),
            (single("/a"), "'FrameworkInfo.role' is not a valid role: "),
            (single("a/"), "'FrameworkInfo.role' is not a valid role: "),
            (single(".."), "'FrameworkInfo.role' is not a valid role: "),
            (single("-a"), "'FrameworkInfo.role' is not a valid role: "),
            (single("a b"), "'FrameworkInfo.role' is not a valid role: "),
            (single(""), "'FrameworkInfo.role' is not a valid role: "),
            (multi(&["a", "-b"]), "'FrameworkInfo.roles' contains invalid role: "),
            (multi(&["a", "b", "a"]), "'FrameworkInfo.roles' contains duplicate items: { a }"),
            (
                FrameworkInfo { role: Some("a".into()), ..multi(&["a"]) },
                "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable",
            ),
            (
                FrameworkInfo { roles: vec!["a".into()], ..FrameworkInfo::default() },
                "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
            ),
            (
                FrameworkInfo { id: Some("a/b".into()), ..FrameworkInfo::default() },
                "'FrameworkInfo.id' is not a valid ID: 'a/b' contains invalid characters",
            ),
        ];
        for (framework, error) in cases {
            let found = info(&framework).unwrap_err();
            assert!(found.starts_with(error), "{found}");
        }
    }

    #[test]
    fn failover_timeout_must_be_a_time() {
        for (seconds, fine) in
            [(0.0, true), (1e9, true), (1e10, false), (f64::NAN, false), (f64::INFINITY, false)]
        {
            let framework = FrameworkInfo { failover_timeout: Some(seconds), ..FrameworkInfo::default() };
            assert_eq!(failover_timeout(&framework).is_ok(), fine, "{seconds}");
        }
    }
}

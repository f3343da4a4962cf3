//! Checks and health checks of tasks.

use mesos_api::v1::{CheckInfo, CommandInfo, HealthCheck, check_info, health_check};

use super::{Verdict, command};

/// Checks a check.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn check(check: &CheckInfo) -> Verdict {
    use check_info::Type;
    if check.r#type.is_none() {
        return Err("CheckInfo must specify 'type'".to_owned());
    }
    match check.r#type() {
        Type::Unknown => return Err("'UNKNOWN' is not a valid check type".to_owned()),
        Type::Command => {
            let Some(info) = &check.command else {
                return Err("Expecting 'command' to be set for COMMAND check".to_owned());
            };
            probe(&info.command, "Command check", "Check's")?;
        }
        Type::Http => {
            let Some(http) = &check.http else {
                return Err("Expecting 'http' to be set for HTTP check".to_owned());
            };
            path(http.path.as_deref(), "HTTP check")?;
        }
        Type::Tcp if check.tcp.is_none() => {
            return Err("Expecting 'tcp' to be set for TCP check".to_owned());
        }
        Type::Tcp => {}
    }
    times([
        ("delay_seconds", check.delay_seconds),
        ("interval_seconds", check.interval_seconds),
        ("timeout_seconds", check.timeout_seconds),
    ])
}

/// Checks a health check.
///
/// # Errors
///
/// Names the rule that it breaks.
pub fn health_check(check: &HealthCheck) -> Verdict {
    use health_check::Type;
    if check.r#type.is_none() {
        return Err("HealthCheck must specify 'type'".to_owned());
    }
    match check.r#type() {
        Type::Unknown => return Err("'UNKNOWN' is not a valid health check type".to_owned()),
        Type::Command => {
            let Some(info) = &check.command else {
                return Err("Expecting 'command' to be set for COMMAND health check".to_owned());
            };
            probe(info, "Command health check", "Health check's")?;
        }
        Type::Http => {
            let Some(http) = &check.http else {
                return Err("Expecting 'http' to be set for HTTP health check".to_owned());
            };
            if let Some(scheme) = http.scheme.as_deref().filter(|it| !matches!(*it, "http" | "https")) {
                return Err(format!("Unsupported HTTP health check scheme: '{scheme}'"));
            }
            path(http.path.as_deref(), "HTTP health check")?;
        }
        Type::Tcp if check.tcp.is_none() => {
            return Err("Expecting 'tcp' to be set for TCP health check".to_owned());
        }
        Type::Tcp => {}
    }
    times([
        ("delay_seconds", check.delay_seconds),
        ("grace_period_seconds", check.grace_period_seconds),
        ("interval_seconds", check.interval_seconds),
        ("timeout_seconds", check.timeout_seconds),
    ])
}

/// Says of which type an older scheduler's health check is, where that is clear.
pub fn infer_health_check_type(check: &mut HealthCheck) {
    if check.r#type.is_none() {
        let r#type = match (check.command.is_some(), check.http.is_some()) {
            (true, false) => health_check::Type::Command,
            (false, true) => health_check::Type::Http,
            _ => return,
        };
        check.r#type = Some(r#type as i32);
    }
}

fn probe(info: &CommandInfo, what: &str, whose: &str) -> Verdict {
    if info.value.is_none() {
        let kind = if info.shell() { "'shell command'" } else { "'executable path'" };
        return Err(format!("{what} must contain {kind}"));
    }
    command::command(info).map_err(|error| format!("{whose} `CommandInfo` is invalid: {error}"))
}

fn path(path: Option<&str>, what: &str) -> Verdict {
    match path {
        Some(path) if !path.starts_with('/') => {
            Err(format!("The path '{path}' of {what} must start with '/'"))
        }
        _ => Ok(()),
    }
}

fn times<const N: usize>(times: [(&str, Option<f64>); N]) -> Verdict {
    for (name, seconds) in times {
        // Also refuses what is not a number, which 1.5 lets through.
        if seconds.is_some_and(|seconds| seconds.is_nan() || seconds < 0.0) {
            return Err(format!("Expecting '{name}' to be non-negative"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(verdict: Verdict, error: Option<&str>) {
        match (verdict, error) {
            (Ok(()), None) => {}
            (Err(found), Some(expected)) if found.contains(expected) => {}
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    fn shell(value: Option<&str>) -> CommandInfo {
        CommandInfo { value: value.map(str::to_owned), ..CommandInfo::default() }
    }

    #[test]
    fn rules_for_checks() {
        use check_info::{Command, Http, Tcp, Type};
        let of = |r#type: Type| CheckInfo { r#type: Some(r#type as i32), ..CheckInfo::default() };
        expect(check(&CheckInfo::default()), Some("must specify 'type'"));
        expect(check(&of(Type::Unknown)), Some("not a valid check type"));
        for r#type in [Type::Command, Type::Http, Type::Tcp] {
            expect(check(&of(r#type)), Some("to be set for"));
        }
        let tcp = CheckInfo { tcp: Some(Tcp { port: 80 }), ..of(Type::Tcp) };
        expect(check(&tcp), None);
        expect(check(&CheckInfo { delay_seconds: Some(-1.0), ..tcp }), Some("'delay_seconds'"));
        let http = |path: &str| CheckInfo {
            http: Some(Http { port: 80, path: Some(path.to_owned()) }),
            ..of(Type::Http)
        };
        expect(check(&http("/")), None);
        expect(check(&http("a")), Some("must start with '/'"));
        let command = |command| CheckInfo { command: Some(Command { command }), ..of(Type::Command) };
        expect(check(&command(shell(Some("true")))), None);
        expect(check(&command(shell(None))), Some("must contain 'shell command'"));
    }

    #[test]
    fn rules_for_health_checks() {
        use health_check::{HttpCheckInfo, Type};
        let of = |r#type: Type| HealthCheck { r#type: Some(r#type as i32), ..HealthCheck::default() };
        expect(health_check(&HealthCheck::default()), Some("must specify 'type'"));
        for r#type in [Type::Command, Type::Http, Type::Tcp] {
            expect(health_check(&of(r#type)), Some("to be set for"));
        }
        let http = |scheme: Option<&str>, path: Option<&str>| HealthCheck {
            http: Some(HttpCheckInfo {
                port: 80,
                scheme: scheme.map(str::to_owned),
                path: path.map(str::to_owned),
                ..HttpCheckInfo::default()
            }),
            ..of(Type::Http)
        };
        expect(health_check(&http(Some("https"), Some("/a"))), None);
        expect(health_check(&http(Some("ftp"), None)), Some("Unsupported HTTP health check scheme"));
        expect(health_check(&http(None, Some("a"))), Some("must start with '/'"));
        let command = HealthCheck { command: Some(shell(Some("true"))), ..of(Type::Command) };
        expect(health_check(&command), None);
        let grace = HealthCheck { grace_period_seconds: Some(f64::NAN), ..command };
        expect(health_check(&grace), Some("'grace_period_seconds'"));
    }

    #[test]
    fn type_of_an_old_health_check_follows_from_its_content() {
        let mut check = HealthCheck { command: Some(shell(Some("true"))), ..HealthCheck::default() };
        infer_health_check_type(&mut check);
        assert_eq!(check.r#type(), health_check::Type::Command);
        let mut unclear = HealthCheck::default();
        infer_health_check_type(&mut unclear);
        assert_eq!(unclear.r#type, None);
    }
}

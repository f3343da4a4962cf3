//! `mesos explain role`.

use std::time::Duration;

use mesos_api::ContentType;
use mesos_api::ext::v1::call::{ExplainRole, Type};
use mesos_api::ext::v1::role_explanation::Framework;
use mesos_api::ext::v1::role_explanation::framework::State;
use mesos_api::ext::v1::{Amount, Call, Response, RoleExplanation};

use crate::api::Api;
use crate::args::Explained;
use crate::output::{self, plain, table};

/// Where a master answers what Mesos does not ask.
const PATH: &str = "/api/ext/v1";

pub(super) async fn role(args: Explained) -> anyhow::Result<()> {
    let explain_role = Some(ExplainRole { role: args.name });
    let call = Call { r#type: Some(Type::ExplainRole as i32), explain_role };
    let api = Api::master(&args.master);
    api.require_master().await?;
    if args.json {
        let mut answer = api.raw_at(PATH, &call, ContentType::Json).await?;
        answer.push(b'\n');
        return output::print(&answer);
    }
    let answer = api.raw_at(PATH, &call, ContentType::Protobuf).await?;
    let answer: Response = ContentType::Protobuf.decode(&answer)?;
    output::print(text(&answer.explain_role.unwrap_or_default()).as_bytes())
}

fn text(role: &RoleExplanation) -> String {
    let quota = role.quota.clone().unwrap_or_default();
    let mut lines = vec![
        ("role", plain(&role.role)),
        ("quota", or_none(&quota.guarantee)),
        ("limits", or_none(&quota.limits)),
        ("weight", role.weight().to_string()),
        ("share", percent(role.dominant_share())),
        ("allocated", or_none(&role.allocated)),
        ("reserved", or_none(&role.reserved)),
        ("charged to the quota", or_none(&role.charged)),
        ("left below the limits", or_none(&role.room)),
        ("headroom of the cluster", or_none(&role.headroom_available)),
        ("kept free for quotas", or_none(&role.headroom_required)),
        ("of that for this role", or_none(&role.headroom_required_for_role)),
    ];
    lines.retain(|(name, value)| !(*name == "limits" || name.starts_with("left")) || value != NONE);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in lines {
        text.push_str(&format!("{name:width$}  {value}\n"));
    }
    if !role.frameworks.is_empty() {
        let rows: Vec<_> = role.frameworks.iter().map(row).collect();
        let header = ["FRAMEWORK", "STATE", "ALLOCATED", "SHARE", "FILTERS", "LAST OFFER", "AGENTS"];
        text.push('\n');
        text.push_str(&table(header, &rows));
    }
    let of_frameworks = role.frameworks.iter().flat_map(|framework| {
        framework.reasons.iter().map(|reason| format!("{}: {reason}", framework.id.value))
    });
    let reasons: Vec<String> = role.reasons.iter().cloned().chain(of_frameworks).collect();
    if !reasons.is_empty() {
        text.push('\n');
    }
    for reason in reasons {
        text.push_str(&format!("- {}\n", plain(&reason)));
    }
    text
}

const NONE: &str = "none";

fn or_none(amounts: &[Amount]) -> String {
    if amounts.is_empty() {
        return NONE.to_owned();
    }
    let amounts = amounts.iter().map(|amount| format!("{}:{}", amount.name, amount.value));
    plain(&amounts.collect::<Vec<_>>().join(";"))
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn row(framework: &Framework) -> [String; 7] {
    let filters = match (framework.filters(), framework.next_filter_ends_secs) {
        (0, _) => "none".to_owned(),
        (count, None) => count.to_string(),
        (count, Some(secs)) => format!("{count}, next ends in {}", duration(secs)),
    };
    let state = match framework.state() {
        State::Unknown => "?",
        State::Active => "active",
        State::Suppressed => "suppressed",
        State::Inactive => "inactive",
        State::Left => "left",
    };
    [
        plain(&framework.id.value),
        state.to_owned(),
        or_none(&framework.allocated),
        percent(framework.dominant_share()),
        filters,
        format!("{} ago", duration(framework.since_last_offer_secs())),
        framework.offerable_agents().to_string(),
    ]
}

/// To the tenth of a second.
fn duration(secs: f64) -> String {
    let tenths = Duration::try_from_secs_f64(secs.max(0.0)).unwrap_or_default().as_millis() / 100;
    stout::duration::format(Duration::from_millis(u64::try_from(tenths).unwrap_or(u64::MAX) * 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_is_told_with_its_numbers_and_reasons() {
        let amount = |value| vec![Amount { name: "cpus".to_owned(), value }];
        let framework = Framework {
            id: "f".into(),
            state: Some(State::Suppressed as i32),
            filters: Some(2),
            next_filter_ends_secs: Some(4.25),
            since_last_offer_secs: Some(61.0),
            reasons: vec!["it is suppressed".to_owned()],
            ..Framework::default()
        };
        let role = RoleExplanation {
            role: "q".to_owned(),
            weight: Some(2.0),
            dominant_share: Some(0.25),
            charged: amount(1.5),
            frameworks: vec![framework],
            reasons: vec!["nobody\nwants it".to_owned()],
            ..RoleExplanation::default()
        };
        let text = text(&role);
        for part in ["25.0%", "cpus:1.5", "suppressed", "2, next ends in", "- f: it is suppressed"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("limits"), "{text}");
        assert!(!text.contains("nobody\nwants"), "what comes from elsewhere stays on its line: {text}");
    }
}

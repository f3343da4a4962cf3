//! What the master answers beyond Mesos, at `/api/ext/v1`.

use std::collections::BTreeMap;
use std::time::Duration;

use libprocess::Pid;
use libprocess::http::{Request, Response};
use mesos_allocator::Explanation;
use mesos_api::ext::v1::call::Type;
use mesos_api::ext::v1::role_explanation::framework::State;
use mesos_api::ext::v1::role_explanation::{Framework, Quota};
use mesos_api::ext::v1::{self as ext, Amount, Call, RoleExplanation};
use mesos_daemon::media;
use mesos_resources::{Name, Quantities, Scalar};
use stout::Time;

use crate::authorization::Visibility;
use crate::gate::{self, Refused};
use crate::process::{AllocatorSlot, MasterProcess};
use crate::quotas;
use crate::view::View;

/// How long the allocator may take to explain a role.
const EXPLANATION_WAIT_MAX: Duration = Duration::from_secs(30);

/// Answers a call: the first check that fails gives the answer.
pub(crate) async fn call(master: Pid<MasterProcess>, request: Request) -> Result<Response, Refused> {
    let view = gate::enter(&master, &request).await?;
    let call: Call = media::decode_call(&request)?;
    let invalid = |text: &str| Response::bad_request(format!("Failed to validate ext::Call: {text}"));
    let content_type = media::acceptable(&request)?;
    let response = match call.r#type() {
        Type::Unknown if call.r#type.is_none() => return Err(invalid("Expecting 'type' to be present")),
        Type::Unknown => return Err(Response::not_implemented("The call type UNKNOWN means nothing")),
        Type::ExplainRole => {
            let wanted = call.explain_role;
            let wanted = wanted.ok_or_else(|| invalid("Expecting 'explain_role' to be present"))?;
            let explained = explain(&master, &request, &view, wanted.role).await?;
            ext::Response { r#type: Some(Type::ExplainRole as i32), explain_role: Some(explained) }
        }
    };
    Ok(media::answer(content_type, &response))
}

async fn explain(
    master: &Pid<MasterProcess>,
    request: &Request,
    view: &View,
    role: String,
) -> Result<RoleExplanation, Refused> {
    mesos_resources::roles::validate(&role)
        .map_err(|error| Response::bad_request(format!("'explain_role.role' is no role: {error}")))?;
    let whitelist = view.identity.role_whitelist.as_ref();
    if whitelist.is_some_and(|known| !known.contains(&role)) {
        return Err(Response::bad_request(format!("Unknown role '{role}': it is not among --roles")));
    }
    let shows_quota = quotas::shows(master, request, view, &role).await?;
    let visibility = gate::visibility(master, request).await?;
    if !visibility.role(&role) {
        return Err(Response::forbidden(format!("Not authorized to view role '{role}'")));
    }
    let asked = gate::ask(master, move |master, _cx| match &master.allocator {
        AllocatorSlot::Started(allocator) => allocator.explain(&role),
        _ => None,
    });
    let asked = asked.await?.ok_or_else(|| {
        Response::not_implemented("the allocator of this master does not explain what it does")
    })?;
    let clock = master.node().clock();
    let explained = clock.timeout(EXPLANATION_WAIT_MAX, asked).await.and_then(Result::ok);
    let mut explained =
        explained.ok_or_else(|| Response::service_unavailable("the allocator does not answer"))?;
    if !shows_quota {
        explained.quota = None;
    }
    Ok(shown(explained, view, &visibility, clock.now()))
}

/// As one may see it who sees these frameworks.
fn shown(explained: Explanation, view: &View, visibility: &Visibility, now: Time) -> RoleExplanation {
    let is_visible = |id: &mesos_api::v1::FrameworkId| {
        view.snapshot.framework(id).is_some_and(|framework| visibility.framework(&framework.info))
    };
    let frameworks = explained.frameworks.into_iter().filter(|framework| is_visible(&framework.id));
    let frameworks = frameworks.map(|framework| Framework {
        state: Some(state(framework.state) as i32),
        allocated: amounts(&framework.allocated),
        dominant_share: Some(framework.dominant_share),
        filters: Some(framework.filters as u64),
        next_filter_ends_secs: framework.next_expiry.map(|at| at.as_secs_f64() - now.as_secs_f64()),
        since_last_offer_secs: Some(framework.waiting.as_secs_f64()),
        offerable_agents: Some(framework.offerable_agents as u64),
        reasons: framework.reasons,
        id: framework.id,
    });
    let quota = explained.quota.map(|quota| Quota {
        guarantee: amounts(&quota.guarantee),
        limits: quota.limits.as_ref().map(named).unwrap_or_default(),
    });
    RoleExplanation {
        role: explained.role,
        quota,
        weight: Some(explained.weight),
        dominant_share: Some(explained.dominant_share),
        allocated: amounts(&explained.allocated),
        reserved: amounts(&explained.reserved),
        charged: amounts(&explained.charged),
        room: named(&explained.room),
        agents: Some(explained.agents as u64),
        headroom_required: amounts(&explained.headroom_required),
        headroom_required_for_role: amounts(&explained.headroom_required_for_role),
        headroom_available: amounts(&explained.headroom_available),
        frameworks: frameworks.collect(),
        reasons: explained.reasons,
    }
}

fn state(state: mesos_allocation::FrameworkState) -> State {
    match state {
        mesos_allocation::FrameworkState::Active => State::Active,
        mesos_allocation::FrameworkState::Suppressed => State::Suppressed,
        mesos_allocation::FrameworkState::Inactive => State::Inactive,
        mesos_allocation::FrameworkState::Left => State::Left,
    }
}

fn amount(name: &Name, value: Scalar) -> Amount {
    Amount { name: name.to_string(), value: value.as_f64() }
}

fn amounts(quantities: &Quantities) -> Vec<Amount> {
    quantities.iter().map(|(name, value)| amount(name, value)).collect()
}

fn named(amounts: &BTreeMap<Name, Scalar>) -> Vec<Amount> {
    amounts.iter().map(|(name, value)| amount(name, *value)).collect()
}

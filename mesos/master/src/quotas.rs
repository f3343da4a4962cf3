//! What the endpoints show of quotas and weights, and what a request for a quota becomes.

use libprocess::Pid;
use libprocess::http::Request;
use mesos_access::{Action, Object};
use mesos_api::v1::WeightInfo;
use mesos_api::v1::quota::{QuotaInfo, QuotaRequest, QuotaStatus};
use mesos_auth::Approvers;
use mesos_cluster::{OperatorAction, validation};
use std::sync::Arc;

use crate::gate::{self, Refused};
use crate::process::MasterProcess;
use crate::view::View;

/// The quotas that one may see.
pub(crate) async fn status(
    master: &Pid<MasterProcess>,
    request: &Request,
    view: &View,
) -> Result<QuotaStatus, Refused> {
    let approvers = gate::approvers(master, request, &[Action::GetQuota]).await?;
    let visible = view.snapshot.quotas.values().filter(|info| is_visible(&approvers, info));
    Ok(QuotaStatus { infos: visible.map(|info| (**info).clone()).collect() })
}

/// Whether one may see the quota of a role, if it has any.
pub(crate) async fn shows(
    master: &Pid<MasterProcess>,
    request: &Request,
    view: &View,
    role: &str,
) -> Result<bool, Refused> {
    let approvers = gate::approvers(master, request, &[Action::GetQuota]).await?;
    Ok(view.snapshot.quotas.get(role).is_some_and(|info| is_visible(&approvers, info)))
}

fn is_visible(approvers: &Approvers, info: &Arc<QuotaInfo>) -> bool {
    approvers.allow(Action::GetQuota, || Object::of_value(info.role()).with_quota(Arc::clone(info)))
}

/// The weights that one may see.
pub(crate) async fn weights(
    master: &Pid<MasterProcess>,
    request: &Request,
    view: &View,
) -> Result<Vec<WeightInfo>, Refused> {
    let approvers = gate::approvers(master, request, &[Action::ViewRole]).await?;
    let all = view.snapshot.weights.iter();
    let all = all.map(|(role, weight)| WeightInfo { role: Some(role.clone()), weight: *weight });
    let may_see = |info: &WeightInfo| {
        approvers.allow(Action::ViewRole, || Object::of_value(info.role()).with_weight(info.clone()))
    };
    Ok(all.filter(may_see).collect())
}

/// What a request for a quota asks of the model, whoever sends it.
pub(crate) fn set(request: QuotaRequest) -> OperatorAction {
    let force = request.force();
    OperatorAction::SetQuota { info: validation::quota::requested(request), force }
}

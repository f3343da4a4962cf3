//! `/roles`.

use mesos_api::v1::quota::QuotaInfo;
use mesos_daemon::model::Resources;
use serde::Serialize;

use crate::authorization::Visibility;
use crate::roles::visible;
use crate::view::View;

/// The roles, with their frameworks and what these hold.
#[derive(Serialize)]
pub(crate) struct Roles<'a> {
    roles: Vec<Role<'a>>,
}

#[derive(Serialize)]
struct Role<'a> {
    name: &'a str,
    weight: f64,
    resources: Resources,
    frameworks: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Quota<'a>>,
}

#[derive(Serialize)]
struct Quota<'a> {
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    guarantee: Resources,
}

impl<'a> Quota<'a> {
    fn new(info: &'a QuotaInfo) -> Self {
        let guarantee = mesos_resources::Resources::from_protos(info.guarantee.iter().cloned());
        Self {
            role: info.role(),
            principal: info.principal.as_deref(),
            guarantee: Resources::from(&guarantee.unwrap_or_default()),
        }
    }
}

impl<'a> Roles<'a> {
    pub(crate) fn new(view: &'a View, visibility: &Visibility) -> Self {
        let roles = visible(view, visibility).into_iter().map(|role| Role {
            name: role.name,
            weight: role.weight,
            resources: Resources::from(&role.resources),
            frameworks: role.frameworks.into_iter().map(|id| id.value.as_str()).collect(),
            quota: role.quota.map(Quota::new),
        });
        Self { roles: roles.collect() }
    }
}

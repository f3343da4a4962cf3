//! The roles that the endpoints show.

use std::collections::BTreeSet;

use mesos_api::v1::FrameworkId;
use mesos_api::v1::quota::QuotaInfo;
use mesos_resources::Resources;

use crate::authorization::Visibility;
use crate::view::View;

/// A role and what its frameworks hold.
#[derive(Clone, Debug)]
pub(crate) struct Role<'a> {
    pub(crate) name: &'a str,
    pub(crate) weight: f64,
    /// The frameworks that subscribe to it or hold resources of it.
    pub(crate) frameworks: Vec<&'a FrameworkId>,
    /// What these use and are offered, of this role.
    pub(crate) resources: Resources,
    pub(crate) quota: Option<&'a QuotaInfo>,
}

/// The roles that one may see, by name: those of `--roles`, or else every role that has a framework,
/// a weight or a quota.
pub(crate) fn visible<'a>(view: &'a View, visibility: &Visibility) -> Vec<Role<'a>> {
    let whitelist = &view.identity.role_whitelist;
    let names: BTreeSet<&str> = match whitelist {
        Some(whitelist) => whitelist.iter().map(String::as_str).collect(),
        None => {
            let state = &view.snapshot;
            let names = state.roles.keys().chain(state.weights.keys()).chain(state.quotas.keys());
            names.map(String::as_str).collect()
        }
    };
    names.into_iter().filter(|name| visibility.role(name)).map(|name| role(view, name)).collect()
}

fn role<'a>(view: &'a View, name: &'a str) -> Role<'a> {
    let frameworks: Vec<&FrameworkId> =
        view.snapshot.roles.get(name).into_iter().flat_map(|of| of.keys()).collect();
    let mut resources = Resources::new();
    for framework in frameworks.iter().filter_map(|id| view.snapshot.framework(id)) {
        for held in framework.used.values().chain(framework.offered.values()) {
            resources += held.filter(|resource| resource.allocation_role() == Some(name));
        }
    }
    let weight = view.snapshot.weights.get(name).copied().unwrap_or(1.0);
    let quota = view.snapshot.quotas.get(name).map(|quota| &**quota);
    Role { name, weight, frameworks, resources, quota }
}

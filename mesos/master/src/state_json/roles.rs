//! `/roles`.

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
}

impl<'a> Roles<'a> {
    pub(crate) fn new(view: &'a View, visibility: &Visibility) -> Self {
        let roles = visible(view, visibility).into_iter().map(|role| Role {
            name: role.name,
            weight: role.weight,
            resources: Resources::from(&role.resources),
            frameworks: role.frameworks.into_iter().map(|id| id.value.as_str()).collect(),
        });
        Self { roles: roles.collect() }
    }
}

//! `/roles`.

use mesos_daemon::model::{Resources, Seq};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::authorization::Visibility;
use crate::roles::{Role, visible};
use crate::view::View;

/// The roles, with their frameworks and what these hold.
pub(crate) struct Roles<'a> {
    pub(crate) view: &'a View,
    pub(crate) visibility: &'a Visibility,
}

impl Serialize for Roles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let roles = visible(self.view, self.visibility);
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("roles", &Seq(roles.iter().map(Entry)))?;
        map.end()
    }
}

#[derive(Clone)]
struct Entry<'a>(&'a Role<'a>);

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let role = self.0;
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("name", role.name)?;
        map.serialize_entry("weight", &role.weight)?;
        map.serialize_entry("resources", &Resources(&role.resources))?;
        map.serialize_entry("frameworks", &Seq(role.frameworks.iter().map(|id| &id.value)))?;
        map.end()
    }
}

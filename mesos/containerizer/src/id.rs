//! Ids of containers.

use std::fmt;

use mesos_api::v1::ContainerId;

use crate::ContainerError;

/// As long as a file name may be.
const LENGTH_MAX: usize = 255;

/// Deep enough for every use, and shallow enough for the paths made of it.
const DEPTH_MAX: usize = 32;

/// A container id that keeps the rules: the names from the root container to this one. The order
/// puts a container right before all that are nested in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(Vec<String>);

impl Id {
    pub(crate) fn new(id: &ContainerId) -> Result<Self, ContainerError> {
        let mut names = Vec::new();
        let mut next = Some(id);
        while let Some(ContainerId { value, parent }) = next {
            let problem =
                if names.len() == DEPTH_MAX { Some("it is nested too deep") } else { problem(value) };
            if let Some(problem) = problem {
                return Err(ContainerError::InvalidId { id: value.clone(), problem });
            }
            names.push(value.clone());
            next = parent.as_deref();
        }
        names.reverse();
        Ok(Self(names))
    }

    /// The id with these names, if they keep the rules.
    pub(crate) fn from_names(names: Vec<String>) -> Option<Self> {
        let valid =
            !names.is_empty() && names.len() <= DEPTH_MAX && names.iter().all(|name| problem(name).is_none());
        valid.then_some(Self(names))
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    pub(crate) fn parent(&self) -> Option<Self> {
        let (_, parents) = self.0.split_last()?;
        (!parents.is_empty()).then(|| Self(parents.to_vec()))
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Whether `self` is nested in `other`, at any depth.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }

    pub(crate) fn to_wire(&self) -> ContainerId {
        let mut id = ContainerId::default();
        for (depth, name) in self.0.iter().enumerate() {
            let parent = (depth > 0).then(|| Box::new(id));
            id = ContainerId { value: name.clone(), parent };
        }
        id
    }
}

fn problem(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it is empty"),
        name if name.len() > LENGTH_MAX => Some("it has more than 255 characters"),
        name if name.contains(['/', '\\']) => Some("it holds a slash or backslash"),
        name if name.contains(['.', ' ']) => Some("it holds a point or a space"),
        name if name.chars().any(char::is_control) => Some("it holds a control character"),
        _ => None,
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(names: &[&str]) -> ContainerId {
        names
            .iter()
            .fold(None, |parent, name| {
                Some(ContainerId { value: (*name).into(), parent: parent.map(Box::new) })
            })
            .unwrap_or_default()
    }

    #[test]
    fn rules_hold_for_parents_too() {
        let long = "x".repeat(256);
        for bad in ["", "a/b", "a\\b", "a.b", "a b", "a\n", "..", &long] {
            assert!(Id::new(&nested(&[bad])).is_err(), "{bad:?}");
            assert!(Id::new(&nested(&[bad, "child"])).is_err(), "{bad:?}");
        }
        assert!(Id::new(&nested(&["x"; 33])).is_err());
        for good in ["a", "A-1_b:c", &long[1..]] {
            assert!(Id::new(&nested(&["parent", good])).is_ok(), "{good}");
        }
    }

    #[test]
    fn id_survives_the_way_there_and_back() {
        let wire = nested(&["a", "b", "c"]);
        let id = Id::new(&wire).unwrap();
        assert_eq!((id.to_string().as_str(), id.to_wire()), ("a.b.c", wire));
        assert_eq!(id.parent().unwrap().to_string(), "a.b");
        assert_eq!(id.parent().unwrap().parent().unwrap().parent(), None);
    }

    #[test]
    fn containers_within_follow_theirs() {
        let id = |names: &[&str]| Id::new(&nested(names)).unwrap();
        assert!(id(&["a", "b"]).is_within(&id(&["a"])) && !id(&["a"]).is_within(&id(&["a"])));
        assert!(id(&["a"]) < id(&["a", "z"]) && id(&["a", "z"]) < id(&["a-", "b"]));
    }
}

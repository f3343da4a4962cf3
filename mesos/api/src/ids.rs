//! Conveniences for the messages that only wrap an identifier.
//!
//! The identifiers convert from text, print as text, and order by it:
//!
//! ```
//! use mesos_api::v1::{ContainerId, FrameworkId};
//!
//! let framework = FrameworkId::from("web");
//! assert_eq!(framework.to_string(), "web");
//!
//! let nested = ContainerId { value: "check".into(), parent: Some(Box::new(ContainerId::from("task"))) };
//! assert_eq!(nested.to_string(), "task.check");
//! ```

use std::fmt;

use crate::v1::{
    AgentId, ContainerId, ExecutorId, FrameworkId, OfferId, OperationId, ResourceProviderId, TaskId, Uuid,
};

macro_rules! identifiers {
    ($($id:ident),*) => {$(
        impl From<String> for $id {
            fn from(value: String) -> Self {
                Self { value }
            }
        }

        impl From<&str> for $id {
            fn from(value: &str) -> Self {
                Self { value: value.to_owned() }
            }
        }

        impl AsRef<str> for $id {
            fn as_ref(&self) -> &str {
                &self.value
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.value)
            }
        }
    )*};
}

identifiers!(AgentId, ExecutorId, FrameworkId, OfferId, OperationId, ResourceProviderId, TaskId);

impl From<String> for ContainerId {
    fn from(value: String) -> Self {
        Self { value, parent: None }
    }
}

impl From<&str> for ContainerId {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

/// The path from the outermost container to this one, joined by points.
impl fmt::Display for ContainerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = vec![self.value.as_str()];
        let mut inner = self;
        while let Some(parent) = &inner.parent {
            path.push(&parent.value);
            inner = parent;
        }
        for (index, value) in path.iter().rev().enumerate() {
            let separator = if index == 0 { "" } else { "." };
            write!(formatter, "{separator}{value}")?;
        }
        Ok(())
    }
}

impl From<[u8; 16]> for Uuid {
    fn from(value: [u8; 16]) -> Self {
        Self { value: value.to_vec() }
    }
}

/// The hexadecimal form with dashes, or plain hexadecimal if these are not the 16 bytes of a UUID.
impl fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dashed = self.value.len() == 16;
        for (index, byte) in self.value.iter().enumerate() {
            let separator = if dashed && matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(formatter, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_convert_from_text_and_print_as_text() {
        assert_eq!(TaskId::from("t-1").to_string(), "t-1");
        assert_eq!(format!("{:>5}", OfferId::from(String::from("o"))), "    o");
        assert!(AgentId::from("a") < AgentId::from("b"));
    }

    #[test]
    fn container_prints_its_ancestors_first() {
        let middle = ContainerId { value: "b".into(), parent: Some(Box::new("a".into())) };
        let inner = ContainerId { value: "c".into(), parent: Some(Box::new(middle)) };
        assert_eq!(inner.to_string(), "a.b.c");
    }

    #[test]
    fn uuid_prints_with_dashes() {
        let bytes =
            [0, 1, 0xfe, 0xff, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0];
        assert_eq!(Uuid::from(bytes).to_string(), "0001feff-1020-3040-5060-708090a0b0c0");
        assert_eq!(Uuid { value: vec![1, 2] }.to_string(), "0102");
    }
}

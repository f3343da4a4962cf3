//! Who may do what: actions and their objects.
//!
//! A [`Subject`] asks for an [`Action`] on an [`Object`]. The table of actions in `action.rs` is
//! the only place that lists them, with the field of the access control lists that rules each.
//!
//! ```
//! use mesos_access::{Action, Object, Subject};
//!
//! let subject = Subject::named("ops");
//! let action: Action = "TEARDOWN_FRAMEWORK".parse()?;
//! let object = Object::of_value("p");
//! assert_eq!(action.rules()[0].field, "teardown_frameworks");
//! assert_eq!(format!("{subject} may {action} on {object}"), "'ops' may TEARDOWN_FRAMEWORK on 'p'");
//! # Ok::<(), mesos_access::UnknownAction>(())
//! ```

#![forbid(unsafe_code)]

mod action;
mod object;
mod subject;

pub use action::{Action, Rule, UnknownAction};
pub use object::Object;
pub use subject::Subject;

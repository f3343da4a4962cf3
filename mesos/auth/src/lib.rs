//! Authorizers and authenticators.
//!
//! Every call to a daemon has a subject and passes the daemon's [`Authorizer`]. The default,
//! [`Permissive`], allows everything; the path is the same.
//!
//! ```
//! use mesos_access::{Action, Object, Subject};
//! use mesos_auth::{Approvers, Permissive};
//!
//! # async fn example() -> Result<(), libprocess::FutureError> {
//! let subject = Subject::named("ops");
//! let approvers = Approvers::ask(&Permissive, &subject, &[Action::ViewFramework, Action::ViewTask]).await?;
//! assert!(approvers.allow(Action::ViewTask, Object::any));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod approvers;
mod authorizer;

pub use approvers::Approvers;
pub use authorizer::{Approver, Authorizer, Permissive, subject_of};

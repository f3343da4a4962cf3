//! Several actions of one subject, judged in one request.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use libprocess::{Future, FutureError};
use mesos_access::{Action, Object, Subject};

use crate::{Approver, Authorizer};

/// What one subject may do in one request, for actions that were asked for before.
#[derive(Clone, Default)]
pub struct Approvers {
    approvers: BTreeMap<Action, Arc<dyn Approver>>,
}

impl Approvers {
    /// Asks the authorizer about each action; all questions are asked at once.
    ///
    /// # Errors
    ///
    /// The authorizer could not answer one of them.
    pub fn ask<A: Authorizer + ?Sized>(
        authorizer: &A,
        subject: &Subject,
        actions: &[Action],
    ) -> impl std::future::Future<Output = Result<Approvers, FutureError>> + Send + use<A> {
        let questions: Vec<(Action, Future<Arc<dyn Approver>>)> =
            actions.iter().map(|action| (*action, authorizer.approver(subject, *action))).collect();
        async move {
            let mut approvers = BTreeMap::new();
            for (action, approver) in questions {
                approvers.insert(action, approver.await?);
            }
            Ok(Approvers { approvers })
        }
    }

    /// Whether the action is allowed on the object, which is made only if that matters.
    ///
    /// An action that was not asked for is not allowed.
    #[must_use]
    pub fn allow(&self, action: Action, object: impl FnOnce() -> Object) -> bool {
        let Some(approver) = self.approvers.get(&action) else { return false };
        approver.approves_all() || approver.approved(&object())
    }

    /// Whether the action is allowed on every object.
    #[must_use]
    pub fn allow_all(&self, action: Action) -> bool {
        self.approvers.get(&action).is_some_and(|approver| approver.approves_all())
    }
}

impl fmt::Debug for Approvers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.approvers.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Permissive;

    /// Lets everybody see the role `dev` only.
    struct OnlyDev;

    impl Authorizer for OnlyDev {
        fn approver(&self, _subject: &Subject, action: Action) -> Future<Arc<dyn Approver>> {
            match action {
                Action::ViewRole => Future::ready(Arc::new(OnlyDev)),
                _ => Future::failed("no rule"),
            }
        }
    }

    impl Approver for OnlyDev {
        fn approved(&self, object: &Object) -> bool {
            object.value.as_deref() == Some("dev")
        }
    }

    #[tokio::test]
    async fn objects_are_judged_one_by_one() {
        let approvers = Approvers::ask(&OnlyDev, &Subject::unknown(), &[Action::ViewRole]).await.unwrap();
        assert!(approvers.allow(Action::ViewRole, || Object::of_value("dev")));
        assert!(!approvers.allow(Action::ViewRole, || Object::of_value("ops")));
        assert!(!approvers.allow_all(Action::ViewRole));
        let authorized = OnlyDev.authorize(&Subject::unknown(), Action::ViewRole, Object::of_value("dev"));
        assert!(authorized.await.unwrap());
    }

    #[tokio::test]
    async fn what_was_not_asked_or_not_answered_is_not_allowed() {
        let approvers = Approvers::ask(&Permissive, &Subject::unknown(), &[Action::ViewRole]).await.unwrap();
        assert!(!approvers.allow(Action::ViewTask, Object::any));
        assert!(Approvers::ask(&OnlyDev, &Subject::unknown(), &[Action::ViewTask]).await.is_err());
    }

    #[tokio::test]
    async fn no_object_is_made_where_all_are_allowed() {
        let approvers = Approvers::ask(&Permissive, &Subject::unknown(), &[Action::ViewTask]).await.unwrap();
        assert!(approvers.allow(Action::ViewTask, || unreachable!("nobody looks at it")));
    }
}

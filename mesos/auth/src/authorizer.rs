//! The trait of authorizers, and the one that allows everything.

use std::sync::Arc;

use libprocess::Future;
use libprocess::http::Principal;
use mesos_access::{Action, Object, Subject};

/// Decides who may do what.
///
/// An authorizer may take its time, such as to ask a server: it gives an [`Approver`], which
/// then judges any number of objects at once.
pub trait Authorizer: Send + Sync + 'static {
    /// Who judges, for one request, the objects of this subject's action.
    fn approver(&self, subject: &Subject, action: Action) -> Future<Arc<dyn Approver>>;

    /// Judges one object. A failed future must be taken for a refusal.
    fn authorize(&self, subject: &Subject, action: Action, object: Object) -> Future<bool> {
        self.approver(subject, action).then(move |approver| approver.approved(&object))
    }
}

/// Judges objects of one subject's action. What it knows may grow old: ask for a new one with
/// each request.
pub trait Approver: Send + Sync + 'static {
    /// Whether the action is allowed on this object.
    fn approved(&self, object: &Object) -> bool;

    /// Whether the action is allowed on every object, so that nobody need make one to ask.
    fn approves_all(&self) -> bool {
        false
    }
}

/// Allows everybody everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Permissive;

impl Authorizer for Permissive {
    fn approver(&self, _subject: &Subject, _action: Action) -> Future<Arc<dyn Approver>> {
        Future::ready(Arc::new(Permissive))
    }
}

impl Approver for Permissive {
    fn approved(&self, _object: &Object) -> bool {
        true
    }

    fn approves_all(&self) -> bool {
        true
    }
}

/// The subject that a request's principal is.
#[must_use]
pub fn subject_of(principal: Option<&Principal>) -> Subject {
    let Some(principal) = principal else { return Subject::unknown() };
    Subject { principal: principal.value.clone(), claims: principal.claims.clone() }
}

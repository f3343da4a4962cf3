//! What a framework does when something happens.

use mesos_api::v1::scheduler::call;
use mesos_api::v1::scheduler::event::{Failure, Subscribed};
use mesos_api::v1::{AgentId, ExecutorId, InverseOffer, Offer, OfferId, TaskStatus};

use crate::Driver;

/// A framework: what it does when something happens. Every method but [`Scheduler::offers`] may be
/// left out.
///
/// The methods run one at a time and must not block; work that takes time goes elsewhere and comes
/// back by [`Driver`] calls, which can be made from any thread.
pub trait Scheduler: Sized + Send + 'static {
    /// The master has taken the framework in, for the first time or again; its id is in
    /// `subscribed`. After a failover the master knows nothing of earlier offers.
    fn subscribed(&mut self, _driver: &Driver, _subscribed: Subscribed) {}

    /// The connection is lost; the library is trying to get it back.
    fn disconnected(&mut self, _driver: &Driver) {}

    /// No master has the framework now; the library goes on trying. `reason` says how the last subscription ended,
    /// or what came of the last try.
    fn unavailable(&mut self, _driver: &Driver, _reason: String) {}

    /// Resources are on offer. Each offer must be accepted or declined, or it stays with us.
    fn offers(&mut self, driver: &Driver, offers: Vec<Offer>);

    /// An offer is void.
    fn rescinded(&mut self, _driver: &Driver, _offer: OfferId) {}

    /// Somebody wants resources of ours back, for maintenance.
    fn inverse_offers(&mut self, _driver: &Driver, _offers: Vec<InverseOffer>) {}

    /// An inverse offer is void.
    fn inverse_offer_rescinded(&mut self, _driver: &Driver, _offer: OfferId) {}

    /// A task is in a new state.
    fn update(&mut self, _driver: &Driver, _status: TaskStatus) {}

    /// An executor sent us bytes.
    fn message(&mut self, _driver: &Driver, _agent: AgentId, _executor: ExecutorId, _data: Vec<u8>) {}

    /// An executor ended, or, without an executor id, an agent is gone.
    fn failure(&mut self, _driver: &Driver, _failure: Failure) {}

    /// The master refused a call of this kind, or did not get it; `text` says why.
    fn refused(&mut self, _driver: &Driver, kind: call::Type, text: String) {
        tracing::warn!(kind = kind.as_str_name(), text, "the master refused a call");
    }

    /// The framework cannot go on: it was refused, or another instance has taken its place. The
    /// driver stops after this.
    fn error(&mut self, _driver: &Driver, text: String) {
        tracing::error!(text, "the framework cannot go on");
    }
}

//! Schedulers subscribe: new ones, ones that come back, ones that take over.

use std::collections::BTreeSet;
use std::sync::Arc;

use mesos_access::{Action, Object, Subject};
use mesos_allocation::Input as Allocate;
use mesos_api::internal::UpdateFrameworkMessage;
use mesos_api::v1::{FrameworkId, FrameworkInfo};
use stout::Time;

use crate::capabilities::FrameworkCapabilities;
use crate::cluster::Cluster;
use crate::connection::SchedulerPeer;
use crate::effect::{Effect, ToAgent};
use crate::event::SchedulerEvent;
use crate::framework::{Framework, FrameworkState, roles_of};
use crate::input::Subscribe;
use crate::observation::Observation;
use crate::step::Step;
use crate::text::braces;
use crate::validation;

impl Cluster {
    pub(crate) fn subscribe(&mut self, mut subscribe: Subscribe, cx: &mut Step<'_>) {
        let info = &mut subscribe.subscribe.framework_info;
        if id_of(info).is_none() {
            // An empty id is no id.
            info.id = None;
            self.counters.messages_register_framework += 1;
        } else {
            self.counters.messages_reregister_framework += 1;
        }
        let connection = subscribe.peer.connection();
        if let Err(error) = self.check_subscription(&subscribe) {
            cx.info(format!(
                "refusing subscription of framework '{}': {error}",
                subscribe.subscribe.framework_info.name
            ));
            self.refuse(connection, &error, cx);
            return;
        }
        let info = &mut subscribe.subscribe.framework_info;
        if info.principal.is_none()
            && let Some(principal) = &subscribe.principal
        {
            cx.warn(format!(
                "framework '{}' authenticated as '{principal}' but names no principal: taking that one",
                info.name
            ));
            info.principal = Some(principal.clone());
        }
        let subject = Subject::maybe_named(info.principal.clone());
        let questions = vec![(Action::RegisterFramework, Object::any().with_framework(info.clone()))];
        self.subscribing.insert(connection);
        self.ask(subject, questions, crate::pending::Question::Subscribe(subscribe), cx);
    }

    /// What speaks against a subscription, for the scheduler to read.
    fn check_subscription(&self, subscribe: &Subscribe) -> Result<(), String> {
        let call = &*subscribe.subscribe;
        let info = &call.framework_info;
        validation::framework::info(info)?;
        let roles = roles_of(info);
        if let Some(whitelist) = &self.options.roles {
            let unknown: BTreeSet<_> = roles.difference(whitelist).collect();
            if !unknown.is_empty() {
                return Err(format!("Roles {} are not present in master's --roles", braces(unknown)));
            }
        }
        if let Some(role) = call.suppressed_roles.iter().find(|role| !roles.contains(*role)) {
            return Err(format!("Suppressed role '{role}' is not contained in the list of roles"));
        }
        if info.user == "root" && !self.options.root_submissions {
            return Err(
                "User 'root' is not allowed to run frameworks without --root_submissions set".to_owned()
            );
        }
        self.check_not_completed(info)?;
        validation::framework::failover_timeout(info)?;
        match (&info.principal, &subscribe.principal) {
            (Some(named), Some(authenticated)) if named != authenticated => Err(format!(
                "Framework principal '{named}' does not match authenticated principal '{authenticated}'"
            )),
            _ => Ok(()),
        }
    }

    fn check_not_completed(&self, info: &FrameworkInfo) -> Result<(), String> {
        match id_of(info) {
            Some(id) if self.state.completed_frameworks.contains(id) => {
                Err("Framework has been removed".to_owned())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn subscription_authorized(&mut self, subscribe: Subscribe, allowed: bool, cx: &mut Step<'_>) {
        let connection = subscribe.peer.connection();
        if !self.subscribing.remove(&connection) {
            return; // It did not wait.
        }
        let info = &subscribe.subscribe.framework_info;
        if !allowed {
            let error = format!("Not authorized to use roles '{}'", braces(roles_of(info)));
            cx.info(format!("refusing subscription of framework '{}': {error}", info.name));
            self.refuse(connection, &error, cx);
            return;
        }
        // It may have ended while the authorizer thought.
        if let Err(error) = self.check_not_completed(info) {
            self.refuse(connection, &error, cx);
            return;
        }
        match id_of(info).cloned() {
            None => self.subscribe_new(subscribe, cx),
            Some(id) => self.subscribe_again(&id, subscribe, cx),
        }
    }

    fn subscribe_new(&mut self, subscribe: Subscribe, cx: &mut Step<'_>) {
        let connection = subscribe.peer.connection();
        if let Some(known) = self.schedulers.get(&connection) {
            // A driver that did not hear our answer.
            cx.tell(
                Some(connection),
                SchedulerEvent::Subscribed {
                    framework: known.clone(),
                    master: self.master_info(),
                    again: false,
                },
            );
            return;
        }
        let call = *subscribe.subscribe;
        let id = self.new_framework_id();
        let info = FrameworkInfo { id: Some(id.clone()), ..call.framework_info };
        cx.info(format!("subscribing framework '{}' as {id}", info.name));
        let state = FrameworkState::Active(subscribe.peer);
        let framework = Framework::new(id.clone(), info, state, cx.now, &self.options);
        self.add_framework(framework, call.suppressed_roles.into_iter().collect(), cx);
        self.schedulers.insert(connection, id.clone());
        cx.push(Effect::WatchScheduler { framework: id.clone(), connection });
        self.welcome(&id, false, cx);
        if let Some(framework) = self.state.frameworks.get(&id) {
            cx.observe(Observation::FrameworkAdded(Arc::clone(framework)));
        }
    }

    /// An id that no framework has, not even one that came with an id in our name.
    fn new_framework_id(&mut self) -> FrameworkId {
        loop {
            let id = self.ids.framework();
            let state = &self.state;
            if !state.frameworks.contains_key(&id) && !state.completed_frameworks.contains(&id) {
                return id;
            }
        }
    }

    fn subscribe_again(&mut self, id: &FrameworkId, subscribe: Subscribe, cx: &mut Step<'_>) {
        let connection = subscribe.peer.connection();
        if self.schedulers.get(&connection).is_some_and(|known| known != id) {
            cx.warn(format!("dropping subscription of {id}: another framework is connected there"));
            return;
        }
        let Subscribe { peer, subscribe, force, .. } = subscribe;
        let info = subscribe.framework_info;
        let suppressed: BTreeSet<String> = subscribe.suppressed_roles.into_iter().collect();
        if !self.state.frameworks.contains_key(id) {
            // Neither the scheduler nor an agent of its has come back since the failover.
            let framework = Framework::new(
                id.clone(),
                info.clone(),
                FrameworkState::Recovered,
                Time::EPOCH,
                &self.options,
            );
            self.add_framework(framework, suppressed.clone(), cx);
        }
        let Some(framework) = self.framework(id) else { return };
        if framework.is_recovered() {
            let is_driver = peer.pid().is_some();
            self.update_framework(id, &info, suppressed, cx);
            self.attach(id, peer, cx);
            if let Some(framework) = self.framework_mut(id) {
                framework.registered_time = cx.now;
                framework.reregistered_time = cx.now;
            }
            cx.allocate(Allocate::ActivateFramework(id.clone()));
            self.welcome(id, !is_driver, cx);
        } else {
            let same_driver = framework.state.last_peer().is_some_and(|last| {
                last.pid().is_some() && peer.pid().is_some() && last.connection() == connection
            });
            if peer.pid().is_some() && !same_driver && !force {
                cx.warn(format!("refusing subscription of {id} from {connection}: it is not its scheduler"));
                self.refuse(connection, "Framework failed over", cx);
                return;
            }
            self.update_framework(id, &info, suppressed, cx);
            if let Some(framework) = self.framework_mut(id) {
                framework.reregistered_time = cx.now;
            }
            if same_driver && !force {
                self.return_of_driver(id, peer, cx);
                return;
            }
            self.fail_over(id, peer, same_driver, cx);
        }
        self.observe_update(id, cx);
        self.tell_agents_of_framework(id, cx);
    }

    /// A driver that lost its way to us but not its life.
    fn return_of_driver(&mut self, id: &FrameworkId, peer: SchedulerPeer, cx: &mut Step<'_>) {
        // It may have answered offers while it was not connected: those answers are lost.
        self.remove_framework_offers(id, true, cx);
        self.reactivate(id, peer, cx);
        self.welcome(id, true, cx);
        self.observe_update(id, cx);
    }

    /// Another scheduler takes over; the old one is told.
    fn fail_over(&mut self, id: &FrameworkId, peer: SchedulerPeer, same_driver: bool, cx: &mut Step<'_>) {
        let Some(framework) = self.framework(id) else { return };
        if !same_driver {
            if framework.is_connected() {
                cx.tell(framework.connection(), SchedulerEvent::Error("Framework failed over".to_owned()));
            }
            if let Some(old) = framework.state.last_peer().map(SchedulerPeer::connection)
                && self.schedulers.remove(&old).is_some()
            {
                cx.push(Effect::CloseScheduler(old));
            }
        }
        self.remove_framework_offers(id, false, cx);
        self.reactivate(id, peer, cx);
        self.welcome(id, false, cx);
    }

    fn reactivate(&mut self, id: &FrameworkId, peer: SchedulerPeer, cx: &mut Step<'_>) {
        let was_active = self.framework(id).is_some_and(Framework::is_active);
        self.attach(id, peer, cx);
        if !was_active {
            cx.allocate(Allocate::ActivateFramework(id.clone()));
        }
    }

    fn attach(&mut self, id: &FrameworkId, peer: SchedulerPeer, cx: &mut Step<'_>) {
        let connection = peer.connection();
        self.schedulers.insert(connection, id.clone());
        if let Some(framework) = self.framework_mut(id) {
            framework.state = FrameworkState::Active(peer);
        }
        cx.push(Effect::WatchScheduler { framework: id.clone(), connection });
    }

    fn welcome(&self, id: &FrameworkId, again: bool, cx: &mut Step<'_>) {
        let event = SchedulerEvent::Subscribed { framework: id.clone(), master: self.master_info(), again };
        cx.tell(self.connected_framework(id), event);
    }

    fn observe_update(&self, id: &FrameworkId, cx: &mut Step<'_>) {
        if let Some(framework) = self.state.frameworks.get(id) {
            cx.observe(Observation::FrameworkUpdated(Arc::clone(framework)));
        }
    }

    /// Adds a framework here and in the allocator.
    pub(crate) fn add_framework(
        &mut self,
        framework: Framework,
        suppressed_roles: BTreeSet<String>,
        cx: &mut Step<'_>,
    ) {
        let id = framework.id.clone();
        cx.allocate(Allocate::AddFramework {
            id: id.clone(),
            info: (*framework.info).clone(),
            used: framework.used.iter().map(|(agent, used)| (agent.clone(), used.clone())).collect(),
            active: framework.is_active(),
            suppressed_roles,
        });
        self.state.frameworks.insert(id.clone(), Arc::new(framework));
        self.track_roles(&id);
    }

    /// Takes over what a scheduler may change about its framework.
    fn update_framework(
        &mut self,
        id: &FrameworkId,
        new: &FrameworkInfo,
        suppressed_roles: BTreeSet<String>,
        cx: &mut Step<'_>,
    ) {
        cx.allocate(Allocate::UpdateFramework { id: id.clone(), info: new.clone(), suppressed_roles });
        let roles = roles_of(new);
        let Some(framework) = self.framework(id) else { return };
        let lost: Vec<_> = framework
            .offers
            .values()
            .filter(|offer| !roles.contains(&offer.role))
            .map(|offer| offer.id.clone())
            .collect();
        let old_roles = framework.roles.clone();
        let old = Arc::clone(&framework.info);
        for offer in lost {
            self.return_offer(&offer, None, true, cx);
        }
        for (what, changed) in [
            ("user", old.user != new.user),
            ("checkpoint", old.checkpoint() != new.checkpoint()),
            ("principal", old.principal() != new.principal()),
        ] {
            if changed {
                cx.warn(format!(
                    "framework {id} cannot change its FrameworkInfo.{what}: keeping the old one"
                ));
            }
        }
        if let Some(framework) = self.framework_mut(id) {
            framework.info = Arc::new(FrameworkInfo {
                id: old.id.clone(),
                user: old.user.clone(),
                checkpoint: old.checkpoint,
                principal: old.principal.clone(),
                ..new.clone()
            });
            framework.capabilities = FrameworkCapabilities::new(&new.capabilities);
            framework.roles = roles.clone();
        }
        for role in old_roles.difference(&roles) {
            self.untrack_role_if_unused(id, role);
        }
        self.track_roles(id);
    }

    /// Tells the agents where a framework has something how its scheduler is reached now.
    fn tell_agents_of_framework(&self, id: &FrameworkId, cx: &mut Step<'_>) {
        let Some(framework) = self.framework(id) else { return };
        for agent in framework.agents() {
            if let Some(to) = self.connected_agent(agent) {
                cx.send(to, ToAgent::UpdateFramework(Box::new(update_message(framework))));
            }
        }
    }
}

/// What an agent is told about a framework.
pub(crate) fn update_message(framework: &Framework) -> UpdateFrameworkMessage {
    UpdateFrameworkMessage {
        framework_id: framework.id.clone(),
        pid: Some(crate::wire::pid_or_none(framework.pid())),
        framework_info: Some((*framework.info).clone()),
    }
}

/// The id of a framework that has one.
fn id_of(info: &FrameworkInfo) -> Option<&FrameworkId> {
    info.id.as_ref().filter(|id| !id.value.is_empty())
}

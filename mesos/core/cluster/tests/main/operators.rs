//! TEARDOWN, MARK_AGENT_GONE and the reservations of operators.

use mesos_access::Subject;
use mesos_api::v1::Resource;
use mesos_api::v1::resource::ReservationInfo;
use mesos_cluster::{Input, OperatorAction, OperatorError, SchedulerEvent, ToAgent};

use crate::harness::*;

fn reserved(cpus: &str, principal: Option<&str>) -> Vec<Resource> {
    let reservation = ReservationInfo { principal: principal.map(Into::into), ..dynamic("web") };
    resources(cpus).push_reservation(&reservation).to_protos()
}

#[test]
fn teardown_by_an_operator() {
    let mut world = World::new();
    let request = world.operate(OperatorAction::Teardown("x".into()));
    let unknown = OperatorError::Invalid("No framework found with specified ID".into());
    assert_eq!(world.reply(request), Some(Err(unknown)));
    let (id, connection) = world.framework(plain());
    let request = world.operate(OperatorAction::Teardown(id.clone()));
    assert_eq!(world.reply(request), Some(Ok(())));
    assert!(world.is_closed(connection));
    assert!(world.cluster.state().completed_frameworks.contains(&id));
    world.check();
}

#[test]
fn operators_need_authorization() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, _) = world.framework(plain());
    world.authorizer = Authorizer::Rules(|subject, _, _| subject.principal.as_deref() == Some("root"));
    for action in [
        OperatorAction::Teardown(id),
        OperatorAction::MarkAgentGone(agent.clone()),
        OperatorAction::Reserve { agent: agent.clone(), resources: reserved("cpus:1", None) },
    ] {
        let request = world.operate(action);
        assert_eq!(world.reply(request), Some(Err(OperatorError::Forbidden)));
    }
    let request = world.operate_as(Subject::named("root"), OperatorAction::MarkAgentGone(agent));
    assert_eq!(world.reply(request), Some(Ok(())));
}

#[test]
fn mark_agent_gone_depends_on_what_is_known() {
    let mut world = World::new();
    let request = world.operate(OperatorAction::MarkAgentGone("x".into()));
    assert!(matches!(world.reply(request), Some(Err(OperatorError::NotFound(_)))));

    let (agent, _) = world.agent("cpus:4;mem:1024");
    world.registrar_works = false;
    let first = world.operate(OperatorAction::MarkAgentGone(agent.clone()));
    let second = world.operate(OperatorAction::MarkAgentGone(agent.clone()));
    assert!(matches!(world.reply(second), Some(Err(OperatorError::Unavailable(_)))));
    assert_eq!(world.reply(first), None);
    world.answer_registrar();
    assert_eq!(world.reply(first), Some(Ok(())));
    let again = world.operate(OperatorAction::MarkAgentGone(agent));
    assert_eq!(world.reply(again), Some(Ok(())));

    let (agent, _) = world.agent_without_registrar();
    world.input(Input::PingsTimedOut(agent.clone()));
    let busy = world.operate(OperatorAction::MarkAgentGone(agent.clone()));
    assert!(matches!(world.reply(busy), Some(Err(OperatorError::Unavailable(_)))));
    world.answer_registrar();
    // Unreachable now, and then gone for good.
    let request = world.operate(OperatorAction::MarkAgentGone(agent.clone()));
    world.answer_registrar();
    assert_eq!(world.reply(request), Some(Ok(())));
    assert!(world.cluster.state().unreachable_agents.is_empty());
    assert!(world.cluster.state().gone_agents.contains_key(&agent));
}

#[test]
fn recovered_agent_may_be_marked_gone() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let message = world.memory_of(&agent);
    world.fail_over();
    let request = world.operate(OperatorAction::MarkAgentGone(agent.clone()));
    assert_eq!(world.reply(request), Some(Ok(())));
    assert!(world.cluster.state().recovered_agents.is_empty());
    world.reregister(peer(link), message);
    assert!(world.shutdown_text(link).is_some());
}

#[test]
fn reservation_takes_offers_back_until_there_is_room() {
    let mut world = World::new();
    let (agent, link) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    let offer = world.one_offer(&id);
    let action = OperatorAction::Reserve { agent: agent.clone(), resources: reserved("cpus:2", Some("ops")) };
    let request = world.operate_as(Subject::named("ops"), action);
    assert_eq!(world.reply(request), Some(Ok(())));
    assert!(world.events(connection).contains(&SchedulerEvent::Rescind(offer.id)));
    let (_, _, filter) = world.allocator.recovered.last().unwrap();
    assert_eq!(*filter, Some(5.0), "the default filter");
    assert!(matches!(world.messages(link).last(), Some(ToAgent::CheckpointResources(_))));
    assert_eq!(world.cluster.state().agent(&agent).unwrap().checkpointed.cpus(), Some(2.0));
    world.check();

    let action =
        OperatorAction::Unreserve { agent: agent.clone(), resources: reserved("cpus:2", Some("ops")) };
    let request = world.operate(action);
    assert_eq!(world.reply(request), Some(Ok(())));
    assert_eq!(world.cluster.state().agent(&agent).unwrap().total, resources("cpus:4;mem:1024"));
    world.check();
}

#[test]
fn reservations_that_cannot_be_are_refused() {
    let mut world = World::new();
    let (agent, _) = world.agent("cpus:4;mem:1024");
    let (id, connection) = world.framework(plain());
    world.launch(connection, &id, &["t"]);
    let ask = |world: &mut World, agent: &mesos_api::v1::AgentId, resources: Vec<Resource>| {
        let request = world
            .operate_as(Subject::named("ops"), OperatorAction::Reserve { agent: agent.clone(), resources });
        world.reply(request).unwrap().unwrap_err()
    };
    let invalid = |error: OperatorError, text: &str| match error {
        OperatorError::Invalid(found) if found.contains(text) => {}
        other => panic!("{other:?} instead of {text}"),
    };
    invalid(ask(&mut world, &"x".into(), reserved("cpus:1", Some("ops"))), "No agent found");
    invalid(ask(&mut world, &agent, vec![Resource::default()]), "Empty resource name");
    invalid(ask(&mut world, &agent, reserved("cpus:1", Some("me"))), "does not match a reserved resource");
    invalid(ask(&mut world, &agent, resources("cpus:1").to_protos()), "is not dynamically reserved");
    let error = ask(&mut world, &agent, reserved("cpus:4", Some("ops")));
    assert!(matches!(error, OperatorError::Conflict(_)), "{error:?}: a task uses one of them");
    world.check();
}

impl World {
    /// An agent in a world whose registrar answers only when it is told to.
    fn agent_without_registrar(&mut self) -> (mesos_api::v1::AgentId, mesos_cluster::ConnectionId) {
        self.registrar_works = true;
        let agent = self.agent("cpus:4;mem:1024");
        self.registrar_works = false;
        agent
    }
}

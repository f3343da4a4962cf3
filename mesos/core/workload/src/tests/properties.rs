//! What holds for any order of events.

use std::collections::BTreeMap;

use mesos_api::v1::{TaskId, TaskState};
use mesos_resources::Resources;
use proptest::prelude::*;

use super::world::{World, executor_id, executor_update, framework, framework_id, registered, task, task_id};
use crate::{Effect, ExecutorState, Input, Link, RunKey, Subscription, Termination};

#[derive(Debug, Clone, Copy)]
enum Step {
    Run(u8, u8),
    Group(u8),
    Answer(bool),
    Subscribe(u8),
    Prepared,
    Update(u8, u8, u8),
    Annotated,
    Acknowledged(u8),
    Kill(u8),
    Shutdown(u8),
    Terminated(u8),
    Timer,
    ShutdownFramework,
    Disconnect,
    Register,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..5, 0u8..2).prop_map(|(task, executor)| Step::Run(task, executor)),
        1 => (0u8..5).prop_map(Step::Group),
        5 => prop::bool::weighted(0.9).prop_map(Step::Answer),
        3 => (0u8..2).prop_map(Step::Subscribe),
        4 => Just(Step::Prepared),
        4 => (0u8..2, 0u8..5, 0u8..3).prop_map(|(executor, task, state)| Step::Update(executor, task, state)),
        4 => Just(Step::Annotated),
        3 => (0u8..5).prop_map(Step::Acknowledged),
        2 => (0u8..5).prop_map(Step::Kill),
        1 => (0u8..2).prop_map(Step::Shutdown),
        2 => (0u8..2).prop_map(Step::Terminated),
        2 => Just(Step::Timer),
        1 => Just(Step::ShutdownFramework),
        1 => Just(Step::Disconnect),
        2 => Just(Step::Register),
    ]
}

/// What the world around the agent still has to do.
#[derive(Default)]
struct Around {
    launches: Vec<u64>,
    prepares: Vec<(RunKey, Vec<TaskId>)>,
    annotations: Vec<Effect>,
    timers: Vec<Input>,
    containers: BTreeMap<String, RunKey>,
    numbers: u8,
}

impl Around {
    fn take_note(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Authorize { launch, .. } => self.launches.push(*launch),
                Effect::Launch(launch) => {
                    self.containers.insert(launch.run.container.value.clone(), launch.run.clone());
                }
                Effect::Prepare { run, tasks, .. } => self.prepares.push((run.clone(), tasks.clone())),
                Effect::Annotate { .. } => self.annotations.push(effect.clone()),
                Effect::After(_, input) => self.timers.push((**input).clone()),
                _ => {}
            }
        }
    }

    fn input(&mut self, step: Step) -> Option<Input> {
        let name = |number: u8| format!("t{number}");
        Some(match step {
            Step::Run(number, executor) => Input::RunTask {
                framework: Box::new(framework(true)),
                pid: None,
                task: Box::new(task(&name(number), &format!("e{executor}"))),
                launch_executor: None,
            },
            Step::Group(number) => Input::RunTaskGroup {
                framework: Box::new(framework(true)),
                executor: Box::new(super::world::executor_info("e0")),
                tasks: [number, number + 10].map(|number| task(&name(number), "e0")).to_vec(),
                launch_executor: None,
            },
            Step::Answer(yes) => {
                let launch = self.launches.pop()?;
                let outcome = if yes { Ok(()) } else { Err("no".to_owned()) };
                Input::Authorized { framework: framework_id(), launch, outcome }
            }
            Step::Subscribe(executor) => Input::Subscribe {
                framework: framework_id(),
                executor: executor_id(&format!("e{executor}")),
                link: Link::Http(u64::from(self.numbers)),
                kind: Subscription::Subscribe { tasks: Vec::new(), updates: Vec::new() },
            },
            Step::Prepared => {
                let (run, tasks) = self.prepares.pop()?;
                Input::Prepared { run, tasks, outcome: Ok(()) }
            }
            Step::Update(executor, number, state) => {
                let states = [TaskState::TaskRunning, TaskState::TaskFinished, TaskState::TaskFailed];
                self.numbers = self.numbers.wrapping_add(1);
                let update = executor_update(&name(number), states[usize::from(state)], self.numbers);
                Input::Update { update: Box::new(update), executor: executor_id(&format!("e{executor}")) }
            }
            Step::Annotated => match self.annotations.pop()? {
                Effect::Annotate { update, executor, .. } => Input::Annotated { update, executor },
                _ => return None,
            },
            Step::Acknowledged(number) => Input::Acknowledged {
                framework: framework_id(),
                task: task_id(&name(number)),
                finished: true,
            },
            Step::Kill(number) => {
                Input::KillTask { framework: framework_id(), task: task_id(&name(number)), kill_policy: None }
            }
            Step::Shutdown(executor) => Input::ShutdownExecutor {
                framework: framework_id(),
                executor: executor_id(&format!("e{executor}")),
            },
            Step::Terminated(at) => {
                let key = self.containers.keys().nth(usize::from(at))?.clone();
                let run = self.containers.remove(&key)?;
                Input::Terminated { run, termination: Ok(Some(Termination::default())) }
            }
            Step::Timer => self.timers.pop()?,
            Step::ShutdownFramework => Input::ShutdownFramework(framework_id()),
            Step::Disconnect => Input::Disconnected,
            Step::Register => Input::Registered(mesos_api::v1::AgentId { value: "S0".into() }),
        })
    }
}

/// Every task is in one place, and what is used is the sum of what its parts use.
fn check(world: &World) {
    for framework in world.workload.frameworks().values() {
        assert!(!framework.is_idle(), "an idle framework is kept");
        let mut sum = Resources::new();
        for executor in framework.executors.values() {
            let mut seen: Vec<&String> = executor.queued.iter().map(|task| &task.task_id.value).collect();
            seen.extend(executor.launched.keys().chain(executor.terminated.keys()));
            let all = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), all, "a task is in two places");
            sum += executor.allocated();
            if executor.state == ExecutorState::Terminated {
                assert!(executor.has_incomplete_tasks(), "an executor without tasks is kept after its end");
                assert!(executor.queued.is_empty() && executor.launched.is_empty() || framework.terminating);
            }
        }
        assert!(framework.allocated().contains(&sum));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever happens in whatever order, the model stays whole, and everything it starts ends.
    #[test]
    fn the_model_stays_whole(steps in prop::collection::vec(step(), 0..80)) {
        let mut world = registered();
        let mut around = Around::default();
        for step in steps {
            let Some(input) = around.input(step) else { continue };
            // The master does not launch a task twice while it lives.
            if let Input::RunTask { task, .. } = &input
                && world.workload.framework(&framework_id()).is_some_and(|found| found.has_task(&task.task_id.value))
            {
                continue;
            }
            if let Input::RunTaskGroup { tasks, .. } = &input
                && world.workload.framework(&framework_id()).is_some_and(|found| {
                    tasks.iter().any(|task| found.has_task(&task.task_id.value))
                })
            {
                continue;
            }
            world.apply(input);
            around.take_note(&world.effects);
            check(&world);
        }
        // All containers end, and everybody acknowledges.
        world.apply(Input::Registered(mesos_api::v1::AgentId { value: "S0".into() }));
        while let Some(launch) = around.launches.pop() {
            world.allow(launch);
            around.take_note(&world.effects);
        }
        while let Some((_, run)) = around.containers.pop_first() {
            world.apply(Input::Terminated { run, termination: Ok(None) });
            around.take_note(&world.effects);
        }
        let tasks: Vec<String> = (0..15).map(|number| format!("t{number}")).collect();
        for task in &tasks {
            world.acknowledge(task, true);
        }
        prop_assert!(world.workload.frameworks().is_empty(), "{:?}", world.workload.frameworks());
    }
}

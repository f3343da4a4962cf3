//! The loop between an executor and its agent.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use mesos_api::v1::executor::{Call, Event, call, event};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::{Command, Driver, RunError};
use crate::agent::{Agent, Events};
use crate::unacknowledged::Unacknowledged;
use crate::{CallError, Executor, Options};

/// How long what is still to be sent may hold up the end.
const FLUSH_WAIT_MAX: Duration = Duration::from_secs(5);

/// Calls that may wait to be sent. Updates that do not fit are sent at the next subscription.
const QUEUE_LENGTH_MAX: usize = 10_000;

type Pending<T> = Pin<Box<dyn Future<Output = Result<T, CallError>> + Send>>;

/// Where the subscription stands.
enum Link {
    /// The next attempt is at this time.
    Waiting(Instant),
    Subscribing(Pending<Events>),
    Subscribed(Box<Events>),
    /// There will be no other attempt.
    Ended,
}

enum Happening<E> {
    Command(Command<E>),
    AttemptDue,
    Attempted(Result<Box<Events>, CallError>),
    Event(Result<Box<Event>, String>),
    Sent(Result<(), CallError>),
    DeadlinePassed,
}

pub(super) struct Session<E> {
    executor: E,
    driver: Driver<E>,
    commands: mpsc::UnboundedReceiver<Command<E>>,
    options: Options,
    agent: Agent,
    link: Link,
    /// When, without a subscription, the executor gives up; and what was the last problem.
    patience: Option<(Instant, Duration)>,
    last_problem: String,
    unacknowledged: Unacknowledged,
    queue: VecDeque<Call>,
    sending: Option<(Call, Pending<()>)>,
    /// Set once the executor was told to shut down.
    overdue_at: Option<Instant>,
    stop_by: Option<Instant>,
    failure: Option<RunError>,
}

impl<E: Executor> Session<E> {
    pub(super) fn new(
        executor: E,
        driver: Driver<E>,
        commands: mpsc::UnboundedReceiver<Command<E>>,
        options: Options,
    ) -> Self {
        let now = Instant::now();
        Self {
            agent: Agent::new(&options),
            link: Link::Waiting(now),
            patience: Some((now + options.first_subscription_timeout, options.first_subscription_timeout)),
            last_problem: String::new(),
            unacknowledged: Unacknowledged::default(),
            queue: VecDeque::new(),
            sending: None,
            overdue_at: None,
            stop_by: None,
            failure: None,
            executor,
            driver,
            commands,
            options,
        }
    }

    pub(super) async fn run(mut self) -> Result<(), RunError> {
        loop {
            let idle = self.sending.is_none() && self.queue.is_empty();
            if self.stop_by.is_some_and(|by| idle || Instant::now() >= by) {
                return self.failure.map_or(Ok(()), Err);
            }
            self.send_next();
            match self.next().await {
                Happening::Command(command) => self.command(command),
                Happening::AttemptDue => self.attempt(),
                Happening::Attempted(Ok(events)) => self.link = Link::Subscribed(events),
                Happening::Attempted(Err(error)) => self.attempt_failed(error),
                Happening::Event(Ok(event)) => self.event(*event),
                Happening::Event(Err(problem)) => self.disconnected(problem),
                Happening::Sent(result) => self.sent(result),
                Happening::DeadlinePassed => {
                    if let Some(error) = self.deadline_passed() {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> Happening<E> {
        let deadlines = [self.overdue_at, self.stop_by, self.patience.map(|(at, _)| at)];
        let deadline = deadlines.into_iter().flatten().min();
        let link = async {
            match &mut self.link {
                Link::Waiting(at) => {
                    sleep_until(*at).await;
                    Happening::AttemptDue
                }
                Link::Subscribing(attempt) => Happening::Attempted(attempt.await.map(Box::new)),
                Link::Subscribed(events) => Happening::Event(events.next().await.map(Box::new)),
                Link::Ended => std::future::pending().await,
            }
        };
        let sending = async {
            match &mut self.sending {
                Some((_, sending)) => sending.await,
                None => std::future::pending().await,
            }
        };
        let passed = async {
            match deadline {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(command) = self.commands.recv() => Happening::Command(command),
            happening = link => happening,
            result = sending => Happening::Sent(result),
            () = passed => Happening::DeadlinePassed,
        }
    }

    fn command(&mut self, command: Command<E>) {
        match command {
            Command::Update(status) => {
                self.unacknowledged.updated(&status);
                let update = call::Update { status: *status };
                self.enqueue(Call { update: Some(update), ..self.agent.call(call::Type::Update) });
            }
            Command::Message(data) => {
                let message = call::Message { data };
                self.enqueue(Call { message: Some(message), ..self.agent.call(call::Type::Message) });
            }
            Command::Tell(f) => f(&mut self.executor, &self.driver),
            Command::Stop => {
                self.stop_by.get_or_insert(Instant::now() + FLUSH_WAIT_MAX);
            }
        }
    }

    /// Without a subscription updates are told with the next one, and messages are lost.
    fn enqueue(&mut self, call: Call) {
        if matches!(self.link, Link::Subscribed(_)) && self.queue.len() < QUEUE_LENGTH_MAX {
            self.queue.push_back(call);
        }
    }

    /// One call at a time, so that they arrive in order.
    fn send_next(&mut self) {
        if self.sending.is_none()
            && let Some(call) = self.queue.pop_front()
        {
            let agent = self.agent.clone();
            let sent = call.clone();
            self.sending = Some((call, Box::pin(async move { agent.send(&sent).await })));
        }
    }

    fn sent(&mut self, result: Result<(), CallError>) {
        let Some((call, _)) = self.sending.take() else { return };
        let Err(error) = result else { return };
        match call.update {
            // The agent does not have the update; it gets it with the next subscription.
            Some(_) if error.is_passing() => self.disconnected(error.to_string()),
            Some(call::Update { status }) => {
                warn!(task = %status.task_id, %error, "an update was refused");
                self.unacknowledged.refused(status.uuid());
            }
            None => warn!(%error, "a message was lost"),
        }
    }

    fn attempt(&mut self) {
        let subscribe = Some(self.unacknowledged.subscribe());
        let call = Call { subscribe, ..self.agent.call(call::Type::Subscribe) };
        let agent = self.agent.clone();
        self.link = Link::Subscribing(Box::pin(async move { agent.subscribe(&call).await }));
    }

    fn attempt_failed(&mut self, error: CallError) {
        self.last_problem = error.to_string();
        if error.is_passing() {
            let wait = self.options.subscription_backoff_max.mul_f64(rand::random::<f64>());
            info!(%error, ?wait, "not subscribed yet");
            self.link = Link::Waiting(Instant::now() + wait);
        } else {
            self.end(RunError::Subscription(error));
        }
    }

    fn disconnected(&mut self, problem: String) {
        if !matches!(self.link, Link::Subscribed(_)) {
            return;
        }
        warn!(problem, "disconnected from the agent");
        self.queue.clear();
        self.sending = None;
        self.last_problem = problem;
        self.executor.disconnected(&self.driver);
        if self.overdue_at.is_some() || self.stop_by.is_some() {
            self.link = Link::Ended;
        } else if self.options.checkpoint {
            let timeout = self.options.recovery_timeout;
            self.patience = Some((Instant::now() + timeout, timeout));
            let wait = self.options.subscription_backoff_max.mul_f64(rand::random::<f64>());
            self.link = Link::Waiting(Instant::now() + wait);
        } else {
            self.link = Link::Ended;
            self.shut_down();
        }
    }

    /// Gives up the subscription for good.
    fn end(&mut self, failure: RunError) {
        self.link = Link::Ended;
        self.patience = None;
        self.executor.error(&self.driver, &failure.to_string());
        self.failure = Some(failure);
        self.shut_down();
    }

    fn shut_down(&mut self) {
        if self.overdue_at.is_some() {
            return;
        }
        let grace = self.options.shutdown_grace_period;
        self.overdue_at = Some(Instant::now() + grace);
        if self.options.exits_process {
            exit_after(grace);
        }
        self.executor.shutdown(&self.driver);
    }

    /// Returns what ends the session, if the deadline was a final one.
    fn deadline_passed(&mut self) -> Option<RunError> {
        let now = Instant::now();
        if self.overdue_at.is_some_and(|at| at <= now) {
            return Some(RunError::Overdue { after: self.options.shutdown_grace_period });
        }
        if let Some((at, after)) = self.patience
            && at <= now
        {
            let cause = std::mem::take(&mut self.last_problem);
            self.end(RunError::GaveUp { after, cause });
        }
        None
    }

    fn event(&mut self, event: Event) {
        let (executor, driver) = (&mut self.executor, &self.driver);
        match (event.r#type(), event) {
            (event::Type::Subscribed, Event { subscribed: Some(subscribed), .. }) => {
                self.patience = None;
                executor.subscribed(driver, &subscribed);
            }
            (event::Type::Launch, Event { launch: Some(event::Launch { task }), .. }) => {
                self.unacknowledged.launched(&task);
                executor.launch(driver, task);
            }
            (event::Type::LaunchGroup, Event { launch_group: Some(group), .. }) => {
                group.task_group.tasks.iter().for_each(|task| self.unacknowledged.launched(task));
                executor.launch_group(driver, group.task_group);
            }
            (event::Type::Kill, Event { kill: Some(kill), .. }) => {
                executor.kill(driver, kill.task_id, kill.kill_policy);
            }
            (event::Type::Acknowledged, Event { acknowledged: Some(acknowledged), .. }) => {
                let event::Acknowledged { task_id, uuid } = acknowledged;
                self.unacknowledged.acknowledged(&task_id, &uuid);
                executor.acknowledged(driver, &task_id, &uuid);
            }
            (event::Type::Message, Event { message: Some(message), .. }) => {
                executor.message(driver, message.data);
            }
            (event::Type::Error, Event { error: Some(error), .. }) => {
                executor.error(driver, &error.message);
                self.shut_down();
            }
            (event::Type::Shutdown, _) => self.shut_down(),
            (kind, _) => warn!(?kind, "ignoring an event that is unknown or incomplete"),
        }
    }
}

/// Ends the process by force: the executor may hang, and then nothing else here runs.
fn exit_after(grace: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(grace);
        eprintln!("The executor did not shut down within {grace:?}");
        std::process::exit(1);
    });
}

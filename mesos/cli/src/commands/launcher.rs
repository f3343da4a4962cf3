//! The framework behind `mesos run` and `mesos execute`: it launches what it is given once, on the
//! first agent with room for it, and tells what becomes of it.

use std::time::Duration;

use mesos_api::v1::offer::{Operation, operation};
use mesos_api::v1::scheduler::call;
use mesos_api::v1::scheduler::event::Subscribed;
use mesos_api::v1::{
    AgentId, ExecutorInfo, Filters, FrameworkId, Offer, TaskGroupInfo, TaskInfo, TaskStatus,
};
use mesos_resources::Resources;
use mesos_scheduler::{Driver, Running, Scheduler};
use tokio::sync::mpsc;

use crate::output::plain;

/// What is to be launched: single tasks, or the tasks of a group with their executor.
pub(super) struct Plan {
    pub(super) tasks: Vec<TaskInfo>,
    pub(super) group: Option<ExecutorInfo>,
}

/// What becomes of it.
pub(super) enum News {
    /// No master takes the framework in now, and why.
    Unavailable(String),
    Subscribed(FrameworkId),
    /// A call came to nothing, which need not be the end.
    Refused(String),
    /// Offers came, but none has room: what is needed, and what they have.
    NoRoom {
        needed: String,
        offers: Vec<String>,
    },
    Launched(AgentId),
    Update(Box<TaskStatus>),
    /// The framework cannot go on.
    Error(String),
}

pub(super) struct Launcher {
    plan: Option<Plan>,
    news: mpsc::UnboundedSender<News>,
}

impl Launcher {
    pub(super) fn new(plan: Plan) -> (Self, mpsc::UnboundedReceiver<News>) {
        let (news, receiver) = mpsc::unbounded_channel();
        (Self { plan: Some(plan), news }, receiver)
    }

    fn tell(&self, news: News) {
        // Who does not listen any more wants no news.
        let _ = self.news.send(news);
    }
}

impl Scheduler for Launcher {
    fn subscribed(&mut self, _driver: &Driver, subscribed: Subscribed) {
        self.tell(News::Subscribed(subscribed.framework_id));
    }

    fn offers(&mut self, driver: &Driver, offers: Vec<Offer>) {
        let Some(plan) = self.plan.take() else {
            driver.decline(offers.into_iter().map(|offer| offer.id), forever());
            return;
        };
        let needed = plan.resources();
        let on_offer = offers.iter().map(|offer| text(&offer.resources)).collect();
        let (mut room, mut rest) = (None, Vec::new());
        for offer in offers {
            match &room {
                None if plan.fits(&offer) => room = Some(offer),
                _ => rest.push(offer.id),
            }
        }
        match room {
            Some(offer) => {
                let agent = offer.agent_id.clone();
                let operation = plan.operation(&offer);
                driver.accept([offer.id], vec![operation], forever());
                driver.suppress(Vec::new());
                self.tell(News::Launched(agent));
            }
            None => {
                self.tell(News::NoRoom { needed, offers: on_offer });
                self.plan = Some(plan);
            }
        }
        if !rest.is_empty() {
            driver.decline(rest, None);
        }
    }

    fn update(&mut self, _driver: &Driver, status: TaskStatus) {
        self.tell(News::Update(Box::new(status)));
    }

    fn unavailable(&mut self, _driver: &Driver, reason: String) {
        self.tell(News::Unavailable(plain(&reason)));
    }

    fn refused(&mut self, _driver: &Driver, kind: call::Type, text: String) {
        // Without anything launched there is nothing to wait for. The rest comes again, or is asked again.
        let text = plain(&text);
        self.tell(match kind {
            call::Type::Accept => News::Error(text),
            _ => News::Refused(format!("{}: {text}", kind.as_str_name())),
        });
    }

    fn error(&mut self, _driver: &Driver, text: String) {
        self.tell(News::Error(plain(&text)));
    }
}

/// So many offers are told of.
const OFFERS_MAX: usize = 3;

/// What is asked for, and what there is.
pub(super) fn no_room(needed: &str, offers: &[String]) -> String {
    let told = offers.get(..OFFERS_MAX).unwrap_or(offers).join(", or ");
    match offers.len() {
        1 => format!("the offer that came has no room for {needed}: it has {told}"),
        count @ 2..=OFFERS_MAX => format!("none of {count} offers has room for {needed}: they have {told}"),
        count => format!("none of {count} offers has room for {needed}: they have {told}, ..."),
    }
}

/// Says goodbye to the master, which kills what still runs.
///
/// # Errors
///
/// Says why the master does not know of it.
pub(super) async fn goodbye(running: Running, wait_max: Duration) -> Result<(), String> {
    running.driver().teardown();
    match tokio::time::timeout(wait_max, running.wait()).await {
        Ok(ended) => ended.map(drop).map_err(|error| plain(&error.to_string())),
        Err(_) => Err("the master does not answer".to_owned()),
    }
}

fn text(resources: &[mesos_api::v1::Resource]) -> String {
    match Resources::from_protos(resources.iter().cloned()) {
        Ok(mut resources) => {
            resources.unallocate();
            plain(&resources.to_string())
        }
        Err(error) => plain(&error.to_string()),
    }
}

/// Nothing else is to be launched: the resources may go to others for good.
fn forever() -> Option<Filters> {
    Some(Filters { refuse_seconds: Some(365.0 * 24.0 * 3600.0) })
}

impl Plan {
    /// The resources of each part: of every task, and of the executor of a group.
    fn parts(&self) -> impl Iterator<Item = &Vec<mesos_api::v1::Resource>> {
        let tasks = self.tasks.iter().map(|task| &task.resources);
        tasks.chain(self.group.iter().map(|executor| &executor.resources))
    }

    fn resources(&self) -> String {
        text(&self.parts().flatten().cloned().collect::<Vec<_>>())
    }

    /// Whether the resources on offer have room for all parts at once.
    fn fits(&self, offer: &Offer) -> bool {
        self.place(offer).is_some()
    }

    /// The resources on offer that each part gets.
    fn place(&self, offer: &Offer) -> Option<Vec<Resources>> {
        let mut left = Resources::from_protos(offer.resources.clone()).ok()?;
        left.unallocate();
        self.parts()
            .map(|part| {
                let wanted = Resources::from_protos(part.clone()).ok()?;
                let found = left.find(&wanted)?;
                left -= &found;
                Some(found)
            })
            .collect()
    }

    /// The operation that launches the plan on an offer that it [fits](Self::fits).
    fn operation(mut self, offer: &Offer) -> Operation {
        let mut places = self.place(offer).unwrap_or_default().into_iter();
        for task in &mut self.tasks {
            task.agent_id = offer.agent_id.clone();
            task.resources = places.next().unwrap_or_default().to_protos();
        }
        let Some(mut executor) = self.group else {
            return Operation {
                r#type: Some(operation::Type::Launch as i32),
                launch: Some(operation::Launch { task_infos: self.tasks }),
                ..Operation::default()
            };
        };
        executor.resources = places.next().unwrap_or_default().to_protos();
        executor.framework_id = Some(offer.framework_id.clone());
        let task_group = TaskGroupInfo { tasks: self.tasks };
        Operation {
            r#type: Some(operation::Type::LaunchGroup as i32),
            launch_group: Some(operation::LaunchGroup { executor, task_group }),
            ..Operation::default()
        }
    }
}

//! What a framework says of itself and of its connection.

use std::time::Duration;

use mesos_api::media::ContentType;
use mesos_api::v1::FrameworkInfo;

/// How a framework connects.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where a master listens: `host:port`, maybe with `http://` or `https://` before it. One that does not lead
    /// sends the framework on to the one that does.
    pub master: String,
    /// The framework. With an id it takes the place of the one that had this id.
    pub framework: FrameworkInfo,
    /// Roles of the framework in which it wants no offers for now.
    pub suppressed_roles: Vec<String>,
    /// The form of calls and events.
    pub content_type: ContentType,
    /// Whether the scheduler acknowledges updates itself, by [`Driver::acknowledge`](crate::Driver::acknowledge),
    /// instead of the library once [`Scheduler::update`](crate::Scheduler::update) has returned.
    pub explicit_acknowledgements: bool,
    /// How long the master may take to answer a call. It is given up then, and a subscription is tried
    /// again.
    pub answer_wait_max: Duration,
    /// How long to wait after a failed connection before the next try; each further try waits
    /// twice as long, up to [`retry_wait_max`](Self::retry_wait_max).
    pub retry_wait_min: Duration,
    /// The longest wait between two tries to connect.
    pub retry_wait_max: Duration,
}

impl Config {
    /// The usual: protobuf, implicit acknowledgements, thirty seconds for an answer, tries half a second to
    /// fifteen seconds apart.
    pub fn new(master: impl Into<String>, framework: FrameworkInfo) -> Self {
        Self {
            master: master.into(),
            framework,
            suppressed_roles: Vec::new(),
            content_type: ContentType::Protobuf,
            explicit_acknowledgements: false,
            answer_wait_max: Duration::from_secs(30),
            retry_wait_min: Duration::from_millis(500),
            retry_wait_max: Duration::from_secs(15),
        }
    }
}

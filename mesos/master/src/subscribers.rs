//! The subscribers of the operator API.

use std::collections::HashMap;

use bytes::Bytes;
use libprocess::Context;
use libprocess::http::Response;
use mesos_api::media::ContentType;
use mesos_api::v1::master::{Event, event};
use mesos_cluster::Observation;
use mesos_daemon::stream::{EventStream, record};
use tracing::info;

use crate::authorization::Visibility;
use crate::operator_api;
use crate::perform::HEARTBEAT_INTERVAL;
use crate::process::MasterProcess;

/// Who wants to hear what changes.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    by_id: HashMap<u64, Subscriber>,
    next: u64,
}

#[derive(Debug)]
struct Subscriber {
    stream: EventStream,
    visibility: Visibility,
    phase: Phase,
    /// How many bytes wait for it at most.
    bytes_max: usize,
}

#[derive(Debug)]
enum Phase {
    /// The state that comes first is still being written out; what changed since waits.
    Starting { waiting: Vec<Bytes>, bytes: usize },
    /// The state was sent.
    Live,
}

impl Subscribers {
    /// Tells everybody who may know.
    pub(crate) fn observe(&mut self, observation: &Observation) {
        if self.by_id.is_empty() {
            return;
        }
        // Written once for each media type, unless what one may see of it differs.
        let mut written: HashMap<ContentType, Bytes> = HashMap::new();
        for subscriber in self.by_id.values_mut() {
            let visibility = &subscriber.visibility;
            if !operator_api::is_visible(observation, visibility) {
                continue;
            }
            let content_type = subscriber.stream.content_type();
            let write = || record(content_type, &operator_api::event(observation, visibility));
            let record = if visibility.every_role() {
                written.entry(content_type).or_insert_with(write).clone()
            } else {
                write()
            };
            subscriber.send(record);
        }
    }

    fn add(&mut self, stream: EventStream, visibility: Visibility, bytes_max: usize) -> u64 {
        let id = self.next;
        self.next += 1;
        let phase = Phase::Starting { waiting: Vec::new(), bytes: 0 };
        self.by_id.insert(id, Subscriber { stream, visibility, phase, bytes_max });
        id
    }

    /// Sends the state, the first heartbeat, and what changed since.
    fn start(&mut self, id: u64, state: Bytes) {
        let Some(subscriber) = self.by_id.get_mut(&id) else { return };
        subscriber.stream.send_record(state);
        subscriber.stream.send(&heartbeat());
        if let Phase::Starting { waiting, .. } = std::mem::replace(&mut subscriber.phase, Phase::Live) {
            waiting.into_iter().for_each(|record| subscriber.send(record));
        }
    }
}

impl Subscriber {
    /// A stream that takes nothing more says so by closing.
    fn send(&mut self, record: Bytes) {
        match &mut self.phase {
            Phase::Live => {
                self.stream.send_record(record);
            }
            Phase::Starting { waiting, bytes } => {
                *bytes = bytes.saturating_add(record.len());
                if *bytes > self.bytes_max {
                    self.stream.fail("more happened than can be kept for this subscriber");
                    return;
                }
                waiting.push(record);
            }
        }
    }
}

impl MasterProcess {
    /// Opens a stream on which an operator hears of the cluster: first all of it, then what changes.
    pub(crate) fn subscribe_operator(
        &mut self,
        cx: &mut Context<Self>,
        content_type: ContentType,
        visibility: Visibility,
    ) -> Response {
        let (stream, response) = EventStream::open(content_type, self.stream_bytes_max);
        let closed = stream.closed();
        let id = self.subscribers.add(stream, visibility.clone(), self.stream_bytes_max);
        info!(subscriber = id, "an operator subscribed");
        cx.run(closed, move |master, _cx, ()| {
            if master.subscribers.by_id.remove(&id).is_some() {
                info!(subscriber = id, "an operator's stream ended");
            }
        });
        // From here on changes wait: writing out a large cluster takes a moment.
        let view = self.view();
        let write = move || {
            let subscribed = event::Subscribed {
                get_state: Some(operator_api::get_state(&view.snapshot, &visibility)),
                heartbeat_interval_seconds: Some(HEARTBEAT_INTERVAL.as_secs_f64()),
            };
            let r#type = Some(event::Type::Subscribed as i32);
            record(content_type, &Event { r#type, subscribed: Some(subscribed), ..Event::default() })
        };
        cx.run_blocking(write, move |master, cx, state| {
            master.subscribers.start(id, state);
            cx.delay(HEARTBEAT_INTERVAL, move |master, cx| master.beat_operator(cx, id));
        });
        response
    }

    fn beat_operator(&mut self, cx: &mut Context<Self>, id: u64) {
        let Some(subscriber) = self.subscribers.by_id.get(&id) else { return };
        if subscriber.stream.send(&heartbeat()) {
            cx.delay(HEARTBEAT_INTERVAL, move |master, cx| master.beat_operator(cx, id));
        }
    }
}

fn heartbeat() -> Event {
    Event { r#type: Some(event::Type::Heartbeat as i32), ..Event::default() }
}

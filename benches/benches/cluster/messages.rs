//! The messages that are measured, and the same as plain serde structs.

use mesos_api::v1::scheduler::{Event, event};
use mesos_api::v1::{
    Attribute, ContainerStatus, Label, Labels, NetworkInfo, Offer, TaskState, TaskStatus, network_info,
    task_status, value,
};
use mesos_resources::Resources;
use serde::{Deserialize, Serialize};

/// An update as an executor's first one reaches a framework.
pub(crate) fn update() -> Event {
    let address = network_info::IpAddress { ip_address: Some("10.0.3.17".into()), ..Default::default() };
    let mut status = TaskStatus {
        task_id: "web.1f0c9a52-2d53-4d8b-9c1a-6b1b3c7a9f10".into(),
        message: Some("Command exited with status 0".into()),
        agent_id: Some("6e3f5c1c-5a67-4a79-9e2e-0c1f6d0c2a11-S17".into()),
        executor_id: Some("web.1f0c9a52-2d53-4d8b-9c1a-6b1b3c7a9f10".into()),
        timestamp: Some(1_511_280_453.250_113),
        uuid: Some((0..16).collect()),
        container_status: Some(ContainerStatus {
            container_id: Some("0b7f5c0e-21d4-4b57-8a5b-4be7d9e0e1f3".into()),
            network_infos: vec![NetworkInfo { ip_addresses: vec![address], ..Default::default() }],
            executor_pid: Some(31_337),
            ..Default::default()
        }),
        ..Default::default()
    };
    status.set_state(TaskState::TaskRunning);
    status.set_source(task_status::Source::Executor);
    let mut event = Event { update: Some(event::Update { status }), ..Default::default() };
    event.set_type(event::Type::Update);
    event
}

/// Offers of `count` agents.
pub(crate) fn offers(count: usize) -> Event {
    let resources = Resources::parse("cpus:15.5;mem:61440;disk:409600;ports:[31000-31499, 31600-32000]", "*")
        .expect("the text above is right")
        .to_protos();
    let text = |name: &str, text: &str| Attribute {
        name: name.into(),
        r#type: value::Type::Text as i32,
        text: Some(value::Text { value: text.into() }),
        ..Default::default()
    };
    let offer = |n: usize| Offer {
        id: format!("6e3f5c1c-5a67-4a79-9e2e-0c1f6d0c2a11-O{n}").into(),
        framework_id: "6e3f5c1c-5a67-4a79-9e2e-0c1f6d0c2a11-0003".into(),
        agent_id: format!("6e3f5c1c-5a67-4a79-9e2e-0c1f6d0c2a11-S{n}").into(),
        hostname: format!("agent-{n}.example.net"),
        resources: resources.clone(),
        attributes: vec![text("rack", "r17"), text("zone", "eu-1b")],
        ..Default::default()
    };
    let mut event = Event {
        offers: Some(event::Offers { offers: (0..count).map(offer).collect() }),
        ..Default::default()
    };
    event.set_type(event::Type::Offers);
    event
}

/// A message with nested maps of labels, to see what many small parts cost.
pub(crate) fn labels(count: usize) -> Labels {
    let label = |n: usize| Label { key: format!("key{n}"), value: Some(format!("value of the key {n}")) };
    Labels { labels: (0..count).map(label).collect() }
}

/// What serde, without knowing of Mesos, makes of the JSON of [`offers`] and [`update`].
#[derive(Serialize, Deserialize)]
pub(crate) struct PlainEvent {
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    offers: Option<PlainOffers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update: Option<PlainUpdate>,
}

#[derive(Serialize, Deserialize)]
struct PlainOffers {
    offers: Vec<PlainOffer>,
}

#[derive(Serialize, Deserialize)]
struct PlainId {
    value: String,
}

#[derive(Serialize, Deserialize)]
struct PlainOffer {
    id: PlainId,
    framework_id: PlainId,
    agent_id: PlainId,
    hostname: String,
    resources: Vec<PlainResource>,
    attributes: Vec<PlainAttribute>,
}

#[derive(Serialize, Deserialize)]
struct PlainResource {
    name: String,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scalar: Option<PlainScalar>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ranges: Option<PlainRanges>,
}

#[derive(Serialize, Deserialize)]
struct PlainScalar {
    value: f64,
}

#[derive(Serialize, Deserialize)]
struct PlainRanges {
    range: Vec<PlainRange>,
}

#[derive(Serialize, Deserialize)]
struct PlainRange {
    begin: u64,
    end: u64,
}

#[derive(Serialize, Deserialize)]
struct PlainAttribute {
    name: String,
    r#type: String,
    text: PlainId,
}

#[derive(Serialize, Deserialize)]
struct PlainUpdate {
    status: PlainStatus,
}

#[derive(Serialize, Deserialize)]
struct PlainStatus {
    task_id: PlainId,
    state: String,
    message: String,
    source: String,
    agent_id: PlainId,
    executor_id: PlainId,
    timestamp: f64,
    /// The text: plain serde has no base64.
    uuid: String,
    container_status: PlainContainerStatus,
}

#[derive(Serialize, Deserialize)]
struct PlainContainerStatus {
    container_id: PlainId,
    network_infos: Vec<PlainNetworkInfo>,
    executor_pid: u32,
}

#[derive(Serialize, Deserialize)]
struct PlainNetworkInfo {
    ip_addresses: Vec<PlainAddress>,
}

#[derive(Serialize, Deserialize)]
struct PlainAddress {
    ip_address: String,
}

/// What serde makes of the JSON of [`labels`].
#[derive(Serialize, Deserialize)]
pub(crate) struct PlainLabels {
    labels: Vec<PlainLabel>,
}

#[derive(Serialize, Deserialize)]
struct PlainLabel {
    key: String,
    value: String,
}

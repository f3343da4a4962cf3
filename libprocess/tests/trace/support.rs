//! A subscriber that notes spans, for all tests here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, Once};

use libprocess::trace::{TARGET, TraceContext};
use libprocess::{Node, Process};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// What was noted of a span.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) name: &'static str,
    pub(super) fields: BTreeMap<&'static str, String>,
    /// The place of its parent among all that was noted.
    parent: Option<usize>,
}

impl Noted {
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub(super) fn parent(&self) -> Option<Self> {
        self.parent.map(|place| NOTED.lock().unwrap()[place].clone())
    }
}

static NOTED: Mutex<Vec<Noted>> = Mutex::new(Vec::new());

struct Notes;

struct Place(usize);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Notes {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let parent = span.parent().and_then(|parent| Some(parent.extensions().get::<Place>()?.0));
        let mut noted = Noted { name: span.name(), fields: BTreeMap::new(), parent };
        attributes.record(&mut noted);
        let mut all = NOTED.lock().unwrap();
        span.extensions_mut().insert(Place(all.len()));
        all.push(noted);
    }
}

impl Visit for Noted {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

/// Notes spans from now on.
pub(super) fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let wanted = Targets::new().with_target(TARGET, Level::TRACE).with_target("trace", Level::INFO);
        let subscriber = tracing_subscriber::registry().with(Notes).with(wanted);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// What was handled in a trace so far.
pub(super) fn handled(context: TraceContext) -> Vec<Noted> {
    let trace_id = format!("{:032x}", context.trace_id());
    let all = NOTED.lock().unwrap();
    all.iter().filter(|noted| noted.field("trace_id") == trace_id).cloned().collect()
}

/// The one that a process has handled in a trace.
pub(super) fn handled_by(context: TraceContext, pid: &impl fmt::Display) -> Noted {
    let by = |noted: &Noted| noted.field("pid") == pid.to_string();
    let mut found: Vec<_> = handled(context).into_iter().filter(by).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// Whether one was sent while the other was handled, as far as ids tell.
pub(super) fn assert_below(below: &Noted, above: &Noted) {
    assert_eq!(below.field("parent_id"), above.field("span_id"), "{below:?} {above:?}");
    assert_ne!(below.field("span_id"), above.field("span_id"));
}

pub(super) struct Quiet;

impl Process for Quiet {}

pub(super) async fn node() -> Node {
    subscribe();
    Node::builder().start().await.unwrap()
}

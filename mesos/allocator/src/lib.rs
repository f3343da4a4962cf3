//! The allocator actor.
//!
//! It holds the pure core of `mesos-allocation`, tells it what happens and what time it is, and hands its
//! decisions to whoever started it. Nothing about fairness is decided here.
//!
//! What a master uses is the trait [`Allocator`]: [`HierarchicalAllocator`] is the one that comes with the
//! system.
//!
//! ```
//! use libprocess::Node;
//! use mesos_allocator::{Allocator, HierarchicalAllocator, Input, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let node = Node::builder().start().await?;
//! let allocator = HierarchicalAllocator::start(&node, Options::default(), Box::new(|output| println!("{output:?}")));
//! allocator.apply(Input::UpdateWhitelist(None));
//! node.shutdown().await;
//! # Ok(()) })
//! # }
//! ```
#![forbid(unsafe_code)]

mod metrics;
mod process;

use libprocess::{Future, Node, Pid};
pub use mesos_allocation::{Explanation, Input, Options, Output, Quota};

use crate::process::AllocatorProcess;

/// Where an allocator's decisions go. It is called on the allocator's turn and must not block.
pub type Sink = Box<dyn Fn(Output) + Send>;

/// Something that decides who is offered what.
///
/// Inputs are worked off in the order in which one caller gives them. Outputs come through the sink that
/// the allocator was started with.
pub trait Allocator: Send + Sync {
    /// Tells it what happened.
    fn apply(&self, input: Input);

    /// Tells how a role stands and why it gets nothing now, if the allocator can.
    ///
    /// The future fails if the allocator has ended.
    fn explain(&self, role: &str) -> Option<Future<Explanation>> {
        let _ = role;
        None
    }
}

/// The hierarchical allocator: dominant resource fairness over a tree of roles, with quotas.
///
/// Inputs that wait are taken in before the next allocation is run, so that a burst of them costs one run.
/// Clones are handles on the same allocator.
#[derive(Clone, Debug)]
pub struct HierarchicalAllocator {
    pid: Pid<AllocatorProcess>,
}

impl HierarchicalAllocator {
    /// Starts an allocator on a node.
    pub fn start(node: &Node, options: Options, sink: Sink) -> Self {
        Self { pid: node.spawn(AllocatorProcess::new(options, sink)) }
    }

    /// Ends the allocator; what waits is dropped.
    pub fn terminate(&self) {
        self.pid.terminate();
    }

    /// A future that is ready once the allocator has ended.
    pub fn wait(&self) -> Future<()> {
        self.pid.wait()
    }
}

impl Allocator for HierarchicalAllocator {
    fn apply(&self, input: Input) {
        self.pid.tell(move |process, cx| process.accept(cx, input));
    }

    fn explain(&self, role: &str) -> Option<Future<Explanation>> {
        let role = role.to_owned();
        Some(self.pid.ask(move |process, cx| process.allocation.explain(&role, cx.now())))
    }
}

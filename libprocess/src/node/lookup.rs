//! Processes by their ids, with their types.

use std::any::Any;
use std::sync::Arc;

use super::Node;
use crate::bounded::{Bounded, BoundedPid};
use crate::pid::ProcessCell;
use crate::{Pid, Process};

impl Node {
    /// The process of this node that has the id now, if it is a `P` that was spawned without a
    /// [bound](crate::bounded).
    ///
    /// ```
    /// use libprocess::{Node, Process};
    ///
    /// struct Printer;
    /// impl Process for Printer {}
    /// struct Scanner;
    /// impl Process for Scanner {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let node = Node::builder().start().await?;
    /// let printer = node.spawn_as("office", Printer)?;
    /// assert_eq!(node.find::<Printer>("office"), Some(printer));
    /// assert_eq!(node.find::<Scanner>("office"), None);
    /// assert_eq!(node.find::<Printer>("basement"), None);
    /// # Ok(()) })
    /// # }
    /// ```
    pub fn find<P: Process>(&self, id: &str) -> Option<Pid<P>> {
        let shared: ProcessCell<P> = self.found(id)?;
        Some(Pid { shared })
    }

    /// The process of this node that has the id now, if it is a `P` that was spawned with a bound.
    pub fn find_bounded<P: Process>(&self, id: &str) -> Option<BoundedPid<P>> {
        Some(BoundedPid::new(self.found::<Bounded<P>>(id)?))
    }

    fn found<E: Any + Send + Sync>(&self, id: &str) -> Option<Arc<E>> {
        let process: Arc<dyn Any + Send + Sync> = self.process(id)?;
        process.downcast().ok()
    }
}

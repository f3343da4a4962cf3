//! Processes that are talked to together.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::node::WeakNode;
use crate::{Context, Future, FutureError, Node, Pid, Process};

#[cfg(test)]
mod tests;

/// A named group of processes of one type on a node.
///
/// Processes join and leave, and those that end leave by themselves. Groups have an order, that of joining. All
/// handles that [`Node::group`] gives for a name and a type are on one group; it is there as long as it has a
/// member, or somebody has a handle.
///
/// ```
/// use libprocess::{Node, Process};
///
/// #[derive(Default)]
/// struct Worker {
///     jobs: u32,
/// }
/// impl Process for Worker {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let node = Node::builder().start().await?;
/// let workers = node.group("workers");
/// for _ in 0..3 {
///     workers.join(&node.spawn(Worker::default()));
/// }
/// // One after the other gets a job.
/// for _ in 0..6 {
///     workers.tell_one(|worker, _cx| worker.jobs += 1);
/// }
/// for worker in workers.members() {
///     assert_eq!(worker.ask(|worker, _cx| worker.jobs).await?, 2);
/// }
/// assert_eq!(node.group::<Worker>("workers").broadcast(|worker, _cx| worker.jobs = 0), 3);
/// # Ok(()) })
/// # }
/// ```
pub struct Group<P> {
    inner: Arc<Inner<P>>,
}

struct Inner<P> {
    key: Key,
    node: WeakNode,
    members: Mutex<Vec<Member<P>>>,
    turn: AtomicUsize,
}

struct Member<P> {
    pid: Pid<P>,
    /// Of the hook that waits for its end.
    number: u64,
}

/// The type of the members, and the name.
type Key = (TypeId, String);

/// The groups of a node. Each keeps itself, in what waits for the end of its members.
#[derive(Default)]
pub(crate) struct Groups(Mutex<HashMap<Key, Weak<dyn Any + Send + Sync>>>);

impl Node {
    /// The group of processes `P` that has this name. Groups of other types are others, whatever their names.
    pub fn group<P: Process>(&self, name: &str) -> Group<P> {
        let mut groups = self.groups().0.lock();
        let key = (TypeId::of::<P>(), name.to_owned());
        let found = groups.get(&key).and_then(Weak::upgrade);
        if let Some(inner) = found.and_then(|group| group.downcast().ok()) {
            return Group { inner };
        }
        let inner = Arc::new(Inner::<P> {
            key: key.clone(),
            node: self.downgrade(),
            members: Mutex::default(),
            turn: AtomicUsize::new(0),
        });
        let group: Arc<dyn Any + Send + Sync> = Arc::clone(&inner) as _;
        groups.insert(key, Arc::downgrade(&group));
        Group { inner }
    }
}

impl<P: Process> Group<P> {
    /// What the group is called.
    pub fn name(&self) -> &str {
        &self.inner.key.1
    }

    /// Adds a process, and says whether it was not there yet. One that has ended is gone again at once.
    pub fn join(&self, pid: &Pid<P>) -> bool {
        let number = pid.node().next_number();
        {
            let mut members = self.inner.members.lock();
            if members.iter().any(|member| member.pid == *pid) {
                return false;
            }
            members.push(Member { pid: pid.clone(), number });
        }
        let group = Arc::clone(&self.inner);
        pid.shared.watch(number, Box::new(move |_exit| drop(group.remove(|member| member.number == number))));
        true
    }

    /// Takes a process out, and says whether it was there.
    pub fn leave(&self, pid: &Pid<P>) -> bool {
        let Some(member) = self.inner.remove(|member| member.pid == *pid) else { return false };
        pid.shared.unwatch(member.number);
        true
    }

    /// The processes in it at this moment, in the order in which they joined.
    pub fn members(&self) -> Vec<Pid<P>> {
        self.inner.members.lock().iter().map(|member| member.pid.clone()).collect()
    }

    /// Has each member run `f`, and says how many that are.
    pub fn broadcast(&self, f: impl Fn(&mut P, &mut Context<P>) + Send + Sync + 'static) -> usize {
        let members = self.members();
        let f = Arc::new(f);
        for member in &members {
            let f = Arc::clone(&f);
            member.tell(move |process, cx| f(process, cx));
        }
        members.len()
    }

    /// Has one member run `f`, a different one each time until all had their turn. Says whether there was one;
    /// when not, `f` is dropped.
    pub fn tell_one(&self, f: impl FnOnce(&mut P, &mut Context<P>) + Send + 'static) -> bool {
        let Some(member) = self.next() else { return false };
        member.tell(f);
        true
    }

    /// [Asks](Pid::ask) one member, like [`Group::tell_one`]. The future is abandoned where there is none.
    pub fn ask_one<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut P, &mut Context<P>) -> R + Send + 'static,
    ) -> Future<R> {
        match self.next() {
            Some(member) => member.ask(f),
            None => Future::from(Err(FutureError::Abandoned)),
        }
    }

    /// The member whose turn it is.
    fn next(&self) -> Option<Pid<P>> {
        let members = self.inner.members.lock();
        let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed);
        let place = turn.checked_rem(members.len())?;
        Some(members[place].pid.clone())
    }
}

impl<P> Inner<P> {
    /// Takes a member out, for the caller to drop without the lock.
    fn remove(&self, is_it: impl Fn(&Member<P>) -> bool) -> Option<Member<P>> {
        let mut members = self.members.lock();
        let place = members.iter().position(is_it)?;
        Some(members.remove(place))
    }
}

impl<P> Drop for Inner<P> {
    fn drop(&mut self) {
        let Some(node) = self.node.upgrade() else { return };
        let mut groups = node.groups().0.lock();
        // Somebody may have begun a new one meanwhile.
        if groups.get(&self.key).is_some_and(|group| group.strong_count() == 0) {
            groups.remove(&self.key);
        }
    }
}

impl<P> Clone for Group<P> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<P: Process> fmt::Debug for Group<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("name", &self.name()).field("members", &self.members()).finish()
    }
}

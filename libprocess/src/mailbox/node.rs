//! One message: a closure, stored in its node when it is small.

use std::mem::{self, ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};

use super::slab;

/// So many words of a closure fit into a node; a longer closure is boxed.
const WORDS: usize = 6;

/// A message and its place in the list of its mailbox; a line of the processor's cache.
#[repr(C, align(64))]
pub(super) struct Node<B> {
    /// Owned by whoever pushes until the node is published, and by the owner of the mailbox from
    /// then on.
    pub(super) next: *mut Node<B>,
    /// A constant.
    actions: *const Actions<B>,
    payload: MaybeUninit<[u64; WORDS]>,
}

const _: () = assert!(mem::size_of::<Node<()>>() == slab::NODE_BYTES);
const _: () = assert!(mem::align_of::<Node<()>>() == slab::NODE_BYTES);

/// What can be done with the payload of one type; both consume it, and free the node first if told
/// so, for the messages that the payload sends.
struct Actions<B> {
    call: unsafe fn(NonNull<Node<B>>, free: bool, &mut B),
    discard: unsafe fn(NonNull<Node<B>>, free: bool),
}

impl<B> Node<B> {
    /// Whether a closure is stored in the node itself.
    pub(super) const fn fits<F>() -> bool {
        mem::size_of::<F>() <= mem::size_of::<[u64; WORDS]>()
            && mem::align_of::<F>() <= mem::align_of::<u64>()
    }

    /// A node that holds `f`, which must fit.
    #[inline]
    pub(super) fn with<F: FnOnce(&mut B) + Send + 'static>(f: F) -> NonNull<Self>
    where
        B: 'static,
    {
        // Folded away by the compiler.
        assert!(Self::fits::<F>(), "a closure that does not fit is boxed by the caller");
        let node = slab::take().cast::<Self>();
        let actions: &'static _ = const { &Actions::<B> { call: call::<B, F>, discard: discard::<B, F> } };
        // SAFETY: `slab::take` gives memory of the size and alignment of a node (asserted above) that
        // nobody else has, and `f` fits into the payload in size and alignment.
        unsafe {
            let node = node.as_ptr();
            (&raw mut (*node).next).write(ptr::null_mut());
            (&raw mut (*node).actions).write(actions);
            (&raw mut (*node).payload).cast::<F>().write(f);
        }
        node
    }

    /// Takes the closure out of a node that was not published, and frees the node.
    ///
    /// # Safety
    ///
    /// The node comes from [`Node::with`] of the same `F`, and nobody else has it.
    pub(super) unsafe fn into_closure<F>(node: NonNull<Self>) -> F {
        // SAFETY: as the caller says.
        unsafe { payload(node, true) }
    }
}

/// Moves the payload out, and frees the node if told so.
///
/// # Safety
///
/// The node holds a payload of type `F` that nobody takes twice, and is not used again when it is
/// freed.
#[inline]
unsafe fn payload<B, F>(node: NonNull<Node<B>>, free: bool) -> F {
    // SAFETY: as the caller says.
    unsafe {
        let f = (&raw const (*node.as_ptr()).payload).cast::<F>().read();
        if free {
            slab::give_back(node.cast());
        }
        f
    }
}

/// # Safety
///
/// As for [`payload`].
unsafe fn call<B, F: FnOnce(&mut B)>(node: NonNull<Node<B>>, free: bool, body: &mut B) {
    // SAFETY: as the caller says.
    let f: F = unsafe { payload(node, free) };
    f(body);
}

/// # Safety
///
/// As for [`payload`].
unsafe fn discard<B, F>(node: NonNull<Node<B>>, free: bool) {
    // SAFETY: as the caller says.
    drop(unsafe { payload::<B, F>(node, free) });
}

/// A message that was taken out of its mailbox, to be called or dropped.
pub(crate) struct Message<B> {
    node: NonNull<Node<B>>,
    /// Not for the last one of a batch: the mailbox recognises by it what came later.
    free: bool,
}

impl<B> Message<B> {
    /// # Safety
    ///
    /// The node holds a payload, which belongs to the caller, and so does the node if `free` is set.
    #[inline]
    pub(super) unsafe fn new(node: NonNull<Node<B>>, free: bool) -> Self {
        Self { node, free }
    }

    /// Runs the closure.
    #[inline]
    pub(crate) fn call(self, body: &mut B) {
        let message = ManuallyDrop::new(self);
        // SAFETY: `Message::new` was promised a payload, and this message is not used again.
        unsafe { ((*(*message.node.as_ptr()).actions).call)(message.node, message.free, body) }
    }
}

impl<B> Drop for Message<B> {
    fn drop(&mut self) {
        // SAFETY: as for `call`.
        unsafe { ((*(*self.node.as_ptr()).actions).discard)(self.node, self.free) }
    }
}

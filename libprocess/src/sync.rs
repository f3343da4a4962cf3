//! Queues, locks and limits that are waited for with futures.
//!
//! Nothing here blocks a thread, so all of it may be used inside a process: what is not to be had yet
//! comes as a [`Future`](crate::Future), whose callback brings it back to the process by
//! [`Pid::defer`](crate::Pid::defer). Everybody is served in the order in which they came. Who loses
//! interest discards the future, or drops it, and is passed over.
//!
//! ```
//! use libprocess::sync::Mutex;
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let account = Mutex::new(100);
//! let mut held = account.lock().await?;
//! let waiting = account.lock();
//! *held -= 30;
//! assert!(waiting.is_pending());
//! drop(held);
//! assert_eq!(*waiting.await?, 70);
//! # Ok::<(), libprocess::FutureError>(())
//! # }).unwrap();
//! ```

mod limiter;
mod mutex;
mod once;
mod queue;
mod rate;
mod rate_limiter;
mod read_write_lock;
mod sequence;
mod waiters;

pub use limiter::{Limit, Limiter, OverCapacity};
pub use mutex::{Mutex, MutexGuard};
pub use once::Once;
pub use queue::Queue;
pub use rate::{ParseRateError, Rate};
pub use rate_limiter::RateLimiter;
pub use read_write_lock::{ReadGuard, ReadWriteLock, WriteGuard};
pub use sequence::Sequence;

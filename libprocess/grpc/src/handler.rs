//! From a handler of a service to an actor.

use libprocess::{Context, Future, FutureError, Pid, Process};
use tonic::Status;

/// Has `process` answer a request: what a handler of a service is made of.
///
/// A process that is gone makes the status `UNAVAILABLE`.
///
/// ```
/// # use libprocess::{Pid, Process};
/// # use libprocess_grpc::{Status, ask};
/// struct Volumes {
///     count: u64,
/// }
/// impl Process for Volumes {}
///
/// async fn count(volumes: &Pid<Volumes>) -> Result<u64, Status> {
///     ask(volumes, |volumes, _cx| Ok(volumes.count)).await
/// }
/// ```
///
/// # Errors
///
/// Fails with the status that `f` gives, or the one that says that there was no answer.
pub async fn ask<P: Process, T: Send + 'static>(
    process: &Pid<P>,
    f: impl FnOnce(&mut P, &mut Context<P>) -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    process.ask(f).await.unwrap_or_else(|error| Err(status_of(&error)))
}

/// Like [`ask`], for an answer that takes the process some time.
///
/// # Errors
///
/// Fails with the status that the future gives, or the one that says how it failed.
pub async fn ask_future<P: Process, T: Send + 'static>(
    process: &Pid<P>,
    f: impl FnOnce(&mut P, &mut Context<P>) -> Future<Result<T, Status>> + Send + 'static,
) -> Result<T, Status> {
    process.ask_future(f).await.unwrap_or_else(|error| Err(status_of(&error)))
}

fn status_of(error: &FutureError) -> Status {
    match error {
        FutureError::Failed(failure) => Status::internal(failure.to_string()),
        FutureError::Discarded => Status::cancelled("the operation was discarded"),
        FutureError::Abandoned => Status::unavailable("the process that answers has ended"),
    }
}

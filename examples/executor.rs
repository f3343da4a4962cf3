//! A custom executor: it says which task it got, works for a moment, and says that it is done. It is
//! no program to be started by hand: an agent starts it for the first of its tasks, in their sandbox.
//! `framework --executor` launches tasks with it.
//!
//! ```text
//! cargo build --examples --package mesos-examples
//! cargo run --example framework -- --executor $PWD/target/debug/examples/executor
//! ```

use std::error::Error;
use std::time::Duration;

use mesos_api::v1::{KillPolicy, TaskId, TaskInfo, TaskState, TaskStatus};
use mesos_executor::{Driver, Executor, Options};

struct Greeter {
    /// The tasks that have begun and not ended.
    live: Vec<TaskId>,
}

impl Executor for Greeter {
    fn launch(&mut self, driver: &Driver<Self>, task: TaskInfo) {
        println!("got {}", task.task_id);
        self.live.push(task.task_id.clone());
        driver.update(status(&task.task_id, TaskState::TaskRunning, ""));
        // Nothing here may block: what takes time comes back later, with the executor's state.
        driver.after(Duration::from_millis(100), move |greeter, driver| {
            greeter.end(driver, &task.task_id, TaskState::TaskFinished, "greeted");
        });
    }

    fn kill(&mut self, driver: &Driver<Self>, task_id: TaskId, _kill_policy: Option<KillPolicy>) {
        self.end(driver, &task_id, TaskState::TaskKilled, "told to stop");
    }

    fn shutdown(&mut self, driver: &Driver<Self>) {
        for task_id in std::mem::take(&mut self.live) {
            driver.update(status(&task_id, TaskState::TaskKilled, "the executor was told to stop"));
        }
        driver.stop();
    }
}

impl Greeter {
    /// Ends a task, unless it has ended: being done and being killed can cross.
    fn end(&mut self, driver: &Driver<Self>, task_id: &TaskId, state: TaskState, message: &str) {
        let Some(at) = self.live.iter().position(|live| live == task_id) else { return };
        self.live.swap_remove(at);
        driver.update(status(task_id, state, message));
    }
}

fn status(task_id: &TaskId, state: TaskState, message: &str) -> TaskStatus {
    let mut status =
        TaskStatus { task_id: task_id.clone(), message: Some(message.to_owned()), ..TaskStatus::default() };
    status.set_state(state);
    status
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The agent says by the environment where it is and which executor this is.
    let options = Options::from_env()?;
    mesos_executor::run(Greeter { live: Vec::new() }, options).await?;
    Ok(())
}

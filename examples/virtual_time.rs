//! How to test an actor that waits: on a clock that stands still until it is told to go on, a week takes a moment,
//! nothing sleeps, and what happens is the same each time.
//!
//! ```text
//! cargo run --example virtual_time
//! cargo test --example virtual_time
//! ```

use std::error::Error;
use std::time::Duration;

use libprocess::{Clock, Context, Node, Pid, Process, Time, Timer};

/// Locks itself when it was not touched for a while, and says so once a day from then on.
struct Screen {
    idle_max: Duration,
    locks: Option<Timer>,
    locked_at: Option<Time>,
    reminders: u32,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Process for Screen {
    fn initialize(&mut self, cx: &mut Context<Self>) {
        self.touch(cx);
    }
}

impl Screen {
    fn new(idle_max: Duration) -> Self {
        Self { idle_max, locks: None, locked_at: None, reminders: 0 }
    }

    /// Begins to wait anew.
    fn touch(&mut self, cx: &mut Context<Self>) {
        if let Some(timer) = self.locks.take() {
            timer.cancel();
        }
        self.locked_at = None;
        self.locks = Some(cx.delay(self.idle_max, Self::lock));
    }

    fn lock(&mut self, cx: &mut Context<Self>) {
        self.locked_at = Some(cx.now());
        cx.delay(DAY, Self::remind);
    }

    fn remind(&mut self, cx: &mut Context<Self>) {
        if self.locked_at.is_some() {
            self.reminders += 1;
            cx.delay(DAY, Self::remind);
        }
    }
}

/// A screen, and the clock that it lives by.
async fn screen() -> Result<(Clock, Node, Pid<Screen>), Box<dyn Error>> {
    let clock = Clock::paused(Time::EPOCH);
    let node = Node::builder().clock(clock.clone()).start().await?;
    let screen = node.spawn(Screen::new(Duration::from_secs(300)));
    // Nothing is left to do: the timer is set. Without this, time could go on before it is.
    clock.settle().await;
    Ok((clock, node, screen))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (clock, node, screen) = screen().await?;
    let ask = async || screen.ask(|screen, _cx| (screen.locked_at, screen.reminders)).await;

    clock.advance(Duration::from_secs(299)).await;
    println!("after 299 s:      {:?}", ask().await?);
    screen.tell(Screen::touch);
    clock.settle().await;
    clock.advance(Duration::from_secs(299)).await;
    println!("touched, 299 s:   {:?}", ask().await?);
    clock.advance(Duration::from_secs(1)).await;
    println!("one second more:  {:?}", ask().await?);
    // All that is due on the way happens on the way, in its order.
    clock.advance(7 * DAY).await;
    println!("a week later:     {:?}", ask().await?);

    node.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn touched_screen_stays_open() {
        let (clock, node, screen) = screen().await.unwrap();
        for _ in 0..100 {
            clock.advance(Duration::from_secs(299)).await;
            assert_eq!(screen.ask(|screen, _cx| screen.locked_at).await, Ok(None));
            screen.tell(Screen::touch);
            clock.settle().await;
        }
        node.shutdown().await;
    }
}

//! What the clocks promise.

use super::*;
use std::sync::mpsc;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test]
async fn timers_fire_in_order_when_time_passes_and_not_before() {
    let clock = Clock::paused(Time::EPOCH);
    let (tx, rx) = mpsc::channel();
    for n in [20, 10, 30] {
        let (tx, reader) = (tx.clone(), clock.clone());
        clock.after(secs(n), move || tx.send((n, reader.now())).unwrap());
    }
    clock.advance(secs(9)).await;
    assert!(rx.try_recv().is_err());
    clock.advance(secs(11)).await;
    let fired: Vec<_> = rx.try_iter().collect();
    assert_eq!(fired, [(10, Time::EPOCH + secs(10)), (20, Time::EPOCH + secs(20))]);
    assert_eq!(clock.now(), Time::EPOCH + secs(20));
}

#[test]
fn clock_that_stands_needs_no_thread_until_it_runs() {
    let clock = Clock::paused(Time::EPOCH);
    let (tx, rx) = mpsc::channel();
    for n in [2, 1, 3] {
        let tx = tx.clone();
        clock.after(secs(n), move || tx.send(n).unwrap());
    }
    let due = clock.next_timer().unwrap();
    assert_eq!(due, Time::EPOCH + secs(1));
    clock.advance_to(due + secs(1));
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [1, 2]);
    assert!(!clock.shared.state.lock().driven);
    clock.after(Duration::from_millis(1), move || tx.send(4).unwrap());
    clock.resume();
    assert_eq!(rx.recv(), Ok(4));
}

#[tokio::test]
async fn cancelled_timer_stays_silent() {
    let clock = Clock::paused(Time::EPOCH);
    let timer = clock.after(secs(1), || panic!("cancelled"));
    assert!(timer.cancel());
    assert!(!timer.cancel());
    clock.advance(secs(2)).await;
}

#[tokio::test]
async fn timeout_gives_up_when_its_time_has_come() {
    let clock = Clock::paused(Time::EPOCH);
    let waiting = tokio::spawn({
        let clock = clock.clone();
        async move { clock.timeout(secs(5), std::future::pending::<()>()).await }
    });
    tokio::task::yield_now().await;
    clock.advance(secs(5)).await;
    assert_eq!(waiting.await.unwrap(), None);
    assert_eq!(clock.timeout(secs(5), async { 3 }).await, Some(3));
}

#[tokio::test]
async fn sleep_that_nobody_wants_any_more_leaves_no_timer() {
    let clock = Clock::paused(Time::EPOCH);
    let timers = || clock.shared.state.lock().timers.next_due();
    let sleep = clock.sleep(secs(5));
    assert_eq!(timers(), Some(Time::EPOCH + secs(5)));
    sleep.discard();
    assert_eq!(timers(), None);
    assert_eq!(sleep.await, Err(crate::FutureError::Discarded));

    assert_eq!(clock.timeout(secs(5), async { 3 }).await, Some(3));
    assert_eq!(timers(), None);
    let mut given_up = Box::pin(clock.timeout(secs(5), std::future::pending::<()>()));
    assert!(futures::poll!(given_up.as_mut()).is_pending());
    drop(given_up);
    assert_eq!(timers(), None);
}

#[tokio::test]
async fn panic_in_a_timer_stops_no_other() {
    let clock = Clock::system();
    clock.after(Duration::ZERO, || panic!("on purpose"));
    clock.sleep(Duration::from_millis(5)).await.unwrap();
}

#[tokio::test]
async fn system_clock_fires_by_itself() {
    let clock = Clock::system();
    let before = clock.now();
    clock.sleep(Duration::from_millis(5)).await.unwrap();
    assert!(clock.now() >= before + Duration::from_millis(5));
}

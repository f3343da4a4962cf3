//! What a mailbox promises, on one thread and on several; see `models.rs` for all interleavings.

use std::sync::mpsc;

use super::*;

type Seen = Vec<(u64, u64)>;

/// An actor that is idle.
fn idle() -> Arc<Cell<(), Seen>> {
    let mut turn = Cell::with_turn(());
    *turn.parts().1 = Some(Seen::new());
    let cell = Arc::clone(turn.cell());
    assert!(turn.rest().is_ok());
    cell
}

/// Runs the actor until it rests.
fn run(mut turn: Turn<(), Seen>) {
    loop {
        let (mut inbox, body) = turn.parts();
        let body = body.as_mut().unwrap();
        while let Some(message) = inbox.next() {
            message.call(body);
        }
        match turn.rest() {
            Ok(()) => return,
            Err(again) => turn = again,
        }
    }
}

/// What the actor has seen; it must be idle.
fn seen(cell: &Cell<(), Seen>) -> Seen {
    let (sender, receiver) = mpsc::channel();
    let turn = cell.push(move |seen: &mut Seen| sender.send(std::mem::take(seen)).unwrap());
    run(turn.ok().flatten().expect("the actor is idle"));
    receiver.recv().unwrap()
}

#[test]
fn first_of_several_pushes_gets_the_turn_and_order_is_kept() {
    let cell = idle();
    let turn = cell.push(|seen: &mut Seen| seen.push((0, 0))).ok().flatten();
    for n in 1..10 {
        let pushed = cell.push(move |seen: &mut Seen| seen.push((0, n)));
        assert!(matches!(pushed, Ok(None)));
    }
    assert_eq!(cell.depth(), 10);
    run(turn.unwrap());
    assert_eq!((cell.depth(), cell.taken()), (0, 10));
    assert!(seen(&cell).into_iter().eq((0..10).map(|n| (0, n))));
}

#[test]
fn messages_that_come_while_it_runs_follow() {
    let cell = idle();
    let inner = Arc::clone(&cell);
    let turn = cell.push(move |seen: &mut Seen| {
        seen.push((0, 0));
        for n in 1..3 {
            assert!(matches!(inner.push(move |seen: &mut Seen| seen.push((0, n))), Ok(None)));
        }
    });
    run(turn.ok().flatten().unwrap());
    assert_eq!(seen(&cell), [(0, 0), (0, 1), (0, 2)]);
}

#[test]
fn closure_that_does_not_fit_is_boxed() {
    let cell = idle();
    let numbers = [7_u64; 100];
    let turn = cell.push(move |seen: &mut Seen| seen.push((numbers[0], numbers[99])));
    run(turn.ok().flatten().unwrap());
    assert_eq!(seen(&cell), [(7, 7)]);
}

#[test]
fn depth_is_exact_beyond_what_the_word_counts() {
    let cell = idle();
    let turn = cell.push(|_: &mut Seen| {}).ok().flatten();
    for _ in 1..200_000 {
        assert!(cell.push(|_: &mut Seen| {}).is_ok());
    }
    assert_eq!(cell.depth(), 200_000);
    run(turn.unwrap());
    assert_eq!((cell.depth(), cell.taken()), (0, 200_000));
}

#[test]
fn close_drops_what_waits_and_refuses_what_comes() {
    for taken in 0..3 {
        let cell = idle();
        let held = Arc::new(());
        let push = |held: Arc<()>| cell.push(move |_: &mut Seen| drop(held));
        let mut turn = push(Arc::clone(&held)).ok().flatten().unwrap();
        assert!(push(Arc::clone(&held)).is_ok());
        let (mut inbox, body) = turn.parts();
        for _ in 0..taken {
            inbox.next().unwrap().call(body.as_mut().unwrap());
        }
        assert!(push(Arc::clone(&held)).is_ok());
        assert_eq!(turn.close(|_| panic!("nothing panics")), 3 - taken);
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(push(Arc::clone(&held)).is_err());
        assert_eq!(Arc::strong_count(&held), 1, "what was refused came back, and was dropped");
        drop(turn);
        assert_eq!(Arc::strong_count(&cell), 1);
    }
}

#[test]
fn panic_in_what_is_dropped_is_told_and_the_rest_is_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let cell = idle();
    let (bomb, held) = (Bomb, Arc::new(()));
    let mut turn = cell.push(move |_: &mut Seen| drop(bomb)).ok().flatten().unwrap();
    let other = Arc::clone(&held);
    assert!(cell.push(move |_: &mut Seen| drop(other)).is_ok());
    let mut panics = 0;
    assert_eq!(turn.close(|_| panics += 1), 2);
    assert_eq!((panics, Arc::strong_count(&held)), (1, 1));
}

#[test]
fn dropped_turn_ends_the_actor() {
    let mut turn = Cell::<(), Arc<()>>::with_turn(());
    let held = Arc::new(());
    *turn.parts().1 = Some(Arc::clone(&held));
    let cell = Arc::clone(turn.cell());
    drop(turn);
    assert_eq!(Arc::strong_count(&held), 1);
    assert!(cell.is_closed());
    assert!(cell.push(|_: &mut Arc<()>| {}).is_err());
}

#[test]
fn each_sender_keeps_its_order_and_no_message_is_lost() {
    const SENDERS: u64 = 4;
    const EACH: u64 = 20_000;
    let cell = idle();
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let cell = &cell;
            scope.spawn(move || {
                for n in 0..EACH {
                    if let Ok(Some(turn)) = cell.push(move |seen: &mut Seen| seen.push((sender, n))) {
                        run(turn);
                    }
                }
            });
        }
    });
    let seen = seen(&cell);
    assert_eq!(seen.len() as u64, SENDERS * EACH);
    for sender in 0..SENDERS {
        let numbers = seen.iter().filter(|(from, _)| *from == sender).map(|(_, n)| *n);
        assert!(numbers.eq(0..EACH), "the messages of sender {sender} keep their order");
    }
    assert_eq!(cell.depth(), 0);
}

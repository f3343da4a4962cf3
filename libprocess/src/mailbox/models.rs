//! The mailbox and the slot under all interleavings; `CONTRIBUTING.md` says how to run this.
//!
//! What the messages and the body hold is in cells of loom, which fail where one thread reads what another
//! one wrote without having acquired it.

use loom::cell::UnsafeCell as Tracked;
use loom::model::Builder;
use loom::thread;

use super::*;

/// A body: what it was sent, in order.
struct Seen(Tracked<Vec<(usize, usize)>>);

type Model = Arc<Cell<(), Seen>>;

fn check(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

fn idle() -> Model {
    let mut turn = Cell::with_turn(());
    *turn.parts().1 = Some(Seen(Tracked::new(Vec::new())));
    let cell = Arc::clone(turn.cell());
    assert!(turn.rest().is_ok());
    cell
}

/// Sends something that was written before; runs the actor if that falls to this thread.
fn send(cell: &Model, from: usize, number: usize) {
    let value = Tracked::new(0);
    // SAFETY: only this thread has it.
    value.with_mut(|value| unsafe { *value = number });
    let pushed = cell.push(move |seen: &mut Seen| {
        // SAFETY: only this closure has it.
        let number = value.with(|value| unsafe { *value });
        // SAFETY: only who runs the actor has the body.
        seen.0.with_mut(|seen| unsafe { (*seen).push((from, number)) });
    });
    if let Ok(Some(turn)) = pushed {
        run(turn);
    }
}

fn run(mut turn: Turn<(), Seen>) {
    loop {
        let (mut inbox, body) = turn.parts();
        let Some(body) = body else { return };
        while let Some(message) = inbox.next() {
            message.call(body);
        }
        match turn.rest() {
            Ok(()) => return,
            Err(again) => turn = again,
        }
    }
}

fn seen(cell: &Model) -> Vec<(usize, usize)> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let pushed = cell.push(move |seen: &mut Seen| {
        // SAFETY: as in `send`.
        let seen = seen.0.with_mut(|seen| unsafe { std::mem::take(&mut *seen) });
        sender.send(seen).unwrap();
    });
    run(pushed.ok().flatten().expect("an actor that nobody runs is idle"));
    receiver.recv().unwrap()
}

#[test]
fn models_each_message_is_handled_once_and_each_sender_keeps_its_order() {
    check(|| {
        let cell = idle();
        let senders: Vec<_> = (0..2)
            .map(|from| {
                let cell = Arc::clone(&cell);
                thread::spawn(move || (0..2).for_each(|number| send(&cell, from, number)))
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        let seen = seen(&cell);
        assert_eq!(seen.len(), 4);
        for from in 0..2 {
            assert!(seen.iter().filter(|(sender, _)| *sender == from).map(|(_, n)| *n).eq(0..2));
        }
        assert_eq!(cell.depth(), 0);
    });
}

#[test]
fn models_closed_mailbox_drops_or_refuses_each_message_once() {
    check(|| {
        let cell = idle();
        let held = Arc::new(());
        let Ok(Some(mut turn)) = cell.push(|_: &mut Seen| {}) else { panic!("the actor was idle") };
        let sender = {
            let (cell, held) = (Arc::clone(&cell), Arc::clone(&held));
            thread::spawn(move || {
                for _ in 0..2 {
                    let held = Arc::clone(&held);
                    assert!(!matches!(cell.push(move |_: &mut Seen| drop(held)), Ok(Some(_))));
                }
            })
        };
        let (mut inbox, body) = turn.parts();
        inbox.next().unwrap().call(body.as_mut().unwrap());
        let dropped = turn.close(|_| panic!("nothing panics"));
        assert!(dropped <= 2);
        drop(turn);
        sender.join().unwrap();
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(Arc::strong_count(&cell), 1);
    });
}

#[test]
fn models_value_in_a_slot_goes_to_one() {
    check(|| {
        let (owner, thief) = slot::slot::<(Box<Tracked<usize>>, usize)>();
        let owning = thread::spawn(move || {
            let mut taken = Vec::new();
            for n in 1..3 {
                match owner.put((Box::new(Tracked::new(n)), n)) {
                    Ok(()) => taken.extend(owner.take()),
                    Err(back) => taken.push(back),
                }
            }
            read(taken)
        });
        let stolen = read(thief.steal().into_iter().collect());
        let mut all = owning.join().unwrap();
        all.extend(stolen);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, [1, 2]);
    });
}

fn read(values: Vec<(Box<Tracked<usize>>, usize)>) -> Vec<usize> {
    // SAFETY: the vector has the only handle on each.
    let value = |cell: &Tracked<usize>| cell.with(|value| unsafe { *value });
    values
        .iter()
        .map(|(cell, n)| (value(cell), n))
        .inspect(|(value, n)| assert_eq!(value, *n))
        .map(|(v, _)| v)
        .collect()
}

//! What follows from what, without processes.

use super::*;

fn at(secs: u64) -> Time {
    Time::EPOCH + Duration::from_secs(secs)
}

fn panicked() -> Exit {
    Exit::Panicked("oops".into())
}

/// All that the plan says now.
fn effects(plan: &mut Plan, now: Time) -> Vec<Effect> {
    std::iter::from_fn(|| plan.next(now)).collect()
}

/// A plan whose children run, one for each letter: permanent, transient and temporary ones.
fn running(strategy: Strategy, kinds: &str) -> Plan {
    let mut plan = Plan::new(strategy);
    for kind in kinds.chars() {
        let restart = match kind {
            'p' => Restart::Permanent,
            't' => Restart::Transient,
            _ => Restart::Temporary,
        };
        plan.add(kind.to_string(), restart, at(0));
    }
    let started: Vec<_> = (0..kinds.len() as Key).map(Effect::Start).collect();
    assert_eq!(effects(&mut plan, at(0)), started);
    plan
}

#[test]
fn kind_of_restart_and_reason_say_whether_a_child_is_begun_anew() {
    for (kind, exit, again) in [
        ("p", Exit::Normal, true),
        ("p", panicked(), true),
        ("t", Exit::Normal, false),
        ("t", panicked(), true),
        ("t", Exit::Failed("x".into()), true),
        ("-", Exit::Normal, false),
        ("-", panicked(), false),
    ] {
        let mut plan = running(Strategy::OneForOne, kind);
        plan.ended(0, &exit, at(1));
        let expected = if again { Effect::Start(0) } else { Effect::Forget(0) };
        assert_eq!(effects(&mut plan, at(1)), [expected], "{kind} {exit}");
    }
}

/// Ends what is to end until nothing is left to do, and notes all of it.
fn effects_with_ends(plan: &mut Plan, now: Time) -> Vec<Effect> {
    let mut all = Vec::new();
    while let Some(effect) = plan.next(now) {
        if let Effect::End(key) = effect {
            assert_eq!(plan.next(now), None, "one at a time");
            plan.ended(key, &panicked(), now);
        }
        all.push(effect);
    }
    all
}

#[test]
fn strategies_begin_anew_one_all_or_those_behind() {
    use Effect::{End, Forget, Start};
    for (strategy, expected) in [
        (Strategy::OneForOne, vec![Start(1)]),
        (
            Strategy::OneForAll,
            vec![End(4), End(3), Forget(3), End(2), End(0), Start(0), Start(1), Start(2), Start(4)],
        ),
        (Strategy::RestForOne, vec![End(4), End(3), Forget(3), End(2), Start(1), Start(2), Start(4)]),
    ] {
        let mut plan = running(strategy, "ppt-p");
        plan.ended(1, &panicked(), at(1));
        let all = effects_with_ends(&mut plan, at(1));
        assert_eq!(all, expected, "{strategy:?}");
        assert_eq!(plan.restarts.len(), 1, "those that had to end have not failed");
    }
}

#[test]
fn wait_holds_all_that_are_begun_anew_together() {
    let mut plan = running(Strategy::OneForAll, "pp");
    plan.backoff = Backoff::exponential(Duration::from_secs(10), Duration::from_secs(60));
    plan.ended(1, &panicked(), at(1));
    assert_eq!(effects_with_ends(&mut plan, at(1)), [Effect::End(0), Effect::Wake(at(11))]);
    assert_eq!(effects(&mut plan, at(10)), [], "it is woken already");
    assert_eq!(effects(&mut plan, at(11)), [Effect::Start(0), Effect::Start(1)]);
}

#[test]
fn child_that_fails_meanwhile_widens_what_is_begun_anew() {
    let mut plan = running(Strategy::RestForOne, "pppp");
    plan.ended(2, &panicked(), at(1));
    assert_eq!(effects(&mut plan, at(1)), [Effect::End(3)]);
    plan.ended(0, &panicked(), at(1));
    plan.ended(3, &Exit::Normal, at(1));
    let all = effects_with_ends(&mut plan, at(1));
    assert_eq!(all[..2], [Effect::End(1), Effect::Start(0)]);
    assert_eq!(all[2..], [Effect::Start(1), Effect::Start(2), Effect::Start(3)]);
}

#[test]
fn waits_grow_and_begin_anew_after_a_calm_time() {
    let mut plan = running(Strategy::OneForOne, "p");
    plan.restarts_max = usize::MAX;
    plan.backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_secs(8));
    let mut now = at(0);
    let mut fail = |plan: &mut Plan, after: u64| {
        now += Duration::from_secs(after);
        plan.ended(0, &panicked(), now);
        let effects = effects(plan, now);
        let [Effect::Wake(until)] = effects[..] else { panic!("{effects:?}") };
        let wait = until - now;
        now = until;
        assert_eq!(plan.next(now), Some(Effect::Start(0)));
        wait.as_secs()
    };
    // It has run for so long as the first number says.
    for (ran, expected) in [(0, 1), (7, 2), (0, 4), (0, 8), (0, 8), (8, 1), (0, 2)] {
        assert_eq!(fail(&mut plan, ran), expected);
    }
}

#[test]
fn one_restart_too_many_ends_all_in_reverse_and_names_the_child() {
    let mut plan = running(Strategy::OneForOne, "ptp");
    (plan.restarts_max, plan.within) = (2, Duration::from_secs(10));
    // The first one is long ago when the last one comes.
    for secs in [1, 12, 22] {
        plan.ended(1, &panicked(), at(secs));
        assert_eq!(effects(&mut plan, at(secs)), [Effect::Start(1)]);
    }
    plan.ended(1, &Exit::Failed("no disk".into()), at(22));
    let all = effects_with_ends(&mut plan, at(22));
    let [Effect::Forget(1), Effect::End(2), Effect::Forget(2), Effect::End(0), Effect::Forget(0), last] =
        &all[..]
    else {
        panic!("{all:?}")
    };
    let Effect::Finish(Some(error)) = last else { panic!("{last:?}") };
    assert_eq!((error.child.as_str(), &error.last), ("t", &Exit::Failed("no disk".into())));
    assert_eq!(
        error.to_string(),
        "more than 2 restarts of children within 10s would be needed; the last that ended is 't': no disk"
    );
    assert_eq!(plan.next(at(99)), None);
}

#[test]
fn stop_ends_also_what_is_about_to_be_begun_anew() {
    let mut plan = running(Strategy::OneForAll, "ppp");
    plan.backoff = Backoff::exponential(Duration::from_secs(1), Duration::from_secs(8));
    plan.ended(1, &panicked(), at(1));
    assert_eq!(effects(&mut plan, at(1)), [Effect::End(2)]);
    plan.stop();
    assert_eq!(plan.next(at(1)), Some(Effect::Forget(1)));
    assert_eq!(plan.next(at(1)), None, "it is still ending");
    plan.ended(2, &Exit::Normal, at(1));
    let late = plan.add("late".into(), Restart::Permanent, at(1));
    let all = effects_with_ends(&mut plan, at(1));
    let expected =
        [Effect::Forget(2), Effect::Forget(late), Effect::End(0), Effect::Forget(0), Effect::Finish(None)];
    assert_eq!(all, expected);
}

#[test]
fn child_that_is_ended_for_good_is_not_begun_anew() {
    let mut plan = running(Strategy::OneForOne, "pp");
    plan.end(0);
    assert_eq!(effects(&mut plan, at(1)), [Effect::End(0)]);
    plan.ended(1, &panicked(), at(1));
    assert_eq!(effects(&mut plan, at(1)), [Effect::Start(1)], "the other does not wait for it");
    plan.ended(0, &panicked(), at(2));
    assert_eq!(effects(&mut plan, at(2)), [Effect::Forget(0)]);
    assert_eq!(plan.state(0), None);
}

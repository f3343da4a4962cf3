//! Very many timers, to the millisecond.
//!
//! Six wheels of 64 places each. A place of the first one stands for a millisecond, one of the next for a
//! whole turn of the one before. A timer waits on the wheel on which its due time and the present differ
//! first, and moves inwards as its time comes nearer: setting, cancelling and firing it take a few
//! steps, however many there are.

use std::time::Duration;

use stout::Time;

use super::timers::Callback;

const PLACES: usize = 64;
const PLACE_BITS: u32 = 6;
const WHEELS: usize = 6;
/// What is due later than the wheels reach, more than two years ahead, goes round until its time comes.
const TICKS_MAX: u64 = (PLACES as u64 - 1) << (PLACE_BITS * (WHEELS as u32 - 1));
const NOWHERE: u32 = u32::MAX;

/// A timer: where it is kept, and its number among all timers, since places are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WheelKey {
    index: u32,
    number: u64,
}

pub(super) struct Wheel {
    /// When the first tick is.
    began: Time,
    /// All due timers up to this tick were taken.
    elapsed: u64,
    wheels: [Places; WHEELS],
    entries: Vec<Entry>,
    free: u32,
    count: u64,
}

#[derive(Clone, Copy)]
struct Places {
    /// A bit for each place where a timer waits.
    occupied: u64,
    lists: [List; PLACES],
}

/// Entries in the order in which they came.
#[derive(Clone, Copy)]
struct List {
    first: u32,
    last: u32,
}

const EMPTY: List = List { first: NOWHERE, last: NOWHERE };

struct Entry {
    /// None: the entry is free.
    callback: Option<Callback>,
    due: Time,
    number: u64,
    wheel: u8,
    place: u8,
    previous: u32,
    next: u32,
}

impl Wheel {
    pub(super) fn new(began: Time) -> Self {
        let places = Places { occupied: 0, lists: [EMPTY; PLACES] };
        let wheels = [places; WHEELS];
        Self { began, elapsed: 0, wheels, entries: Vec::new(), free: NOWHERE, count: 0 }
    }

    /// The tick at which what is due then fires: not before.
    fn tick(&self, due: Time) -> u64 {
        let nanos = due.checked_duration_since(self.began).unwrap_or_default().as_nanos();
        u64::try_from(nanos.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    fn time(&self, tick: u64) -> Time {
        self.began + Duration::from_millis(tick)
    }

    pub(super) fn insert(&mut self, due: Time, callback: Callback) -> WheelKey {
        self.count += 1;
        let number = self.count;
        let entry = Entry {
            callback: Some(callback),
            due,
            number,
            wheel: 0,
            place: 0,
            previous: NOWHERE,
            next: NOWHERE,
        };
        let index = self.free;
        let index = if let Some(free) = self.entries.get_mut(index as usize) {
            self.free = free.next;
            *free = entry;
            index
        } else {
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).expect("memory ends before four thousand million timers")
        };
        self.enlist(index);
        WheelKey { index, number }
    }

    /// Has an entry wait where its due time and the present differ first.
    fn enlist(&mut self, index: u32) {
        let due = self.tick(self.entries[index as usize].due);
        let due = due.clamp(self.elapsed, self.elapsed.saturating_add(TICKS_MAX));
        let differing = (due ^ self.elapsed) | (PLACES as u64 - 1);
        let wheel = ((differing.ilog2() / PLACE_BITS) as usize).min(WHEELS - 1);
        let place = place(due, wheel);
        let places = &mut self.wheels[wheel];
        places.occupied |= 1 << place;
        let last = std::mem::replace(&mut places.lists[place].last, index);
        match self.entries.get_mut(last as usize) {
            Some(last) => last.next = index,
            None => places.lists[place].first = index,
        }
        let entry = &mut self.entries[index as usize];
        (entry.wheel, entry.place) = (wheel as u8, place as u8);
        (entry.previous, entry.next) = (last, NOWHERE);
    }

    /// Cancels a timer that has not fired.
    pub(super) fn remove(&mut self, key: WheelKey) -> Option<Callback> {
        let entry = self.entries.get_mut(key.index as usize)?;
        if entry.number != key.number {
            return None;
        }
        let callback = entry.callback.take()?;
        let Entry { wheel, place, previous, next, .. } = *entry;
        let places = &mut self.wheels[wheel as usize];
        let list = &mut places.lists[place as usize];
        match self.entries.get_mut(previous as usize) {
            Some(previous) => previous.next = next,
            None => list.first = next,
        }
        match self.entries.get_mut(next as usize) {
            Some(next) => next.previous = previous,
            None => list.last = previous,
        }
        if list.first == NOWHERE {
            places.occupied &= !(1 << place);
        }
        self.release(key.index);
        Some(callback)
    }

    fn release(&mut self, index: u32) {
        self.entries[index as usize].next = self.free;
        self.free = index;
    }

    /// The first place where something waits, and the tick at which it is to be looked at.
    fn next(&self) -> Option<(usize, usize, u64)> {
        let wheel = self.wheels.iter().position(|places| places.occupied != 0)?;
        let now = place(self.elapsed, wheel);
        let ahead = self.wheels[wheel].occupied.rotate_right(now as u32).trailing_zeros() as usize;
        let place = (now + ahead) % PLACES;
        let shift = PLACE_BITS * wheel as u32;
        let turn = (PLACES as u64) << shift;
        // What is due on a later turn is on a later wheel; but the last wheel has its next turn, too.
        let begin = self.elapsed & !(turn - 1);
        let begin = if place < now { begin.saturating_add(turn) } else { begin };
        Some((wheel, place, begin.saturating_add((place as u64) << shift)))
    }

    /// When something is to be taken: no timer is due earlier.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.next().map(|(_, _, tick)| self.time(tick))
    }

    /// Takes what is due at `now`, earliest first.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<Callback> {
        let passed = now.checked_duration_since(self.began).unwrap_or_default().as_millis();
        let now = u64::try_from(passed).unwrap_or(u64::MAX).max(self.elapsed);
        let mut due = Vec::new();
        while let Some((wheel, place, tick)) = self.next().filter(|(_, _, tick)| *tick <= now) {
            self.elapsed = tick.max(self.elapsed);
            let places = &mut self.wheels[wheel];
            places.occupied &= !(1 << place);
            let mut index = std::mem::replace(&mut places.lists[place], EMPTY).first;
            let first = due.len();
            while index != NOWHERE {
                let at = index;
                index = self.entries[at as usize].next;
                if self.tick(self.entries[at as usize].due) > self.elapsed {
                    self.enlist(at);
                    continue;
                }
                let entry = &mut self.entries[at as usize];
                due.extend(entry.callback.take().map(|callback| (entry.due, callback)));
                self.release(at);
            }
            // Of one millisecond, in order too.
            due[first..].sort_by_key(|(due, _)| *due);
        }
        self.elapsed = now;
        due.into_iter().map(|(_, callback)| callback).collect()
    }
}

fn place(tick: u64, wheel: usize) -> usize {
    (tick >> (PLACE_BITS * wheel as u32)) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::mpsc;

    use proptest::prelude::*;

    use super::*;

    fn millis(ms: u64) -> Time {
        Time::EPOCH + Duration::from_millis(ms)
    }

    #[test]
    fn timer_fires_at_the_first_tick_that_is_not_before_it() {
        let mut wheel = Wheel::new(Time::EPOCH);
        wheel.insert(Time::EPOCH + Duration::from_micros(1500), Box::new(|| {}));
        assert_eq!(wheel.next_due(), Some(millis(2)));
        assert!(wheel.take_due(Time::EPOCH + Duration::from_micros(1999)).is_empty());
        assert_eq!(wheel.take_due(millis(2)).len(), 1);
        assert_eq!(wheel.next_due(), None);
    }

    #[test]
    fn timer_beyond_the_wheels_waits_for_its_time() {
        let mut wheel = Wheel::new(Time::EPOCH);
        let years = millis(3 * TICKS_MAX + 12_345);
        wheel.insert(years, Box::new(|| {}));
        let mut looks = 0;
        while let Some(next) = wheel.next_due().filter(|next| *next < years) {
            assert!(wheel.take_due(next).is_empty());
            looks += 1;
            assert!(looks < 100);
        }
        assert_eq!(wheel.take_due(years).len(), 1);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u64),
        Remove(usize),
        Advance(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let micros = prop_oneof![0..5_000_u64, 0..500_000_u64, 0..5_000_000_000_u64];
        prop_oneof![
            4 => micros.clone().prop_map(Step::Insert),
            1 => any::<usize>().prop_map(Step::Remove),
            2 => micros.prop_map(Step::Advance),
        ]
    }

    proptest! {
        /// What a sorted map of the same timers would do.
        #[test]
        fn timers_fire_in_order_and_when_they_are_due(steps in prop::collection::vec(step(), 0..200)) {
            let mut wheel = Wheel::new(Time::EPOCH);
            let mut model = BTreeMap::new();
            let mut keys = Vec::new();
            let mut now = Time::EPOCH;
            let (fired, fires) = mpsc::channel();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(micros) => {
                        let due = now + Duration::from_micros(micros);
                        let fired = fired.clone();
                        let key = wheel.insert(due, Box::new(move || fired.send(number).unwrap()));
                        // Fires when the millisecond that it falls into is over.
                        model.insert((due, number), ());
                        keys.push((key, due, number));
                    }
                    Step::Remove(which) => {
                        if keys.is_empty() {
                            continue;
                        }
                        let (key, due, number) = keys.swap_remove(which % keys.len());
                        let waits = model.remove(&(due, number)).is_some();
                        prop_assert_eq!(wheel.remove(key).is_some(), waits);
                        prop_assert!(wheel.remove(key).is_none());
                    }
                    Step::Advance(micros) => {
                        now += Duration::from_micros(micros);
                        let whole = (now - Time::EPOCH).as_millis() as u64;
                        let later = model.split_off(&(millis(whole), usize::MAX));
                        let expected: Vec<_> = std::mem::replace(&mut model, later).into_keys().map(|(_, n)| n).collect();
                        wheel.take_due(now).into_iter().for_each(|callback| callback());
                        prop_assert_eq!(fires.try_iter().collect::<Vec<_>>(), expected);
                        let next = wheel.next_due();
                        prop_assert_eq!(next.is_some(), !model.is_empty());
                        if let (Some(next), Some(((due, _), ()))) = (next, model.first_key_value()) {
                            prop_assert!(next < *due + Duration::from_millis(1));
                            prop_assert!(next > now);
                        }
                    }
                }
            }
        }
    }
}

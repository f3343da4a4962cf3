//! A bounded memory of what is over.

use imbl::OrdMap;

/// Keeps the newest entries, in the order in which they came, up to a bound.
///
/// A clone shares everything with the original.
#[derive(Clone, Debug)]
pub struct History<K: Ord + Clone, V: Clone> {
    by_age: OrdMap<u64, (K, V)>,
    newest: OrdMap<K, u64>,
    next: u64,
    capacity: usize,
}

impl<K: Ord + Clone, V: Clone> History<K, V> {
    /// An empty history that keeps `capacity` entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { by_age: OrdMap::new(), newest: OrdMap::new(), next: 0, capacity }
    }

    /// Adds an entry, and forgets the oldest when there are too many. Entries of
    /// one key stand side by side; [`get`](Self::get) finds the newest.
    pub fn push(&mut self, key: K, value: V) {
        if self.capacity == 0 {
            return;
        }
        let age = self.next;
        self.next += 1;
        self.newest.insert(key.clone(), age);
        self.by_age.insert(age, (key, value));
        while self.by_age.len() > self.capacity {
            let Some(oldest) = self.by_age.get_min().map(|(age, _)| *age) else { return };
            self.forget(oldest);
        }
    }

    /// Adds an entry in place of the one with this key, if there is one.
    pub fn replace(&mut self, key: K, value: V) {
        self.remove(&key);
        self.push(key, value);
    }

    /// Takes the newest entry of a key out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let age = *self.newest.get(key)?;
        self.forget(age)
    }

    fn forget(&mut self, age: u64) -> Option<V> {
        let (key, value) = self.by_age.remove(&age)?;
        if self.newest.get(&key) == Some(&age) {
            self.newest.remove(&key);
        }
        Some(value)
    }

    /// The newest entry of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let age = self.newest.get(key)?;
        self.by_age.get(age).map(|(_, value)| value)
    }

    /// Whether there is an entry with this key.
    #[must_use]
    pub fn contains(&self, key: &K) -> bool {
        self.newest.contains_key(key)
    }

    /// All entries, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.by_age.iter().map(|(_, (key, value))| (key, value))
    }

    /// The values, oldest first.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.by_age.iter().map(|(_, (_, value))| value)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_age.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_age.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_entries_are_forgotten_first() {
        let mut history = History::new(2);
        for key in ["a", "b", "c"] {
            history.push(key, ());
        }
        assert_eq!(history.iter().map(|(k, ())| *k).collect::<Vec<_>>(), ["b", "c"]);
        assert!(!history.contains(&"a"));
    }

    #[test]
    fn one_key_may_have_several_entries_and_the_newest_is_found() {
        let mut history = History::new(3);
        history.push("a", 1);
        history.push("a", 2);
        assert_eq!(history.get(&"a"), Some(&2));
        assert_eq!(history.len(), 2);
        history.replace("a", 3);
        assert_eq!(history.values().copied().collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn forgetting_an_old_entry_keeps_a_newer_one_of_the_same_key() {
        let mut history = History::new(2);
        history.push("a", 1);
        history.push("a", 2);
        history.push("b", 3);
        assert_eq!(history.get(&"a"), Some(&2));
    }

    #[test]
    fn without_capacity_nothing_is_kept() {
        let mut history = History::new(0);
        history.push("a", 1);
        assert!(history.is_empty());
    }
}

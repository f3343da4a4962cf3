use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Jobs of which those with the same key run one after the other.
///
/// It only keeps the order; whoever holds it runs the jobs, and says when one has ended.
#[derive(Debug)]
pub(crate) struct Serial<K, J> {
    /// A key is here for as long as one of its jobs runs; what waits stands behind it.
    waiting: HashMap<K, VecDeque<J>>,
}

impl<K, J> Default for Serial<K, J> {
    fn default() -> Self {
        Serial { waiting: HashMap::new() }
    }
}

impl<K: Eq + Hash, J> Serial<K, J> {
    /// Takes a job; it comes back when it is to be run at once.
    pub(crate) fn begin(&mut self, key: K, job: J) -> Option<J> {
        match self.waiting.get_mut(&key) {
            Some(waiting) => {
                waiting.push_back(job);
                None
            }
            None => {
                self.waiting.insert(key, VecDeque::new());
                Some(job)
            }
        }
    }

    /// The running job of a key has ended: the one to run next, if there is one.
    pub(crate) fn ended(&mut self, key: &K) -> Option<J> {
        let next = self.waiting.get_mut(key).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.waiting.remove(key);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_one_key_wait_for_each_other() {
        let mut serial = Serial::default();
        assert_eq!(serial.begin("a", 1), Some(1));
        assert_eq!(serial.begin("a", 2), None);
        assert_eq!(serial.begin("b", 3), Some(3));
        assert_eq!(serial.begin("a", 4), None);
        assert_eq!(serial.ended(&"a"), Some(2));
        assert_eq!(serial.ended(&"b"), None);
        assert_eq!(serial.ended(&"a"), Some(4));
        assert_eq!(serial.ended(&"a"), None);
        assert_eq!(serial.begin("a", 5), Some(5));
    }
}

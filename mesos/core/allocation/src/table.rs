//! Rows by small keys.
//!
//! Agents, frameworks and roles refer to each other by these keys: comparing and looking them up costs
//! nothing, and iterating is in a fixed order, so that a run depends on its inputs alone.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::Bound;

/// A type of keys.
pub(crate) trait Key: Copy + Ord {
    fn new(at: usize) -> Self;
    fn at(self) -> usize;
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(u32);

        impl Key for $name {
            fn new(at: usize) -> Self {
                Self(u32::try_from(at).unwrap_or(u32::MAX))
            }
            fn at(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

keys! {
    /// An agent.
    AgentKey;
    /// A framework.
    FrameworkKey;
    /// A role that some framework is in.
    RoleKey;
    /// A node of the role tree.
    NodeKey;
}

/// Rows by key. The key of a removed row is given to a later one, so whoever removes a row sees to it
/// that nothing refers to it any more.
#[derive(Debug)]
pub(crate) struct Slab<K, V> {
    rows: Vec<Option<V>>,
    free: Vec<usize>,
    keys: PhantomData<K>,
}

impl<K: Key, V> Slab<K, V> {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new(), free: Vec::new(), keys: PhantomData }
    }

    pub(crate) fn insert(&mut self, row: V) -> K {
        let at = self.free.pop().unwrap_or(self.rows.len());
        match self.rows.get_mut(at) {
            Some(place) => *place = Some(row),
            None => self.rows.push(Some(row)),
        }
        K::new(at)
    }

    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let row = self.rows.get_mut(key.at())?.take()?;
        self.free.push(key.at());
        Some(row)
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.rows.get(key.at())?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.rows.get_mut(key.at())?.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.rows.iter().enumerate().filter_map(|(at, row)| Some((K::new(at), row.as_ref()?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.rows.iter_mut().enumerate().filter_map(|(at, row)| Some((K::new(at), row.as_mut()?)))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }
}

/// A [`Slab`] whose rows have names of their own.
#[derive(Debug)]
pub(crate) struct Table<N, K, V> {
    names: BTreeMap<N, K>,
    rows: Slab<K, V>,
}

impl<N: Ord, K: Key, V> Table<N, K, V> {
    pub(crate) fn new() -> Self {
        Self { names: BTreeMap::new(), rows: Slab::new() }
    }

    /// Adds a row under a name that has none.
    pub(crate) fn insert(&mut self, name: N, row: V) -> K {
        let key = self.rows.insert(row);
        self.names.insert(name, key);
        key
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, name: &Q) -> Option<V>
    where
        N: Borrow<Q>,
    {
        let key = self.names.remove(name)?;
        self.rows.remove(key)
    }

    pub(crate) fn key<Q: Ord + ?Sized>(&self, name: &Q) -> Option<K>
    where
        N: Borrow<Q>,
    {
        self.names.get(name).copied()
    }

    /// The keys of the rows with the next lower and the next higher name.
    pub(crate) fn neighbours(&self, name: &N) -> [Option<K>; 2] {
        let before = self.names.range((Bound::Unbounded, Bound::Excluded(name))).next_back();
        let after = self.names.range((Bound::Excluded(name), Bound::Unbounded)).next();
        [before.map(|(_, key)| *key), after.map(|(_, key)| *key)]
    }

    /// All keys, sorted by name.
    pub(crate) fn keys(&self) -> impl Iterator<Item = K> {
        self.names.values().copied()
    }

    pub(crate) fn get(&self, key: K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.rows.get_mut(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.rows.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.rows.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_keys_are_used_again() {
        let mut table: Table<String, AgentKey, u8> = Table::new();
        let a = table.insert("a".to_owned(), 1);
        let b = table.insert("b".to_owned(), 2);
        assert_eq!(table.remove("a"), Some(1));
        assert_eq!((table.get(a), table.get(b), table.len()), (None, Some(&2), 1));
        assert_eq!(table.insert("c".to_owned(), 3), a);
        assert_eq!(table.key("c"), Some(a));
        assert_eq!(table.iter().map(|(_, row)| *row).collect::<Vec<_>>(), [3, 2]);
    }
}

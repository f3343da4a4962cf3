//! The tree of roles, sorted by dominant share.
//!
//! Every role is a leaf `a/b/.` below the inner node of its path, so that what is allocated to `a` stands
//! beside what is allocated to `a/b`. Weights belong to paths, hence to inner nodes. Only open leaves, those
//! that may get something in the second stage, have a place in the order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use mesos_resources::Quantities;

use crate::ranking::{self, Cursor, Rank, Ranking, Standing};
use crate::table::{AgentKey, NodeKey, RoleKey, Slab};
use crate::tally::{Charge, Tally};

#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Slab<NodeKey, Node>,
    root: NodeKey,
    paths: BTreeMap<Arc<str>, NodeKey>,
    weights: BTreeMap<String, f64>,
    /// What shares are parts of.
    total: Quantities,
    /// The nodes that changed since they were given their place among their siblings.
    touched: Vec<NodeKey>,
    /// How often all nodes were given new places.
    relabelled: u64,
    /// An empty walk with room, so that none has to be made for each agent.
    spare: Walk,
}

#[derive(Debug)]
struct Node {
    path: Arc<str>,
    parent: Option<NodeKey>,
    /// By path.
    children: Vec<NodeKey>,
    role: Option<RoleKey>,
    tally: Tally,
    /// The part of the tally that is unreserved and cannot be taken back.
    plain: Quantities,
    allocations: u64,
    /// Tells its place by path among all nodes.
    place: u64,
    /// How many leaves at or below it are open.
    open: usize,
    /// The open children.
    ranking: Ranking<NodeKey>,
    /// What the ranking above was told last.
    standing: Option<Standing>,
    touched: bool,
}

/// A walk over the open roles in fair order. The order is the one of the moment in which the walk began,
/// whatever is allocated on the way.
#[derive(Debug, Default)]
pub(crate) struct Walk(Vec<(NodeKey, Cursor<NodeKey>)>);

impl Tree {
    pub(crate) fn new() -> Self {
        let mut tree = Self {
            nodes: Slab::new(),
            root: NodeKey::default(),
            paths: BTreeMap::new(),
            weights: BTreeMap::new(),
            total: Quantities::new(),
            touched: Vec::new(),
            relabelled: 0,
            spare: Walk::default(),
        };
        tree.root = tree.nodes.insert(Node::new(Arc::from(""), None, None, 0));
        tree
    }

    /// Adds a role that is not in the tree and returns its leaf, which is closed.
    pub(crate) fn insert(&mut self, path: &str, role: RoleKey) -> NodeKey {
        let mut parent = self.root;
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            let path = path.get(..end).unwrap_or(path);
            parent = match self.paths.get(path) {
                Some(node) => *node,
                None => self.insert_node(path, parent, None),
            };
        }
        self.insert_node(&format!("{path}/."), parent, Some(role))
    }

    fn insert_node(&mut self, path: &str, parent: NodeKey, role: Option<RoleKey>) -> NodeKey {
        let path: Arc<str> = Arc::from(path);
        let node = Node::new(path.clone(), Some(parent), role, self.place(&path));
        let key = self.nodes.insert(node);
        self.paths.insert(path.clone(), key);
        let siblings = self.nodes.get(parent).map_or(&[][..], |parent| &parent.children);
        let at = siblings
            .partition_point(|sibling| self.nodes.get(*sibling).is_some_and(|node| *node.path < *path));
        let Some(parent) = self.nodes.get_mut(parent) else { return key };
        parent.children.insert(at.min(parent.children.len()), key);
        if let [one, other] = parent.children[..] {
            // An only child was not ranked.
            self.touch(one);
            self.touch(other);
        }
        key
    }

    /// A place for a new node.
    fn place(&mut self, path: &str) -> u64 {
        let place_of = |neighbour: Option<(&Arc<str>, &NodeKey)>| {
            neighbour.and_then(|(_, key)| self.nodes.get(*key)).map(|node| node.place)
        };
        let below = (Bound::Unbounded, Bound::Excluded(path));
        let above = (Bound::Excluded(path), Bound::Unbounded);
        let before = place_of(self.paths.range::<str, _>(below).next_back());
        let after = place_of(self.paths.range::<str, _>(above).next());
        if let Some(place) = ranking::between(before, after) {
            return place;
        }
        self.relabelled += 1;
        let mut places = ranking::spread(self.paths.len() + 1);
        let mut ours = None;
        for (other, key) in &self.paths {
            if ours.is_none() && **other > *path {
                ours = places.next();
            }
            if let (Some(node), Some(place)) = (self.nodes.get_mut(*key), places.next()) {
                node.place = place;
            }
        }
        for key in self.paths.values().copied().collect::<Vec<_>>() {
            self.touch(key);
        }
        ours.or_else(|| places.next()).unwrap_or_default()
    }

    /// Removes the leaf of a role and the inner nodes that then hold nothing.
    pub(crate) fn remove(&mut self, leaf: NodeKey) {
        self.set_open(leaf, false);
        let mut key = leaf;
        while let Some(node) = self.nodes.get_mut(key) {
            let Some(parent) = node.parent.filter(|_| node.children.is_empty()) else { return };
            let standing = node.standing.take();
            self.paths.remove(&*node.path.clone());
            self.nodes.remove(key);
            self.touched.retain(|touched| *touched != key);
            if let Some(parent) = self.nodes.get_mut(parent) {
                parent.children.retain(|child| *child != key);
                parent.ranking.replace(key, standing, None);
            }
            key = parent;
        }
    }

    /// Says whether a role may get something in the second stage.
    pub(crate) fn set_open(&mut self, leaf: NodeKey, open: bool) {
        if self.nodes.get(leaf).is_none_or(|node| (node.open > 0) == open) {
            return;
        }
        self.change(leaf, |node| {
            node.open = if open { node.open + 1 } else { node.open.saturating_sub(1) };
            Quantities::new()
        });
    }

    /// Adds to what is allocated to a role and to the roles above, and returns by how much its amounts grew.
    pub(crate) fn add(&mut self, leaf: NodeKey, agent: AgentKey, charge: &Charge) -> Quantities {
        self.change(leaf, |node| {
            node.allocations += 1;
            node.plain += &charge.plain;
            node.tally.add(agent, &charge.all)
        })
    }

    /// Takes away from what is allocated to a role, and returns by how much its amounts shrank.
    pub(crate) fn subtract(&mut self, leaf: NodeKey, agent: AgentKey, charge: &Charge) -> Quantities {
        self.change(leaf, |node| {
            node.plain -= &charge.plain;
            node.tally.remove(agent, &charge.all)
        })
    }

    fn change(&mut self, leaf: NodeKey, mut change: impl FnMut(&mut Node) -> Quantities) -> Quantities {
        let mut difference = None;
        let mut next = Some(leaf);
        while let Some(key) = next {
            let Some(node) = self.nodes.get_mut(key) else { break };
            let changed = change(node);
            difference.get_or_insert(changed);
            next = node.parent;
            self.touch(key);
        }
        difference.unwrap_or_default()
    }

    fn touch(&mut self, key: NodeKey) {
        if let Some(node) = self.nodes.get_mut(key).filter(|node| !node.touched) {
            node.touched = true;
            self.touched.push(key);
        }
    }

    /// What is allocated to a role.
    pub(crate) fn amounts(&self, leaf: NodeKey) -> Option<&Quantities> {
        Some(self.nodes.get(leaf)?.tally.amounts())
    }

    /// What of that at or below a path is unreserved and cannot be taken back.
    pub(crate) fn plain_below(&self, path: &str) -> Option<&Quantities> {
        Some(&self.nodes.get(*self.paths.get(path)?)?.plain)
    }

    /// How often something was allocated to a role.
    pub(crate) fn allocations(&self, leaf: NodeKey) -> u64 {
        self.nodes.get(leaf).map_or(0, |node| node.allocations)
    }

    /// Where the leaf of a role stands by name.
    pub(crate) fn place_of(&self, leaf: NodeKey) -> u64 {
        self.nodes.get(leaf).map_or(0, |node| node.place)
    }

    /// How often all roles were given new places by name.
    pub(crate) fn relabelled(&self) -> u64 {
        self.relabelled
    }

    /// The largest part of the cluster that a role has, its weight left out.
    pub(crate) fn dominant_share(&self, leaf: NodeKey) -> f64 {
        self.amounts(leaf).map_or(0.0, |amounts| amounts.dominant_share(&self.total))
    }

    /// Sets what shares are parts of.
    pub(crate) fn set_total(&mut self, total: Quantities) {
        self.total = total;
    }

    pub(crate) fn weight(&self, path: &str) -> f64 {
        self.weights.get(path).copied().unwrap_or(1.0)
    }

    pub(crate) fn set_weight(&mut self, path: &str, weight: f64) {
        self.weights.insert(path.to_owned(), weight);
        if let Some(node) = self.paths.get(path) {
            self.touch(*node);
        }
    }

    fn standing(&self, node: &Node) -> Standing {
        Standing::new(node.tally.amounts(), self.weight(&node.path), node.allocations, node.place)
    }

    /// Gives the nodes that changed their new places.
    fn settle(&mut self) {
        while let Some(key) = self.touched.pop() {
            let Some(node) = self.nodes.get_mut(key) else { continue };
            node.touched = false;
            let old = node.standing.take();
            let Some(node) = self.nodes.get(key) else { continue };
            let Some(parent) = node.parent else { continue };
            let alone = self.nodes.get(parent).is_some_and(|parent| parent.children.len() == 1);
            let new = (!alone && node.open > 0).then(|| self.standing(node));
            if let Some(node) = self.nodes.get_mut(key) {
                node.standing.clone_from(&new);
            }
            if let Some(parent) = self.nodes.get_mut(parent) {
                parent.ranking.replace(key, old, new);
            }
        }
    }

    /// Starts a walk over the open roles in fair order.
    pub(crate) fn walk(&mut self) -> Walk {
        self.settle();
        let mut walk = std::mem::take(&mut self.spare);
        self.enter(&mut walk, self.root);
        walk
    }

    fn enter(&mut self, walk: &mut Walk, key: NodeKey) {
        let Some(node) = self.nodes.get_mut(key) else { return };
        let cursor = match node.children[..] {
            [child] => Cursor::over(Some(child).filter(|_| node.open > 0)),
            _ => node.ranking.open(&self.total),
        };
        walk.0.push((key, cursor));
    }

    /// The next role of a walk.
    pub(crate) fn next(&mut self, walk: &mut Walk) -> Option<RoleKey> {
        loop {
            let (key, cursor) = walk.0.last_mut()?;
            let child = self.nodes.get(*key).and_then(|node| node.ranking.next(cursor));
            match child {
                Some(child) => match self.nodes.get(child).and_then(|node| node.role) {
                    Some(role) => return Some(role),
                    None => self.enter(walk, child),
                },
                None => self.leave(walk),
            }
        }
    }

    fn leave(&mut self, walk: &mut Walk) {
        if let Some((key, cursor)) = walk.0.pop()
            && let Some(node) = self.nodes.get_mut(key)
        {
            node.ranking.close(&cursor);
        }
    }

    /// Ends a walk, wherever it is.
    pub(crate) fn finish(&mut self, mut walk: Walk) {
        while !walk.0.is_empty() {
            self.leave(&mut walk);
        }
        self.spare = walk;
    }

    /// The open ones at or below some paths, in the order in which a walk would come to them.
    pub(crate) fn roles_below<'p>(&self, paths: impl Iterator<Item = &'p str>) -> Vec<RoleKey> {
        let mut leaves = BTreeSet::new();
        let mut inner: Vec<NodeKey> = paths.filter_map(|path| self.paths.get(path).copied()).collect();
        while let Some(key) = inner.pop() {
            let Some(node) = self.nodes.get(key).filter(|node| node.open > 0) else { continue };
            match node.role {
                Some(role) => {
                    leaves.insert((self.ranks(key), role));
                }
                None => inner.extend(&node.children),
            }
        }
        leaves.into_iter().map(|(_, role)| role).collect()
    }

    /// The ranks of a node and the ones above it, the topmost first.
    fn ranks(&self, leaf: NodeKey) -> Vec<Rank> {
        let chain = std::iter::successors(self.nodes.get(leaf), |node| self.nodes.get(node.parent?));
        let mut ranks: Vec<_> = chain.map(|node| self.standing(node).rank(&self.total)).collect();
        ranks.reverse();
        ranks
    }
}

impl Node {
    fn new(path: Arc<str>, parent: Option<NodeKey>, role: Option<RoleKey>, place: u64) -> Self {
        Self {
            path,
            parent,
            children: Vec::new(),
            role,
            tally: Tally::default(),
            plain: Quantities::new(),
            allocations: 0,
            place,
            open: 0,
            ranking: Ranking::new(),
            standing: None,
            touched: false,
        }
    }
}

#[cfg(test)]
mod tests;

//! The tree of roles, sorted by dominant share.
//!
//! Every role is a leaf `a/b/.` below the inner node of its path, so that what is allocated to `a` stands
//! beside what is allocated to `a/b`. Weights belong to paths, hence to inner nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesos_resources::Quantities;

use crate::order::{self, Order};
use crate::table::{AgentKey, NodeKey, RoleKey, Slab};
use crate::tally::{Portion, Tally};

#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Slab<NodeKey, Node>,
    root: NodeKey,
    paths: BTreeMap<Arc<str>, NodeKey>,
    weights: BTreeMap<String, f64>,
    /// What shares are parts of.
    total: Quantities,
    /// Whether the total or a weight changed, so that every share is out of date.
    stale: bool,
}

#[derive(Debug)]
struct Node {
    path: Arc<str>,
    parent: Option<NodeKey>,
    /// By path.
    children: Vec<NodeKey>,
    role: Option<RoleKey>,
    tally: Tally,
    allocations: u64,
    share: f64,
    order: Order,
    /// Whether `order` is out of date.
    stale: bool,
}

impl Node {
    fn new(path: Arc<str>, parent: Option<NodeKey>, role: Option<RoleKey>) -> Self {
        Self {
            path,
            parent,
            children: Vec::new(),
            role,
            tally: Tally::default(),
            allocations: 0,
            share: 0.0,
            order: Order::default(),
            stale: true,
        }
    }
}

/// A walk over the roles in fair order. The order is the one of the moment in which the walk enters a
/// node, whatever is allocated on the way.
#[derive(Debug)]
pub(crate) struct Walk(Vec<(NodeKey, Order, usize)>);

impl Tree {
    pub(crate) fn new() -> Self {
        let mut nodes = Slab::new();
        let root = nodes.insert(Node::new(Arc::from(""), None, None));
        Self {
            nodes,
            root,
            paths: BTreeMap::new(),
            weights: BTreeMap::new(),
            total: Quantities::new(),
            stale: false,
        }
    }

    /// Adds a role that is not in the tree and returns its leaf.
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
        let key = self.nodes.insert(Node::new(path.clone(), Some(parent), role));
        let siblings = self.nodes.get(parent).map_or(&[][..], |parent| &parent.children);
        let place = siblings
            .partition_point(|sibling| self.nodes.get(*sibling).is_some_and(|node| *node.path < *path));
        if let Some(parent) = self.nodes.get_mut(parent) {
            parent.children.insert(place.min(parent.children.len()), key);
            parent.stale = true;
        }
        self.paths.insert(path, key);
        key
    }

    /// Removes the leaf of a role and the inner nodes that then hold nothing.
    pub(crate) fn remove(&mut self, leaf: NodeKey) {
        let mut key = leaf;
        while let Some(node) = self.nodes.get(key) {
            let Some(parent) = node.parent.filter(|_| node.children.is_empty()) else { return };
            self.paths.remove(&*node.path.clone());
            self.nodes.remove(key);
            if let Some(parent) = self.nodes.get_mut(parent) {
                parent.children.retain(|child| *child != key);
                parent.stale = true;
            }
            key = parent;
        }
    }

    /// Adds to what is allocated to a role and to the roles above, and returns by how much its amounts grew.
    pub(crate) fn add(&mut self, leaf: NodeKey, agent: AgentKey, portion: &Portion) -> Quantities {
        self.change(leaf, |node| {
            node.allocations += 1;
            node.tally.add(agent, portion)
        })
    }

    /// Takes away from what is allocated to a role, and returns by how much its amounts shrank.
    pub(crate) fn subtract(&mut self, leaf: NodeKey, agent: AgentKey, portion: &Portion) -> Quantities {
        self.change(leaf, |node| node.tally.remove(agent, portion))
    }

    fn change(&mut self, leaf: NodeKey, mut change: impl FnMut(&mut Node) -> Quantities) -> Quantities {
        let mut difference = None;
        let mut key = Some(leaf);
        while let Some(node) = key.and_then(|key| self.nodes.get_mut(key)) {
            let changed = change(node);
            difference.get_or_insert(changed);
            node.share = share(node, &self.total, &self.weights);
            key = node.parent;
            if let Some(parent) = key.and_then(|parent| self.nodes.get_mut(parent)) {
                parent.stale = true;
            }
        }
        difference.unwrap_or_default()
    }

    /// What is allocated to a role.
    pub(crate) fn amounts(&self, leaf: NodeKey) -> Option<&Quantities> {
        Some(self.nodes.get(leaf)?.tally.amounts())
    }

    /// How often something was allocated to a role.
    pub(crate) fn allocations(&self, leaf: NodeKey) -> u64 {
        self.nodes.get(leaf).map_or(0, |node| node.allocations)
    }

    /// The largest part of the cluster that a role has, its weight left out.
    pub(crate) fn dominant_share(&self, leaf: NodeKey) -> f64 {
        self.amounts(leaf).map_or(0.0, |amounts| amounts.dominant_share(&self.total))
    }

    /// Sets what shares are parts of.
    pub(crate) fn set_total(&mut self, total: Quantities) {
        if self.total != total {
            self.total = total;
            self.stale = true;
        }
    }

    pub(crate) fn weight(&self, path: &str) -> f64 {
        self.weights.get(path).copied().unwrap_or(1.0)
    }

    pub(crate) fn set_weight(&mut self, path: &str, weight: f64) {
        self.weights.insert(path.to_owned(), weight);
        self.stale = true;
    }

    /// Starts a walk over the roles in fair order.
    pub(crate) fn walk(&mut self) -> Walk {
        if std::mem::take(&mut self.stale) {
            for (_, node) in self.nodes.iter_mut() {
                node.share = share(node, &self.total, &self.weights);
                node.stale = true;
            }
        }
        let mut walk = Walk(Vec::new());
        self.enter(&mut walk, self.root);
        walk
    }

    fn enter(&mut self, walk: &mut Walk, key: NodeKey) {
        let Some(node) = self.nodes.get_mut(key) else { return };
        let stale = std::mem::take(&mut node.stale);
        let mut order = std::mem::take(&mut node.order);
        if stale && let Some(node) = self.nodes.get(key) {
            let ranks = node.children.iter().enumerate().filter_map(|(place, child)| {
                let child = self.nodes.get(*child)?;
                Some(order::rank(child.share, child.allocations, place))
            });
            order = Order::new(ranks);
        }
        walk.0.push((key, order, 0));
    }

    /// The next role of a walk.
    pub(crate) fn next(&mut self, walk: &mut Walk) -> Option<RoleKey> {
        loop {
            let (key, order, position) = walk.0.last_mut()?;
            let child =
                order.get(*position).and_then(|place| self.nodes.get(*key)?.children.get(place).copied());
            *position += 1;
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
        let Some((key, order, _)) = walk.0.pop() else { return };
        if let Some(node) = self.nodes.get_mut(key).filter(|node| !node.stale) {
            node.order = order;
        }
    }

    /// Ends a walk before its end, keeping what it has sorted.
    pub(crate) fn finish(&mut self, mut walk: Walk) {
        while !walk.0.is_empty() {
            self.leave(&mut walk);
        }
    }
}

fn share(node: &Node, total: &Quantities, weights: &BTreeMap<String, f64>) -> f64 {
    node.tally.amounts().dominant_share(total) / weights.get(&*node.path).copied().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Key;
    use mesos_resources::{Resources, Scalar};

    const AGENT: u32 = 0;

    struct Fixture {
        tree: Tree,
        leaves: BTreeMap<&'static str, NodeKey>,
        names: Vec<&'static str>,
    }

    fn tree(roles: &[&'static str]) -> Fixture {
        let mut tree = Tree::new();
        tree.set_total(
            [("cpus", Scalar::from_f64(100.0)), ("mem", Scalar::from_f64(100.0))].into_iter().collect(),
        );
        let leaves =
            roles.iter().enumerate().map(|(at, role)| (*role, tree.insert(role, RoleKey::new(at)))).collect();
        Fixture { tree, leaves, names: roles.to_vec() }
    }

    impl Fixture {
        fn allocate(&mut self, role: &str, resources: &str) {
            let portion = Portion::of(&Resources::parse(resources, "*").unwrap());
            self.tree.add(self.leaves[role], AgentKey::new(AGENT as usize), &portion);
        }

        fn order(&mut self) -> Vec<&'static str> {
            let mut walk = self.tree.walk();
            let mut found = Vec::new();
            while let Some(role) = self.tree.next(&mut walk) {
                found.push(self.names[role.at()]);
            }
            self.tree.finish(walk);
            found
        }
    }

    #[test]
    fn the_lower_dominant_share_comes_first() {
        let mut roles = tree(&["a", "b", "c"]);
        assert_eq!(roles.order(), ["a", "b", "c"]);
        roles.allocate("a", "cpus:10;mem:1");
        roles.allocate("b", "cpus:1;mem:5");
        assert_eq!(roles.order(), ["c", "b", "a"]);
        roles.allocate("c", "cpus:7");
        assert_eq!(roles.order(), ["b", "c", "a"]);
    }

    #[test]
    fn equal_shares_are_told_apart_by_how_often_was_allocated() {
        let mut roles = tree(&["a", "b"]);
        roles.allocate("a", "cpus:1");
        roles.allocate("a", "cpus:1");
        roles.allocate("b", "cpus:2");
        assert_eq!(roles.order(), ["b", "a"]);
    }

    #[test]
    fn a_weight_divides_the_share() {
        let mut roles = tree(&["a", "b"]);
        roles.allocate("a", "cpus:10");
        roles.allocate("b", "cpus:15");
        roles.tree.set_weight("b", 2.0);
        assert_eq!(roles.order(), ["b", "a"]);
    }

    #[test]
    fn a_subtree_competes_as_one() {
        let mut roles = tree(&["a", "a/b", "a/c", "d"]);
        roles.allocate("a/b", "cpus:4");
        roles.allocate("a/c", "cpus:3");
        roles.allocate("d", "cpus:6");
        assert_eq!(roles.order(), ["d", "a", "a/c", "a/b"]);
        roles.allocate("d", "cpus:2");
        assert_eq!(roles.order(), ["a", "a/c", "a/b", "d"]);
    }

    #[test]
    fn removing_a_role_leaves_its_relatives() {
        let mut roles = tree(&["a", "a/b/c", "d"]);
        roles.allocate("a/b/c", "cpus:1");
        roles.tree.remove(roles.leaves["a"]);
        assert_eq!(roles.order(), ["d", "a/b/c"]);
        roles.tree.remove(roles.leaves["a/b/c"]);
        assert_eq!(roles.order(), ["d"]);
        roles.tree.remove(roles.leaves["d"]);
        assert_eq!(roles.tree.nodes.len(), 1);
        assert!(roles.tree.paths.is_empty());
    }

    #[test]
    fn a_walk_keeps_its_order_while_allocating() {
        let mut roles = tree(&["a", "b", "c"]);
        let mut walk = roles.tree.walk();
        let first = roles.tree.next(&mut walk).unwrap();
        roles.allocate("a", "cpus:1");
        let rest: Vec<_> = std::iter::from_fn(|| roles.tree.next(&mut walk)).collect();
        assert_eq!((first.at(), rest.iter().map(|r| r.at()).collect::<Vec<_>>()), (0, vec![1, 2]));
        roles.tree.finish(walk);
        assert_eq!(roles.order(), ["b", "c", "a"]);
    }
}

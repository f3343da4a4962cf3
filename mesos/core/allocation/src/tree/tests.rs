//! The order in which walks come to roles.

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
    let add = |(at, role): (usize, &&'static str)| {
        let leaf = tree.insert(role, RoleKey::new(at));
        tree.set_open(leaf, true);
        (*role, leaf)
    };
    let leaves = roles.iter().enumerate().map(add).collect();
    Fixture { tree, leaves, names: roles.to_vec() }
}

impl Fixture {
    fn allocate(&mut self, role: &str, resources: &str) {
        let charge = Charge::of(&Resources::parse(resources, "*").unwrap());
        self.tree.add(self.leaves[role], AgentKey::new(AGENT as usize), &charge);
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

#[test]
fn closed_roles_are_left_out() {
    let mut roles = tree(&["a", "a/b", "d"]);
    roles.tree.set_open(roles.leaves["a/b"], false);
    assert_eq!(roles.order(), ["a", "d"]);
    roles.tree.set_open(roles.leaves["a"], false);
    assert_eq!(roles.order(), ["d"]);
    roles.tree.set_open(roles.leaves["a/b"], true);
    assert_eq!(roles.order(), ["a/b", "d"]);
}

#[test]
fn some_roles_come_in_the_order_of_all() {
    let mut roles = tree(&["a", "a/b", "a/b/c", "d", "e"]);
    roles.allocate("a/b", "cpus:4");
    roles.allocate("d", "cpus:2");
    let below = |roles: &Fixture, paths: &[&str]| -> Vec<_> {
        roles.tree.roles_below(paths.iter().copied()).iter().map(|role| roles.names[role.at()]).collect()
    };
    assert_eq!(roles.order(), ["e", "d", "a", "a/b/c", "a/b"]);
    assert_eq!(below(&roles, &["a", "a/b", "e", "x"]), ["e", "a", "a/b/c", "a/b"]);
    assert_eq!(below(&roles, &["a/b", "d"]), ["d", "a/b/c", "a/b"]);
    assert!(below(&roles, &[]).is_empty());
}

#[test]
fn names_in_descending_order_run_out_of_room_and_keep_their_order() {
    let names: Vec<String> = (0..200).rev().map(|n| format!("r{n:03}")).collect();
    let names: Vec<&'static str> = names.into_iter().map(|name| &*name.leak()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(tree(&names).order(), sorted);
}

//! Which node has which partition, as far as is known.

use std::rc::Rc;

use larder_protocol::Partition;
use larder_protocol::partition::{COUNT, SLOTS};

use super::{Known, KnownNode};
use crate::store::redis::Master;

/// A range of slots, first and last, and the address of its master.
pub type Range = (u16, u16, String);

/// Nodes, and where each partition is.
pub struct Map<N> {
    nodes: Vec<KnownNode<N>>,
    /// For each partition the place of its node among them.
    places: [usize; COUNT as usize],
    /// Whether a node has said so; else it is a guess.
    known: bool,
}

impl<N> Map<N> {
    /// The addresses are taken for masters with equal shares of the slots, in their order.
    pub fn guess(addresses: &[String], open: impl Fn(&str) -> N) -> Self {
        let node = |address: &String| Known::new(address, open(address));
        let mut places = [0; COUNT as usize];
        for p in Partition::all() {
            places[p.index()] = usize::from(p.slot()) * addresses.len() / usize::from(SLOTS);
        }
        Self { nodes: addresses.iter().map(node).collect(), places, known: false }
    }

    /// Whether this is more than a guess.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// Forgets that it is more than a guess.
    pub fn doubt(&mut self) {
        self.known = false;
    }

    /// Where the partition is.
    pub fn node(&self, p: Partition) -> KnownNode<N> {
        self.nodes[self.places[p.index()]].clone()
    }

    /// All nodes, those with partitions first.
    pub fn nodes(&self) -> Vec<KnownNode<N>> {
        let (with, without): (Vec<_>, Vec<_>) =
            self.nodes.iter().enumerate().partition(|(place, _)| self.places.contains(place));
        with.into_iter().chain(without).map(|(_, node)| node.clone()).collect()
    }

    /// The node at this address.
    pub fn known(&mut self, address: &str, open: impl FnOnce(&str) -> N) -> KnownNode<N> {
        if let Some(node) = self.nodes.iter().find(|node| node.address == address) {
            return node.clone();
        }
        let node = Known::new(address, open(address));
        self.nodes.push(node.clone());
        node
    }

    /// Puts the partition on a node of this map; answers whether that is news.
    pub fn place(&mut self, p: Partition, node: &KnownNode<N>) -> bool {
        let Some(place) = self.nodes.iter().position(|known| Rc::ptr_eq(known, node)) else { return false };
        let was = std::mem::replace(&mut self.places[p.index()], place);
        let was_known = std::mem::replace(&mut self.known, true);
        was != place || !was_known
    }

    /// Puts all partitions where these ranges say; one that no range has stays where it was.
    pub fn learn(&mut self, ranges: &[Range], open: impl Fn(&str) -> N) {
        for (first, last, address) in ranges {
            let node = self.known(address, &open);
            for p in Partition::all().filter(|p| (*first..=*last).contains(&p.slot())) {
                self.place(p, &node);
            }
        }
    }

    /// The nodes that have partitions.
    pub fn masters(&self) -> Vec<Master> {
        let partitions = |place| Partition::all().filter(|p| self.places[p.index()] == place).collect();
        let masters = self.nodes.iter().enumerate();
        let masters =
            masters.map(|(place, node)| Master { address: node.address.clone(), partitions: partitions(place) });
        masters.filter(|master| !master.partitions.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares<N>(map: &Map<N>) -> Vec<(String, usize)> {
        map.masters().into_iter().map(|master| (master.address, master.partitions.len())).collect()
    }

    fn map(addresses: &[&str]) -> Map<()> {
        Map::guess(&addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), |_| ())
    }

    #[test]
    fn at_first_masters_are_taken_to_have_equal_shares() {
        assert_eq!(shares(&map(&["a:1"])), [("a:1".to_owned(), 64)]);
        assert_eq!(
            shares(&map(&["a:1", "b:1", "c:1"])).into_iter().map(|share| share.1).collect::<Vec<_>>(),
            [21, 22, 21]
        );
    }

    #[test]
    fn what_a_node_says_counts() {
        let mut map = map(&["a:1"]);
        assert!(!map.is_known());
        map.learn(&[(0, 8_191, "a:1".to_owned()), (8_192, 16_383, "b:1".to_owned())], |_| ());
        assert!(map.is_known());
        assert_eq!(shares(&map), [("a:1".to_owned(), 32), ("b:1".to_owned(), 32)]);
        let (first, b) = (Partition::new(0).unwrap(), map.known("b:1", |_| ()));
        assert!(map.place(first, &b));
        assert!(!map.place(first, &b));
        assert_eq!(map.node(first).address, "b:1");
        map.doubt();
        map.learn(&[(0, 16_383, "c:1".to_owned())], |_| ());
        assert!(map.is_known());
        assert_eq!(shares(&map), [("c:1".to_owned(), 64)]);
    }
}

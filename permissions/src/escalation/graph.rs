//! Who can become whom: steps that many can take to the same ends are one hub, so that a grant on everything costs one
//! and not as many as there are.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use schemas::{Id128, Provider};

use super::spread::Spread;
use super::{EscalationPath, Gain, paths};
use crate::gcp::impersonate::Means;

/// Hubs that are kept. Identities that hold different things have hubs of their own, some ten each at most in practice.
const MAX_HUBS: usize = 1 << 20;

/// What the places that a hub leads to are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Goal {
    /// Members whom the holder becomes.
    Members,
    /// Members through whom the holder may ask.
    Through,
    /// Accounts whose administrator the holder becomes.
    Accounts,
}

/// A path from all of its holders to all of its ends.
#[derive(Clone, Debug)]
pub(super) struct Hub {
    pub(super) path: &'static EscalationPath,
    pub(super) goal: Goal,
    pub(super) to: Spread,
    /// By whom the holder becomes administrator, if not by itself.
    pub(super) by: Option<u32>,
    pub(super) holders: RoaringBitmap,
}

/// All hubs, and which of them each member holds.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) hubs: Vec<Hub>,
    /// The places of the hubs in the order of the paths.
    pub(super) in_order: Vec<u32>,
    pub(super) held: Vec<Vec<u32>>,
}

/// A graph in the making.
#[derive(Debug)]
pub(super) struct Builder {
    provider: Provider,
    graph: Graph,
    places: HashMap<Id128, u32>,
    of_path: Vec<(usize, u32)>,
    pub(super) is_cut: bool,
}

impl Hub {
    /// Whether chains go on from it.
    pub(super) fn is_followed(&self) -> bool {
        !matches!(self.path.gain, Gain::Raise | Gain::Part)
    }

    /// Whether it can be asked for through somebody: GCP's delegation takes requests for tokens alone.
    pub(super) fn is_delegable(&self) -> bool {
        let [only] = self.path.permissions.as_slice() else { return false };
        Means::of(only).is_some_and(Means::is_delegable)
    }
}

impl Builder {
    pub(super) fn new(provider: Provider, n_members: usize) -> Self {
        let graph = Graph { held: vec![Vec::new(); n_members], ..Graph::default() };
        Self { provider, graph, places: HashMap::new(), of_path: Vec::new(), is_cut: false }
    }

    /// The hub of a path that leads to these; `None` when it leads nowhere, or there are too many.
    pub(super) fn hub(&mut self, path: usize, goal: Goal, to: Spread, by: Option<u32>) -> Option<u32> {
        if to.is_empty() {
            return None;
        }
        let key = key(path, goal, &to, by);
        if let Some(known) = self.places.get(&key) {
            return Some(*known);
        }
        if self.graph.hubs.len() >= MAX_HUBS {
            self.is_cut = true;
            return None;
        }
        let place = self.graph.hubs.len() as u32;
        let path_itself = &paths(self.provider)[path];
        self.graph.hubs.push(Hub { path: path_itself, goal, to, by, holders: RoaringBitmap::new() });
        self.places.insert(key, place);
        self.of_path.push((path, place));
        Some(place)
    }

    pub(super) fn hold(&mut self, member: u32, hub: u32) {
        if self.graph.hubs[hub as usize].holders.insert(member) {
            self.graph.held[member as usize].push(hub);
        }
    }

    pub(super) fn finish(mut self) -> Graph {
        self.of_path.sort_unstable();
        let mut rank = vec![0_u32; self.of_path.len()];
        for ((_, hub), at) in self.of_path.iter().zip(0..) {
            rank[*hub as usize] = at;
        }
        for held in &mut self.graph.held {
            held.sort_unstable_by_key(|hub| rank[*hub as usize]);
        }
        self.graph.in_order = self.of_path.into_iter().map(|(_, hub)| hub).collect();
        self.graph
    }
}

fn key(path: usize, goal: Goal, to: &Spread, by: Option<u32>) -> Id128 {
    let bytes = |places: &RoaringBitmap| {
        let mut bytes = Vec::with_capacity(places.serialized_size());
        // Writing to memory does not fail; were it to, two hubs would be one, and a test on hubs would say so.
        let _ = places.serialize_into(&mut bytes);
        bytes
    };
    Id128::of_parts(&[format!("{path} {goal:?} {by:?}").as_bytes(), &bytes(&to.yes), &bytes(&to.may)])
}

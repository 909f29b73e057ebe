//! What an estate answers: who can become administrator, by which chain, and what else it reaches.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use schemas::{AccountId, IdentityId};

use super::estate::Estate;
use super::graph::{Goal, Graph};
use super::search::{Accounts, Back, Forward, Next, Node, Via, Which, back, forward};
use super::{EscalationPath, Gain};

/// Identities from which it is tried whether they can both raise another and become it; each costs a search.
const MAX_JOINT: usize = 4096;

/// What one is after a step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Became {
    /// One is this identity.
    Identity(IdentityId),
    /// One may ask through this identity.
    Through(IdentityId),
    /// This identity is an administrator now.
    Raised(IdentityId),
    /// One is an administrator of the account.
    Administrator {
        /// The account.
        account: AccountId,
        /// As whom, if not as oneself.
        by: Option<IdentityId>,
    },
}

/// What one identity can do in one step.
#[derive(Clone, Debug)]
pub struct Edge {
    /// By which path.
    pub path: &'static EscalationPath,
    /// To what end.
    pub became: Became,
    /// Whether it is certain, or rests on a condition or on what is not known.
    pub is_certain: bool,
}

/// A step of a chain.
#[derive(Clone, Debug)]
pub struct Step {
    /// By which path; `None` when one does it as an administrator of the account.
    pub path: Option<&'static EscalationPath>,
    /// To what end.
    pub became: Became,
    /// Whether it is certain, or rests on a condition or on what is not known.
    pub is_certain: bool,
}

/// A shortest chain.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// The steps; none for whoever is there already.
    pub steps: Vec<Step>,
}

/// A chain that raises an identity on the way and then becomes it.
#[derive(Clone, Debug)]
pub(super) struct Joint {
    raiser: Node,
    hub: u32,
    pub(super) raised: u32,
    pub(super) which: Which,
}

/// The chains of everybody to an administrator.
#[derive(Debug, Default)]
pub(super) struct Ways {
    certain: Back,
    all: Back,
    pub(super) joint: BTreeMap<u32, Joint>,
    pub(super) is_cut: bool,
}

impl Chain {
    /// Whether every step is certain.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.steps.iter().all(|step| step.is_certain)
    }
}

impl Estate {
    /// What an identity can do in one step by the known paths, in their order; at most `n_most`.
    #[must_use]
    pub fn edges(&self, identity: &str, n_most: usize) -> Vec<Edge> {
        let Some(place) = self.place(identity) else { return Vec::new() };
        let mut edges = Vec::new();
        for held in &self.graph.held[place as usize] {
            let hub = &self.graph.hubs[*held as usize];
            for (places, is_certain) in [(&hub.to.yes, true), (&hub.to.may, false)] {
                for to in places.iter().take(n_most.saturating_sub(edges.len())) {
                    let node = match hub.goal {
                        Goal::Members if to == place => continue,
                        Goal::Members => Node::Is(to),
                        Goal::Through => Node::Asks(to),
                        Goal::Accounts => Node::Rules(to),
                    };
                    let became = match hub.path.gain {
                        Gain::Raise => Became::Raised(self.id(to)),
                        _ => self.became(node, hub.by),
                    };
                    edges.push(Edge { path: hub.path, became, is_certain });
                }
            }
        }
        edges
    }

    /// The shortest chain of an identity to an administrator of any account; a certain one if there is one. Empty for who is
    /// one already, `None` for who cannot become one.
    #[must_use]
    pub fn chain_to_administrator(&self, identity: &str) -> Option<Chain> {
        let place = self.place(identity)?;
        if !self.members[place as usize].administers.is_empty() {
            return Some(Chain::default());
        }
        let start = Node::Is(place);
        let joint = self.ways.joint.get(&place);
        if self.ways.certain.next(start).is_some() {
            return Some(self.follow(&self.ways.certain, start));
        }
        match joint {
            Some(joint) if joint.which == Which::Certain => Some(self.jointly(place, joint)),
            _ if self.ways.all.next(start).is_some() => Some(self.follow(&self.ways.all, start)),
            joint => joint.map(|joint| self.jointly(place, joint)),
        }
    }

    /// Everybody who is no administrator and can become one, in order of the ids, with the shortest chain.
    pub fn escalating(&self) -> impl Iterator<Item = (&IdentityId, Chain)> {
        let others = self.members.iter().filter(|member| member.administers.is_empty());
        others.filter_map(|member| Some((&member.id, self.chain_to_administrator(&member.id)?)))
    }

    /// The shortest chain by which one identity becomes another.
    #[must_use]
    pub fn chain(&self, from: &str, to: &str) -> Option<Chain> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        [Which::Certain, Which::All].into_iter().find_map(|which| {
            let found = self.forward(from, which);
            found.reached.contains_key(&Node::Is(to)).then(|| self.trace(&found, Node::Is(to)))
        })
    }

    fn became(&self, node: Node, by: Option<u32>) -> Became {
        match node {
            Node::Is(place) => Became::Identity(self.id(place)),
            Node::Asks(place) => Became::Through(self.id(place)),
            Node::Rules(account) => Became::Administrator {
                account: self.accounts[account as usize].clone(),
                by: by.map(|place| self.id(place)),
            },
        }
    }

    fn follow(&self, back: &Back, start: Node) -> Chain {
        let (mut steps, mut at) = (Vec::new(), start);
        while let Some(Next { hub, to, is_certain, .. }) = back.next(at) {
            let hub = &self.graph.hubs[hub as usize];
            steps.push(Step { path: Some(hub.path), became: self.became(to, hub.by), is_certain });
            at = to;
        }
        Chain { steps }
    }

    pub(super) fn forward(&self, start: u32, which: Which) -> Forward {
        search(&self.graph, self, start, which)
    }

    /// The steps of a search to a node.
    fn trace(&self, found: &Forward, end: Node) -> Chain {
        let (mut steps, mut at) = (Vec::new(), end);
        while let Some((via, before, _)) = found.reached.get(&at) {
            match via {
                Via::Start => break,
                Via::Holds => {}
                Via::Account => steps.push(Step { path: None, became: self.became(at, None), is_certain: true }),
                Via::Hub(hub, is_certain) => {
                    let hub = &self.graph.hubs[*hub as usize];
                    let became = self.became(at, hub.by);
                    steps.push(Step { path: Some(hub.path), became, is_certain: *is_certain });
                }
            }
            at = *before;
        }
        steps.reverse();
        Chain { steps }
    }

    pub(super) fn jointly(&self, start: u32, joint: &Joint) -> Chain {
        let found = self.forward(start, joint.which);
        let mut chain = self.trace(&found, joint.raiser);
        let hub = &self.graph.hubs[joint.hub as usize];
        let is_certain = hub.to.yes.contains(joint.raised);
        let became = Became::Raised(self.id(joint.raised));
        chain.steps.push(Step { path: Some(hub.path), became, is_certain });
        chain.steps.extend(self.trace(&found, Node::Is(joint.raised)).steps);
        chain
    }

    /// Finds everybody's way to an administrator.
    pub(super) fn find_ways(&self) -> Ways {
        let ends = self.administrators();
        let mut ways = Ways {
            certain: back(&self.graph, &ends, true, Which::Certain),
            all: back(&self.graph, &ends, true, Which::All),
            ..Ways::default()
        };
        let mut raisers = RoaringBitmap::new();
        for hub in self.graph.hubs.iter().filter(|hub| hub.path.gain == Gain::Raise) {
            raisers |= &hub.holders;
        }
        let to_raisers = back(&self.graph, &raisers, false, Which::All);
        let candidates: Vec<u32> = raisers.iter().chain(to_raisers.starts()).collect();
        let mut candidates: Vec<u32> = candidates
            .into_iter()
            .filter(|place| !ends.contains(*place) && ways.certain.next(Node::Is(*place)).is_none())
            .collect();
        candidates.sort_unstable();
        ways.is_cut = ways.certain.is_cut || ways.all.is_cut || candidates.len() > MAX_JOINT;
        for place in candidates.into_iter().take(MAX_JOINT) {
            let found = [Which::Certain, Which::All].into_iter().find_map(|which| self.joint(place, which, &raisers));
            if let Some(found) = found {
                ways.joint.insert(place, found);
            }
        }
        ways
    }

    /// The shortest way of an identity to raise somebody whom it can become, itself included.
    fn joint(&self, start: u32, which: Which, raisers: &RoaringBitmap) -> Option<Joint> {
        let found = self.forward(start, which);
        let is: BTreeMap<u32, u32> = found
            .reached
            .iter()
            .filter_map(
                |(node, (_, _, n_steps))| if let Node::Is(place) = node { Some((*place, *n_steps)) } else { None },
            )
            .collect();
        let reached: RoaringBitmap = is.keys().copied().collect();
        let mut best: Option<(u32, Joint)> = None;
        for raiser in &(&reached & raisers) {
            let held = self.graph.held[raiser as usize].iter().map(|hub| (*hub, &self.graph.hubs[*hub as usize]));
            for (place, hub) in held.filter(|(_, hub)| hub.path.gain == Gain::Raise) {
                let places = if which == Which::All { hub.to.all() } else { hub.to.yes.clone() };
                for raised in &(places & &reached) {
                    let n_steps = is.get(&raiser)? + is.get(&raised)?;
                    if best.as_ref().is_none_or(|(least, _)| n_steps < *least) {
                        best = Some((n_steps, Joint { raiser: Node::Is(raiser), hub: place, raised, which }));
                    }
                }
            }
        }
        best.map(|(_, joint)| joint)
    }
}

fn search(graph: &Graph, estate: &Estate, start: u32, which: Which) -> Forward {
    let of = |place: u32| {
        let held = estate.members[place as usize].administers.iter();
        held.filter_map(|account| estate.accounts.binary_search(account).ok().map(|at| at as u32)).collect()
    };
    let members = |account: u32| super::trust::of_account(&estate.members, &estate.accounts[account as usize]);
    forward(graph, start, which, &Accounts { of: &of, members: &members })
}

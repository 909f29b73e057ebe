//! Chains through the graph, breadth first: the shortest, and of these the one whose paths and identities come first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use roaring::RoaringBitmap;

use super::graph::{Goal, Graph, Hub};

/// Longest chain that is followed; longer ones exist only where shorter ones were made longer, or in a hostile input.
pub(super) const MAX_STEPS: u32 = 32;

/// Where one is in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Node {
    /// One is this member.
    Is(u32),
    /// One may ask through this member.
    Asks(u32),
    /// One is an administrator of this account.
    Rules(u32),
}

/// The next step towards an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) n_steps: u32,
    pub(super) hub: u32,
    pub(super) to: Node,
    pub(super) is_certain: bool,
}

/// For everybody the next step towards one of some members.
#[derive(Debug, Default)]
pub(super) struct Back {
    is: BTreeMap<u32, Next>,
    asks: BTreeMap<u32, Next>,
    pub(super) is_cut: bool,
}

impl Back {
    pub(super) fn next(&self, node: Node) -> Option<Next> {
        match node {
            Node::Is(place) => self.is.get(&place).copied(),
            Node::Asks(place) => self.asks.get(&place).copied(),
            Node::Rules(_) => None,
        }
    }

    /// Those from whom a chain leads on.
    pub(super) fn starts(&self) -> impl Iterator<Item = u32> {
        self.is.keys().copied()
    }
}

/// How a chain came to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    Start,
    /// By a hub; whether for certain.
    Hub(u32, bool),
    /// One is an administrator already.
    Holds,
    /// As an administrator of the account.
    Account,
}

/// What a chain from one member comes to, in the order of the steps.
#[derive(Debug, Default)]
pub(super) struct Forward {
    pub(super) reached: BTreeMap<Node, (Via, Node, u32)>,
    pub(super) order: Vec<Node>,
    pub(super) is_cut: bool,
}

/// Which ends of a hub are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Certain,
    All,
}

/// The chains of everybody to the ends: being one of `ends`, and administering an account where `accounts` says so.
pub(super) fn back(graph: &Graph, ends: &RoaringBitmap, accounts: bool, which: Which) -> Back {
    let mut back = Back::default();
    let followed = graph.in_order.iter().copied().filter(|hub| graph.hubs[*hub as usize].is_followed());
    let mut pending: Vec<u32> = followed.collect();
    let (mut at, mut asking) = (ends.clone(), RoaringBitmap::new());
    for n_steps in 1..=MAX_STEPS {
        let (mut next_at, mut next_asking) = (RoaringBitmap::new(), RoaringBitmap::new());
        pending.retain(|place| {
            let hub = &graph.hubs[*place as usize];
            let hit = match hub.goal {
                Goal::Accounts if n_steps == 1 && accounts => {
                    first(hub, None, which).map(|(to, s)| (Node::Rules(to), s))
                }
                Goal::Accounts => None,
                Goal::Members => first(hub, Some(&at), which).map(|(to, sure)| (Node::Is(to), sure)),
                Goal::Through => first(hub, Some(&asking), which).map(|(to, sure)| (Node::Asks(to), sure)),
            };
            let Some((to, is_certain)) = hit else { return true };
            let next = Next { n_steps, hub: *place, to, is_certain };
            for holder in &hub.holders {
                if !ends.contains(holder) && !back.is.contains_key(&holder) {
                    back.is.insert(holder, next);
                    next_at.insert(holder);
                }
                if hub.is_delegable() && !back.asks.contains_key(&holder) {
                    back.asks.insert(holder, next);
                    next_asking.insert(holder);
                }
            }
            false
        });
        if next_at.is_empty() && next_asking.is_empty() {
            return back;
        }
        (at, asking) = (next_at, next_asking);
    }
    back.is_cut = true;
    back
}

/// The first end of a hub, a certain one if there is one, among some places.
fn first(hub: &Hub, among: Option<&RoaringBitmap>, which: Which) -> Option<(u32, bool)> {
    let least = |places: &RoaringBitmap| match among {
        Some(among) if places.is_disjoint(among) => None,
        Some(among) => (places & among).min(),
        None => places.min(),
    };
    least(&hub.to.yes).map(|to| (to, true)).or_else(|| match which {
        Which::Certain => None,
        Which::All => least(&hub.to.may).map(|to| (to, false)),
    })
}

/// What accounts and members have to do with each other.
pub(super) struct Accounts<'a> {
    /// The accounts that a member administers.
    pub(super) of: &'a dyn Fn(u32) -> Vec<u32>,
    /// The members of an account.
    pub(super) members: &'a dyn Fn(u32) -> RoaringBitmap,
}

/// Everything that a chain from one member comes to.
pub(super) fn forward(graph: &Graph, start: u32, which: Which, accounts: &Accounts<'_>) -> Forward {
    let mut found = Forward::default();
    let mut waiting = VecDeque::from([Node::Is(start)]);
    found.reached.insert(Node::Is(start), (Via::Start, Node::Is(start), 0));
    let (mut seen, mut asked) = (RoaringBitmap::from([start]), RoaringBitmap::new());
    let mut done: BTreeSet<u32> = BTreeSet::new();
    while let Some(node) = waiting.pop_front() {
        found.order.push(node);
        let n_steps = found.reached.get(&node).map_or(0, |(_, _, n_steps)| *n_steps);
        if n_steps >= MAX_STEPS {
            found.is_cut = true;
            continue;
        }
        let mut visit = |to: Node, via: Via, first: bool| {
            let n_steps = if first { n_steps } else { n_steps + 1 };
            if let std::collections::btree_map::Entry::Vacant(entry) = found.reached.entry(to) {
                entry.insert((via, node, n_steps));
                if first { waiting.push_front(to) } else { waiting.push_back(to) }
            }
        };
        let place = match node {
            Node::Rules(account) => {
                let new = (accounts.members)(account) - &seen;
                new.iter().for_each(|member| visit(Node::Is(member), Via::Account, false));
                seen |= new;
                continue;
            }
            Node::Is(place) => {
                (accounts.of)(place).into_iter().for_each(|account| visit(Node::Rules(account), Via::Holds, true));
                place
            }
            Node::Asks(place) => place,
        };
        for held in &graph.held[place as usize] {
            let hub = &graph.hubs[*held as usize];
            let closed = matches!(node, Node::Asks(_)) && !hub.is_delegable();
            if closed || !hub.is_followed() || !done.insert(*held) {
                continue;
            }
            let known = if hub.goal == Goal::Through { &mut asked } else { &mut seen };
            let sides = [(&hub.to.yes, true), (&hub.to.may, false)];
            let n_sides = if which == Which::All { 2 } else { 1 };
            for (places, sure) in sides.into_iter().take(n_sides) {
                if hub.goal == Goal::Accounts {
                    places.iter().for_each(|to| visit(Node::Rules(to), Via::Hub(*held, sure), false));
                    continue;
                }
                let new = places - &*known;
                for to in &new {
                    let to = if hub.goal == Goal::Through { Node::Asks(to) } else { Node::Is(to) };
                    visit(to, Via::Hub(*held, sure), false);
                }
                *known |= new;
            }
        }
    }
    found
}

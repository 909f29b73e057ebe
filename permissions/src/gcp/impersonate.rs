//! Who can become whom: chains of service accounts.
//!
//! Sources: Service account impersonation (<https://cloud.google.com/iam/docs/service-account-impersonation>), Create
//! short-lived credentials for multiple service accounts
//! (<https://cloud.google.com/iam/docs/create-short-lived-credentials-delegated>): along a chain of delegation each must
//! have `iam.serviceAccounts.implicitDelegation` on the next, and the last one the permission to hand out a token; those in
//! between are never become. Attach service accounts to resources
//! (<https://cloud.google.com/iam/docs/attach-service-accounts>): `actAs` alone is not enough, a workload has to be made.

use std::collections::{HashMap, VecDeque};

use schemas::Text;
use smol_str::SmolStr;

/// Longest chain that is followed. Longer ones exist only where shorter ones were made longer, or in a hostile input.
const MAX_STEPS: usize = 16;
/// Grants that are read; a large organization has some 100,000 service accounts.
const MAX_GRANTS: usize = 1 << 22;

/// How one becomes a service account, by the permission on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Means {
    /// `iam.serviceAccounts.getAccessToken`.
    AccessToken,
    /// `iam.serviceAccounts.signJwt`, which signs what is exchanged for a token.
    SignJwt,
    /// `iam.serviceAccounts.signBlob`, likewise.
    SignBlob,
    /// `iam.serviceAccountKeys.create`.
    CreateKey,
    /// `iam.serviceAccounts.setIamPolicy`, by which one gives oneself the others.
    SetPolicy,
    /// `iam.serviceAccounts.actAs`, with a workload that runs as the service account.
    ActAs,
    /// `iam.serviceAccounts.implicitDelegation`: one does not become it, but may ask as if one were.
    Delegation,
}

/// That an identity has a permission on a service account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// Who has it: `user:…`, `serviceAccount:…`.
    pub identity: SmolStr,
    /// What it permits.
    pub means: Means,
    /// On whom: `serviceAccount:…`.
    pub on: SmolStr,
    /// Whether it is certain, or rests on a condition.
    pub is_certain: bool,
}

/// A step of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How.
    pub means: Means,
    /// Whom one becomes; with [`Means::Delegation`] through whom one asks.
    pub on: Text,
}

/// A shortest chain to a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The steps; the last one's service account is who one becomes.
    pub steps: Vec<Step>,
    /// Whether every step is certain.
    pub is_certain: bool,
}

/// Whom an identity can become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// One shortest chain to each, the shorter first, then by name; one without a doubt where there is one of that length.
    pub chains: Vec<Chain>,
    /// Whether some were not followed because they are too long.
    pub is_cut: bool,
}

/// Grants, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct Impersonation {
    names: Vec<SmolStr>,
    by_name: HashMap<SmolStr, u32>,
    edges: Vec<Vec<Edge>>,
    is_cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    is_doubted: bool,
    means: Means,
    to: u32,
}

/// Being somebody, or asking through somebody; certain or not.
type State = (u32, bool, bool);

impl Means {
    /// By the permission.
    #[must_use]
    pub fn of(permission: &str) -> Option<Self> {
        Some(match permission {
            "iam.serviceAccounts.getAccessToken" => Self::AccessToken,
            "iam.serviceAccounts.signJwt" => Self::SignJwt,
            "iam.serviceAccounts.signBlob" => Self::SignBlob,
            "iam.serviceAccountKeys.create" => Self::CreateKey,
            "iam.serviceAccounts.setIamPolicy" => Self::SetPolicy,
            "iam.serviceAccounts.actAs" => Self::ActAs,
            "iam.serviceAccounts.implicitDelegation" => Self::Delegation,
            _ => return None,
        })
    }

    /// Whether a request for it can go through a chain of delegation.
    pub(crate) fn is_delegable(self) -> bool {
        matches!(self, Self::AccessToken | Self::SignJwt | Self::SignBlob | Self::Delegation)
    }
}

impl Impersonation {
    /// Takes grants in; past some millions the rest is left out, and every answer says so.
    pub fn new(grants: impl IntoIterator<Item = Grant>) -> Self {
        let mut this = Self::default();
        for (n, grant) in grants.into_iter().enumerate() {
            if n == MAX_GRANTS {
                this.is_cut = true;
                break;
            }
            let (from, to) = (this.place(&grant.identity), this.place(&grant.on));
            this.edges[from as usize].push(Edge { is_doubted: !grant.is_certain, means: grant.means, to });
        }
        for edges in &mut this.edges {
            edges.sort_unstable();
            edges.dedup();
        }
        this
    }

    /// Whom an identity can become, by chains that never come back to it.
    #[must_use]
    pub fn reach(&self, identity: &str) -> Reach {
        let Some(start) = self.by_name.get(identity).copied() else {
            return Reach { chains: Vec::new(), is_cut: self.is_cut };
        };
        let mut before: HashMap<State, Option<(State, Means)>> = HashMap::from([((start, false, true), None)]);
        let mut waiting = VecDeque::from([((start, false, true), 0_usize)]);
        let mut found: HashMap<u32, (usize, State)> = HashMap::new();
        let mut is_cut = self.is_cut;
        while let Some((state, n_steps)) = waiting.pop_front() {
            let (at, delegated, is_certain) = state;
            if !delegated && at != start {
                self.remember(&mut found, state, n_steps);
            }
            for edge in &self.edges[at as usize] {
                if delegated && !edge.means.is_delegable() || edge.to == start {
                    continue;
                }
                let next = (edge.to, edge.means == Means::Delegation, is_certain && !edge.is_doubted);
                if before.contains_key(&next) {
                    continue;
                }
                if n_steps == MAX_STEPS {
                    is_cut = true;
                    continue;
                }
                before.insert(next, Some((state, edge.means)));
                waiting.push_back((next, n_steps + 1));
            }
        }
        let mut ends: Vec<(usize, &str, State)> = found
            .into_values()
            .map(|(n_steps, state)| (n_steps, self.names[state.0 as usize].as_str(), state))
            .collect();
        ends.sort_unstable();
        let chains = ends.into_iter().map(|(_, _, state)| self.chain(&before, state)).collect();
        Reach { chains, is_cut }
    }

    /// Keeps the shortest end, and of two as short the certain one.
    fn remember(&self, found: &mut HashMap<u32, (usize, State)>, state: State, n_steps: usize) {
        let held = found.entry(state.0).or_insert((n_steps, state));
        if held.0 == n_steps && state.2 && !held.1.2 {
            *held = (n_steps, state);
        }
    }

    fn chain(&self, before: &HashMap<State, Option<(State, Means)>>, end: State) -> Chain {
        let (mut steps, mut at) = (Vec::new(), end);
        while let Some(Some((previous, means))) = before.get(&at) {
            steps.push(Step { means: *means, on: Text::from(self.names[at.0 as usize].as_str()) });
            at = *previous;
        }
        steps.reverse();
        Chain { steps, is_certain: end.2 }
    }

    fn place(&mut self, name: &SmolStr) -> u32 {
        if let Some(place) = self.by_name.get(name) {
            return *place;
        }
        let place = self.names.len() as u32;
        self.names.push(name.clone());
        self.edges.push(Vec::new());
        self.by_name.insert(name.clone(), place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(identity: &str, means: Means, on: &str) -> Grant {
        Grant { identity: identity.into(), means, on: on.into(), is_certain: true }
    }

    fn report(reach: &Reach) -> String {
        let mut report = String::new();
        for chain in &reach.chains {
            let steps: Vec<String> = chain.steps.iter().map(|step| format!("{:?} {}", step.means, step.on)).collect();
            report += &format!("{}{}\n", steps.join(", "), if chain.is_certain { "" } else { " (perhaps)" });
        }
        report + if reach.is_cut { "cut\n" } else { "" }
    }

    #[test]
    fn the_shortest_chain_to_each_is_told() {
        let impersonation = Impersonation::new([
            grant("ann", Means::AccessToken, "a"),
            grant("a", Means::CreateKey, "b"),
            grant("b", Means::ActAs, "c"),
            grant("a", Means::ActAs, "c"),
            grant("c", Means::AccessToken, "ann"),
            grant("ann", Means::Delegation, "d"),
            grant("d", Means::Delegation, "e"),
            grant("e", Means::AccessToken, "f"),
            grant("e", Means::CreateKey, "g"),
            grant("f", Means::SetPolicy, "d"),
            grant("bob", Means::AccessToken, "h"),
        ]);
        expect_test::expect![[r"
            AccessToken a
            AccessToken a, CreateKey b
            AccessToken a, ActAs c
            Delegation d, Delegation e, AccessToken f
            Delegation d, Delegation e, AccessToken f, SetPolicy d
        "]]
        .assert_eq(&report(&impersonation.reach("ann")));
        assert_eq!(report(&impersonation.reach("nobody")), "");
    }

    #[test]
    fn a_certain_chain_is_told_before_a_doubted_one_of_its_length() {
        let doubted = |means, on: &str| Grant { is_certain: false, ..grant("ann", means, on) };
        let impersonation = Impersonation::new([
            doubted(Means::AccessToken, "a"),
            grant("ann", Means::SignBlob, "a"),
            doubted(Means::SignJwt, "b"),
            grant("b", Means::AccessToken, "c"),
            grant("ann", Means::AccessToken, "d"),
            grant("ann", Means::AccessToken, "e"),
            Grant { is_certain: false, ..grant("d", Means::AccessToken, "f") },
            grant("e", Means::CreateKey, "f"),
        ]);
        expect_test::expect![[r"
            SignBlob a
            SignJwt b (perhaps)
            AccessToken d
            AccessToken e
            SignJwt b, AccessToken c (perhaps)
            AccessToken e, CreateKey f
        "]]
        .assert_eq(&report(&impersonation.reach("ann")));
    }

    #[test]
    fn rings_and_long_chains_end() {
        let ring = (0..1000).map(|n| grant(&n.to_string(), Means::AccessToken, &((n + 1) % 1000).to_string()));
        let reach = Impersonation::new(ring).reach("0");
        assert_eq!((reach.chains.len(), reach.is_cut), (MAX_STEPS, true));
        let all =
            (0..300).flat_map(|a| (0..300).map(move |b| grant(&a.to_string(), Means::Delegation, &b.to_string())));
        assert_eq!(Impersonation::new(all).reach("0"), Reach::default());
    }
}

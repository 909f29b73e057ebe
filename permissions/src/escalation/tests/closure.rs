//! The closure against a fixpoint that is slow and obvious, over random estates.

use std::collections::BTreeSet;

use proptest::prelude::*;
use schemas::{AccountId, IdentityKind, Provider};

use super::super::{Became, Estate, Member};
use super::build::{ACCOUNT, Grant, allow, arn, set, trusts_account};

/// What one role may do to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Take it.
    Take,
    /// Change its trust policy.
    Rewrite,
    /// Make it an administrator.
    Raise,
}

/// `(from, to, how, whether under a condition)`; to `None` is everybody.
type Link = (usize, Option<usize>, How, bool);

#[derive(Clone, Debug)]
struct Described {
    n: usize,
    links: Vec<Link>,
    administrators: BTreeSet<usize>,
}

fn described(raises: bool) -> impl Strategy<Value = Described> {
    (2..9_usize).prop_flat_map(move |n| {
        let mut ways = vec![How::Take, How::Rewrite];
        if raises {
            ways.push(How::Raise);
        }
        let to = prop_oneof![6 => (0..n).prop_map(Some), 1 => Just(None)];
        let link = (0..n, to, prop::sample::select(ways), prop::bool::weighted(0.3));
        let administrators = prop::collection::btree_set(0..n, 0..2);
        (prop::collection::vec(link, 0..2 * n), administrators).prop_map(move |(links, administrators)| Described {
            n,
            links,
            administrators,
        })
    })
}

fn name(at: usize) -> String {
    format!("r{at}")
}

fn estate(of: &Described) -> Estate {
    let grant = |(_, to, how, conditional): &Link| {
        let action = match how {
            How::Take => "sts:AssumeRole",
            How::Rewrite => "iam:UpdateAssumeRolePolicy",
            How::Raise => "iam:AttachRolePolicy",
        };
        let on = to.map_or_else(|| "*".to_owned(), |to| arn("role", &name(to)));
        let condition = conditional.then(|| r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#.to_owned());
        Grant { condition, ..allow(Provider::Aws, action, &on) }
    };
    let member = |at: usize| {
        let mut member = Member::new(&name(at), &arn("role", &name(at)), IdentityKind::Role, ACCOUNT);
        let grants: Vec<Grant> = of.links.iter().filter(|link| link.0 == at).map(grant).collect();
        member.grants = vec![(AccountId::from(ACCOUNT), set(Provider::Aws, &grants))];
        member.trust = Some(trusts_account());
        if of.administrators.contains(&at) {
            member.administers = vec![AccountId::from(ACCOUNT)];
        }
        member
    };
    // The order of members must not matter.
    Estate::new(Provider::Aws, (0..of.n).rev().map(member).collect(), Some(Vec::new()))
}

impl Described {
    fn has(&self, from: usize, to: usize, how: How, certain: bool) -> bool {
        self.links
            .iter()
            .any(|link| link.0 == from && link.1.is_none_or(|at| at == to) && link.2 == how && !(certain && link.3))
    }

    fn becomes(&self, from: usize, to: usize, certain: bool) -> bool {
        self.has(from, to, How::Take, certain) || self.has(from, to, How::Rewrite, certain)
    }

    /// Everybody whom one can be, itself included, by no more than the paths.
    fn closure(&self, from: usize, certain: bool) -> BTreeSet<usize> {
        let mut all = BTreeSet::from([from]);
        loop {
            let more: Vec<usize> = (0..self.n)
                .filter(|to| !all.contains(to) && all.iter().any(|one| self.becomes(*one, *to, certain)))
                .collect();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    fn becomes_administrator(&self, from: usize, certain: bool) -> bool {
        let all = self.closure(from, certain);
        let raises = |one: &usize| all.iter().any(|other| self.has(*one, *other, How::Raise, certain));
        all.iter().any(|one| self.administrators.contains(one)) || all.iter().any(raises)
    }

    /// How many steps to an administrator, by trying all lengths.
    fn distance(&self, from: usize, certain: bool) -> Option<usize> {
        let mut at = BTreeSet::from([from]);
        for n in 0..=self.n {
            if at.iter().any(|one| self.administrators.contains(one)) {
                return Some(n);
            }
            let next: Vec<usize> =
                (0..self.n).filter(|to| at.iter().any(|one| self.becomes(*one, *to, certain))).collect();
            at.extend(next);
        }
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn who_can_become_administrator_is_what_a_fixpoint_finds(of in described(true)) {
        let estate = estate(&of);
        for from in 0..of.n {
            let chain = estate.chain_to_administrator(&name(from));
            prop_assert_eq!(chain.is_some(), of.becomes_administrator(from, false), "{}", from);
            let is_certain = chain.as_ref().is_some_and(super::super::Chain::is_certain);
            prop_assert_eq!(is_certain, of.becomes_administrator(from, true), "{} certain", from);
        }
    }

    #[test]
    fn a_chain_is_as_short_as_can_be_and_each_step_is_there(of in described(false)) {
        let estate = estate(&of);
        for from in 0..of.n {
            let Some(chain) = estate.chain_to_administrator(&name(from)) else { continue };
            let certain = of.distance(from, true);
            prop_assert_eq!(Some(chain.steps.len()), certain.or_else(|| of.distance(from, false)));
            let mut at = from;
            for step in &chain.steps {
                let Became::Identity(id) = &step.became else { panic!("{step:?}") };
                let to = id[1..].parse().unwrap();
                prop_assert!(of.becomes(at, to, step.is_certain));
                at = to;
            }
            prop_assert!(of.administrators.contains(&at));
        }
    }

    #[test]
    fn the_blast_radius_is_the_closure(of in described(true)) {
        let estate = estate(&of);
        for from in 0..of.n {
            let radius = estate.blast_radius(&name(from)).unwrap();
            let everybody = |certain| {
                let all = of.closure(from, certain);
                let rules = of.becomes_administrator(from, certain);
                (0..of.n).filter(|one| *one != from && (rules || all.contains(one))).map(name).collect::<BTreeSet<_>>()
            };
            let found = |certain: bool| {
                let one = radius.identities.iter().filter(|one| one.is_certain || !certain);
                one.map(|one| one.identity.to_string()).collect::<BTreeSet<_>>()
            };
            prop_assert_eq!(found(true), everybody(true));
            prop_assert_eq!(found(false), everybody(false));
        }
    }
}

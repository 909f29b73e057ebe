//! Turns the counts into the truth file.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::iso_seconds,
    rhythm::Rhythm,
    truth::{AccountTruth, AttackTruth, Deeds, IdentityTruth, OrderTruth, RecordCounts, Tally, Truth, UseTruth},
    world::{Cloud, Grant, Identity, Rank, World, accounts},
};

/// Custom grants up to this size list the actions never used by name.
const MAX_LISTED: usize = 60;
/// At most so many identities of one rank and cloud stand in the order, or the list would grow with their square.
const MAX_PER_RANK: usize = 4;

/// Gathers everything.
pub(crate) fn build(
    world: &World,
    tally: &Tally,
    attacks: Vec<AttackTruth>,
    records: BTreeMap<String, RecordCounts>,
) -> Truth {
    let nothing = Deeds::default();
    let identities: Vec<IdentityTruth> =
        world.people.iter().map(|me| identity(me, tally.deeds.get(&me.idx).unwrap_or(&nothing))).collect();
    let zero: BTreeSet<&str> = identities.iter().filter(|i| is_zero(i)).map(|i| i.id.as_str()).collect();
    Truth {
        version: 1,
        seed: world.seed,
        start: iso_seconds(world.span.0),
        end: iso_seconds(world.span.1),
        accounts: [Cloud::Aws, Cloud::Azure, Cloud::Gcp].into_iter().flat_map(account_truths).collect(),
        order: order(world, tally, &zero),
        zero: zero.into_iter().map(str::to_owned).collect(),
        identities,
        attacks,
        records,
    }
}

fn account_truths(cloud: Cloud) -> impl Iterator<Item = AccountTruth> {
    accounts(cloud).iter().map(move |account| AccountTruth {
        cloud: cloud.word().into(),
        id: account.id.into(),
        name: account.name.into(),
    })
}

fn is_zero(identity: &IdentityTruth) -> bool {
    identity.only_exact && identity.n_granted_exact > 0 && identity.n_never_used == 0
}

fn identity(me: &Identity, deeds: &Deeds) -> IdentityTruth {
    let exact: BTreeSet<&str> = me.rules.iter().flat_map(|rule| rule.exact()).collect();
    let unused: Vec<&str> = exact
        .iter()
        .copied()
        .filter(|action| !deeds.used.keys().any(|used| used.eq_ignore_ascii_case(action)))
        .collect();
    let wild = |pattern: &&'static str| pattern.contains('*');
    let only_exact = me.rules.iter().all(|r| !r.opaque && (r.deny || (!r.invert && !r.patterns.iter().any(wild))));
    IdentityTruth {
        id: me.id.clone(),
        cloud: me.persona.cloud.word().into(),
        accounts: vec![me.account().id.into()],
        kind: me.persona.subject.word().into(),
        name: me.display.clone(),
        persona: me.persona.key.into(),
        utc_offset_minutes: me.offset_min,
        office_hours: matches!(me.persona.rhythm, Rhythm::Office(_)),
        granted: me.persona.grants.iter().filter_map(grant_name).map(str::to_owned).collect(),
        used: deeds.used.iter().map(|(action, u)| ((*action).to_owned(), used(u))).collect(),
        resources: resources(me, deeds),
        joined: me.joined.map(iso_seconds),
        n_granted_exact: exact.len() as u32,
        n_never_used: unused.len() as u32,
        never_used: if exact.len() > MAX_LISTED { Vec::new() } else { unused.into_iter().map(str::to_owned).collect() },
        only_exact,
        n_calls: deeds.n_calls,
        n_denied: deeds.n_denied,
        n_throttled: deeds.n_throttled,
        n_free: deeds.n_free,
        people: deeds.people.iter().map(|(name, by)| (name.clone(), by_action(by))).collect(),
    }
}

/// Several kinds may stand for one resource (a bucket and its objects), so the counts of one id add up.
fn resources(me: &Identity, deeds: &Deeds) -> BTreeMap<String, u32> {
    let mut out = BTreeMap::new();
    for ((kind, res), n) in &deeds.resources {
        if let Some(id) = me.resource_id(*kind, *res) {
            *out.entry(id).or_default() += n;
        }
    }
    out
}

fn by_action(by: &BTreeMap<&'static str, u32>) -> BTreeMap<String, u32> {
    by.iter().map(|(action, n)| ((*action).to_owned(), *n)).collect()
}

fn used(u: &super::Use) -> UseTruth {
    UseTruth { n: u.n, n_error: u.n_error, last: iso_seconds(u.last) }
}

/// A boundary grants nothing, so it has no name here.
fn grant_name(grant: &Grant) -> Option<&'static str> {
    match grant {
        Grant::Managed(name)
        | Grant::Customer(name)
        | Grant::Group(name)
        | Grant::Inline(name, _, _)
        | Grant::Role(name)
        | Grant::RoleAt(name, _)
        | Grant::RoleByGroup(name, _) => Some(name),
        Grant::Boundary(_) => None,
    }
}

/// Pairs that follow from the grants alone: more granted and no more used cannot score lower.
fn order(world: &World, tally: &Tally, zero: &BTreeSet<&str>) -> Vec<OrderTruth> {
    let mut out = Vec::new();
    for cloud in [Cloud::Aws, Cloud::Azure, Cloud::Gcp] {
        let of = |rank: Rank| -> Vec<&Identity> {
            let all = world.people.iter().filter(|i| i.persona.cloud == cloud && i.persona.rank == rank);
            all.filter(|i| !zero.contains(i.id.as_str())).take(MAX_PER_RANK).collect()
        };
        let zeros: Vec<&Identity> = world
            .people
            .iter()
            .filter(|i| i.persona.cloud == cloud && zero.contains(i.id.as_str()))
            .take(MAX_PER_RANK)
            .collect();
        let used = |i: &Identity| tally.deeds.get(&i.idx).is_some_and(|deeds| !deeds.used.is_empty());
        // An attacked break-glass account is no longer unused.
        let idle: Vec<&Identity> = of(Rank::AdminUnused).into_iter().filter(|i| !used(i)).collect();
        let (admin, power, broad, modest) = (of(Rank::Admin), of(Rank::Power), of(Rank::Broad), of(Rank::Modest));
        pairs(&mut out, &idle, &admin, false, "the same administrator's grants, one used and one not");
        pairs(&mut out, &idle, &of(Rank::Unranked), false, "an administrator that uses nothing stands below nobody");
        for higher in [&idle, &admin] {
            pairs(&mut out, higher, &power, false, "an administrator can do all that a power user can");
            pairs(&mut out, higher, &broad, true, "an administrator against one service");
            pairs(&mut out, higher, &modest, true, "an administrator against a few dozen harmless actions");
            pairs(&mut out, higher, &zeros, true, "an administrator against one that uses all it holds");
        }
        pairs(&mut out, &power, &modest, true, "a power user against a few dozen harmless actions");
        pairs(&mut out, &power, &zeros, true, "a power user against one that uses all it holds");
        pairs(&mut out, &broad, &zeros, true, "a whole service against one that uses all it holds");
        pairs(&mut out, &modest, &zeros, true, "something unused against nothing unused");
    }
    out
}

fn pairs(out: &mut Vec<OrderTruth>, above: &[&Identity], below: &[&Identity], strict: bool, why: &str) {
    for a in above {
        for b in below {
            out.push(OrderTruth { above: a.id.clone(), below: b.id.clone(), strict, why: why.to_owned() });
        }
    }
}

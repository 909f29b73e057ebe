//! What many identities that share policies may do, all held at once: time and memory to build, to ask all of them for one
//! action, and to weigh all of them. Beside it the obvious way: the names of each identity's actions in a set of its own.

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::sync::Arc;

use benches::{BenchError, Moment};
use permissions::escalation::Targets;
use permissions::{ActionIdx, Catalogue, GrantSet, Grants, Reach, RiskModel, Scale, aws};
use roaring::RoaringBitmap;
use schemas::{Entitlement, EntitlementKind, Granted, IdentityKind, Policy, PolicyHash, Provider, ResourceId, Time};

use crate::requests::{self, Requests};

const ACCOUNT: &str = "111122223333";
/// One identity in so many has an inline policy that no other has.
const INLINE_EVERY: usize = 10;
/// One identity in so many is also held the obvious way, which takes longer and more memory.
const OBVIOUS_EVERY: usize = 2000;
/// So many identities are built at a time.
const TURN: usize = 10_000;
const ASKED: &str = "s3:GetObject";

pub(crate) fn run(requests: &str, n: usize) -> Result<(), BenchError> {
    let estate = Estate::of(requests::read(requests)?);
    let catalogue = Catalogue::bundled();
    let mut grants = Grants::new();
    // The rows of one turn are in memory before, so that they do not count.
    drop((0..n.min(TURN)).map(|at| estate.rows(at)).collect::<Vec<_>>());
    let before = resident_bytes()?;
    let mut built_s = 0.0;
    let mut sets = Vec::with_capacity(n);
    for first in (0..n).step_by(TURN) {
        let turn: Vec<_> = (first..n.min(first + TURN)).map(|at| estate.rows(at)).collect();
        let start = Moment::now();
        for (rows, inline) in &turn {
            let find = |hash: &PolicyHash| {
                inline.iter().chain(estate.policies.get(hash)).find(|policy| policy.policy_hash == *hash).cloned()
            };
            sets.push(grants.build(Provider::Aws, rows, &find, catalogue));
        }
        built_s += start.elapsed_s();
    }
    let held = resident_bytes()?.saturating_sub(before);
    println!("{n} identities with {} different sets", grants.len());
    line("build", built_s, n);
    println!("memory    {:>10.0} bytes an identity, {:.0} MB", held as f64 / n as f64, held as f64 / 1e6);

    let asked = catalogue.provider(Provider::Aws).lookup(ASKED).ok_or("the catalogue lacks the action")?;
    let start = Moment::now();
    let n_may = sets.iter().filter(|set| set.verdict(black_box(asked), None) != Granted::No).count();
    line("ask", start.elapsed_s(), n);
    println!("          {n_may} may {ASKED} somewhere");

    let start = Moment::now();
    black_box(weigh(&sets));
    line("weigh", start.elapsed_s(), n);
    obvious(&estate, &sets)
}

fn line(what: &str, seconds: f64, n: usize) {
    println!("{what:<9} {:>10.0} ns an identity, {seconds:.3} s", seconds * 1e9 / n as f64);
}

/// The exposure of each identity, nothing used.
fn weigh(sets: &[Arc<GrantSet>]) -> u128 {
    let (model, nothing) = (RiskModel::default(), RoaringBitmap::new());
    let reach = |_: &_, _: &str| Reach { matching: 1, known: 200 };
    let scale = Scale { catalogue: Catalogue::bundled(), model: &model, reach: &reach };
    let targets = Targets { holder: IdentityKind::User, own: &[], exists: &|_, _| true, trusts: &|_| true };
    sets.iter().map(|set| scale.exposure(set, &nothing, &nothing, &targets).hi).sum()
}

/// The names that some of the sets hold, each identity's in a set of its own: what a program without a catalogue of numbers
/// keeps. That it says the same is checked.
fn obvious(estate: &Estate, sets: &[Arc<GrantSet>]) -> Result<(), BenchError> {
    let catalogue = Catalogue::bundled().provider(Provider::Aws);
    let names: Vec<String> = catalogue.iter().map(|(_, info)| info.name.to_ascii_lowercase()).collect();
    let chosen: Vec<usize> = (0..sets.len()).step_by(OBVIOUS_EVERY).collect();
    let start = Moment::now();
    let held: Vec<HashSet<String>> = chosen.iter().map(|at| estate.names(*at, &names)).collect();
    line("obvious", start.elapsed_s(), chosen.len());
    let n_bytes: usize = held.iter().map(n_bytes).sum();
    println!("memory    {:>10.0} bytes an identity", n_bytes as f64 / chosen.len() as f64);
    for (at, obvious) in chosen.iter().zip(&held) {
        let name = |idx| catalogue.action(ActionIdx(idx)).name.to_ascii_lowercase();
        let ours: HashSet<String> = sets[*at].actions().iter().map(name).collect();
        if let Some(more) = ours.difference(obvious).next() {
            return Err(format!("identity {at}: `{more}` is in no allow").into());
        }
    }
    Ok(())
}

/// Managed policies, and who has which.
struct Estate {
    policies: HashMap<PolicyHash, Arc<Policy>>,
    by_name: HashMap<String, Arc<Policy>>,
    drawn: Requests,
    managed: Vec<String>,
}

impl Estate {
    fn of(drawn: Requests) -> Self {
        let read = |(name, document): (&String, &serde_json::Value)| {
            let parsed = aws::parse_policy(document.to_string().as_bytes());
            (name.clone(), Arc::new(Policy::of(Provider::Aws, parsed.statements, parsed.errors, Time(0))))
        };
        let by_name: HashMap<String, Arc<Policy>> = drawn.documents.iter().map(read).collect();
        let policies = by_name.values().map(|policy| (policy.policy_hash.clone(), Arc::clone(policy))).collect();
        let managed = drawn.documents.keys().filter(|name| !name.starts_with("own:")).cloned().collect();
        Self { policies, by_name, drawn, managed }
    }

    /// One to four policies, a few of which are everybody's favourites.
    fn names_of(&self, at: usize) -> Vec<&String> {
        let count = 1 + mixed(at, 0) % 4;
        let one = |n| {
            let (draw, all) = (mixed(at, n), self.managed.len());
            &self.managed[if draw.is_multiple_of(4) { draw / 4 % all } else { draw / 4 % all.min(40) }]
        };
        (1..=count).map(one).collect()
    }

    fn rows(&self, at: usize) -> (Vec<Entitlement>, Option<Arc<Policy>>) {
        let first = &self.drawn.identities[0];
        let row = |kind, source: &str, policies: &[&String]| {
            let who = (format!("aws:{ACCOUNT}:user/u{at}").as_str().into(), IdentityKind::User);
            Entitlement {
                policy_hashes: policies.iter().map(|name| self.by_name[*name].policy_hash.clone()).collect(),
                ..Entitlement::of(Provider::Aws, ACCOUNT.into(), who, kind, source.into(), Time(0))
            }
        };
        let mut rows = vec![row(EntitlementKind::Identity, "identity", &[])];
        rows[0].scopes.push(ResourceId::from(format!("arn:aws:iam::{ACCOUNT}:user/u{at}")));
        for name in self.names_of(at) {
            rows.push(row(EntitlementKind::IdentityPolicy, &format!("attached:{name}"), &[name]));
        }
        if mixed(at, 9).is_multiple_of(5) {
            rows.push(row(EntitlementKind::Boundary, "boundary", &[&first.boundary]));
        }
        for (level, names) in first.scps.iter().enumerate() {
            rows.push(row(EntitlementKind::Scp, &format!("scp:{level:02}:x"), &names.iter().collect::<Vec<_>>()));
        }
        let inline = at.is_multiple_of(INLINE_EVERY).then(|| inline(at));
        if let Some(inline) = &inline {
            let mut own = row(EntitlementKind::IdentityPolicy, "inline:own", &[]);
            own.policy_hashes.push(inline.policy_hash.clone());
            rows.push(own);
        }
        (rows, inline)
    }

    /// Every action that a pattern of an allow matches, one after the other.
    fn names(&self, at: usize, all: &[String]) -> HashSet<String> {
        let (rows, inline) = self.rows(at);
        let granted = rows.iter().filter(|row| row.kind == EntitlementKind::IdentityPolicy);
        let policies = granted.flat_map(|row| &row.policy_hashes).filter_map(|hash| self.policies.get(hash));
        let mut found = HashSet::new();
        for statement in policies.chain(&inline).flat_map(|policy| &policy.statements) {
            let negated = statement.actions.is_empty();
            let patterns = if negated { &statement.not_actions } else { &statement.actions };
            let patterns: Vec<String> = patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
            let named = |name: &&String| patterns.iter().any(|pattern| globbed(pattern, name)) != negated;
            if statement.effect == schemas::Effect::Allow {
                found.extend(all.iter().filter(named).cloned());
            }
        }
        found
    }
}

/// What a set takes: its places, with a byte of control each, and the texts.
fn n_bytes(names: &HashSet<String>) -> usize {
    names.capacity() * (size_of::<String>() + 1) + names.iter().map(String::len).sum::<usize>()
}

fn inline(at: usize) -> Arc<Policy> {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":["s3:Get*","s3:PutObject"],"Resource":"arn:aws:s3:::own-{at}/*"}}}}"#
    );
    let parsed = aws::parse_policy(document.as_bytes());
    Arc::new(Policy::of(Provider::Aws, parsed.statements, parsed.errors, Time(0)))
}

/// Whether a pattern with `*` and `?` matches.
fn globbed(pattern: &str, text: &str) -> bool {
    match (pattern.as_bytes().first(), text.as_bytes().first()) {
        (None, None) => true,
        (Some(b'*'), _) => globbed(&pattern[1..], text) || !text.is_empty() && globbed(pattern, &text[1..]),
        (Some(b'?'), Some(_)) => globbed(&pattern[1..], &text[1..]),
        (Some(one), Some(other)) if one == other => globbed(&pattern[1..], &text[1..]),
        _ => false,
    }
}

/// A number that looks drawn (the last step of SplitMix64).
fn mixed(at: usize, n: usize) -> usize {
    let mut z = (at as u64 * 16 + n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 8) as usize
}

fn resident_bytes() -> Result<u64, BenchError> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split(' ').nth(1).ok_or("no resident size")?.parse()?;
    Ok(pages * 4096)
}

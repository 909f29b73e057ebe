//! First use of an action or a resource by an identity, or its use after a long time.
//!
//! The chance is that of an hour with something new in this identity's life (how often that happened in four weeks),
//! times how common the action is among others: from the cloud over the account to the peer group, each level a
//! Dirichlet prior for the next. The p-value is weighted by what the action can do.

use schemas::RiskClass;
use smol_str::SmolStr;

use crate::detector::history::{Kind, action_value};
use crate::detector::rows::Candidate;
use crate::detectors::Scene;
use crate::evidence::{self, Channel, Evidence};
use crate::law;
use crate::peers::body::Opinion;

/// Channels that are tested: action with peers, resource, dormancy.
const N_TESTED: i64 = 3;

pub(crate) fn find(scene: &Scene<'_>, found: &mut Vec<Candidate>) {
    let resource = new_resource(scene);
    let mut has_new_action = false;
    for (action, class) in &scene.event.actions {
        let Some(mut evidence) = of_action(scene, action, *class) else { continue };
        has_new_action = true;
        evidence.extend(resource.iter().map(|(_, piece)| piece.clone()));
        evidence.extend(scene.hour());
        let candidate = Candidate {
            detector: "first_action",
            subject: action_value(action, scene.event.denied),
            action: Some(action.clone()),
            risk_class: Some(*class),
            resource: scene.event.containers.first().cloned(),
            evidence,
            n_tested: N_TESTED,
        };
        scene.keep(candidate, found);
    }
    if let Some((container, piece)) = resource.filter(|_| !has_new_action)
        && scene.event.class() >= RiskClass::Write
        && let Some((action, class)) = scene.event.actions.iter().max_by_key(|(_, class)| *class)
    {
        let mut evidence = vec![piece, scene.risk(action, *class)];
        evidence.extend(scene.hour());
        let candidate = Candidate {
            detector: "first_resource",
            subject: SmolStr::new(&container),
            action: Some(action.clone()),
            risk_class: Some(*class),
            resource: Some(container),
            evidence,
            n_tested: N_TESTED,
        };
        scene.keep(candidate, found);
    }
}

/// The evidence of an action that is new, or was long unused; `None` when it is usual.
fn of_action(scene: &Scene<'_>, action: &str, class: RiskClass) -> Option<Vec<Evidence>> {
    if scene.knows(Kind::Action, action) {
        return dormant(scene, action, class);
    }
    if scene.knows(Kind::Action, &action_value(action, scene.event.denied)) {
        return None;
    }
    let verb = if scene.event.denied { "first attempt, refused, at" } else { "first" };
    let text = format!("{verb} `{action}` of `{}` {}", scene.who(), scene.span());
    let mut evidence = vec![Evidence::new(Channel::Action, scene.novelty_nats(Kind::Action), text)];
    evidence.extend(peers(scene, action));
    evidence.extend(long_granted(scene, class));
    evidence.push(scene.risk(action, class));
    Some(evidence)
}

fn peers(scene: &Scene<'_>, action: &str) -> Option<Evidence> {
    let model = scene.model?;
    let opinion = model.body.opinion(&scene.event.identity, scene.account, scene.event.provider, action);
    let nats = rarity(&opinion, 1.0 / law::n_actions(scene.event.provider))?;
    let (users, all) = opinion.account;
    let in_account = format!("{users} of {all} identities of the account do");
    let text = match opinion.group {
        Some((users, all)) => format!("{users} of {all} peers use it; {in_account}"),
        None => format!("it has no peers yet; {in_account}"),
    };
    Some(Evidence::new(Channel::Peers, nats, text))
}

/// How few of the comparable identities use an action, in nats; `None` where nobody was there to be compared with.
fn rarity(opinion: &Opinion, base: f64) -> Option<f64> {
    let (_, n_identities) = opinion.cloud;
    if n_identities == 0 {
        return None;
    }
    let level = |(users, all): (u32, u32)| (f64::from(users), f64::from(all));
    let mut levels = vec![level(opinion.cloud), level(opinion.account)];
    levels.extend(opinion.group.map(level));
    Some(evidence::rarity_nats(evidence::share(base, &levels)))
}

/// A dangerous action that was known, and long not used.
fn dormant(scene: &Scene<'_>, action: &str, class: RiskClass) -> Option<Vec<Evidence>> {
    if class < RiskClass::Delete {
        return None;
    }
    let last = scene.history?.last_day(Kind::Action, action, scene.as_of)?;
    let n_days = scene.as_of.day() - last;
    if n_days < scene.config.dormant_days {
        return None;
    }
    let text = format!("`{action}` was last used {n_days} days ago");
    let dormant = Evidence::new(Channel::Dormant, scene.novelty_nats(Kind::Action), text);
    Some(vec![dormant, scene.risk(action, class)])
}

/// That a dangerous first use comes long after the grant; the longer, the less it was needed.
fn long_granted(scene: &Scene<'_>, class: RiskClass) -> Option<Evidence> {
    if class < RiskClass::Delete {
        return None;
    }
    let n_days = scene.as_of.day() - scene.grants?.oldest(scene.as_of)?.day();
    if n_days < scene.config.dormant_days {
        return None;
    }
    let nats = 0.5 * (n_days as f64 / scene.config.dormant_days.max(1) as f64).ln_1p();
    Some(Evidence::new(Channel::Dormant, nats, format!("its oldest grant is {n_days} days old, and this was not used")))
}

/// The first container that is new, with its evidence. Wholly new identities have nothing but new containers.
fn new_resource(scene: &Scene<'_>) -> Option<(schemas::ResourceId, Evidence)> {
    scene.history?;
    let container = scene.event.containers.iter().find(|id| !scene.knows(Kind::Resource, id))?;
    let text = format!("first use of `{container}` by `{}` {}", scene.who(), scene.span());
    Some((container.clone(), Evidence::new(Channel::Resource, scene.novelty_nats(Kind::Resource), text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_rare_among_some_and_not_among_nobody() {
        let of = |cloud, account, group| rarity(&Opinion { cloud, account, group }, 1e-4);
        assert_eq!(of((0, 0), (0, 0), None), None);
        let among_a_few = of((0, 3), (0, 0), None);
        assert!(among_a_few > Some(4.0), "{among_a_few:?}");
        assert!(of((3, 3), (0, 0), None) < Some(0.5));
    }
}

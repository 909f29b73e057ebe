//! The first activity of an identity in an account, or its return after a long time.

use smol_str::SmolStr;

use crate::detector::rows::Candidate;
use crate::detectors::Scene;
use crate::evidence::{self, Channel, Evidence};

pub(crate) fn find(scene: &Scene<'_>, found: &mut Vec<Candidate>) {
    let Some(piece) = (match scene.history {
        None => newcomer(scene),
        Some(_) => returned(scene),
    }) else {
        return;
    };
    let Some((action, class)) = scene.event.actions.iter().max_by_key(|(_, class)| *class) else { return };
    let candidate = Candidate {
        detector: "first_activity",
        subject: SmolStr::default(),
        action: Some(action.clone()),
        risk_class: Some(*class),
        resource: scene.event.containers.first().cloned(),
        evidence: vec![piece, scene.risk(action, *class)],
        n_tested: 1,
    };
    scene.keep(candidate, found);
}

/// The chance that an active identity of the account is a new one, from the week before the model.
fn newcomer(scene: &Scene<'_>) -> Option<Evidence> {
    let account = scene.model?.body.accounts.get(scene.account)?;
    let nats = -evidence::novelty(f64::from(account.newcomers), f64::from(account.identity_days)).ln();
    let created = scene.grants.and_then(|grants| grants.created()).filter(|created| *created <= scene.time);
    let age = match created.map(|created| scene.time.day() - created.day()) {
        Some(0) => "; it was created today".to_owned(),
        Some(n) => format!("; it was created {n} days ago"),
        None => String::new(),
    };
    let n = account.rates.n;
    let text =
        format!("first activity of `{}` in `{}`, where {n} identities are active{age}", scene.who(), scene.account);
    Some(Evidence::new(Channel::Identity, nats, text))
}

/// An identity that was long quiet: one return in so many days.
fn returned(scene: &Scene<'_>) -> Option<Evidence> {
    let n_days = scene.as_of.day() - scene.history?.last_active_day(scene.as_of)?;
    if n_days < scene.config.dormant_days {
        return None;
    }
    let text = format!("`{}` is back after {n_days} days without activity", scene.who());
    Some(Evidence::new(Channel::Dormant, (n_days as f64).ln_1p(), text))
}

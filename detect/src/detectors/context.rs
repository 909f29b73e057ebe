//! A new network or a new tool of a known identity, with the most dangerous thing done from it.

use smol_str::SmolStr;

use crate::detector::history::Kind;
use crate::detector::rows::Candidate;
use crate::detectors::Scene;
use crate::evidence::{Channel, Evidence};

/// Channels that are tested: network, tool.
const N_TESTED: i64 = 2;

pub(crate) fn find(scene: &Scene<'_>, found: &mut Vec<Candidate>) {
    // Where an identity comes from at all is told by its first activity.
    if scene.history.is_none() {
        return;
    }
    let new = |kind: Kind, channel: Channel, value: &Option<schemas::Text>| {
        let value = value.as_ref().filter(|value| !scene.knows(kind, value))?;
        let text = format!("first {} `{value}` of `{}` {}", channel.as_str(), scene.who(), scene.span());
        Some((value.clone(), Evidence::new(channel, scene.novelty_nats(kind), text)))
    };
    let network = new(Kind::Network, Channel::Network, &scene.event.network);
    let tool = new(Kind::Tool, Channel::Tool, &scene.event.tool);
    let Some((value, _)) = network.as_ref().or(tool.as_ref()) else { return };
    let Some((action, class)) = scene.event.actions.iter().max_by_key(|(_, class)| *class) else { return };
    let (subject, action, class) = (SmolStr::new(value), action.clone(), *class);
    let mut evidence: Vec<Evidence> = [network, tool].into_iter().flatten().map(|(_, piece)| piece).collect();
    evidence.extend(scene.hour());
    evidence.push(scene.risk(&action, class));
    let candidate = Candidate {
        detector: "new_context",
        subject,
        action: Some(action),
        risk_class: Some(class),
        resource: scene.event.containers.first().cloned(),
        evidence,
        n_tested: N_TESTED,
    };
    scene.keep(candidate, found);
}

//! What the detectors keep of an access event.

use schemas::{
    AccessEvent, AccountId, Action, IdentityId, IdentityKind, OrgId, Outcome, Provider, ResourceId, RiskClass, Text,
};
use serde::{Deserialize, Serialize};

use crate::law;

/// Actions and containers of one event that are looked at; a call that uses more is about the first ones.
const MAX_EACH: usize = 8;
/// Bytes of a text that is remembered: longer ones are cut, since a log may hold anything.
const MAX_TEXT: usize = 512;

/// An event in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub identity: IdentityId,
    pub kind: IdentityKind,
    pub name: Option<Text>,
    pub provider: Provider,
    pub org: Option<OrgId>,
    /// Each with its risk class; the operation, with its service before a colon, where no action is known.
    pub actions: Vec<(Action, RiskClass)>,
    pub containers: Vec<ResourceId>,
    pub ip: Option<Text>,
    pub network: Option<Text>,
    pub tool: Option<Text>,
    pub denied: bool,
    /// Whether it was very unlikely, so that it is learned only when it has aged.
    pub strange: bool,
}

impl Seen {
    pub(crate) fn of(event: &AccessEvent) -> Self {
        let provider = event.provider;
        let mut actions: Vec<(Action, RiskClass)> = Vec::new();
        for used in &event.uses {
            let known = actions.iter().any(|(action, _)| *action == used.action);
            if !known && actions.len() < MAX_EACH {
                let level = event.access_level.filter(|_| event.action.as_ref() == Some(&used.action));
                let class = law::risk_class(provider, &used.action, level);
                actions.push((Action::from(cut(&used.action)), class));
            }
        }
        if actions.is_empty() {
            let whole = format!("{}:{}", event.service, event.operation);
            let action = event.action.clone().unwrap_or_else(|| Action::from(cut(&whole)));
            let class = law::risk_class(provider, &action, event.access_level);
            actions.push((action, class));
        }
        let touched = event.uses.iter().filter_map(|used| used.resource_id.as_ref());
        let touched = touched.chain(event.resources.iter().map(|resource| &resource.id));
        let mut containers: Vec<ResourceId> = Vec::new();
        for resource in touched.filter(|id| !id.is_empty() && **id != *"*") {
            let container = law::container(provider, cut(resource));
            if !containers.contains(&container) && containers.len() < MAX_EACH {
                containers.push(container);
            }
        }
        // A service that calls for somebody is neither a tool nor a network of theirs.
        let is_service = event.tool.is_some() && event.tool == event.source_service;
        let own_tool = event.tool.as_ref().filter(|_| !is_service);
        let own_ip = event.source_ip.as_deref().filter(|_| !is_service);
        Self {
            identity: event.identity_id.clone(),
            kind: event.identity_kind,
            name: event.identity_name.clone(),
            provider,
            org: event.org_id.clone(),
            actions,
            containers,
            ip: event.source_ip.clone(),
            network: own_ip.and_then(network),
            tool: own_tool.map(|tool| Text::from(cut(tool))),
            denied: event.outcome == Outcome::Denied,
            strange: false,
        }
    }

    /// The organization, or the account where there is none.
    pub(crate) fn org_or(&self, account: &AccountId) -> OrgId {
        self.org.clone().unwrap_or_else(|| OrgId::from(account.as_str()))
    }

    /// The riskiest class of its actions.
    pub(crate) fn class(&self) -> RiskClass {
        self.actions.iter().map(|(_, class)| *class).max().unwrap_or(RiskClass::List)
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

/// The network of an address: /16 of IPv4, /32 of IPv6, about what one provider or office keeps over time. `None` when
/// the text is no address.
pub(crate) fn network(ip: &str) -> Option<Text> {
    match ip.parse().ok()? {
        std::net::IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            Some(Text::from(format!("{a}.{b}.0.0/16")))
        }
        std::net::IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => network(&v4.to_string()),
            None => {
                let [a, b, ..] = v6.segments();
                Some(Text::from(format!("{a:x}:{b:x}::/32")))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_wide_enough_to_keep() {
        let of = |ip| network(ip).map(|n| n.to_string());
        assert_eq!(of("198.51.100.7").as_deref(), Some("198.51.0.0/16"));
        assert_eq!(of("2001:db8:1::7").as_deref(), Some("2001:db8::/32"));
        assert_eq!(of("::ffff:198.51.100.7").as_deref(), Some("198.51.0.0/16"));
        assert_eq!(of("cloudtrail.amazonaws.com"), None);
    }

    #[test]
    fn an_event_without_an_action_is_known_by_its_operation() {
        let mut event = schemas::example::access_event();
        assert_eq!(Seen::of(&event).actions[0].0, Action::from("s3:GetObject"));
        assert_eq!(Seen::of(&event).containers, [ResourceId::from("arn:aws:s3:::reports")]);
        event.uses.clear();
        event.action = None;
        event.operation = "é".repeat(600).as_str().into();
        assert_eq!(Seen::of(&event).actions[0].0.len(), 511);
    }
}

//! The one place that asks `permissions`: how dangerous an action is, and which container a resource belongs to.

use permissions::Catalogue;
use schemas::{AccessLevel, Provider, ResourceId, RiskClass};

/// The risk class of an action, by the catalogue; by the access level where the catalogue does not know the action.
pub(crate) fn risk_class(provider: Provider, action: &str, level: Option<AccessLevel>) -> RiskClass {
    if let Some(info) = Catalogue::bundled().provider(provider).find(action) {
        return info.risk;
    }
    match level {
        Some(AccessLevel::List) | None => RiskClass::List,
        Some(AccessLevel::Read) => RiskClass::Read,
        Some(AccessLevel::Tag) => RiskClass::Tag,
        Some(AccessLevel::Write) => RiskClass::Write,
        Some(AccessLevel::Permissions) => RiskClass::PermissionsManagement,
    }
}

/// The grantable container of a resource.
pub(crate) fn container(provider: Provider, resource: &str) -> ResourceId {
    ResourceId::from(permissions::resource::container(provider, resource))
}

/// How many actions of a cloud the catalogue knows: the tail of the back-off.
pub(crate) fn n_actions(provider: Provider) -> f64 {
    Catalogue::bundled().provider(provider).len().max(1) as f64
}

/// How much more an analyst cares about a class of actions, as a weight of its p-value. Weighted testing (Genovese,
/// Roeder and Wasserman 2006) keeps false discoveries in bounds while the weights of the true null tests average at most
/// 1; lists and reads, the bulk of all first uses, weigh below 1 to pay for the others.
pub(crate) fn weight(class: RiskClass) -> f64 {
    match class {
        RiskClass::List => 0.3,
        RiskClass::Read | RiskClass::Tag => 0.5,
        RiskClass::Write => 1.0,
        RiskClass::Delete => 2.0,
        RiskClass::DataExfiltration => 2.0,
        RiskClass::PermissionsManagement => 4.0,
        RiskClass::CredentialAccess => 4.0,
        RiskClass::Escalation => 5.0,
    }
}

/// The weight of what blinds the watchers, whatever its class.
pub(crate) const TAMPERING_WEIGHT: f64 = 6.0;

/// Words for a class.
pub(crate) fn in_words(class: RiskClass) -> &'static str {
    match class {
        RiskClass::List => "only lists",
        RiskClass::Read => "only reads settings",
        RiskClass::Tag => "changes tags",
        RiskClass::Write => "changes things",
        RiskClass::Delete => "destroys",
        RiskClass::DataExfiltration => "reads customers' data",
        RiskClass::PermissionsManagement => "changes permissions",
        RiskClass::CredentialAccess => "hands out a credential or a secret",
        RiskClass::Escalation => "is a step to administrator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_decides_and_the_level_stands_in() {
        assert_eq!(risk_class(Provider::Aws, "secretsmanager:GetSecretValue", None), RiskClass::CredentialAccess);
        assert_eq!(risk_class(Provider::Aws, "nosuch:Thing", Some(AccessLevel::Write)), RiskClass::Write);
        assert_eq!(container(Provider::Aws, "arn:aws:s3:::b/k/l"), ResourceId::from("arn:aws:s3:::b"));
    }
}

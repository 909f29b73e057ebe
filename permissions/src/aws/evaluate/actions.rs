//! Action patterns, by service.
//!
//! Service and action are the same in any case (IAM JSON policy elements: Action,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>).

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::glob::Glob;
use super::places::{Places, hash};

/// The action of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    lower: SmolStr,
    colon: usize,
    service_hash: u64,
    name_hash: u64,
}

impl Action {
    /// Reads `s3:GetObject`, in any case.
    ///
    /// # Errors
    /// When there is no service, no name, or a wildcard: a request has one action.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = SmolStr::from(text.to_ascii_lowercase());
        match lower.split_once(':') {
            Some((service, name)) if !service.is_empty() && !name.is_empty() && !lower.contains(['*', '?']) => {
                let (colon, service_hash, name_hash) = (service.len(), hash(service), hash(name));
                Ok(Self { lower, colon, service_hash, name_hash })
            }
            _ => Err(format!("`{}` is no action; one is `s3:GetObject`", super::short(text))),
        }
    }

    /// The service's prefix, in lower case.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.lower[..self.colon]
    }

    /// The place of its service among those of a list.
    pub(super) fn place<'t>(&self, places: &Places, service: impl Fn(usize) -> &'t str) -> Option<usize> {
        places.find(self.service_hash, self.service(), service)
    }

    /// The action without the service, in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.lower[self.colon + 1..]
    }
}

/// The patterns of one element, `Action` or `NotAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ActionSet {
    pub(super) services: Vec<ServiceNames>,
    places: Places,
    /// `*`, and whatever has a wildcard before the colon; matched against the whole action.
    general: Vec<Glob>,
}

/// The patterns of one service, without its prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceNames {
    pub(super) service: SmolStr,
    pub(super) names: Names,
}

/// Names of actions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    all: bool,
    exact: Vec<SmolStr>,
    places: Places,
    patterns: Vec<Glob>,
}

impl ActionSet {
    pub(super) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let (mut services, mut general) = (BTreeMap::<SmolStr, Names>::new(), Vec::new());
        for text in texts {
            let text = text.to_ascii_lowercase();
            match text.split_once(':') {
                Some((service, name)) if !service.contains(['*', '?']) => {
                    services.entry(service.into()).or_default().add(name);
                }
                _ => general.push(Glob::of(&text)),
            }
        }
        let places = Places::of(services.keys());
        let services = services.into_iter().map(|(service, names)| ServiceNames { service, names: names.placed() });
        Self { services: services.collect(), places, general }
    }

    /// Whether a pattern matches every action.
    pub(super) fn is_all(&self) -> bool {
        self.general.contains(&Glob::All)
    }

    /// Whether a pattern reaches beyond one service, so that it must be looked at for every request.
    pub(super) fn is_general(&self) -> bool {
        !self.general.is_empty()
    }

    pub(super) fn contains(&self, action: &Action) -> bool {
        self.general.iter().any(|pattern| pattern.matches(action.lower.as_bytes()))
            || action
                .place(&self.places, |at| &self.services[at].service)
                .is_some_and(|at| self.services[at].names.contains(action))
    }
}

impl Names {
    pub(super) fn contains(&self, action: &Action) -> bool {
        self.all
            || self.places.find(action.name_hash, action.name(), |at| &self.exact[at]).is_some()
            || self.patterns.iter().any(|pattern| pattern.matches(action.name().as_bytes()))
    }

    fn add(&mut self, name: &str) {
        match Glob::of(name) {
            Glob::All => self.all = true,
            Glob::Exact(_) => self.exact.push(name.into()),
            pattern => self.patterns.push(pattern),
        }
    }

    fn placed(mut self) -> Self {
        self.exact.sort_unstable();
        self.exact.dedup();
        self.places = Places::of(self.exact.iter());
        self
    }
}

#[cfg(test)]
mod tests {
    use schemas::Provider;

    use super::*;
    use crate::catalogue::{Catalogue, pattern};

    #[test]
    fn a_set_contains_what_its_patterns_match_in_any_case() {
        let set = ActionSet::of(["S3:Get*", "s3:putobject", "ec2:*", "i?m:List*"]);
        for (action, inside) in [
            ("s3:GetObject", true),
            ("S3:PUTOBJECT", true),
            ("s3:PutObjectAcl", false),
            ("ec2:RunInstances", true),
            ("iam:ListUsers", true),
            ("iam:GetUser", false),
            ("s3express:GetObject", false),
        ] {
            assert_eq!(set.contains(&Action::parse(action).unwrap()), inside, "{action}");
        }
        for text in ["", "s3", ":x", "s3:", "s3:*", "s3:Get?"] {
            assert!(Action::parse(text).is_err(), "{text}");
        }
    }

    /// By hand over the whole catalogue: a pattern matches an action as a wildcard in any case would.
    #[test]
    fn a_set_is_what_brute_force_over_the_catalogue_finds() {
        let catalogue = Catalogue::bundled().provider(Provider::Aws);
        let actions: Vec<Action> = catalogue.iter().map(|(_, info)| Action::parse(&info.name).unwrap()).collect();
        for text in ["*", "s3:*", "s3:Get*Acl", "*:List*", "ec2:Describe?pc*", "iam:*Role*", "sts:assumerole", "s*:*"] {
            let set = ActionSet::of([text]);
            for ((_, info), action) in catalogue.iter().zip(&actions) {
                let brute = pattern::matches(text.as_bytes(), info.name.as_bytes(), true, true);
                assert_eq!(set.contains(action), brute, "{text} {}", info.name);
            }
        }
    }
}

//! Action patterns, by service.
//!
//! Service and action are the same in any case (IAM JSON policy elements: Action,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>).

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::glob::Glob;

/// The action of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    lower: SmolStr,
    colon: usize,
    hash: u64,
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
                let (colon, hash) = (service.len(), hash(service));
                Ok(Self { lower, colon, hash })
            }
            _ => Err(format!("`{}` is no action; one is `s3:GetObject`", super::short(text))),
        }
    }

    /// The service's prefix, in lower case.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.lower[..self.colon]
    }

    /// The action without the service, in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.lower[self.colon + 1..]
    }

    /// Where its service is in a list of services whose hashes are in order.
    pub(super) fn place<'s>(&self, hashes: &[u64], service: impl Fn(usize) -> &'s str) -> Option<usize> {
        let mut at = hashes.partition_point(|hash| *hash < self.hash);
        while hashes.get(at) == Some(&self.hash) {
            if service(at) == self.service() {
                return Some(at);
            }
            at += 1;
        }
        None
    }
}

/// The patterns of one element, `Action` or `NotAction`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ActionSet {
    /// The hashes of `services`, in order.
    hashes: Vec<u64>,
    pub(super) services: Vec<ServiceNames>,
    /// `*`, and whatever has a wildcard before the colon; matched against the whole action.
    general: Vec<Glob>,
}

/// The patterns of one service, without its prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceNames {
    pub(super) hash: u64,
    pub(super) service: SmolStr,
    pub(super) names: Names,
}

/// Names of actions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    all: bool,
    /// In order.
    exact: Vec<SmolStr>,
    patterns: Vec<Glob>,
}

impl ActionSet {
    pub(super) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let (mut services, mut general) = (BTreeMap::<(u64, SmolStr), Names>::new(), Vec::new());
        for text in texts {
            let text = text.to_ascii_lowercase();
            match text.split_once(':') {
                Some((service, name)) if !service.contains(['*', '?']) => {
                    services.entry((hash(service), service.into())).or_default().add(name);
                }
                _ => general.push(Glob::of(&text)),
            }
        }
        let in_order = |((hash, service), mut names): (_, Names)| {
            names.exact.sort_unstable();
            ServiceNames { hash, service, names }
        };
        let hashes = services.keys().map(|(hash, _)| *hash).collect();
        Self { hashes, services: services.into_iter().map(in_order).collect(), general }
    }

    /// Whether a pattern reaches beyond one service, so that it must be looked at for every request.
    pub(super) fn is_general(&self) -> bool {
        !self.general.is_empty()
    }

    pub(super) fn contains(&self, action: &Action) -> bool {
        self.general.iter().any(|pattern| pattern.matches(action.lower.as_bytes()))
            || action
                .place(&self.hashes, |at| &self.services[at].service)
                .is_some_and(|at| self.services[at].names.contains(action.name()))
    }
}

impl Names {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.all
            || self.exact.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
            || self.patterns.iter().any(|pattern| pattern.matches(name.as_bytes()))
    }

    fn add(&mut self, name: &str) {
        match Glob::of(name) {
            Glob::All => self.all = true,
            Glob::Exact(_) => self.exact.push(name.into()),
            pattern => self.patterns.push(pattern),
        }
    }
}

/// FNV-1a: service prefixes are a dozen bytes, and only compared within this process.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
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

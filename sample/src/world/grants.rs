//! What a persona is granted, and the small rule form that tells whether an operation will succeed.

use crate::{aws, azure, gcp, world::Cloud};

/// One grant as the persona tables write it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grant {
    /// An AWS managed policy, attached directly.
    Managed(&'static str),
    /// A customer managed policy, attached directly.
    Customer(&'static str),
    /// Membership in an AWS group, which carries customer policies.
    Group(&'static str),
    /// An inline policy: name, actions, resource templates (`{bucket}`, `{table}`, `{secret}`, `{key}`).
    Inline(&'static str, &'static [&'static str], &'static [&'static str]),
    /// A permissions boundary: a customer policy that limits and grants nothing.
    Boundary(&'static str),
    /// An Azure role at the subscription, or a GCP role on the project.
    Role(&'static str),
    /// The same at a narrower scope: the storage account or vault that is the identity's own.
    RoleAt(&'static str, Scope),
    /// The same through a group.
    RoleByGroup(&'static str, &'static str),
}

/// A scope below the account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// The identity's own storage account.
    Storage,
    /// The identity's own key vault.
    Vault,
}

/// A compiled grant: an action is covered when a pattern matches (or none does, if inverted) and no exception does.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) deny: bool,
    pub(crate) invert: bool,
    pub(crate) patterns: Vec<&'static str>,
    pub(crate) except: Vec<&'static str>,
    /// Azure's data plane; the other clouds have one plane.
    pub(crate) data: Option<bool>,
    /// A predefined GCP role, of which only a part is listed here.
    pub(crate) opaque: bool,
}

impl Rule {
    /// A rule that allows exactly these patterns.
    pub(crate) fn allow(patterns: &[&'static str]) -> Self {
        Self { deny: false, invert: false, patterns: patterns.to_vec(), except: Vec::new(), data: None, opaque: false }
    }

    pub(crate) fn covers(&self, action: &str, data: bool) -> bool {
        let matched = self.patterns.iter().any(|pattern| wildcard(pattern, action));
        self.data.is_none_or(|plane| plane == data)
            && matched != self.invert
            && !self.except.iter().any(|pattern| wildcard(pattern, action))
    }

    /// The patterns with no wildcard in them, i.e. actions granted by their exact name.
    pub(crate) fn exact(&self) -> impl Iterator<Item = &'static str> {
        let named = !self.deny && !self.invert && !self.opaque;
        self.patterns.iter().copied().filter(move |pattern| named && !pattern.contains('*'))
    }
}

/// Turns the grants of a persona into rules.
pub(super) fn compile(cloud: Cloud, grants: &[Grant]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for grant in grants {
        match grant {
            Grant::Managed(name) | Grant::Customer(name) => rules.extend(aws::policy_rules(name)),
            Grant::Group(name) => {
                for policy in aws::group_policies(name) {
                    rules.extend(aws::policy_rules(policy));
                }
            }
            Grant::Inline(_, actions, _) => rules.push(Rule::allow(actions)),
            Grant::Boundary(_) => {}
            Grant::Role(name) | Grant::RoleAt(name, _) | Grant::RoleByGroup(name, _) => match cloud {
                Cloud::Azure => rules.extend(azure::role_rules(name)),
                _ => rules.push(gcp::role_rule(name)),
            },
        }
    }
    rules
}

/// Whether a pattern with `*` matches an action; letters compare without case, as AWS and Azure do.
pub(crate) fn wildcard(pattern: &str, action: &str) -> bool {
    let (p, a) = (pattern.as_bytes(), action.as_bytes());
    let (mut i, mut j, mut star, mut from) = (0, 0, None, 0);
    while j < a.len() {
        if i < p.len() && p[i] == b'*' {
            star = Some(i);
            from = j;
            i += 1;
        } else if i < p.len() && p[i].eq_ignore_ascii_case(&a[j]) {
            i += 1;
            j += 1;
        } else if let Some(at) = star {
            i = at + 1;
            from += 1;
            j = from;
        } else {
            return false;
        }
    }
    p[i..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_the_clouds_do() {
        let cases = [
            ("*", "s3:GetObject", true),
            ("s3:Get*", "S3:getobject", true),
            ("s3:Get*", "s3:PutObject", false),
            ("*/read", "Microsoft.Compute/disks/read", true),
            ("Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/write", true),
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxbyybz", false),
        ];
        for (pattern, action, expected) in cases {
            assert_eq!(wildcard(pattern, action), expected, "{pattern} {action}");
        }
    }
}

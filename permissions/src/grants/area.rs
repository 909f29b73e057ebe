//! Where a grant holds: a resource pattern, narrowed by others.

use std::borrow::Cow;
use std::fmt;

use schemas::Provider;
use smol_str::SmolStr;

use crate::resource::{self, pattern_covers, pattern_matches, patterns_overlap};

/// The resources that match a pattern, match all of others too, and match none of a third list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area {
    /// `*` for the whole account, an ARN pattern, an Azure scope in lower case, a GCP full resource name.
    pub resource: SmolStr,
    /// What a boundary, an organization's policy or a `Deny` on `NotResource` leaves of it: patterns that a resource must
    /// match as well, in order.
    pub within: Vec<SmolStr>,
    /// What `NotResource` or a `Deny` takes out of it, in order.
    pub except: Vec<SmolStr>,
}

/// What is left of an area without what a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// All of it: they have nothing in common.
    All,
    /// A part.
    Some(Area),
    /// Nothing.
    Nothing,
}

impl Area {
    /// All that a pattern matches.
    #[must_use]
    pub fn of(resource: impl Into<SmolStr>) -> Self {
        Self { resource: resource.into(), within: Vec::new(), except: Vec::new() }
    }

    /// Everything in the account but what these patterns match.
    pub(super) fn all_but(except: impl IntoIterator<Item = SmolStr>) -> Self {
        let mut area = Self { except: except.into_iter().collect(), ..Self::of("*") };
        area.except.sort_unstable();
        area.except.dedup();
        area
    }

    /// Whether it is everything in the account.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.resource == "*" && self.is_plain()
    }

    /// Whether it is one pattern.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.within.is_empty() && self.except.is_empty()
    }

    /// Whether a resource lies in it.
    #[must_use]
    pub fn covers(&self, provider: Provider, resource_id: &str) -> bool {
        let matches = |pattern: &SmolStr| pattern_matches(provider, pattern, resource_id);
        matches(&self.resource) && self.within.iter().all(matches) && !self.except.iter().any(matches)
    }

    /// Whether it has something of a known container: the container itself, or what lies in it. A bucket is out only when
    /// both it and its objects are taken out.
    #[must_use]
    pub fn reaches(&self, provider: Provider, container_id: &str) -> bool {
        let reaches = |pattern: &SmolStr| {
            pattern_matches(provider, pattern, container_id)
                || pattern_matches(provider, resource::container(provider, pattern), container_id)
        };
        let is_out = |id: &str| self.except.iter().any(|pattern| pattern_matches(provider, pattern, id));
        let has_objects = provider == Provider::Aws && container_id.starts_with("arn:aws:s3:::");
        reaches(&self.resource)
            && self.within.iter().all(reaches)
            && !(is_out(container_id) && (!has_objects || is_out(&format!("{container_id}/object"))))
    }

    /// A text that tells it from others.
    #[must_use]
    pub fn key(&self) -> Cow<'_, str> {
        if self.is_plain() { Cow::Borrowed(self.resource.as_str()) } else { Cow::Owned(self.to_string()) }
    }

    /// The part of it that a pattern matches; `None` where that is nothing.
    pub(super) fn within(&self, provider: Provider, pattern: &SmolStr) -> Option<Self> {
        let covers = |narrow: &SmolStr| pattern_covers(provider, pattern, narrow);
        if covers(&self.resource) || self.within.iter().any(covers) {
            return Some(self.clone());
        }
        if self.except.iter().any(|except| pattern_covers(provider, except, pattern)) {
            return None;
        }
        let has_part = |other: &SmolStr| patterns_overlap(provider, other, pattern);
        if !has_part(&self.resource) || !self.within.iter().all(has_part) {
            return None;
        }
        let mut area = self.clone();
        area.within.retain(|other| !pattern_covers(provider, other, pattern));
        if pattern_covers(provider, &self.resource, pattern) {
            area.resource = pattern.clone();
        } else {
            area.within.push(pattern.clone());
            area.within.sort_unstable();
        }
        area.except.retain(|except| patterns_overlap(provider, except, &area.resource));
        Some(area)
    }

    /// What is left of it without what a pattern matches.
    pub(super) fn without(&self, provider: Provider, pattern: &SmolStr) -> Rest {
        let covers = |narrow: &SmolStr| pattern_covers(provider, pattern, narrow);
        if covers(&self.resource) || self.within.iter().any(covers) {
            return Rest::Nothing;
        }
        if self.except.iter().any(|except| pattern_covers(provider, except, pattern)) {
            return Rest::All;
        }
        let has_part = |other: &SmolStr| patterns_overlap(provider, other, pattern);
        if !has_part(&self.resource) || !self.within.iter().all(has_part) {
            return Rest::All;
        }
        let mut area = self.clone();
        area.except.retain(|except| !pattern_covers(provider, pattern, except));
        area.except.push(pattern.clone());
        area.except.sort_unstable();
        Rest::Some(area)
    }

    /// What both have in common; `None` where that is nothing.
    pub(super) fn and(&self, provider: Provider, other: &Self) -> Option<Self> {
        let mut area = self.within(provider, &other.resource)?;
        for pattern in &other.within {
            area = area.within(provider, pattern)?;
        }
        for pattern in &other.except {
            match area.without(provider, pattern) {
                Rest::All => {}
                Rest::Some(left) => area = left,
                Rest::Nothing => return None,
            }
        }
        Some(area)
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        for pattern in &self.within {
            write!(f, " within {pattern}")?;
        }
        for pattern in &self.except {
            write!(f, " except {pattern}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schemas::Provider::{Aws, Azure};

    use super::*;

    const PATTERNS: [&str; 9] =
        ["*", "arn:a", "arn:a*", "arn:*b", "arn:ab", "arn:a?", "arn:b/*", "arn:*/x", "arn:b/?*"];
    const RESOURCES: [&str; 9] =
        ["arn:a", "arn:b", "arn:ab", "arn:aab", "arn:b/", "arn:b/x", "arn:a/x", "arn:b/xy", "arn:cb"];

    fn area() -> impl Strategy<Value = Area> {
        let pattern = || prop::sample::select(PATTERNS.to_vec()).prop_map(SmolStr::new_static);
        (pattern(), prop::collection::vec(pattern(), 0..3), prop::collection::vec(pattern(), 0..3)).prop_map(
            |(resource, within, except)| {
                let whole = Area::of("*");
                let mut area = whole.within(Aws, &resource).unwrap_or(whole);
                for pattern in within {
                    area = area.within(Aws, &pattern).unwrap_or(area);
                }
                for pattern in except {
                    if let Rest::Some(left) = area.without(Aws, &pattern) {
                        area = left;
                    }
                }
                area
            },
        )
    }

    proptest! {
        #[test]
        fn areas_mean_what_sets_of_resources_mean(one in area(), other in area(), at in 0..PATTERNS.len()) {
            let pattern = SmolStr::new_static(PATTERNS[at]);
            for id in RESOURCES {
                let (has, matches) = (one.covers(Aws, id), pattern_matches(Aws, &pattern, id));
                let covers = |area: Option<Area>| area.is_some_and(|area| area.covers(Aws, id));
                prop_assert_eq!(covers(one.within(Aws, &pattern)), has && matches, "{} within {} {}", one, pattern, id);
                prop_assert_eq!(covers(one.and(Aws, &other)), has && other.covers(Aws, id), "{} and {} {}", one, other, id);
                let left = match one.without(Aws, &pattern) {
                    Rest::All => Some(one.clone()),
                    Rest::Some(left) => Some(left),
                    Rest::Nothing => None,
                };
                prop_assert_eq!(covers(left), has && !matches, "{} without {} {}", one, pattern, id);
            }
        }
    }

    #[test]
    fn a_container_is_reached_unless_all_of_it_is_out() {
        let reaches = |area: &Area, id| area.reaches(Aws, id);
        let objects = Area::of("arn:aws:s3:::logs/*");
        assert!(reaches(&objects, "arn:aws:s3:::logs") && !reaches(&objects, "arn:aws:s3:::web"));
        let mut all = Area::all_but([SmolStr::new("arn:aws:s3:::logs/*")]);
        assert!(reaches(&all, "arn:aws:s3:::logs"));
        all.except.push("arn:aws:s3:::logs".into());
        assert!(!reaches(&all, "arn:aws:s3:::logs"));
        let vm = "/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/vm";
        assert!(Area::of("/subscriptions/s/resourcegroups/g").reaches(Azure, vm));
        let but = Area::all_but([SmolStr::new("/subscriptions/s/resourcegroups/g")]);
        assert!(!but.reaches(Azure, vm));
    }
}

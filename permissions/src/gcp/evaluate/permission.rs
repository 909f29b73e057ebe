//! Permissions: the one that is asked for, and those that a role has.
//!
//! Sources: Roles and permissions (<https://cloud.google.com/iam/docs/roles-overview>), Create and manage custom roles
//! (<https://cloud.google.com/iam/docs/creating-custom-roles>), Permissions that are supported in deny policies
//! (<https://cloud.google.com/iam/docs/deny-permissions-support>): a deny policy writes `storage.googleapis.com/objects.get`
//! for `storage.objects.get`, and a group of permissions with `*` for the resource, the verb or both.

use std::borrow::Cow;
use std::collections::BTreeSet;

use roaring::RoaringBitmap;
use schemas::{Provider, Text};
use serde_json::Value;
use smol_str::SmolStr;

use crate::catalogue::{ActionIdx, Catalogue};
use crate::gcp::predefined_role;
use crate::patterns::MAX_BYTES;

/// Permissions per role beyond which the rest is not read; Google takes 3,000.
const MAX_PERMISSIONS: usize = 65_536;

/// A permission that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    name: SmolStr,
    idx: Option<ActionIdx>,
}

impl Action {
    /// Reads a permission in either spelling: `storage.objects.get` or `storage.googleapis.com/objects.get`.
    ///
    /// # Errors
    /// When it is no single permission.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no permission; one is `storage.objects.get`", super::short(text));
        let name = if text.contains('/') { from_deny(text).ok_or_else(wrong)? } else { SmolStr::new(text) };
        if name.matches('.').count() < 2 || name.contains(['*', ' ']) || name.len() > MAX_BYTES {
            return Err(wrong());
        }
        let idx = Catalogue::bundled().provider(Provider::Gcp).lookup(&name);
        Ok(Self { name, idx })
    }

    /// Its name in the spelling of roles.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn idx(&self) -> Option<ActionIdx> {
        self.idx
    }
}

/// The spelling of roles of what a deny policy names: `storage.objects.get`, `iam.roles.*`.
pub(super) fn from_deny(text: &str) -> Option<SmolStr> {
    let (service, rest) = text.split_once(".googleapis.com/")?;
    let service = if service == "cloudresourcemanager" { "resourcemanager" } else { service };
    let is_written_out = !service.is_empty() && !service.contains(['*', '/']) && rest.contains('.');
    is_written_out.then(|| SmolStr::from(format!("{service}.{rest}")))
}

/// A role that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct CompiledRole {
    known: Cow<'static, RoaringBitmap>,
    /// Permissions that the catalogue lacks.
    others: BTreeSet<SmolStr>,
}

impl CompiledRole {
    /// A basic or predefined role: `roles/viewer`.
    #[must_use]
    pub fn predefined(name: &str) -> Option<Self> {
        Some(Self { known: Cow::Borrowed(predefined_role(name)?), others: BTreeSet::new() })
    }

    /// Compiles a role as `gcloud iam roles describe` prints it. One that is deleted or disabled has no permissions. What
    /// cannot be read grants nothing and is in `errors`, with `place` before it.
    #[must_use]
    pub fn compile(role: &Value, place: &str, errors: &mut Vec<Text>) -> Self {
        let mut this = Self { known: Cow::Owned(RoaringBitmap::new()), others: BTreeSet::new() };
        let is_off =
            role.get("deleted") == Some(&Value::Bool(true)) || role.get("stage").is_some_and(|s| s == "DISABLED");
        let list = match role.get("includedPermissions") {
            _ if is_off => return this,
            None | Some(Value::Null) => return this,
            Some(Value::Array(list)) => list,
            Some(_) => {
                errors.push(format!("{place}: `includedPermissions` is not a list").into());
                return this;
            }
        };
        let catalogue = Catalogue::bundled().provider(Provider::Gcp);
        for (at, entry) in list.iter().take(MAX_PERMISSIONS).enumerate() {
            match entry.as_str().map(|name| (name, catalogue.lookup(name))) {
                Some((_, Some(idx))) => {
                    this.known.to_mut().insert(idx.0);
                }
                Some((name, None)) if name.len() <= MAX_BYTES => {
                    this.others.insert(name.into());
                }
                _ => errors.push(format!("{place}: `includedPermissions[{at}]` is no permission").into()),
            }
        }
        this
    }

    /// Its permissions that the catalogue knows.
    #[must_use]
    pub fn actions(&self) -> &RoaringBitmap {
        &self.known
    }

    pub(super) fn has(&self, action: &Action) -> bool {
        match action.idx {
            Some(idx) => self.known.contains(idx.0),
            None => self.others.contains(&action.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::{Patterns, slow};

    #[test]
    fn both_spellings_are_one_permission() {
        let name = |text: &str| Action::parse(text).map(|action| action.name.to_string());
        assert_eq!(name("storage.googleapis.com/objects.get").as_deref(), Ok("storage.objects.get"));
        assert_eq!(
            name("cloudresourcemanager.googleapis.com/projects.delete").as_deref(),
            Ok("resourcemanager.projects.delete")
        );
        for wrong in ["storage.objects", "storage.objects.*", "storage/objects.get", "a b.c.d", ""] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_expansion_of_a_group_of_permissions_equals_brute_force_over_the_catalogue() {
        for text in ["iam.googleapis.com/roles.*", "compute.googleapis.com/*.*", "storage.googleapis.com/*.get"] {
            let name = from_deny(text).unwrap();
            let patterns = Patterns::new(Provider::Gcp, [name.clone()], false);
            assert!(!patterns.known().is_empty(), "{text}");
            for (idx, action) in Catalogue::bundled().provider(Provider::Gcp).iter() {
                let by_hand = slow(name.as_bytes(), action.name.as_bytes());
                assert_eq!(patterns.known().contains(idx.0), by_hand, "{text} {}", action.name);
            }
        }
    }
}

//! Scopes: where an assignment is made, and whether a resource is there or below.
//!
//! Source: Understand scope for Azure RBAC (<https://learn.microsoft.com/azure/role-based-access-control/scope-overview>):
//! management groups, subscriptions, resource groups and resources are parents and children, and an assignment reaches
//! down. Ids are compared in any case and by whole segments.

use smol_str::SmolStr;

use crate::truth::{Doubts, Truth};

/// Longest scope or resource id that is read; the longest that Azure Resource Manager takes have some 2,000 characters.
const MAX_BYTES: usize = 8192;
const GROUPS: &str = "/providers/microsoft.management/managementgroups/";
/// What is doubted when nobody said which management groups are above a subscription.
const GROUPS_NOT_KNOWN: &str = "management groups above the resource";

/// Where an assignment is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// `/`: the tenant.
    Root,
    /// A management group, by its id in lower case.
    ManagementGroup(SmolStr),
    /// A subscription or anything below, in lower case, without a slash at the end.
    Path(SmolStr),
}

/// What kind of scope it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `/`.
    Root,
    /// A management group.
    ManagementGroup,
    /// A subscription.
    Subscription,
    /// A resource group.
    ResourceGroup,
    /// A resource, or what belongs to one.
    Resource,
}

/// What is acted on, and the management groups above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    path: SmolStr,
    /// Its own id, if it is a management group or belongs to one.
    own_group: Option<SmolStr>,
    groups: Option<Vec<SmolStr>>,
}

impl Scope {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let path = read(text)?;
        Ok(match path.strip_prefix(GROUPS) {
            _ if path.is_empty() => Self::Root,
            Some(group) if !group.contains('/') => Self::ManagementGroup(group.into()),
            _ => Self::Path(path),
        })
    }

    pub(super) fn level(&self) -> Level {
        match self {
            Self::Root => Level::Root,
            Self::ManagementGroup(_) => Level::ManagementGroup,
            Self::Path(path) => match path.matches('/').count() {
                2 if path.starts_with("/subscriptions/") => Level::Subscription,
                4 if path.split('/').nth(3) == Some("resourcegroups") => Level::ResourceGroup,
                _ => Level::Resource,
            },
        }
    }

    /// Whether a resource is here or below.
    pub(super) fn reaches<'a>(&self, resource: &Resource, doubts: &mut Doubts<'a>) -> Truth {
        match self {
            Self::Root => Truth::True,
            Self::ManagementGroup(group) if resource.own_group.as_ref() == Some(group) => Truth::True,
            Self::ManagementGroup(_) if !resource.may_have_groups() => Truth::False,
            Self::ManagementGroup(group) => match &resource.groups {
                Some(groups) => Truth::of(groups.contains(group)),
                None => doubts.add(GROUPS_NOT_KNOWN),
            },
            Self::Path(path) => Truth::of(resource.path.strip_prefix(path.as_str()).is_some_and(is_end)),
        }
    }

    /// Whether a resource is here and not below.
    pub(super) fn is_exactly(&self, resource: &Resource) -> bool {
        match self {
            Self::Root => resource.path.is_empty(),
            Self::ManagementGroup(group) => resource.path.strip_prefix(GROUPS) == Some(group),
            Self::Path(path) => *path == resource.path,
        }
    }
}

impl Resource {
    /// Reads a resource id or scope: `/subscriptions/…`. `groups` are the ids of the management groups above it, short or
    /// in full, the root first; `None` when nobody knows them.
    ///
    /// # Errors
    /// When it is no such id.
    pub fn parse(text: &str, groups: Option<&[String]>) -> Result<Self, String> {
        let path = read(text)?;
        let own_group = path.strip_prefix(GROUPS).and_then(|rest| rest.split('/').next()).map(SmolStr::new);
        let group = |group: &String| {
            let group = group.trim_matches('/').to_lowercase();
            SmolStr::new(group.rsplit('/').next().unwrap_or_default())
        };
        Ok(Self { path, own_group, groups: groups.map(|groups| groups.iter().map(group).collect()) })
    }

    /// Whether it is the tenant itself.
    pub(super) fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// What belongs to the tenant alone is in no management group.
    fn may_have_groups(&self) -> bool {
        self.own_group.is_some() || self.path.starts_with("/subscriptions/")
    }
}

fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

fn read(text: &str) -> Result<SmolStr, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("{} bytes, more than {MAX_BYTES}", text.len()));
    }
    let Some(path) = text.strip_prefix('/') else {
        return Err(format!("`{}` does not start with `/`", super::short(text)));
    };
    let is_root = path.is_empty();
    let path = path.strip_suffix('/').unwrap_or(path);
    if !is_root && path.split('/').any(|segment| segment.is_empty() || segment == "*") {
        return Err(format!("`{}` has a segment without a name", super::short(text)));
    }
    Ok(if is_root { SmolStr::default() } else { SmolStr::from(format!("/{}", path.to_lowercase())) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_reach_down_by_whole_segments() {
        let groups = ["root".to_owned(), "/providers/Microsoft.Management/managementGroups/Prod".to_owned()];
        let vm = Resource::parse("/subscriptions/S/resourceGroups/web/providers/M.C/vms/a", Some(&groups)).unwrap();
        let mut report = String::new();
        for text in [
            "/",
            "/providers/microsoft.management/managementgroups/PROD",
            "/providers/Microsoft.Management/managementGroups/pro",
            "/subscriptions/s",
            "/subscriptions/s/",
            "/SUBSCRIPTIONS/s/resourcegroups/WEB",
            "/subscriptions/s/resourceGroups/we",
            "/subscriptions/s/resourceGroups/web/providers/M.C/vms/a",
            "/subscriptions/s/resourceGroups/web/providers/M.C/vms/a/extensions/e",
        ] {
            let scope = Scope::parse(text).unwrap();
            let reaches = scope.reaches(&vm, &mut Doubts::default());
            report += &format!("{text} {:?} {reaches:?} {}\n", scope.level(), scope.is_exactly(&vm));
        }
        expect_test::expect![[r"
            / Root True false
            /providers/microsoft.management/managementgroups/PROD ManagementGroup True false
            /providers/Microsoft.Management/managementGroups/pro ManagementGroup False false
            /subscriptions/s Subscription True false
            /subscriptions/s/ Subscription True false
            /SUBSCRIPTIONS/s/resourcegroups/WEB ResourceGroup True false
            /subscriptions/s/resourceGroups/we ResourceGroup False false
            /subscriptions/s/resourceGroups/web/providers/M.C/vms/a Resource True true
            /subscriptions/s/resourceGroups/web/providers/M.C/vms/a/extensions/e Resource False false
        "]]
        .assert_eq(&report);
    }

    #[test]
    fn management_groups_that_nobody_named_are_not_known() {
        let group = Scope::parse("/providers/Microsoft.Management/managementGroups/g").unwrap();
        let reaches = |text: &str| group.reaches(&Resource::parse(text, None).unwrap(), &mut Doubts::default());
        assert_eq!(reaches("/subscriptions/s"), Truth::Unknown);
        assert_eq!(reaches("/providers/Microsoft.Management/managementGroups/g"), Truth::True);
        assert_eq!(reaches("/providers/Microsoft.Billing/billingAccounts/b"), Truth::False);
        for wrong in ["", "subscriptions/s", "//", "/subscriptions//x", "/a/*"] {
            assert!(Scope::parse(wrong).is_err(), "{wrong}");
        }
    }
}

//! Whose grants a list holds: what its content says, else the name of its folder or file.

use std::collections::BTreeMap;

use memchr::memmem;
use schemas::AccountId;

use super::Object;
use super::objects::attachment;
use super::path;
use crate::split::kind::{GrantList, elements_of, member_of, text_of};
use crate::split::peek::segment;
use crate::split::walker::unquoted;

/// The account that covers what belongs to no project: predefined roles, groups.
const GLOBAL: &str = "global";
/// The account of an organization's answers that do not tell which organization it is.
const ORGANIZATION: &str = "organization";

/// A list cut into accounts, in their order.
pub(super) fn each(list: GrantList, objects: Vec<Object>, hint: &str) -> Vec<(Option<AccountId>, Vec<Object>)> {
    use GrantList as L;
    let is_of_many = match list {
        L::GcpRoles | L::GcpIamPolicy | L::GcpGroupMembers | L::GcpAncestors => false,
        L::AzureResources => true,
        other => other.provider() == schemas::Provider::Gcp,
    };
    if !is_of_many || objects.is_empty() {
        return vec![(of(list, &objects, hint), objects)];
    }
    let numbers = project_numbers(&objects);
    let by_path = path::account(list.provider(), hint);
    let mut groups: BTreeMap<Option<AccountId>, Vec<Object>> = BTreeMap::new();
    for object in objects {
        let number = project_number(&object.body);
        let numbered = || number.and_then(|number| numbers.get(number).cloned());
        let bare = || number.map(|number| AccountId::from(number.trim_start_matches("projects/")));
        let account = said(list, &object).or_else(numbered).or_else(|| by_path.clone()).or_else(bare);
        groups.entry(account.or_else(|| higher_scope(&object.body))).or_default().push(object);
    }
    groups.into_iter().collect()
}

/// The one account of a list.
fn of(list: GrantList, objects: &[Object], hint: &str) -> Option<AccountId> {
    let mut votes: BTreeMap<AccountId, usize> = BTreeMap::new();
    for account in objects.iter().filter_map(|object| said(list, object)) {
        *votes.entry(account).or_default() += 1;
    }
    let most = votes.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)));
    let by_path = || match list {
        GrantList::AwsOrganizations => path::organization(hint).or_else(|| Some(ORGANIZATION.into())),
        // Their files are named by groups.
        GrantList::GcpGroupMembers => Some(GLOBAL.into()),
        GrantList::GcpRoles => path::account(list.provider(), hint).or_else(|| Some(GLOBAL.into())),
        _ => path::account(list.provider(), hint),
    };
    most.map(|(account, _)| account).or_else(by_path)
}

/// The account that one object names.
fn said(list: GrantList, object: &Object) -> Option<AccountId> {
    use GrantList as L;
    match list {
        L::AwsAuthorizationDetails | L::AwsResources | L::AwsServiceLastAccessed | L::AwsResourcePolicies => {
            arn_account(&object.id)
        }
        L::AwsConfig => {
            let account = text_of(&object.body, b"awsAccountId").or_else(|| text_of(&object.body, b"accountId"));
            account.filter(|account| path::is_aws(account)).map(AccountId::from).or_else(|| arn_account(&object.id))
        }
        L::AwsCredentialReport => first_arn(&object.body).and_then(arn_account),
        L::AwsOrganizations => organization(&object.body),
        L::AzureGroupMembers | L::GcpIamPolicy | L::GcpGroupMembers => None,
        L::AzureManagementGroups | L::AzureManagementEntities => tenant(&object.body),
        L::AzureRoleDefinitions | L::AzureResources | L::AzureClassicAdministrators => {
            segment(&object.id, "subscriptions")
        }
        L::AzureRoleAssignments
        | L::AzureDenyAssignments
        | L::AzureEligibilitySchedules
        | L::AzureEligibilityInstances
        | L::AzureAssignmentSchedules
        | L::AzureAssignmentInstances => {
            let inner = member_of(&object.body, b"properties").filter(|inner| inner.first() == Some(&b'{'));
            let scope = text_of(inner.unwrap_or(&object.body), b"scope");
            segment(scope.unwrap_or_default(), "subscriptions").or_else(|| segment(&object.id, "subscriptions"))
        }
        L::GcpDenyPolicies => {
            let scope = attachment(&object.id)?;
            Some(scope.strip_prefix("projects/").map_or_else(|| scope.as_str().into(), AccountId::from))
        }
        L::GcpAncestors if object.kind == "ancestry" => elements_of(&object.body, b"ancestor").find_map(|level| {
            let id = member_of(level, b"resourceId")?;
            (text_of(id, b"type") == Some("project")).then(|| text_of(id, b"id").map(AccountId::from))?
        }),
        L::GcpAncestors => {
            (text_of(&object.body, b"type") == Some("project")).then(|| AccountId::from(object.id.as_str()))
        }
        L::GcpSearchAllIamPolicies
        | L::GcpAssetIamPolicies
        | L::GcpResources
        | L::GcpRoles
        | L::GcpServiceAccounts
        | L::GcpServiceAccountKeys => project(&object.id),
    }
}

fn arn_account(arn: &str) -> Option<AccountId> {
    let account = arn.split(':').nth(4)?;
    path::is_aws(account).then(|| AccountId::from(account))
}

fn first_arn(text: &[u8]) -> Option<&str> {
    let arn = text.get(memmem::find(text, b"arn:aws")?..)?;
    let end = arn.iter().position(|byte| matches!(byte, b',' | b'"' | b'\n')).unwrap_or(arn.len());
    std::str::from_utf8(arn.get(..end)?).ok()
}

/// The organization that an ARN in an answer names: `arn:aws:organizations::<management account>:account/o-…/…`.
fn organization(answer: &[u8]) -> Option<AccountId> {
    const MAX_ARN: usize = 256;
    memmem::find_iter(answer, b":organizations::").find_map(|at| {
        let arn = answer.get(at..answer.len().min(at + MAX_ARN))?;
        let end = arn.iter().position(|byte| *byte == b'"').unwrap_or(arn.len());
        let arn = std::str::from_utf8(arn.get(..end)?).ok()?;
        arn.split('/').find(|part| path::is_organization(part)).map(AccountId::from)
    })
}

fn tenant(object: &[u8]) -> Option<AccountId> {
    let inner = || text_of(member_of(object, b"properties")?, b"tenantId");
    let tenant = text_of(object, b"tenantId").or_else(|| text_of(object, b"tenant_id")).or_else(inner)?;
    Some(AccountId::from(tenant.to_ascii_lowercase()))
}

/// The project in a resource's full name, when it is an id and no number.
fn project(name: &str) -> Option<AccountId> {
    let id = segment_as_is(name, "projects")?;
    let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
    (!id.is_empty() && !is_number && id != "-").then(|| AccountId::from(id))
}

fn segment_as_is<'a>(path: &'a str, word: &str) -> Option<&'a str> {
    let mut parts = path.split('/');
    parts.find(|part| *part == word)?;
    parts.next()
}

/// The scope above all projects that a resource is.
fn higher_scope(object: &[u8]) -> Option<AccountId> {
    let name = text_of(object, b"resource").or_else(|| text_of(object, b"name"))?;
    let scope = |word| segment_as_is(name, word).map(|id| AccountId::from(format!("{word}/{id}")));
    scope("organizations").or_else(|| scope("folders"))
}

/// The number of an object's project, as `projects/123`: what a search says of it, or the nearest of its ancestors.
fn project_number(object: &[u8]) -> Option<&str> {
    let nearest = || {
        let first = elements_of(object, b"ancestors").next().and_then(unquoted)?;
        std::str::from_utf8(first).ok().filter(|name| name.starts_with("projects/"))
    };
    text_of(object, b"project").or_else(nearest)
}

/// Project numbers (as `projects/123`) of the projects that stand in the same list.
fn project_numbers(objects: &[Object]) -> BTreeMap<String, AccountId> {
    let mut numbers = BTreeMap::new();
    for object in objects {
        let (Some(id), Some(number)) = (project(&object.id), project_number(&object.body)) else { continue };
        numbers.insert(number.to_owned(), id);
    }
    numbers
}

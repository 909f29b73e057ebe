//! Ids of the objects in entitlement lists, and objects that a file holds in another shape.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use schemas::Id128;

use super::{Object, path};
use crate::split::kind::{GrantList, elements_of, member_of, text_of};
use crate::split::walker::{members, unquoted};

/// Base 64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The body that an object has from here on, and its kind: a credential report is decoded, and what a file named by a
/// target lists are the policies of that target.
pub(super) fn body(list: GrantList, kind: &'static str, object: &Bytes, hint: &str) -> (&'static str, Bytes) {
    if (list, kind) == (GrantList::AwsOrganizations, "summary") && path::organizations_id(hint).is_some() {
        return ("attached", object.clone());
    }
    if (list, kind) == (GrantList::AwsCredentialReport, "encoded")
        && let Some(report) = member_of(object, b"Content").and_then(unquoted).and_then(decoded)
    {
        return ("report", Bytes::from(report));
    }
    (kind, object.clone())
}

/// The bytes of a text in base 64, which may have line breaks; `None` when it is none.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let one_line: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    BASE64.decode(one_line).ok()
}

/// An object's own id. What an answer does not say stands in its file's name.
pub(super) fn id(list: GrantList, kind: &str, object: &[u8], hint: &str) -> String {
    use GrantList as L;
    let names: &[&[u8]] = match (list, kind) {
        (L::AwsOrganizations, _) => return organizations_id(kind, object, hint),
        (L::AwsServiceLastAccessed, _) => return entity(object, hint),
        (L::AwsCredentialReport, _) => return String::new(),
        (L::AwsAuthorizationDetails, _) => &[b"Arn", b"PolicyArn"],
        (L::AwsResourcePolicies, _) => return resource(object, hint),
        (L::AwsResources, _) => &[b"ResourceARN"],
        (L::AwsConfig, _) => &[b"ARN", b"arn"],
        (L::AzureGroupMembers, _) => &[b"groupId", b"group_id", b"id"],
        (L::AzureManagementGroups, _) => &[b"name", b"id"],
        (L::GcpSearchAllIamPolicies, _) => &[b"resource"],
        (
            L::GcpRoles
            | L::GcpResources
            | L::GcpAssetIamPolicies
            | L::GcpServiceAccounts
            | L::GcpServiceAccountKeys
            | L::GcpDenyPolicies,
            _,
        ) => &[b"name"],
        _ => &[b"id", b"name"],
    };
    let named = names.iter().find_map(|name| text_of(object, name));
    named.map_or_else(|| Id128::of_parts(&[object]).to_string(), str::to_owned)
}

/// The part of its list that an object's command tells of; empty where the command tells the whole list.
pub(super) fn part(list: GrantList, (kind, id): (&str, &str), object: &[u8], (alone, hint): (bool, &str)) -> String {
    use GrantList as L;
    match list {
        L::AwsConfig if path::is_config_snapshot(hint) => text_of(object, b"awsRegion").unwrap_or_default().to_owned(),
        L::AwsConfig | L::AwsResourcePolicies => id.to_owned(),
        // `list-policies` and `list-policies-for-target` answer for one type of policies at a time.
        L::AwsOrganizations if kind == "summary" => {
            format!("policies/{}", text_of(object, b"Type").unwrap_or_default())
        }
        L::AwsOrganizations if kind == "attached" => {
            format!("attached/{id}/{}", text_of(object, b"Type").unwrap_or_default())
        }
        L::AwsOrganizations => format!("{kind}/{id}"),
        L::AwsServiceLastAccessed => id.to_owned(),
        L::AzureManagementGroups | L::GcpDenyPolicies if alone => id.to_owned(),
        L::GcpServiceAccountKeys => {
            let email = id.split('/').skip_while(|part| *part != "serviceAccounts").nth(1);
            email.unwrap_or_default().to_owned()
        }
        _ => String::new(),
    }
}

/// What an answer of Organizations is about: a policy, or who has the parents, children or policies that it lists.
fn organizations_id(kind: &str, answer: &[u8], hint: &str) -> String {
    let inner = |of: &[u8], name| member_of(answer, of).and_then(|found| text_of(found, name));
    let said = match kind {
        "policy" => {
            let summary = member_of(answer, b"Policy").and_then(|policy| member_of(policy, b"PolicySummary"));
            summary.and_then(|summary| text_of(summary, b"Id"))
        }
        "organization" => inner(b"Organization", b"Id"),
        "summary" => text_of(answer, b"Id"),
        "roots" => return String::new(),
        "targets" => text_of(answer, b"PolicyId"),
        // The accounts of one parent, or all.
        "accounts" => {
            return path::organizations_id(hint).filter(|id| path::is_parent(id)).unwrap_or_default().to_owned();
        }
        "units" | "children" => text_of(answer, b"ParentId"),
        _ => text_of(answer, b"ChildId"),
    };
    said.or_else(|| path::organizations_id(hint)).unwrap_or_default().to_owned()
}

/// Whose last access an answer tells: an ARN, or `role/NAME` in the account of the folder.
fn entity(answer: &[u8], hint: &str) -> String {
    let said = [&b"Arn"[..], b"EntityArn"].iter().find_map(|name| text_of(answer, name)).map(str::to_owned);
    said.or_else(|| path::entity(hint)).unwrap_or_default()
}

/// Whose policy an answer tells: the ARN that it names, or that of its file.
fn resource(answer: &[u8], hint: &str) -> String {
    let attributes = member_of(answer, b"Attributes").unwrap_or(answer);
    let said = [&b"ARN"[..], b"QueueArn", b"TopicArn"].iter().find_map(|name| text_of(attributes, name));
    said.or_else(|| path::arn(hint)).unwrap_or_default().to_owned()
}

/// Where a deny policy is attached: `projects/p` of `policies/cloudresourcemanager.googleapis.com%2Fprojects%2Fp/…`.
pub(super) fn attachment(policy: &str) -> Option<String> {
    let point = policy.strip_prefix("policies/")?.split('/').next()?.replace("%2F", "/").replace("%2f", "/");
    point.split_once('/').map(|(_, scope)| scope.to_owned())
}

/// The bindings of a GCP policy. An id is the role, with the hash of its condition behind it when there is one.
pub(super) fn bindings(policy: &Bytes, offset: i64) -> Vec<Object> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut out = Vec::new();
    for binding in elements_of(policy, b"bindings") {
        let role = text_of(binding, b"role").unwrap_or_default();
        let id = match member_of(binding, b"condition") {
            None | Some(b"null") => role.to_owned(),
            Some(condition) => format!("{role}#{}", Id128::of_parts(&[condition])),
        };
        let n = seen.entry(id.clone()).and_modify(|n| *n += 1).or_insert(0);
        let id = if *n == 0 { id } else { format!("{id}~{n}") };
        out.push(Object { kind: "binding", id, body: policy.slice_ref(binding), offset });
    }
    out
}

/// The groups of an object whose keys are group ids: each in the shape `{"id": …, "members": […]}`.
pub(super) fn groups(object: &[u8], offset: i64) -> Vec<Object> {
    let mut out = Vec::new();
    for (group, list) in members(object) {
        let id = String::from_utf8_lossy(group).to_ascii_lowercase();
        out.push(Object { kind: "group", body: group_of(&id, list), id, offset });
    }
    out
}

/// The group of GCP whose members a document lists, named by itself or by its file.
pub(super) fn gcp_group(object: &Bytes, offset: i64, hint: &str) -> Object {
    let key = || member_of(object, b"groupKey").and_then(|key| text_of(key, b"id"));
    let said = [&b"email"[..], b"groupEmail", b"group"].iter().find_map(|name| text_of(object, name)).or_else(key);
    let id = said.or_else(|| path::email(hint)).unwrap_or_default().to_ascii_lowercase();
    let members = member_of(object, b"memberships").or_else(|| member_of(object, b"members")).unwrap_or(b"[]");
    Object { kind: "group", body: group_of(&id, members), id, offset }
}

/// Members that were gathered one by one become their group.
pub(super) fn close(objects: &mut [Object]) {
    for object in objects.iter_mut().filter(|object| object.kind == "members") {
        let list = [b"[", &object.body[..], b"]"].concat();
        object.kind = "group";
        object.body = group_of(&object.id, &list);
    }
}

fn group_of(id: &str, members: &[u8]) -> Bytes {
    let quoted = serde_json::Value::from(id).to_string();
    Bytes::from([b"{\"id\":", quoted.as_bytes(), b",\"members\":", members, b"}"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of RFC 4648, section 10, also without padding and with line breaks.
    #[test]
    fn base_64_decodes_with_and_without_padding_and_with_line_breaks() {
        for (text, plain) in
            [("", ""), ("Zg==", "f"), ("Zm8", "fo"), ("Zm9vYg==", "foob"), ("Zm9v\r\nYmFy\n", "foobar")]
        {
            assert_eq!(decoded(text.as_bytes()).as_deref(), Some(plain.as_bytes()), "{text}");
        }
        assert_eq!(decoded(b"%2B"), None);
    }
}

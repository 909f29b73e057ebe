//! Ids of the objects in entitlement lists, and objects that a file holds in another shape.

use std::collections::BTreeMap;

use bytes::Bytes;
use schemas::Id128;

use super::Object;
use crate::split::kind::{GrantList, elements_of, member_of, text_of};
use crate::split::walker::members;

/// An object's own id.
pub(super) fn id(list: GrantList, kind: &str, object: &[u8]) -> String {
    let names: &[&[u8]] = match (list, kind) {
        (GrantList::AwsAuthorizationDetails, _) => &[b"Arn", b"PolicyArn"],
        (GrantList::AwsResources, _) => &[b"ResourceARN"],
        (GrantList::AzureGroupMembers, _) => &[b"groupId", b"group_id", b"id"],
        (GrantList::GcpSearchAllIamPolicies, _) => &[b"resource"],
        (GrantList::GcpRoles | GrantList::GcpResources, _) => &[b"name"],
        _ => &[b"id", b"name"],
    };
    let named = names.iter().find_map(|name| text_of(object, name));
    named.map_or_else(|| Id128::of_parts(&[object]).to_string(), str::to_owned)
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

//! GCP custom roles, allow policies and deny policies.

pub(super) mod allow;
mod condition;
pub(super) mod deny;
mod member;
pub(super) mod role;

use super::json::{Member, Node};
use super::nearest::hint;
use super::{Found, RuleId, short};

fn elements(members: &[Member], known: &[&str], found: &mut Found) {
    for member in members {
        if !known.contains(&member.key.as_str()) {
            let hint = hint(&member.key, known.iter().copied());
            let message = format!("unknown element `{}`{hint}", short(&member.key));
            found.add(RuleId::GcpUnknownElement, member.start, message);
        }
    }
}

/// A list of strings; what is none is said.
fn texts<'n>(node: &'n Node, key: &str, found: &mut Found) -> Vec<(&'n str, u32)> {
    let Some(list) = node.get(key) else { return Vec::new() };
    if list.list().is_none() {
        found.add(RuleId::GcpElementType, list.start, format!("`{key}` is {}, not a list", list.kind()));
        return Vec::new();
    }
    let mut texts = Vec::new();
    for item in list.list().unwrap_or_default() {
        match item.text() {
            Some(text) => texts.push((text, item.start)),
            None => found.add(RuleId::GcpElementType, item.start, format!("`{key}` has {}, not a string", item.kind())),
        }
    }
    texts
}

//! Which documents a file holds, and of which kind.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::json::{self, Node};
use super::{Found, Kind, RuleId, short};

/// Documents per file; the rest is not looked at, and said.
const MAX_PARTS: usize = 100_000;
/// How deep documents are looked for inside lists and wrappers.
const MAX_WRAPPERS: usize = 6;

/// One document.
#[derive(Debug)]
pub(super) struct Part<'r> {
    pub(super) kind: Kind,
    /// The policy's, role's or resource's name where the file says it.
    pub(super) name: String,
    pub(super) node: Cow<'r, Node>,
    /// The longest text its kind may have, in characters without white space, and what the kind is called.
    pub(super) limit: Option<(usize, &'static str)>,
}

struct Search<'f> {
    kind: Option<Kind>,
    found: &'f mut Found,
    n_parts: usize,
}

/// Every document of a file.
pub(super) fn parts<'r>(root: &'r Node, kind: Option<Kind>, found: &mut Found) -> Vec<Part<'r>> {
    let mut search = Search { kind, found, n_parts: 0 };
    let mut parts = Vec::new();
    search.node(root, "", 0, &mut parts);
    if search.n_parts > MAX_PARTS {
        let message = format!("{} documents, of which {MAX_PARTS} are looked at", search.n_parts);
        search.found.add(RuleId::TooLarge, root.start, message);
    }
    parts
}

/// A wrapper: the key that holds a document, and what kind it is then.
const WRAPPERS: [(&str, Option<Kind>); 8] = [
    ("AssumeRolePolicyDocument", Some(Kind::AwsTrust)),
    ("PolicyDocument", None),
    ("PolicyVersion", None),
    ("Document", None),
    ("iamPolicy", Some(Kind::GcpAllow)),
    ("Policy", None),
    ("Content", None),
    ("value", None),
];

impl Search<'_> {
    fn node<'r>(&mut self, node: &'r Node, name: &str, depth: usize, parts: &mut Vec<Part<'r>>) {
        if let Some(list) = node.list().filter(|_| depth < MAX_WRAPPERS) {
            return list.iter().for_each(|item| self.node(item, name, depth + 1, parts));
        }
        if node.get("UserDetailList").or(node.get("RoleDetailList")).or(node.get("GroupDetailList")).is_some()
            || node.get("Policies").is_some_and(|p| p.list().is_some_and(|l| l.iter().any(is_managed)))
        {
            return self.account(node, parts);
        }
        if let Some(kind) = guess(node) {
            let name = own_name(node).unwrap_or(name).to_owned();
            return self
                .push(Part { kind: self.kind.unwrap_or(kind), name, node: Cow::Borrowed(node), limit: None }, parts);
        }
        if node.is_object() && depth < MAX_WRAPPERS && self.wrapped(node, name, depth, parts) {
            return;
        }
        match self.kind {
            Some(kind) if node.is_object() => {
                self.push(Part { kind, name: name.to_owned(), node: Cow::Borrowed(node), limit: None }, parts);
            }
            _ => self.unknown(node),
        }
    }

    fn unknown(&mut self, node: &Node) {
        self.found.add(RuleId::UnknownDocument, node.start, format!("{} that is no policy or role", node.kind()));
    }

    /// What stands inside a wrapper such as the answer of `get-role-policy`.
    fn wrapped<'r>(&mut self, node: &'r Node, name: &str, depth: usize, parts: &mut Vec<Part<'r>>) -> bool {
        let name = own_name(node).unwrap_or(name);
        let before = self.kind;
        let mut any = false;
        for (key, kind) in WRAPPERS {
            let Some(inner) = node.get(key) else { continue };
            any = true;
            self.kind = before.or(kind).or_else(|| organization_kind(node));
            match inner.text() {
                Some(text) => self.written(inner, text, name, None, parts),
                None => self.node(inner, name, depth + 1, parts),
            }
            self.kind = before;
        }
        any
    }

    /// A document that is written as a string, URL-encoded or not.
    fn written<'r>(
        &mut self,
        at: &'r Node,
        text: &str,
        name: &str,
        limit: Option<(usize, &'static str)>,
        parts: &mut Vec<Part<'r>>,
    ) {
        let plain = match text.trim_start().starts_with('%') {
            true => percent_decode_str(text).decode_utf8_lossy(),
            false => Cow::Borrowed(text),
        };
        match json::parse(&plain) {
            Ok(mut node) => {
                node.put_at(at.start, at.end);
                match self.kind.or_else(|| guess(&node)) {
                    Some(kind) => self.push(Part { kind, name: name.to_owned(), node: Cow::Owned(node), limit }, parts),
                    None => self.unknown(at),
                }
            }
            Err(broken) => {
                let message = format!("the document of `{}`: {}", short(name), broken.why);
                self.found.add(RuleId::JsonSyntax, at.start, message);
            }
        }
    }

    /// `aws iam get-account-authorization-details`.
    fn account<'r>(&mut self, node: &'r Node, parts: &mut Vec<Part<'r>>) {
        const LISTS: [(&str, &str, usize, &str); 3] = [
            ("UserDetailList", "UserPolicyList", 2048, "inline policy of a user"),
            ("GroupDetailList", "GroupPolicyList", 5120, "inline policy of a group"),
            ("RoleDetailList", "RolePolicyList", 10_240, "inline policy of a role"),
        ];
        for (list, inline, limit, called) in LISTS {
            for holder in node.get(list).and_then(Node::list).unwrap_or_default() {
                let holder_name = own_name(holder).unwrap_or_default();
                for policy in holder.get(inline).and_then(Node::list).unwrap_or_default() {
                    let name = format!("{holder_name}/{}", own_name(policy).unwrap_or_default());
                    self.document(policy.get("PolicyDocument"), Kind::AwsIdentity, &name, Some((limit, called)), parts);
                }
                self.document(holder.get("AssumeRolePolicyDocument"), Kind::AwsTrust, holder_name, None, parts);
            }
        }
        for policy in node.get("Policies").and_then(Node::list).unwrap_or_default() {
            let own = policy.get("Arn").and_then(Node::text).is_some_and(|arn| !arn.contains(":iam::aws:"));
            let versions = policy.get("PolicyVersionList").and_then(Node::list).unwrap_or_default();
            let default = versions.iter().find(|v| v.get("IsDefaultVersion").and_then(Node::scalar) == Some("true"));
            if let Some(version) = default.filter(|_| own) {
                let name = own_name(policy).unwrap_or_default();
                self.document(version.get("Document"), Kind::AwsIdentity, name, Some((6144, "managed policy")), parts);
            }
        }
    }

    fn document<'r>(
        &mut self,
        node: Option<&'r Node>,
        kind: Kind,
        name: &str,
        limit: Option<(usize, &'static str)>,
        parts: &mut Vec<Part<'r>>,
    ) {
        let Some(node) = node else { return };
        match node.text() {
            Some(text) => {
                let before = self.kind.replace(kind);
                self.written(node, text, name, limit, parts);
                self.kind = before;
            }
            None => self.push(Part { kind, name: name.to_owned(), node: Cow::Borrowed(node), limit }, parts),
        }
    }

    fn push<'r>(&mut self, part: Part<'r>, parts: &mut Vec<Part<'r>>) {
        self.n_parts += 1;
        if parts.len() < MAX_PARTS {
            parts.push(part);
        }
    }
}

fn is_managed(policy: &Node) -> bool {
    policy.get("PolicyVersionList").is_some()
}

fn own_name(node: &Node) -> Option<&str> {
    const KEYS: [&str; 7] = ["PolicyName", "RoleName", "UserName", "GroupName", "roleName", "displayName", "name"];
    KEYS.iter().find_map(|key| node.get(key)).and_then(Node::text)
}

/// `aws organizations describe-policy` says the type beside the content.
fn organization_kind(node: &Node) -> Option<Kind> {
    match node.get("PolicySummary")?.get("Type")?.text()? {
        "SERVICE_CONTROL_POLICY" => Some(Kind::AwsScp),
        "RESOURCE_CONTROL_POLICY" => Some(Kind::AwsRcp),
        _ => None,
    }
}

/// The kind of a document by what stands in it.
fn guess(node: &Node) -> Option<Kind> {
    if let Some(statement) = node.get("Statement") {
        return Some(guess_aws(statement));
    }
    let body = node.get("properties").filter(|p| p.is_object()).unwrap_or(node);
    let azure = ["permissions", "assignableScopes", "notActions", "dataActions"];
    if azure.iter().any(|key| body.get(key).is_some()) {
        return Some(Kind::AzureRole);
    }
    if node.get("includedPermissions").is_some() {
        return Some(Kind::GcpRole);
    }
    if node.get("bindings").is_some() {
        return Some(Kind::GcpAllow);
    }
    let rules = node.get("rules").and_then(Node::list).unwrap_or_default();
    rules.iter().any(|rule| rule.get("denyRule").is_some()).then_some(Kind::GcpDeny)
}

fn guess_aws(statement: &Node) -> Kind {
    let statements = statement.many();
    let named = |s: &Node| s.get("Principal").or_else(|| s.get("NotPrincipal")).is_some();
    let assumes = |s: &Node| {
        let actions = s.get("Action").map(Node::many).unwrap_or_default();
        !actions.is_empty()
            && actions.iter().all(|a| a.text().is_some_and(|a| a.to_ascii_lowercase().starts_with("sts:")))
    };
    if !statements.iter().any(named) {
        return Kind::AwsIdentity;
    }
    if statements.iter().all(|s| assumes(s) && s.get("Resource").is_none()) {
        Kind::AwsTrust
    } else {
        Kind::AwsResource
    }
}

//! The grammar (IAM JSON policy language,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>).

use std::collections::HashSet;

use super::{Spot, Statement, Test};
use crate::lint::detect::Part;
use crate::lint::json::{Json, Member, Node};
use crate::lint::nearest::hint;
use crate::lint::{Found, Kind, RuleId, short};

const TOP: [&str; 3] = ["Version", "Id", "Statement"];
const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
/// Statements that are looked at; AWS's limits on size keep a policy far below.
const MAX_STATEMENTS: usize = 4096;
/// Tests of a statement that are looked at.
const MAX_TESTS: usize = 1024;

/// Checks the shape and yields what could be read of the statements.
pub(super) fn check<'n>(part: &'n Part<'_>, found: &mut Found) -> Vec<Statement<'n>> {
    let document: &Node = &part.node;
    known(document.members(), &TOP, found);
    size(part, found);
    let old = version(document, found);
    let Some(list) = document.get("Statement") else {
        found.add(RuleId::AwsMissingElement, document.start, "`Statement` is missing");
        return Vec::new();
    };
    let mut statements = Vec::new();
    let mut sids = HashSet::new();
    for node in list.many().iter().take(MAX_STATEMENTS) {
        if !node.is_object() {
            found.add(RuleId::AwsElementType, node.start, format!("a statement is {}, not an object", node.kind()));
            continue;
        }
        known(node.members(), &ELEMENTS, found);
        sid(node, part.kind, &mut sids, found);
        statements.push(statement(node, part.kind, found));
    }
    if list.list().is_some_and(<[Node]>::is_empty) {
        found.add(RuleId::AwsEmptyList, list.start, "`Statement` is an empty list");
    }
    if old {
        statements.iter().for_each(|statement| variables(statement, found));
    }
    statements
}

fn known(members: &[Member], elements: &[&str], found: &mut Found) {
    for member in members {
        if !elements.iter().any(|known| known.eq_ignore_ascii_case(&member.key)) {
            let hint = hint(&member.key, elements.iter().copied());
            let message = format!("unknown element `{}`{hint}", short(&member.key));
            found.add(RuleId::AwsUnknownElement, member.start, message);
        }
    }
}

/// Whether the document is of the old version, where variables are plain text.
fn version(document: &Node, found: &mut Found) -> bool {
    let Some(version) = document.get("Version") else {
        found.add(RuleId::AwsVersionOld, document.start, "`Version` is missing, which means the old version");
        return true;
    };
    match version.text() {
        Some("2012-10-17") => false,
        Some("2008-10-17") => {
            found.add(RuleId::AwsVersionOld, version.start, "`Version` is the old `2008-10-17`");
            true
        }
        Some(other) => {
            let message = format!("`Version` is `{}`, neither `2012-10-17` nor `2008-10-17`", short(other));
            found.add(RuleId::AwsVersionUnknown, version.start, message);
            false
        }
        None => {
            found.add(
                RuleId::AwsVersionUnknown,
                version.start,
                format!("`Version` is {}, not a string", version.kind()),
            );
            false
        }
    }
}

fn sid<'n>(node: &'n Node, kind: Kind, seen: &mut HashSet<&'n str>, found: &mut Found) {
    let Some(sid) = node.get("Sid") else { return };
    let Some(text) = sid.text() else {
        return found.add(RuleId::AwsElementType, sid.start, format!("`Sid` is {}, not a string", sid.kind()));
    };
    if !text.is_empty() && !seen.insert(text) {
        found.add(RuleId::AwsDuplicateSid, sid.start, format!("another statement has the `Sid` `{}` too", short(text)));
    }
    // Services that keep resource policies accept more: buckets and keys take spaces.
    let strict = !matches!(kind, Kind::AwsResource | Kind::AwsEndpoint);
    if strict && !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        let message = format!("`Sid` `{}` has characters other than letters and digits", short(text));
        found.add(RuleId::AwsInvalidSid, sid.start, message);
    }
}

fn statement<'n>(node: &'n Node, kind: Kind, found: &mut Found) -> Statement<'n> {
    for (one, other) in [("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")] {
        if let (Some(_), Some(second)) = (node.get(one), node.get(other)) {
            found.add(RuleId::AwsElementConflict, second.start, format!("`{one}` and `{other}` in one statement"));
        }
    }
    let condition = node.get("Condition");
    let statement = Statement {
        node,
        allow: effect(node, found),
        actions: texts(node, "Action", found),
        not_actions: texts(node, "NotAction", found),
        resources: texts(node, "Resource", found),
        not_resources: texts(node, "NotResource", found),
        principal: node.get("Principal"),
        not_principal: node.get("NotPrincipal"),
        condition: condition.filter(|c| !c.members().is_empty()),
        tests: condition.map(|c| tests(c, found)).unwrap_or_default(),
    };
    required(node, kind, found);
    statement
}

/// Whether it allows. What is neither is said, and looked at as an allow.
fn effect(node: &Node, found: &mut Found) -> bool {
    match node.get("Effect") {
        None => found.add(RuleId::AwsMissingElement, node.start, "`Effect` is missing"),
        Some(effect) => match effect.text() {
            Some("Allow") => {}
            Some("Deny") => return false,
            Some(word) => {
                let hint = hint(word, ["Allow", "Deny"]);
                let message = format!("`Effect` is `{}`, neither `Allow` nor `Deny`{hint}", short(word));
                found.add(RuleId::AwsEffect, effect.start, message);
            }
            None => found.add(RuleId::AwsEffect, effect.start, format!("`Effect` is {}, not a string", effect.kind())),
        },
    }
    true
}

fn required(node: &Node, kind: Kind, found: &mut Found) {
    let either = |one: &str, other: &str| node.get(one).is_some() || node.get(other).is_some();
    if !either("Action", "NotAction") {
        found.add(RuleId::AwsMissingElement, node.start, "neither `Action` nor `NotAction` is there");
    }
    if kind == Kind::AwsTrust {
        for name in ["Resource", "NotResource"] {
            if let Some(resource) = node.get(name) {
                found.add(RuleId::AwsResourceInTrust, resource.start, format!("`{name}` in a trust policy"));
            }
        }
    } else if kind != Kind::AwsResource && !either("Resource", "NotResource") {
        // Some services' resource policies may leave it out: a repository's is about the repository.
        found.add(RuleId::AwsMissingElement, node.start, "neither `Resource` nor `NotResource` is there");
    }
    let named = either("Principal", "NotPrincipal");
    if matches!(kind, Kind::AwsResource | Kind::AwsTrust | Kind::AwsEndpoint | Kind::AwsRcp) && !named {
        found.add(RuleId::AwsPrincipalMissing, node.start, "neither `Principal` nor `NotPrincipal` is there");
    }
    if matches!(kind, Kind::AwsIdentity | Kind::AwsBoundary | Kind::AwsSession | Kind::AwsScp) {
        for name in ["Principal", "NotPrincipal"] {
            if let Some(principal) = node.get(name) {
                found.add(
                    RuleId::AwsPrincipalNotAllowed,
                    principal.start,
                    format!("`{name}` has no place in this policy"),
                );
            }
        }
    }
}

/// A string or a list of strings; `None` when the element is absent.
fn texts<'n>(node: &'n Node, name: &str, found: &mut Found) -> Option<Vec<Spot<'n>>> {
    let element = node.get(name)?;
    if element.list().is_some_and(<[Node]>::is_empty) {
        found.add(RuleId::AwsEmptyList, element.start, format!("`{name}` is an empty list"));
    }
    let mut spots = Vec::new();
    for item in element.many() {
        match item.text() {
            Some(text) => spots.push(Spot { text, at: item.start }),
            None => {
                let message = format!("`{name}` has {}, not a string", item.kind());
                found.add(RuleId::AwsElementType, item.start, message);
            }
        }
    }
    Some(spots)
}

/// Every operator with each of its keys.
fn tests<'n>(condition: &'n Node, found: &mut Found) -> Vec<Test<'n>> {
    let mut tests = Vec::new();
    if !condition.is_object() {
        let message = format!("`Condition` is {}, not an object", condition.kind());
        found.add(RuleId::AwsElementType, condition.start, message);
    }
    for operator in condition.members() {
        if !operator.value.is_object() {
            let message = format!("`{}` is {}, not an object of keys", short(&operator.key), operator.value.kind());
            found.add(RuleId::AwsElementType, operator.value.start, message);
        }
        for key in operator.value.members() {
            let values = key.value.many();
            if let Some(wrong) = values.iter().find(|v| matches!(v.value, Json::Object(_) | Json::List(_) | Json::Null))
            {
                let message = format!("a value of `{}` is {}", short(&key.key), wrong.kind());
                found.add(RuleId::AwsElementType, wrong.start, message);
            }
            if tests.len() == MAX_TESTS {
                let message = format!("more than {MAX_TESTS} tests, of which the rest is not looked at");
                found.add(RuleId::AwsSize, key.start, message);
                return tests;
            }
            tests.push(Test {
                operator: &operator.key,
                operator_at: operator.start,
                key: &key.key,
                key_at: key.start,
                values,
            });
        }
    }
    tests
}

/// Variables under the old version.
fn variables(statement: &Statement<'_>, found: &mut Found) {
    let resources = statement.resources.iter().chain(&statement.not_resources).flatten().copied();
    let values = statement.tests.iter().flat_map(|t| t.values);
    let values = values.filter_map(|v| v.text().map(|text| Spot { text, at: v.start }));
    for spot in resources.chain(values) {
        if let Some(at) = spot.text.find("${").filter(|at| spot.text[*at..].contains('}')) {
            let variable = spot.text[at..].split_inclusive('}').next().unwrap_or_default();
            let message = format!("the variable `{}` is plain text under this version", short(variable));
            found.add(RuleId::AwsVariableOldVersion, spot.at, message);
        }
    }
}

/// Sizes in characters; for IAM's kinds without white space. IAM and AWS STS quotas; Quotas for AWS Organizations (an SCP
/// has 10,240 since May 2026); bucket policies have 20 KB, endpoint policies 20,480 characters.
fn size(part: &Part<'_>, found: &mut Found) {
    let node: &Node = &part.node;
    let (limit, called) = match (part.limit, part.kind) {
        (Some(limit), _) => limit,
        (None, Kind::AwsIdentity) => (10_240, "inline policy of a role, the largest kind of identity policy"),
        (None, Kind::AwsBoundary) => (6144, "permissions boundary"),
        (None, Kind::AwsSession) => (2048, "session policy"),
        (None, Kind::AwsTrust) => (4096, "trust policy"),
        (None, Kind::AwsScp) => (10_240, "SCP"),
        (None, Kind::AwsRcp) => (5120, "RCP"),
        (None, Kind::AwsEndpoint) => (20_480, "endpoint policy"),
        (None, _) => return,
    };
    let length = length(node);
    if length > limit {
        let message = format!("{length} characters without white space, more than the {limit} of a {called}");
        found.add(RuleId::AwsSize, node.start, message);
    }
}

/// The characters of a document without white space between its parts.
fn length(node: &Node) -> usize {
    let quoted = |text: &str| text.chars().count() + text.matches(['"', '\\', '\n', '\t', '\r']).count() + 2;
    match &node.value {
        Json::Null | Json::Bool(true) => 4,
        Json::Bool(false) => 5,
        Json::Number(text) => text.len(),
        Json::Text(text) => quoted(text),
        Json::List(list) => list.iter().map(|item| length(item) + 1).sum::<usize>() + 1 + usize::from(list.is_empty()),
        Json::Object(members) => {
            let inner: usize = members.iter().map(|m| quoted(&m.key) + length(&m.value) + 2).sum();
            inner + 1 + usize::from(members.is_empty())
        }
    }
}

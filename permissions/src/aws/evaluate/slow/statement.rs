//! One statement, read anew each time.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Maybe, Open, and, condition, not, or, yes};
use crate::aws::evaluate::Unnamed;

/// What kind of principal asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Whom {
    Root,
    User,
    Role,
    Session,
    FederatedUser,
    Service,
    Federated,
    Nobody,
}

/// How a statement names who asks, from not at all to by itself.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) enum Named {
    Not,
    ByAccount,
    Behind,
    Itself,
}

/// A request.
pub(super) struct Asked<'c> {
    pub(super) principal: String,
    pub(super) whom: Whom,
    pub(super) action: String,
    pub(super) resource: &'c str,
    owner: Option<String>,
    open: &'c Open,
}

/// What is known of a key.
pub(super) enum Key<'c> {
    Values(&'c [String], bool),
    Absent,
    Unknown,
}

impl<'c> Asked<'c> {
    pub(super) fn of(open: &'c Open) -> Self {
        let request = &open.case.request;
        let principal = match request.principal.as_str() {
            "anonymous" => "*".to_owned(),
            number if number.bytes().all(|b| b.is_ascii_digit()) => format!("arn:aws:iam::{number}:root"),
            text => text.to_owned(),
        };
        let whom = if principal == "*" {
            Whom::Nobody
        } else if principal.ends_with(":root") {
            Whom::Root
        } else if principal.contains(":user/") {
            Whom::User
        } else if principal.contains(":role/") {
            Whom::Role
        } else if principal.contains(":assumed-role/") {
            Whom::Session
        } else if principal.contains(":federated-user/") {
            Whom::FederatedUser
        } else if principal.ends_with(".amazonaws.com") {
            Whom::Service
        } else {
            Whom::Federated
        };
        let of_arn = request.resource.split(':').nth(4).filter(|account| account.len() == 12).map(str::to_owned);
        Self {
            principal,
            whom,
            action: request.action.to_lowercase(),
            resource: &request.resource,
            owner: request.resource_account.clone().or(of_arn),
            open,
        }
    }

    pub(super) fn account(&self) -> Option<&str> {
        match self.whom {
            Whom::Service | Whom::Federated | Whom::Nobody => None,
            _ => self.principal.split(':').nth(4),
        }
    }

    pub(super) fn same_account(&self) -> bool {
        match &self.owner {
            Some(owner) => self.account() == Some(owner.as_str()),
            None => true,
        }
    }

    pub(super) fn is_service_linked(&self) -> bool {
        self.principal.contains(":role/aws-service-role/") || self.principal.contains(":assumed-role/AWSServiceRoleFor")
    }

    /// The name of the user, the role or the federated user.
    fn name(&self) -> &str {
        let path = self.principal.split_once('/').map_or("", |(_, path)| path);
        match self.whom {
            Whom::Session => path.split('/').next().unwrap(),
            _ => path.rsplit('/').next().unwrap(),
        }
    }

    pub(super) fn key(&self, name: &str) -> Key<'c> {
        let same = |other: &String| other.to_lowercase() == name.to_lowercase();
        if self.open.unknown.iter().any(same) {
            return Key::Unknown;
        }
        let request = &self.open.case.request;
        match request.context.iter().find(|(key, _)| same(key)) {
            Some((_, values)) if values.is_empty() => Key::Absent,
            Some((_, values)) => Key::Values(values, values.len() > 1 || request.multivalued_keys.iter().any(same)),
            None if self.open.unnamed == Unnamed::Unknown => Key::Unknown,
            None => Key::Absent,
        }
    }
}

pub(super) fn allows(statement: &Value, asked: &Asked<'_>, variables: bool, least: Named) -> Maybe {
    let named = if let Some(except) = statement.get("NotPrincipal") {
        let excepted = principals(except).iter().any(|(kind, name)| naming(kind, name, asked) != Named::Not);
        if excepted { Named::Not } else { Named::Itself }
    } else {
        naming_of(statement, asked)
    };
    if statement["Effect"] != "Allow" || named < least {
        return Maybe::No;
    }
    fits(statement, asked, variables)
}

pub(super) fn denies(statement: &Value, asked: &Asked<'_>, variables: bool) -> Maybe {
    let named = if let Some(except) = statement.get("NotPrincipal") {
        let own = |(kind, name): &(String, String)| {
            let is_role = asked.whom == Whom::Role && name.contains(":role/");
            naming(kind, name, asked) == Named::Itself || is_role && naming(kind, name, asked) == Named::Behind
        };
        !principals(except).iter().any(own)
    } else {
        naming_of(statement, asked) != Named::Not
    };
    if statement["Effect"] != "Deny" || !named {
        return Maybe::No;
    }
    fits(statement, asked, variables)
}

fn fits(statement: &Value, asked: &Asked<'_>, variables: bool) -> Maybe {
    let action = |pattern: &str| yes(like(&pattern.to_lowercase(), &asked.action));
    let resource = |pattern: &str| match replace(pattern, asked, variables, true) {
        Ok(Some(pattern)) => yes(like_marked(&pattern, &marked(asked.resource))),
        Ok(None) => Maybe::No,
        Err(key) => Maybe::Because(BTreeSet::from([key])),
    };
    let actions = match statement.get("NotAction") {
        Some(not_actions) => not(or(texts(not_actions).iter().map(|text| action(text)))),
        None => or(texts(&statement["Action"]).iter().map(|text| action(text))),
    };
    let resources = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(list), _) => or(texts(list).iter().map(|text| resource(text))),
        (_, Some(list)) => not(or(texts(list).iter().map(|text| resource(text)))),
        (None, None) => Maybe::Yes,
    };
    let conditions = statement.get("Condition").map_or(Maybe::Yes, |c| condition::holds(c, asked, variables));
    and([actions, resources, conditions])
}

pub(super) fn texts(element: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match element {
        Value::Array(list) => list.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

fn principals(element: &Value) -> Vec<(String, String)> {
    match element {
        Value::Object(kinds) => {
            kinds.iter().flat_map(|(kind, names)| texts(names).into_iter().map(|name| (kind.clone(), name))).collect()
        }
        everyone => vec![("AWS".to_owned(), everyone.as_str().unwrap().to_owned())],
    }
}

fn naming_of(statement: &Value, asked: &Asked<'_>) -> Named {
    let Some(element) = statement.get("Principal") else { return Named::Itself };
    let mut best = Named::Not;
    for (kind, name) in principals(element) {
        let naming = naming(&kind, &name, asked);
        if naming > best {
            best = naming;
        }
    }
    best
}

fn naming(kind: &str, name: &str, asked: &Asked<'_>) -> Named {
    let last = name.rsplit('/').next().unwrap();
    let account = if name.len() == 12 { Some(name) } else { name.split(':').nth(4) };
    let whole_account = name.len() == 12 || name.ends_with(":root");
    match kind {
        "Service" if asked.whom == Whom::Service && asked.principal == name => Named::Itself,
        "Federated" if asked.whom == Whom::Federated && asked.principal == name => Named::Itself,
        "AWS" if name == "*" => Named::Itself,
        "AWS" if account != asked.account() => Named::Not,
        "AWS" if whole_account && asked.whom == Whom::Root => Named::Itself,
        "AWS" if whole_account => Named::ByAccount,
        "AWS" if name.contains(":role/") => {
            let role = matches!(asked.whom, Whom::Role | Whom::Session);
            if role && asked.name() == last { Named::Behind } else { Named::Not }
        }
        "AWS" if name == asked.principal => Named::Itself,
        "AWS" if name.contains(":user/") && asked.whom == Whom::FederatedUser && asked.name() == last => Named::Behind,
        _ => Named::Not,
    }
}

/// A character of a pattern: itself, or a wildcard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mark {
    Char(char),
    Any,
    One,
}

pub(super) fn marked(text: &str) -> Vec<Mark> {
    text.chars().map(Mark::Char).collect()
}

/// `*` and `?` as wildcards, by the definition.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    like_marked(&wild(pattern), &marked(text))
}

fn wild(pattern: &str) -> Vec<Mark> {
    let mark = |c| match c {
        '*' => Mark::Any,
        '?' => Mark::One,
        other => Mark::Char(other),
    };
    pattern.chars().map(mark).collect()
}

pub(super) fn like_marked(pattern: &[Mark], text: &[Mark]) -> bool {
    match pattern.first() {
        None => text.is_empty(),
        Some(Mark::Any) => (0..=text.len()).any(|n| like_marked(&pattern[1..], &text[n..])),
        Some(Mark::One) => !text.is_empty() && like_marked(&pattern[1..], &text[1..]),
        Some(same) => text.first() == Some(same) && like_marked(&pattern[1..], &text[1..]),
    }
}

/// A value with its variables replaced; nothing if one has no value, the key's name if nobody knows.
pub(super) fn replace(
    value: &str,
    asked: &Asked<'_>,
    variables: bool,
    wildcards: bool,
) -> Result<Option<Vec<Mark>>, String> {
    let plain = |text: &str| if wildcards { wild(text) } else { marked(text) };
    let (mut out, mut rest) = (Vec::new(), value);
    while let (true, Some(from)) = (variables, rest.find("${")) {
        let Some(length) = rest[from..].find('}') else { break };
        let inside = &rest[from + 2..from + length];
        out.extend(plain(&rest[..from]));
        rest = &rest[from + length + 1..];
        let (name, default) = match inside.split_once(", ") {
            Some((name, default)) => (name, Some(default.trim_matches('\''))),
            None => (inside, None),
        };
        match asked.key(name) {
            _ if ["*", "?", "$"].contains(&inside) => out.extend(marked(inside)),
            Key::Values(values, false) => out.extend(marked(&values[0])),
            Key::Unknown => return Err(name.to_lowercase()),
            Key::Absent | Key::Values(..) => match default {
                Some(default) => out.extend(marked(default)),
                None => return Ok(None),
            },
        }
    }
    out.extend(plain(rest));
    Ok(Some(out))
}

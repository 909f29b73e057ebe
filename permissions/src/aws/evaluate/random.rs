//! Tests: policies and requests drawn at random, so that every rule decides often.
//!
//! What a policy names is drawn from what the request has, or nearly has, so that patterns, conditions and principals match
//! about as often as they do not.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Unnamed;
use super::slow::Open;
use crate::simulate::{Case, CaseRequest, NamedDocument};

/// A generator of numbers (splitmix64): the same seed gives the same cases on every machine.
pub(crate) struct Dice(u64);

const A: &str = "111122223333";
const B: &str = "444455556666";
const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/k1";
const ROLE: &str = "arn:aws:iam::111122223333:role/target";

const PRINCIPALS: [&str; 16] = [
    "arn:aws:iam::111122223333:user/bob",
    "arn:aws:iam::111122223333:user/bob",
    "arn:aws:sts::111122223333:assumed-role/app/s1",
    "arn:aws:sts::111122223333:assumed-role/app/s1",
    "arn:aws:sts::111122223333:assumed-role/app/s1",
    "arn:aws:iam::111122223333:role/team/app",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::444455556666:user/carol",
    "arn:aws:sts::444455556666:assumed-role/app/s1",
    "arn:aws:sts::111122223333:federated-user/bob",
    "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s",
    "ec2.amazonaws.com",
    "accounts.google.com",
    "*",
    "arn:aws:iam::444455556666:root",
];

/// Actions with a resource each.
const REQUESTS: [(&str, &str); 24] = [
    ("s3:GetObject", "arn:aws:s3:::bucket/people/bob/a"),
    ("s3:GetObject", "arn:aws:s3:::bucket/people/bob/a"),
    ("s3:PutObject", "arn:aws:s3:::bucket/x"),
    ("s3:PutObject", "arn:aws:s3:::bucket/x"),
    ("s3:ListAllMyBuckets", "*"),
    ("S3:deletebucketpolicy", "arn:aws:s3:::bucket"),
    ("ec2:RunInstances", "*"),
    ("iam:PassRole", ROLE),
    ("kms:Decrypt", KEY),
    ("kms:Decrypt", KEY),
    ("kms:Decrypt", KEY),
    ("kms:Decrypt", KEY),
    ("kms:Decrypt", KEY),
    ("kms:RetireGrant", KEY),
    ("kms:CreateKey", "*"),
    ("sts:AssumeRole", ROLE),
    ("sts:AssumeRole", ROLE),
    ("sts:AssumeRoleWithWebIdentity", ROLE),
    ("sts:GetCallerIdentity", "*"),
    ("sts:GetSessionToken", "*"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:444455556666:q"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q"),
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:q"),
    ("s3:GetObject", "arn:aws:s3:::bucket/people/bob/a"),
];

/// Context keys with values that they may have.
const KEYS: [(&str, &[&str]); 12] = [
    ("aws:username", &["bob", "eve", "b*b"]),
    ("aws:PrincipalTag/team", &["red", "blue", "RED", ""]),
    ("aws:ResourceTag/team", &["red", "blue"]),
    ("aws:SourceIp", &["203.0.113.7", "198.51.100.1", "2001:db8::1", "nowhere"]),
    ("aws:CurrentTime", &["2026-11-29T10:00:00Z", "2026-01-01", "1796000000"]),
    ("aws:MultiFactorAuthAge", &["0", "10", "3600.5", "many"]),
    ("aws:MultiFactorAuthPresent", &["true", "false"]),
    ("aws:PrincipalArn", &["arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:user/bob"]),
    ("aws:SourceArn", &["arn:aws:sns:eu-west-1:111122223333:t", "arn:aws:sns:eu:1:2:111122223333:t", "none"]),
    ("aws:TagKeys", &["env", "team", "cost", "Env"]),
    ("x:blob", &["YQ==", "YWI="]),
    ("aws:PrincipalAccount", &[A, B]),
];

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }
}

/// Draws a case with something unknown in its context now and then.
pub(crate) fn draw(dice: &mut Dice) -> Open {
    let request = request(dice);
    let mut drawn = Drawn { dice, request };
    let identity_policies = (0..drawn.dice.below(4))
        .map(|n| NamedDocument { name: format!("p{n}"), document: drawn.document(None, 7) })
        .collect();
    let often = drawn.dice.percent(60) || is_key_or_role(&drawn.request);
    let mut case = Case {
        id: Value::Null,
        request: drawn.request.clone(),
        identity_policies,
        permissions_boundary: None,
        session_policy: None,
        scps: Vec::new(),
        rcps: Vec::new(),
        resource_policy: None,
        endpoint_policies: Vec::new(),
    };
    if drawn.dice.percent(if often { 80 } else { 20 }) {
        case.resource_policy = Some(drawn.document(Some(true), 9));
    }
    if drawn.dice.percent(35) {
        case.permissions_boundary = Some(drawn.document(None, 12));
    }
    if drawn.dice.percent(40) {
        case.session_policy = Some(drawn.document(None, 12));
    }
    if drawn.dice.percent(16) {
        case.scps = drawn.levels(None);
    }
    if drawn.dice.percent(16) {
        case.rcps = drawn.levels(Some(false));
    }
    if drawn.dice.percent(12) {
        case.endpoint_policies = (0..=drawn.dice.below(2)).map(|_| drawn.document(Some(false), 20)).collect();
    }
    let (unknown, unnamed) = drawn.unknown();
    Open { case, unknown, unnamed }
}

fn is_key_or_role(request: &CaseRequest) -> bool {
    request.resource == KEY || request.resource == ROLE
}

fn request(dice: &mut Dice) -> CaseRequest {
    let (action, resource) = *dice.pick(&REQUESTS);
    let mut context = std::collections::BTreeMap::new();
    let mut multivalued_keys = Vec::new();
    for (key, values) in KEYS {
        if dice.percent(55) {
            let several = if key == "aws:TagKeys" { dice.below(3) } else { 1 };
            context.insert(key.to_owned(), (0..several).map(|_| (*dice.pick(values)).to_owned()).collect());
        }
        if key == "aws:TagKeys" && dice.percent(50) {
            multivalued_keys.push(key.to_lowercase());
        }
    }
    let owner = if dice.percent(30) { Some((*dice.pick(&[A, A, B])).to_owned()) } else { None };
    let own = [KEY, ROLE].contains(&resource) && dice.percent(50);
    let principals = if own { &PRINCIPALS[..6] } else { &PRINCIPALS[..] };
    CaseRequest {
        principal: (*dice.pick(principals)).to_owned(),
        action: action.to_owned(),
        resource: resource.to_owned(),
        resource_account: owner,
        context,
        multivalued_keys,
    }
}

/// A request in the making of its policies.
struct Drawn<'d> {
    dice: &'d mut Dice,
    request: CaseRequest,
}

impl Drawn<'_> {
    fn unknown(&mut self) -> (BTreeSet<String>, Unnamed) {
        if self.dice.percent(40) {
            return (BTreeSet::new(), Unnamed::Absent);
        }
        let unnamed = if self.dice.percent(50) { Unnamed::Unknown } else { Unnamed::Absent };
        let n = self.dice.below(4);
        ((0..n).map(|_| self.dice.pick(&KEYS).0.to_owned()).collect(), unnamed)
    }

    fn levels(&mut self, principal: Option<bool>) -> Vec<Vec<Value>> {
        (0..=self.dice.below(2))
            .map(|_| (0..=self.dice.below(2)).map(|_| self.document(principal, 15)).collect())
            .collect()
    }

    /// `principal`: `None` for kinds that name nobody, whether it must be there for those that do.
    fn document(&mut self, principal: Option<bool>, deny: usize) -> Value {
        let n = if self.dice.percent(70) { 1 } else { 2 + self.dice.below(2) };
        let statements: Vec<Value> = (0..n).map(|_| self.statement(principal, deny)).collect();
        let mut document = json!({ "Statement": statements });
        if self.dice.percent(90) {
            document["Version"] = (*self.dice.pick(&["2012-10-17", "2012-10-17", "2008-10-17"])).into();
        }
        document
    }

    fn statement(&mut self, principal: Option<bool>, deny: usize) -> Value {
        let mut statement = Map::new();
        if self.dice.percent(30) {
            statement.insert("Sid".to_owned(), format!("S{}", self.dice.below(100)).into());
        }
        let denies = self.dice.percent(deny);
        statement.insert("Effect".to_owned(), if denies { "Deny" } else { "Allow" }.into());
        let name = if self.dice.percent(10) { "NotAction" } else { "Action" };
        statement.insert(name.to_owned(), self.list(name == "NotAction", Self::action));
        let may_leave_out = principal == Some(true);
        if !(may_leave_out && self.dice.percent(30)) {
            let name = if self.dice.percent(10) { "NotResource" } else { "Resource" };
            statement.insert(name.to_owned(), self.list(name == "NotResource", Self::resource));
        }
        if principal == Some(true) || principal.is_some() && self.dice.percent(60) {
            let name = if self.dice.percent(10) { "NotPrincipal" } else { "Principal" };
            statement.insert(name.to_owned(), self.principal());
        }
        if self.dice.percent(if denies { 60 } else { 25 }) {
            statement.insert("Condition".to_owned(), self.condition());
        }
        Value::Object(statement)
    }

    /// One or two, mostly about the request; `other`: mostly not.
    fn list(&mut self, other: bool, one: fn(&mut Self, bool) -> String) -> Value {
        let hit = !self.dice.percent(if other { 80 } else { 12 });
        if self.dice.percent(60) {
            return one(self, hit).into();
        }
        vec![one(self, hit), one(self, false)].into()
    }

    fn action(&mut self, hit: bool) -> String {
        let action = if hit { self.request.action.clone() } else { self.dice.pick(&REQUESTS).0.to_owned() };
        let (service, name) = action.split_once(':').unwrap();
        match self.dice.below(7) {
            0 if hit => "*".to_owned(),
            1 => action,
            2 => format!("{service}:*"),
            3 => format!("{service}:{}*", &name[..3]),
            4 => action.to_uppercase(),
            5 => format!("{service}:*{}", &name[2..]),
            _ => format!("{service}:?{}", &name[1..]),
        }
    }

    fn resource(&mut self, hit: bool) -> String {
        let other = ["arn:aws:s3:::other/*", "arn:aws:iam::*:user/*", "arn:aws:kms:*:*:key/zz", KEY, ROLE];
        let resource = if hit { self.request.resource.clone() } else { (*self.dice.pick(&other)).to_owned() };
        let cut = 10.min(resource.len());
        match self.dice.below(7) {
            0 if hit => "*".to_owned(),
            1 if self.dice.percent(20) => format!("{}*", resource[..cut].to_uppercase()),
            1 => format!("{}*", &resource[..cut]),
            2 => resource.replace(":::", ":*:*:"),
            3 => resource.replace("bucket", if self.dice.percent(50) { "b?cket" } else { "Bucket" }),
            4 => resource.replace("bob", "${aws:username}"),
            5 => resource.replace("home", "${aws:PrincipalTag/team, 'home'}"),
            _ => resource,
        }
    }

    fn principal(&mut self) -> Value {
        if self.dice.percent(12) {
            return "*".into();
        }
        let own = self.request.principal.clone();
        let hit = self.dice.percent(80);
        match own.as_str() {
            "*" => json!({ "AWS": if hit { "*" } else { A } }),
            name if !name.starts_with("arn:") => {
                let kind = if name.ends_with(".com") && name.contains("amazonaws") { "Service" } else { "Federated" };
                json!({ kind: if hit { name } else { "s3.amazonaws.com" } })
            }
            _ => json!({ "AWS": [self.aws_principal(&own, hit), self.aws_principal(&own, false)] }),
        }
    }

    fn aws_principal(&mut self, own: &str, hit: bool) -> String {
        if !hit {
            let other = *self.dice.pick(&PRINCIPALS[..11]);
            return if self.dice.percent(50) {
                other.to_owned()
            } else {
                "arn:aws:iam::111122223333:user/eve".to_owned()
            };
        }
        let account = own.split(':').nth(4).unwrap();
        let behind = own.contains("assumed-role/app") || own.contains("role/team/app");
        if is_key_or_role(&self.request) && self.dice.percent(40) {
            return format!("arn:aws:iam::{account}:root");
        }
        match self.dice.below(7) {
            0 => account.to_owned(),
            1 | 2 => format!("arn:aws:iam::{account}:root"),
            3..6 if behind => format!("arn:aws:iam::{account}:role/team/app"),
            3..5 if own.contains("federated-user") => format!("arn:aws:iam::{account}:user/bob"),
            _ => own.to_owned(),
        }
    }

    fn condition(&mut self) -> Value {
        let mut condition = Map::new();
        for _ in 0..=self.dice.below(2) {
            let (key, values) = *self.dice.pick(&KEYS);
            let (operator, values) = self.test(key, values);
            condition.insert(operator, json!({ self.case_of(key): values }));
        }
        Value::Object(condition)
    }

    fn case_of(&mut self, key: &str) -> String {
        if self.dice.percent(20) { key.to_uppercase() } else { key.to_owned() }
    }

    /// An operator that fits a key, and values for it.
    fn test(&mut self, key: &str, values: &[&str]) -> (String, Value) {
        let strings = [
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
        ];
        let orders = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"];
        let order = *self.dice.pick(&orders);
        let (operator, choices): (String, Vec<&str>) = match key {
            "aws:SourceIp" => (
                (*self.dice.pick(&["IpAddress", "NotIpAddress"])).to_owned(),
                vec!["203.0.113.0/24", "2001:DB8::/32", "198.51.100.1", "0.0.0.0/0"],
            ),
            "aws:CurrentTime" => (format!("Date{order}"), vec!["2026-11-29T10:00:00Z", "2026-01-01", "1796000000"]),
            "aws:MultiFactorAuthAge" => (format!("Numeric{order}"), vec!["0", "10", "3600.5", "99"]),
            "aws:MultiFactorAuthPresent" => ("Bool".to_owned(), vec!["true", "false", "TRUE"]),
            "x:blob" => ("BinaryEquals".to_owned(), vec!["YQ==", "YWI="]),
            "aws:PrincipalArn" | "aws:SourceArn" => (
                (*self.dice.pick(&["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"])).to_owned(),
                vec![
                    "arn:aws:iam::*:role/*",
                    "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}",
                    "arn:*:sns:*:111122223333:?",
                    "*",
                ],
            ),
            _ => {
                let mut choices = values.to_vec();
                choices.extend(["*e*", "${aws:PrincipalTag/team}", "${aws:username, 'red'}", "t?am", "${*}"]);
                ((*self.dice.pick(&strings)).to_owned(), choices)
            }
        };
        if self.dice.percent(8) {
            return ("Null".to_owned(), (*self.dice.pick(&["true", "false"])).into());
        }
        let set = key == "aws:TagKeys" && self.dice.percent(80) || self.dice.percent(8);
        let prefix = if set { *self.dice.pick(&["ForAllValues:", "ForAnyValue:"]) } else { "" };
        let suffix = if self.dice.percent(20) { "IfExists" } else { "" };
        let n = 1 + self.dice.below(2);
        let values: Vec<&str> = (0..n).map(|_| *self.dice.pick(&choices)).collect();
        (format!("{prefix}{operator}{suffix}"), json!(values))
    }
}

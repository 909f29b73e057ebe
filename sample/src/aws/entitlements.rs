//! `aws iam get-account-authorization-details`, one file for each account.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    aws::{
        identity::{VENDOR_ACCOUNT, service_host, subject},
        policies::{GROUPS, POLICIES, Policy, policy},
        resources::{REGIONS, fill, identity_arn, role_path},
    },
    error::SampleError,
    ids::{aws_id, civil, iso_seconds, mix, uuid},
    params::DAY_US,
    rhythm::Rhythm,
    truth::Tally,
    world::{Cloud, Grant, Identity, Start, Subject, World, accounts},
    writer::Writer,
};

/// Writes the file of every account.
pub(crate) fn write(world: &World, tally: &Tally, writer: &Writer) -> Result<(), SampleError> {
    for (idx, account) in accounts(Cloud::Aws).iter().enumerate() {
        let people: Vec<&Identity> = world.of_account(Cloud::Aws, idx).collect();
        let (users, roles): (Vec<&Identity>, Vec<&Identity>) =
            people.iter().partition(|i| i.persona.subject == Subject::User);
        let details = json!({
            "UserDetailList": users.iter().map(|me| user(me, world)).collect::<Vec<_>>(),
            "GroupDetailList": GROUPS.iter().map(|(name, of)| group(name, of, account.id)).collect::<Vec<_>>(),
            "RoleDetailList": roles.iter().map(|me| role(me, world, tally)).collect::<Vec<_>>(),
            "Policies": policies(&people, account.id),
        });
        let path = format!("aws/entitlements/{}/account-authorization-details.json", account.id);
        writer.pretty(&path, "account authorization details", &details)?;
    }
    Ok(())
}

/// Some day in the two years before the logs begin, or the day of joining.
fn created(me: &Identity, world: &World) -> String {
    let before = (20 + (mix(me.noise, 0xcd) % 700) as i64) * DAY_US - (me.noise % 80_000) as i64 * 1_000_000;
    iso_seconds(me.joined.unwrap_or(world.span.0 - before)).replace('Z', "+00:00")
}

fn attached(grants: &[Grant], account: &str) -> Vec<Value> {
    let names = grants.iter().filter_map(|grant| match grant {
        Grant::Managed(name) | Grant::Customer(name) => policy(name),
        _ => None,
    });
    names.map(|p| json!({ "PolicyName": p.name, "PolicyArn": p.arn(account) })).collect()
}

fn inline(me: &Identity) -> Vec<Value> {
    let mut out = Vec::new();
    for grant in me.persona.grants {
        if let Grant::Inline(name, actions, resources) = grant {
            let resources: Vec<String> = resources.iter().map(|template| fill(template, me)).collect();
            out.push(json!({
                "PolicyName": name,
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": resources }],
                },
            }));
        }
    }
    out
}

fn boundary(me: &Identity) -> Option<Value> {
    me.persona.grants.iter().find_map(|grant| match grant {
        Grant::Boundary(name) => policy(name)
            .map(|p| json!({ "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": p.arn(me.account().id) })),
        _ => None,
    })
}

fn user(me: &Identity, world: &World) -> Value {
    let groups: Vec<&str> = me
        .persona
        .grants
        .iter()
        .filter_map(|grant| match grant {
            Grant::Group(name) => Some(*name),
            _ => None,
        })
        .collect();
    let mut out = json!({
        "Path": "/",
        "UserName": me.name,
        "UserId": me.unique,
        "Arn": identity_arn(me),
        "CreateDate": created(me, world),
        "GroupList": groups,
        "AttachedManagedPolicies": attached(me.persona.grants, me.account().id),
        "Tags": [{ "Key": "email", "Value": me.email }],
    });
    let inline = inline(me);
    if !inline.is_empty() {
        out["UserPolicyList"] = json!(inline);
    }
    out
}

fn group(name: &str, policies: &[&str], account: &str) -> Value {
    let attached: Vec<Value> = policies
        .iter()
        .filter_map(|name| policy(name))
        .map(|p| json!({ "PolicyName": p.name, "PolicyArn": p.arn(account) }))
        .collect();
    json!({
        "Path": "/",
        "GroupName": name,
        "GroupId": aws_id("AGPA", mix(name.len() as u64, account.parse().unwrap_or(0))),
        "Arn": format!("arn:aws:iam::{account}:group/{name}"),
        "CreateDate": "2023-04-18T09:12:44+00:00",
        "GroupPolicyList": [],
        "AttachedManagedPolicies": attached,
    })
}

fn role(me: &Identity, world: &World, tally: &Tally) -> Value {
    let account = me.account().id;
    let mut out = json!({
        "Path": role_path(me),
        "RoleName": me.name,
        "RoleId": me.unique,
        "Arn": identity_arn(me),
        "CreateDate": created(me, world),
        "AssumeRolePolicyDocument": trust(me, world),
        "InstanceProfileList": instance_profiles(me, world),
        "RolePolicyList": inline(me),
        "AttachedManagedPolicies": attached(me.persona.grants, account),
        "Tags": [],
        "RoleLastUsed": last_used(me, world, tally),
    });
    if let Some(boundary) = boundary(me) {
        out["PermissionsBoundary"] = boundary;
    }
    out
}

fn instance_profiles(me: &Identity, world: &World) -> Vec<Value> {
    if me.persona.start != Start::Service("ec2") {
        return Vec::new();
    }
    let account = me.account().id;
    vec![json!({
        "Path": "/",
        "InstanceProfileName": me.name,
        "InstanceProfileId": aws_id("AIPA", mix(me.noise, 0x1b)),
        "Arn": format!("arn:aws:iam::{account}:instance-profile/{}", me.name),
        "CreateDate": created(me, world),
        "Roles": [{
            "Path": "/",
            "RoleName": me.name,
            "RoleId": me.unique,
            "Arn": identity_arn(me),
            "CreateDate": created(me, world),
            "AssumeRolePolicyDocument": trust(me, world),
        }],
    })]
}

fn trust(me: &Identity, world: &World) -> Value {
    let account = me.account().id;
    let (principal, action, condition) = match me.persona.start {
        Start::Web => (
            json!({ "Federated": format!("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com") }),
            json!("sts:AssumeRoleWithWebIdentity"),
            Some(json!({
                "StringEquals": { "token.actions.githubusercontent.com:aud": "sts.amazonaws.com" },
                "StringLike": { "token.actions.githubusercontent.com:sub": subject(me) },
            })),
        ),
        Start::Saml => (
            json!({ "Federated": format!("arn:aws:iam::{account}:saml-provider/AWSSSO_{}_DO_NOT_DELETE", crate::ids::hex(77, 1, 16)) }),
            json!(["sts:AssumeRoleWithSAML", "sts:TagSession"]),
            Some(json!({ "StringEquals": { "SAML:aud": "https://signin.aws.amazon.com/saml" } })),
        ),
        Start::Vendor => (
            json!({ "AWS": format!("arn:aws:iam::{VENDOR_ACCOUNT}:root") }),
            json!("sts:AssumeRole"),
            Some(json!({ "StringEquals": { "sts:ExternalId": uuid(me.noise, 6) } })),
        ),
        Start::Chain => (
            json!({ "AWS": identity_arn(world.identity(me.idx.saturating_sub(1))) }),
            json!(["sts:AssumeRole", "sts:SetSourceIdentity"]),
            None,
        ),
        _ => (json!({ "Service": service_host(me) }), json!("sts:AssumeRole"), None),
    };
    let mut statement = json!({ "Effect": "Allow", "Principal": principal, "Action": action });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// The last use in the logs; for a yearly job that did not run in the span, the year before.
fn last_used(me: &Identity, world: &World, tally: &Tally) -> Value {
    let last = tally.deeds.get(&me.idx).and_then(|deeds| deeds.used.values().map(|u| u.last).max());
    match last.or_else(|| earlier_run(me, world)) {
        Some(at) => json!({ "LastUsedDate": iso_seconds(at).replace('Z', "+00:00"), "Region": REGIONS[0] }),
        None => json!({}),
    }
}

fn earlier_run(me: &Identity, world: &World) -> Option<i64> {
    let Rhythm::Yearly { month, day } = me.persona.rhythm else { return None };
    let fits = |at: &i64| civil(*at).month() == month && civil(*at).day() == day;
    (1..=366).map(|ago| world.span.0 - ago * DAY_US).find(fits).map(|midnight| midnight + 2 * 3_600_000_000)
}

/// The policies in use here, with the documents of AWS's own too.
fn policies(people: &[&Identity], account: &str) -> Vec<Value> {
    let mut used: BTreeSet<&str> = GROUPS.iter().flat_map(|(_, policies)| policies.iter().copied()).collect();
    let mut bounds = BTreeSet::new();
    for me in people {
        for grant in me.persona.grants {
            match grant {
                Grant::Managed(name) | Grant::Customer(name) => used.insert(name),
                Grant::Boundary(name) => bounds.insert(*name),
                _ => false,
            };
        }
    }
    let listed = POLICIES.iter().filter(|p| used.contains(p.name) || bounds.contains(p.name));
    listed.map(|p| managed(p, people, account, bounds.contains(p.name))).collect()
}

fn managed(policy: &Policy, people: &[&Identity], account: &str, bounds: bool) -> Value {
    let holds = |me: &&&Identity| {
        me.persona.grants.iter().any(|grant| match grant {
            Grant::Managed(name) | Grant::Customer(name) => *name == policy.name,
            _ => false,
        })
    };
    let by_groups = GROUPS.iter().filter(|(_, policies)| policies.contains(&policy.name)).count();
    let n = people.iter().filter(holds).count() + by_groups;
    json!({
        "PolicyName": policy.name,
        "PolicyId": aws_id("ANPA", mix(policy.name.len() as u64, u64::from(policy.name.as_bytes()[2]))),
        "Arn": policy.arn(account),
        "Path": policy.path,
        "DefaultVersionId": "v3",
        "AttachmentCount": n,
        "PermissionsBoundaryUsageCount": usize::from(bounds),
        "IsAttachable": true,
        "CreateDate": "2023-03-02T10:00:00+00:00",
        "UpdateDate": "2025-09-11T13:30:00+00:00",
        "PolicyVersionList": [{
            "Document": policy.document(),
            "VersionId": "v3",
            "IsDefaultVersion": true,
            "CreateDate": "2025-09-11T13:30:00+00:00",
        }],
    })
}

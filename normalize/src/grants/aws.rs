//! AWS: `get-account-authorization-details`, and what credential reports and last accesses add to it.

use std::collections::BTreeMap;

use permissions::aws::{ParsedPolicy, parse_policy};
use schemas::{
    AccountId, EntitlementKind, IdentityId, IdentityKind, Message, Policy, PolicyHash, Provider, ResourceId, Text,
    Time, identity,
};
use serde_json::Value;
use stream::Output;

use super::facts::{Draft, Fact, Holder, Life, draft, items, required, text, time};
use super::inventory::{INSTANCE_PROFILE, ROLE_OF_PROFILE};
use super::policies::Policies;

/// Where policies go while an object is read.
pub(super) struct Reader<'a> {
    pub(super) policies: &'a mut Policies,
    pub(super) out: &'a mut Output<Message>,
    pub(super) at: Time,
}

impl Reader<'_> {
    pub(super) fn policy(&mut self, document: &Value) -> PolicyHash {
        self.parsed(parse_policy(&serde_json::to_vec(document).unwrap_or_default()))
    }

    /// Takes a policy that was read.
    pub(super) fn parsed(&mut self, parsed: ParsedPolicy) -> PolicyHash {
        self.policies.put(Policy::of(Provider::Aws, parsed.statements, parsed.errors, self.at), self.out)
    }

    /// Reads one user, role, group or managed policy.
    pub(super) fn object(&mut self, kind: &str, object: &Value) -> Result<Vec<Fact>, String> {
        match kind {
            "user" => Ok(vec![self.holder(object, IdentityKind::User, ["UserName", "UserId", "UserPolicyList"])?]),
            "role" => {
                let mut facts =
                    vec![self.holder(object, IdentityKind::Role, ["RoleName", "RoleId", "RolePolicyList"])?];
                profiles(object, &mut facts);
                Ok(facts)
            }
            "group" => {
                Ok(vec![self.holder(object, IdentityKind::Group, ["GroupName", "GroupId", "GroupPolicyList"])?])
            }
            "policy" => Ok(vec![self.managed(object)?]),
            other => Err(format!("object kind `{other}` is unknown")),
        }
    }

    fn holder(&mut self, object: &Value, kind: IdentityKind, names: [&str; 3]) -> Result<Fact, String> {
        let [name, id, list] = names;
        let arn = required(object, "Arn")?;
        let identity_id = identity::aws_of_arn(arn).ok_or_else(|| format!("`{arn}` in `Arn` is no identity"))?;
        let mut inline = Vec::new();
        for policy in items(object, list) {
            let document = policy.get("PolicyDocument").unwrap_or(&Value::Null);
            inline.push((Text::from(required(policy, "PolicyName")?), self.policy(document)));
        }
        let mut attached = Vec::new();
        for policy in items(object, "AttachedManagedPolicies") {
            let arn = required(policy, "PolicyArn")?;
            attached.push((Text::from(arn), Text::from(text(policy, "PolicyName").unwrap_or(arn))));
        }
        let boundary = object.get("PermissionsBoundary").and_then(|found| text(found, "PermissionsBoundaryArn"));
        let trust = object.get("AssumeRolePolicyDocument").filter(|document| !document.is_null());
        Ok(Fact::Holder(Holder {
            identity_id,
            arn: arn.into(),
            kind,
            name: required(object, name)?.into(),
            generation: text(object, id).map(Text::from),
            created_at: time(object, "CreateDate"),
            last_used_at: object.get("RoleLastUsed").and_then(|used| time(used, "LastUsedDate")),
            inline,
            attached,
            groups: items(object, "GroupList").iter().filter_map(Value::as_str).map(Text::from).collect(),
            boundary: boundary.map(Text::from),
            trust: trust.map(|document| self.policy(document)),
        }))
    }

    fn managed(&mut self, object: &Value) -> Result<Fact, String> {
        let arn = required(object, "Arn")?;
        let wanted = text(object, "DefaultVersionId");
        let versions = items(object, "PolicyVersionList");
        let is_default = |version: &&Value| version.get("IsDefaultVersion").and_then(Value::as_bool) == Some(true);
        let by_id = versions.iter().find(|version| wanted.is_some() && text(version, "VersionId") == wanted);
        let version = by_id.or_else(|| versions.iter().find(is_default));
        let version = version.ok_or_else(|| format!("policy `{arn}` has no default version"))?;
        let hash = self.policy(version.get("Document").unwrap_or(&Value::Null));
        Ok(Fact::Managed { arn: arn.into(), hash })
    }
}

/// The instance profiles that a role stands in.
fn profiles(role: &Value, facts: &mut Vec<Fact>) {
    let arns: Vec<&str> = items(role, "InstanceProfileList").iter().filter_map(|found| text(found, "Arn")).collect();
    let resource = |kind: &str, arn: &str| Fact::Resource { kind: kind.into(), id: arn.into() };
    if !arns.is_empty() {
        facts.extend(text(role, "Arn").map(|arn| resource(ROLE_OF_PROFILE, arn)));
        facts.extend(arns.into_iter().map(|arn| resource(INSTANCE_PROFILE, arn)));
    }
}

/// When identities were made and used, as all lists that tell of it say together.
pub(super) fn lives<'f>(facts: impl Iterator<Item = &'f Fact>) -> BTreeMap<&'f IdentityId, Life> {
    let mut lives: BTreeMap<&IdentityId, Life> = BTreeMap::new();
    for fact in facts {
        let Fact::Life(life) = fact else { continue };
        let known = lives.entry(&life.identity_id).or_insert_with(|| life.clone());
        known.created_at = [known.created_at, life.created_at].into_iter().flatten().min();
        known.last_used_at = known.last_used_at.max(life.last_used_at);
    }
    lives
}

/// The rows of identities that a credential report or a last access names.
pub(super) fn life_rows(account: &AccountId, facts: &[Fact], others: &[&Fact], at: Time) -> Vec<Draft> {
    let lives = lives(others.iter().copied());
    let row = |own: &Life| {
        let life = lives.get(&own.identity_id).unwrap_or(own);
        let who = (life.identity_id.clone(), life.kind);
        let mut made = draft(Provider::Aws, account, at, who, EntitlementKind::Identity, "identity".to_owned());
        made.row.identity_name.clone_from(&life.name);
        made.row.identity_created_at = life.created_at;
        made.row.identity_last_used_at = life.last_used_at;
        if let Some(created_at) = life.created_at {
            made.row.valid_from = created_at;
            made.own_time = true;
        }
        made
    };
    facts.iter().filter_map(|fact| if let Fact::Life(life) = fact { Some(row(life)) } else { None }).collect()
}

/// The rows of one account's complete snapshot.
pub(super) fn rows(account: &AccountId, facts: &[Fact], others: &[&Fact], reader: &mut Reader<'_>) -> Vec<Draft> {
    let lives = lives(others.iter().copied());
    let mut managed = BTreeMap::new();
    let mut groups = BTreeMap::new();
    for fact in facts {
        match fact {
            Fact::Managed { arn, hash } => drop(managed.insert(arn, hash)),
            Fact::Holder(holder) if holder.kind == IdentityKind::Group => drop(groups.insert(&holder.name, holder)),
            _ => {}
        }
    }
    let mut rows = Vec::new();
    for fact in facts {
        let Fact::Holder(holder) = fact else { continue };
        let mut hash = |arn: &Text| match managed.get(arn) {
            Some(hash) => PolicyHash::clone(hash),
            None => reader.policies.unknown(Provider::Aws, arn, reader.at, reader.out),
        };
        let to = Target { account, holder, life: lives.get(&holder.identity_id), at: reader.at };
        to.own(&mut hash, &mut rows);
        for name in &holder.groups {
            if let Some(group) = groups.get(name) {
                to.through(group, &mut hash, &mut rows);
            }
        }
    }
    rows
}

/// Whom rows are made for.
struct Target<'a> {
    account: &'a AccountId,
    holder: &'a Holder,
    life: Option<&'a Life>,
    at: Time,
}

impl Target<'_> {
    fn row(&self, kind: EntitlementKind, source: String, name: Option<&Text>, hash: Option<PolicyHash>) -> Draft {
        let who = (self.holder.identity_id.clone(), self.holder.kind);
        let mut made = draft(Provider::Aws, self.account, self.at, who, kind, source);
        made.row.identity_name = Some(self.holder.name.clone());
        made.row.identity_generation.clone_from(&self.holder.generation);
        made.row.identity_created_at = self.holder.created_at.or(self.life.and_then(|life| life.created_at));
        made.row.identity_last_used_at = self.holder.last_used_at.max(self.life.and_then(|life| life.last_used_at));
        made.row.source_name = name.cloned();
        made.row.policy_hashes.extend(hash);
        made
    }

    fn own(&self, hash: &mut impl FnMut(&Text) -> PolicyHash, rows: &mut Vec<Draft>) {
        let mut itself = self.row(EntitlementKind::Identity, "identity".to_owned(), None, None);
        itself.row.scopes.push(ResourceId::from(self.holder.arn.as_str()));
        if let Some(created_at) = itself.row.identity_created_at {
            itself.row.valid_from = created_at;
            itself.own_time = true;
        }
        rows.push(itself);
        let kind = EntitlementKind::IdentityPolicy;
        for (name, hash) in &self.holder.inline {
            rows.push(self.row(kind, format!("inline:{name}"), Some(name), Some(hash.clone())));
        }
        for (arn, name) in &self.holder.attached {
            rows.push(self.row(kind, format!("attached:{arn}"), Some(name), Some(hash(arn))));
        }
        if let Some(arn) = &self.holder.boundary {
            rows.push(self.row(EntitlementKind::Boundary, format!("boundary:{arn}"), None, Some(hash(arn))));
        }
        if let Some(trust) = &self.holder.trust {
            rows.push(self.row(EntitlementKind::Trust, "trust".to_owned(), None, Some(trust.clone())));
        }
    }

    fn through(&self, group: &Holder, hash: &mut impl FnMut(&Text) -> PolicyHash, rows: &mut Vec<Draft>) {
        let groups: Vec<IdentityId> = vec![group.identity_id.clone()];
        let inline = group.inline.iter().map(|(name, hash)| (format!("inline:{name}"), name, hash.clone()));
        let attached = group.attached.iter().map(|(arn, name)| (format!("attached:{arn}"), name, hash(arn)));
        for (source, name, hash) in inline.chain(attached) {
            let source = format!("group:{}/{source}", group.name);
            let mut row = self.row(EntitlementKind::GroupPolicy, source, Some(name), Some(hash));
            row.row.groups.clone_from(&groups);
            rows.push(row);
        }
    }
}

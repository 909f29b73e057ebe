//! Small estates from real entitlements and policies.

use std::sync::Arc;

use schemas::{
    AccountId, Action, Effect, Entitlement, EntitlementKind, IdentityId, IdentityKind, Policy, PolicyHash, Provider,
    ResourceId, Statement, Text, Time,
};

use super::super::{Became, EscalationPath, Estate, Member, Need, On, Workload};
use crate::aws::evaluate::{CompiledPolicy, Policies, PolicyKind};
use crate::catalogue::{Catalogue, Plane};
use crate::grants::{GrantSet, Grants};

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const HOLDER: &str = "holder";
pub(super) const TARGET: &str = "target";

/// One grant, deny or guardrail.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) kind: EntitlementKind,
    pub(super) effect: Effect,
    pub(super) action: String,
    pub(super) on: String,
    pub(super) condition: Option<String>,
}

pub(super) fn account(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => ACCOUNT,
        Provider::Azure => "s",
        Provider::Gcp => "p",
    }
}

/// A scope that is all of the account.
pub(super) fn everything(provider: Provider) -> &'static str {
    match provider {
        Provider::Aws => "*",
        Provider::Azure => "/subscriptions/s",
        Provider::Gcp => "//cloudresourcemanager.googleapis.com/projects/p",
    }
}

pub(super) fn allow(provider: Provider, action: &str, on: &str) -> Grant {
    let kind = match provider {
        Provider::Aws => EntitlementKind::IdentityPolicy,
        Provider::Azure => EntitlementKind::RoleAssignment,
        Provider::Gcp => EntitlementKind::Binding,
    };
    Grant { kind, effect: Effect::Allow, action: action.to_owned(), on: on.to_owned(), condition: None }
}

pub(super) fn deny(provider: Provider, action: &str, on: &str) -> Grant {
    let kind = match provider {
        Provider::Aws => EntitlementKind::IdentityPolicy,
        Provider::Azure => EntitlementKind::DenyAssignment,
        Provider::Gcp => EntitlementKind::DenyRule,
    };
    Grant { kind, effect: Effect::Deny, ..allow(provider, action, on) }
}

pub(super) fn statement(effect: Effect, actions: &[&str]) -> Statement {
    Statement { effect, ..Statement::allow(actions.iter().map(|action| Action::from(*action)).collect()) }
}

pub(super) fn policy(provider: Provider, statements: Vec<Statement>) -> Arc<Policy> {
    Arc::new(Policy::of(provider, statements, Vec::new(), Time(0)))
}

fn policy_of(provider: Provider, grant: &Grant) -> Arc<Policy> {
    let mut one = statement(grant.effect, &[&grant.action]);
    let catalogue = Catalogue::bundled().provider(provider);
    let is_data = catalogue.lookup(&grant.action).is_some_and(|idx| catalogue.action(idx).plane == Plane::Data);
    if is_data && provider == Provider::Azure {
        one.data_actions = std::mem::take(&mut one.actions);
    }
    if provider == Provider::Aws {
        one.resources = vec![ResourceId::from(grant.on.as_str())];
        one.condition = grant.condition.as_deref().map(Text::from);
    }
    policy(provider, vec![one])
}

pub(super) fn entitlement(provider: Provider, kind: EntitlementKind, at: usize, policy: &Policy) -> Entitlement {
    let (account, user) = (AccountId::from(account(provider)), (IdentityId::from(HOLDER), IdentityKind::User));
    let source = Text::from(format!("source:{at}"));
    Entitlement {
        policy_hashes: vec![policy.policy_hash.clone()],
        ..Entitlement::of(provider, account, user, kind, source, Time(0))
    }
}

/// The granted set of some entitlements, each with its policy.
pub(super) fn set_of_rows(provider: Provider, rows: &[(Entitlement, Arc<Policy>)]) -> Arc<GrantSet> {
    let find = |hash: &PolicyHash| rows.iter().map(|(_, policy)| policy).find(|one| one.policy_hash == *hash).cloned();
    Grants::new().build(provider, rows.iter().map(|(row, _)| row), &find, Catalogue::bundled())
}

pub(super) fn set(provider: Provider, grants: &[Grant]) -> Arc<GrantSet> {
    let rows: Vec<_> = grants
        .iter()
        .enumerate()
        .map(|(at, grant)| {
            let policy = policy_of(provider, grant);
            let mut row = entitlement(provider, grant.kind, at, &policy);
            if provider != Provider::Aws {
                row.scopes = vec![ResourceId::from(grant.on.as_str())];
                row.condition = grant.condition.as_deref().map(Text::from);
            }
            (row, policy)
        })
        .collect();
    set_of_rows(provider, &rows)
}

/// The same grants as AWS policies.
pub(super) fn policies(grants: &[Grant]) -> Arc<Policies> {
    let compile = |grant: &Grant| {
        Arc::new(CompiledPolicy::of_policy("p", PolicyKind::Identity, &policy_of(Provider::Aws, grant)))
    };
    Arc::new(Policies { identity: grants.iter().map(compile).collect(), ..Policies::default() })
}

/// A trust policy that names these, as `AWS:…`, `Service:…`.
pub(super) fn trust(names: &[&str], condition: Option<&str>) -> Arc<Policy> {
    let mut one = statement(Effect::Allow, &["sts:AssumeRole"]);
    one.identities = names.iter().map(|name| Text::from(*name)).collect();
    one.condition = condition.map(Text::from);
    policy(Provider::Aws, vec![one])
}

pub(super) fn trusts_account() -> Arc<Policy> {
    trust(&["AWS:arn:aws:iam::111122223333:root"], None)
}

pub(super) fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{kind}/{name}")
}

/// What a path is about, in an account of its own.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) provider: Provider,
    pub(super) path: &'static EscalationPath,
    pub(super) holder: Member,
    pub(super) target: Member,
    pub(super) group: Member,
    pub(super) workload: Option<Workload>,
    pub(super) grants: Vec<Grant>,
}

impl Scene {
    pub(super) fn of(provider: Provider, path: &'static EscalationPath, of: &str) -> Self {
        let account = account(provider);
        let is_role = path.need == Need::OwnRole;
        let holder_kind = if is_role { IdentityKind::Role } else { IdentityKind::User };
        let holder_arn = if is_role { arn("role", HOLDER) } else { arn("user", HOLDER) };
        let mut holder =
            Member::new(HOLDER, if provider == Provider::Aws { &holder_arn } else { "" }, holder_kind, account);
        let mut target = target(provider, path, of);
        let group = Member::new("team", &arn("group", "team"), IdentityKind::Group, account);
        holder.groups = vec![group.id.clone()];
        let own = |name: &str| match provider {
            Provider::Aws => arn("policy", name),
            Provider::Azure => format!("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{name}"),
            Provider::Gcp => format!("//iam.googleapis.com/projects/p/roles/{name}"),
        };
        holder.attached = vec![own("own").into()];
        target.attached = vec![own("theirs").into()];
        target.administers = vec![AccountId::from(account)];
        let workload = (path.need == Need::Workload).then(|| Workload {
            resource: workload(provider, path, of).into(),
            kind: if of == "*" { "microsoft.compute/virtualmachines".into() } else { of.into() },
            account: AccountId::from(account),
            runs_as: target.id.clone(),
        });
        let mut scene = Self { provider, path, holder, target, group, workload, grants: Vec::new() };
        scene.grants = path.required.iter().map(|what| allow(provider, &what.name, &scene.thing(what.on))).collect();
        scene
    }

    /// What a permission is granted on, as narrowly as can be.
    pub(super) fn thing(&self, on: On) -> String {
        match on {
            On::Holder => self.holder.resource.to_string(),
            On::OwnGroup => self.group.resource.to_string(),
            On::OwnPolicy => self.holder.attached[0].to_string(),
            On::Target => self.target.resource.to_string(),
            On::TargetPolicy => self.target.attached[0].to_string(),
            On::Workload => self.workload.as_ref().unwrap().resource.to_string(),
            On::Account => everything(self.provider).to_owned(),
            On::Anything | On::Same if self.provider == Provider::Azure => {
                "/subscriptions/s/resourceGroups/mine".into()
            }
            On::Anything | On::Same => everything(self.provider).to_owned(),
        }
    }

    pub(super) fn estate(&self) -> Estate {
        let mut holder = self.holder.clone();
        holder.grants = vec![(AccountId::from(account(self.provider)), set(self.provider, &self.grants))];
        let mut members = vec![holder, self.target.clone()];
        if self.provider == Provider::Aws {
            members.push(self.group.clone());
        }
        Estate::new(self.provider, members, Some(self.workload.clone().into_iter().collect()))
    }

    /// Whether the holder has the path to its target or to the end: for certain, perhaps, not.
    pub(super) fn found(&self) -> Option<bool> {
        let edges = self.estate().edges(HOLDER, 1000);
        edges
            .iter()
            .filter(|edge| edge.path.id == self.path.id && edge.became != Became::Identity(self.group.id.clone()))
            .map(|edge| edge.is_certain)
            .max()
    }
}

fn target(provider: Provider, path: &EscalationPath, of: &str) -> Member {
    let account = account(provider);
    let workload = path.need == Need::Workload;
    match provider {
        Provider::Aws => match of {
            "user" => Member::new(TARGET, &arn("user", TARGET), IdentityKind::User, account),
            "group" => Member::new(TARGET, &arn("group", TARGET), IdentityKind::Group, account),
            _ => {
                let mut role = Member::new(TARGET, &arn("role", TARGET), IdentityKind::Role, account);
                let takes = path.permissions.iter().any(|name| name == "sts:AssumeRole");
                let is_service = of.ends_with(".amazonaws.com");
                role.trust = Some(match () {
                    () if takes => trusts_account(),
                    () if is_service => trust(&[&format!("Service:{of}")], None),
                    () => trust(&["Service:nothing.amazonaws.com"], None),
                });
                role
            }
        },
        Provider::Azure if of == "managed_identity" || workload => {
            let resource = "/subscriptions/s/resourceGroups/theirs/providers/Microsoft.ManagedIdentity/\
                            userAssignedIdentities/target";
            Member::new(TARGET, resource, IdentityKind::ManagedIdentity, account)
        }
        Provider::Azure => {
            let kind = IdentityKind::ALL.iter().find(|kind| kind.as_str() == of);
            Member::new(TARGET, "/0000-target", kind.copied().unwrap_or(IdentityKind::User), account)
        }
        Provider::Gcp => {
            let resource = "//iam.googleapis.com/projects/p/serviceAccounts/target@p.iam.gserviceaccount.com";
            Member::new(TARGET, resource, IdentityKind::ServiceAccount, account)
        }
    }
}

fn workload(provider: Provider, path: &EscalationPath, of: &str) -> String {
    match provider {
        Provider::Aws => {
            let (service, name) = match of.split('.').next().unwrap() {
                "tasks" => ("apprunner", "service/w/1"),
                "ec2" if path.id == "ec2-004" => ("ec2", "launch-template/lt-1"),
                "ec2" => ("ec2", "instance/i-1"),
                "lambda" => ("lambda", "function:w"),
                "cloudformation" => ("cloudformation", "stack/w/1"),
                "codebuild" => ("codebuild", "project/w"),
                "glue" => ("glue", "devEndpoint/w"),
                "sagemaker" => ("sagemaker", "notebook-instance/w"),
                other => (other, "code-interpreter/w"),
            };
            format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{name}")
        }
        Provider::Azure => {
            let kind = if of == "*" { "Microsoft.Compute/virtualMachines" } else { of };
            format!("/subscriptions/s/resourceGroups/theirs/providers/{kind}/w")
        }
        Provider::Gcp => format!("//{}/projects/p/things/w", of.split('/').next().unwrap()),
    }
}

/// Every path of every cloud, and whom or what its target can be.
pub(super) fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for provider in [Provider::Aws, Provider::Azure, Provider::Gcp] {
        for path in super::super::paths(provider) {
            let of: Vec<&str> =
                if path.of.is_empty() { vec![""] } else { path.of.iter().map(|of| of.as_str()).collect() };
            scenes.extend(of.into_iter().map(|of| Scene::of(provider, path, of)));
        }
    }
    scenes
}

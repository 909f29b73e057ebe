//! Which roles trust whom.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use roaring::RoaringBitmap;
use schemas::{AccountId, Effect, IdentityKind, Policy};
use smol_str::SmolStr;

use super::Required;
use super::ask::{Asker, Holder, Over, context};
use super::estate::Member;
use super::spread::Spread;
use crate::aws::evaluate::{self, Action, CompiledPolicy, Form, Identity, Policies, PolicyKind, Request};
use crate::decision::{Decision, Verdict};
use crate::truth::Truth;

/// A policy that allows everything.
static EVERYTHING: LazyLock<Arc<CompiledPolicy>> = LazyLock::new(|| {
    let everything = br#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    Arc::new(CompiledPolicy::compile("granted", PolicyKind::Identity, everything))
});
static ASSUME: LazyLock<Option<Action>> = LazyLock::new(|| Action::parse("sts:AssumeRole").ok());

/// The trust policy of one role.
#[derive(Clone, Debug)]
pub struct Trust(Arc<CompiledPolicy>);

impl Trust {
    /// Compiles it.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        Self(Arc::new(compile(policy)))
    }

    /// Whether it lets in, or may, who is granted to take the role; both by their ARNs. What is no identity's ARN may be let in.
    #[must_use]
    pub fn lets_in(&self, holder: &str, role: &str) -> bool {
        let (Ok(identity), Some(action)) = (Identity::parse(holder), ASSUME.as_ref()) else { return true };
        let identity_policies = vec![Arc::clone(&EVERYTHING)];
        let policies =
            Policies { identity: identity_policies, resource: Some(Arc::clone(&self.0)), ..Policies::default() };
        let context = context(&identity);
        let request =
            Request { identity: &identity, action, resource: role, resource_account: None, context: &context };
        evaluate::decide(request, &policies).verdict == Verdict::Allowed
    }
}

/// The roles' trust policies, found by whom they name.
pub(super) struct Trusts<'e> {
    members: &'e [Member],
    policies: HashMap<u32, Arc<CompiledPolicy>>,
    /// Account, whether it is a role, and name of a role or user, and the roles whose trust policy names it.
    by_name: HashMap<(SmolStr, bool, SmolStr), RoaringBitmap>,
    /// Roles that hand the decision to an account, without condition or exception.
    plain: HashMap<SmolStr, RoaringBitmap>,
    /// Roles that name an account under a condition.
    by_account: HashMap<SmolStr, RoaringBitmap>,
    /// Roles that name everybody, or all but some.
    everybody: RoaringBitmap,
    assume: &'static Action,
    unknown: Arc<CompiledPolicy>,
    services: HashMap<SmolStr, Arc<Spread>>,
}

impl<'e> Trusts<'e> {
    pub(super) fn new(members: &'e [Member]) -> Option<Self> {
        let mut this = Self {
            members,
            policies: HashMap::new(),
            by_name: HashMap::new(),
            plain: HashMap::new(),
            by_account: HashMap::new(),
            everybody: RoaringBitmap::new(),
            assume: ASSUME.as_ref()?,
            unknown: Arc::new(CompiledPolicy::unknown("perhaps granted", PolicyKind::Identity)),
            services: HashMap::new(),
        };
        let mut compiled: HashMap<&str, Arc<CompiledPolicy>> = HashMap::new();
        for (member, place) in members.iter().zip(0..) {
            let Some(trust) = member.trust.as_ref().filter(|_| member.kind == IdentityKind::Role) else { continue };
            let policy = compiled.entry(&trust.policy_hash).or_insert_with(|| Arc::new(compile(trust)));
            this.policies.insert(place, Arc::clone(policy));
            this.index(trust, place);
        }
        Some(this)
    }

    fn index(&mut self, trust: &Policy, place: u32) {
        let is_plain = trust.errors.is_empty()
            && trust.statements.iter().all(|statement| {
                statement.effect == Effect::Allow
                    && statement.condition.is_none()
                    && statement.not_identities.is_empty()
            });
        for statement in trust.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
            if !statement.not_identities.is_empty() {
                self.everybody.insert(place);
            }
            for name in &statement.identities {
                let Some(name) = name.strip_prefix("AWS:").or((name == "*").then_some("*")) else { continue };
                let Ok(identity) = Identity::parse(name) else { continue };
                match (identity.form(), identity.account()) {
                    (Form::Anonymous, _) => _ = self.everybody.insert(place),
                    (Form::Root, Some(account)) => {
                        let account = SmolStr::new(account);
                        let hands_over = is_plain && self.hands_over(place, &identity);
                        let by = if hands_over { &mut self.plain } else { &mut self.by_account };
                        by.entry(account).or_default().insert(place);
                    }
                    (form @ (Form::Role | Form::User), Some(account)) => {
                        let key = (account.into(), form == Form::Role, identity.name().into());
                        self.by_name.entry(key).or_default().insert(place);
                    }
                    _ => {}
                }
            }
        }
    }

    /// Whether the account's root user is let in, whatever else is true.
    fn hands_over(&self, role: u32, root: &Identity) -> bool {
        self.decide(role, root, Policies::default()).is_some_and(|decision| truth(&decision) == Truth::True)
    }

    /// Which roles a service takes. A workload in the role's own account is what would take it.
    pub(super) fn service(&mut self, name: &str) -> Arc<Spread> {
        if let Some(known) = self.services.get(name) {
            return Arc::clone(known);
        }
        let mut spread = Spread::default();
        if let Ok(identity) = Identity::parse(name) {
            for (member, place) in self.members.iter().zip(0..) {
                let Some(policy) = self.policies.get(&place) else { continue };
                let mut context = context(&identity);
                context.set("aws:SourceAccount", [member.account.as_str()]);
                let policies = Policies { resource: Some(Arc::clone(policy)), ..Policies::default() };
                let request = Request {
                    identity: &identity,
                    action: self.assume,
                    resource: &member.resource,
                    resource_account: None,
                    context: &context,
                };
                spread.add(place, truth(&evaluate::decide(request, &policies)));
            }
        }
        let spread = Arc::new(spread);
        self.services.insert(name.into(), Arc::clone(&spread));
        spread
    }

    /// Which roles an identity can take: its own side and the role's must both agree, but that within an account a trust
    /// policy that names the identity itself is enough.
    pub(super) fn takes(&self, asker: &mut Asker<'_>, holder: Holder<'_>, what: &Required) -> Spread {
        let Some(identity) = asker.identity(holder.place).cloned() else { return Spread::default() };
        let account = SmolStr::new(identity.account().unwrap_or_default());
        let none = RoaringBitmap::new();
        let plain = self.plain.get(&account).unwrap_or(&none);
        // Where policies are known, each role is asked with its trust policy: without it they allow nobody to take it.
        let exact = holder.member.policies.is_some();
        let granted = if exact {
            Arc::new(Spread { may: asker.like(holder, what, Over::Members), ..Spread::default() })
        } else {
            asker.reach(holder, what, Over::Members, None)
        };
        let mut spread = if exact { Spread::default() } else { granted.within(plain) };
        let key = (account.clone(), identity.form() == Form::Role, identity.name().into());
        let named = self.by_name.get(&key).unwrap_or(&none);
        let handed_over = (plain | self.by_account.get(&account).unwrap_or(&none)) & granted.all();
        let asked = (named | handed_over | &self.everybody) - &spread.yes;
        for role in asked {
            if role == holder.place {
                continue;
            }
            let own = match (granted.yes.contains(role), granted.may.contains(role)) {
                (true, _) => Truth::True,
                (_, true) => Truth::Unknown,
                _ => Truth::False,
            };
            spread.add(role, self.take(role, &identity, holder.member, own));
        }
        spread
    }

    fn take(&self, role: u32, identity: &Identity, member: &Member, own: Truth) -> Truth {
        if let Some(policies) = &member.policies {
            return self.decide(role, identity, (**policies).clone()).map_or(Truth::False, |found| truth(&found));
        }
        let identity_policies = match own {
            Truth::True => vec![Arc::clone(&EVERYTHING)],
            Truth::Unknown => vec![Arc::clone(&self.unknown)],
            Truth::False => Vec::new(),
        };
        let policies = Policies { identity: identity_policies, ..Policies::default() };
        let found = self.decide(role, identity, policies).map_or(Truth::False, |found| truth(&found));
        // A set does not tell what it merely does not grant from what is denied.
        if own == Truth::False { found.min(Truth::Unknown) } else { found }
    }

    fn decide(&self, role: u32, identity: &Identity, policies: Policies) -> Option<Decision<evaluate::Rule>> {
        let policies = Policies { resource: Some(Arc::clone(self.policies.get(&role)?)), ..policies };
        let request = Request {
            identity,
            action: self.assume,
            resource: &self.members[role as usize].resource,
            resource_account: None,
            context: &context(identity),
        };
        Some(evaluate::decide(request, &policies))
    }
}

pub(super) fn compile(trust: &Policy) -> CompiledPolicy {
    CompiledPolicy::of_policy("trust policy", PolicyKind::Resource, trust)
}

pub(super) fn truth(decision: &Decision<evaluate::Rule>) -> Truth {
    match decision.verdict {
        Verdict::Allowed if decision.conditional_on.is_empty() => Truth::True,
        Verdict::Allowed => Truth::Unknown,
        _ => Truth::False,
    }
}

/// Whether IAM lets nobody change a role: service-linked roles, and those of Identity Center («Using service-linked roles»;
/// «Referencing permission sets in resource policies»: both belong to the service).
pub(super) fn is_kept_by_aws(arn: &str) -> bool {
    arn.contains(":role/aws-service-role/") || arn.contains(":role/aws-reserved/")
}

/// The members of an account.
pub(super) fn of_account(members: &[Member], account: &AccountId) -> RoaringBitmap {
    members.iter().zip(0..).filter(|(member, _)| member.account == *account).map(|(_, place)| place).collect()
}

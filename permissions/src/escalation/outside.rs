//! Roles that trust somebody outside of their account.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemas::{AccountId, Effect, IdentityId, Policy, Text};

use super::ask::context;
use super::estate::Member;
use super::trust::compile;
use crate::aws::evaluate::{self, Action, CompiledPolicy, Form, Identity, Policies, PolicyKind, Request};
use crate::decision::Verdict;

/// An account that nobody has: account numbers do not begin with it.
const NOBODY: &str = "arn:aws:iam::000000000000:role/nobody";
/// A value of a token's subject that no condition means.
const NO_SUBJECT: &str = "nobody in particular";

/// Somebody outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outsider {
    /// Anybody at all.
    Anyone,
    /// Another account, or somebody in it.
    Account {
        /// The account.
        account: AccountId,
        /// Whom the policy names: the ARN of a role or a user, of the root user for the whole account.
        named: Text,
        /// Whether the account is one of the estate's.
        is_known: bool,
    },
    /// Whoever an identity provider vouches for.
    IdentityProvider {
        /// Its ARN or host name.
        provider: Text,
        /// Whether the token's subject does not matter, so that whoever the provider knows is let in.
        any_subject: bool,
    },
}

/// That a role trusts somebody outside of its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutsideTrust {
    /// The role.
    pub role: IdentityId,
    /// Whom it trusts.
    pub whom: Outsider,
    /// The context keys that decide, such as `sts:externalid`; empty when nothing but the name does.
    pub rests_on: Vec<Text>,
}

/// The outsiders whom the members' trust policies let in.
pub(super) fn trusts(members: &[Member]) -> Vec<OutsideTrust> {
    let known: BTreeSet<&str> = members.iter().map(|member| member.account.as_str()).collect();
    let mut found = BTreeSet::new();
    for member in members {
        let Some(trust) = &member.trust else { continue };
        let role = Role { member, policy: Arc::new(compile(trust)) };
        for name in names(trust) {
            if let Some((whom, rests_on)) = role.outsider(&name, &known) {
                found.insert(OutsideTrust { role: member.id.clone(), whom, rests_on });
            }
        }
    }
    found.into_iter().collect()
}

/// Everybody whom a statement lets in by name; `*` where it lets in all but some.
fn names(trust: &Policy) -> BTreeSet<Text> {
    let allows = trust.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    let of = |statement: &schemas::Statement| {
        let all_but = (!statement.not_identities.is_empty()).then(|| Text::from("*"));
        statement.identities.iter().cloned().chain(all_but).collect::<Vec<_>>()
    };
    allows.flat_map(of).collect()
}

struct Role<'m> {
    member: &'m Member,
    policy: Arc<CompiledPolicy>,
}

impl Role<'_> {
    fn outsider(&self, name: &str, known: &BTreeSet<&str>) -> Option<(Outsider, Vec<Text>)> {
        let (kind, name) = name.split_once(':').filter(|(kind, _)| *kind != "arn").unwrap_or(("AWS", name));
        match kind {
            "AWS" => self.account(name, known),
            "Federated" => self.identity_provider(name),
            _ => None,
        }
    }

    fn account(&self, name: &str, known: &BTreeSet<&str>) -> Option<(Outsider, Vec<Text>)> {
        let identity = Identity::parse(name).ok()?;
        if identity.form() == Form::Anonymous {
            let stranger = Identity::parse(NOBODY).ok()?;
            return Some((Outsider::Anyone, self.lets_in(&stranger, "sts:AssumeRole", None)?));
        }
        let account = identity.account().filter(|account| *account != self.member.account.as_str())?.to_owned();
        let named = Text::from(identity.text());
        let asks = match identity.form() {
            Form::Root => Identity::parse(&format!("arn:aws:iam::{account}:role/nobody")).ok()?,
            _ => identity,
        };
        let rests_on = self.lets_in(&asks, "sts:AssumeRole", None)?;
        let is_known = known.contains(account.as_str());
        Some((Outsider::Account { account: AccountId::from(account.as_str()), named, is_known }, rests_on))
    }

    fn identity_provider(&self, name: &str) -> Option<(Outsider, Vec<Text>)> {
        let identity = Identity::parse(name).ok()?;
        let is_saml = name.contains(":saml-provider/");
        let action = if is_saml { "sts:AssumeRoleWithSAML" } else { "sts:AssumeRoleWithWebIdentity" };
        let rests_on = self.lets_in(&identity, action, None)?;
        let issuer = name.split_once(":oidc-provider/").map_or(name, |(_, issuer)| issuer);
        let subject = if is_saml { "SAML:sub".to_owned() } else { format!("{issuer}:sub") };
        let any_subject = self.lets_in(&identity, action, Some(&subject)).is_some();
        Some((Outsider::IdentityProvider { provider: name.into(), any_subject }, rests_on))
    }

    /// On what it rests that somebody is let in whose own account allows it; `None` when nobody is.
    fn lets_in(&self, identity: &Identity, action: &str, subject: Option<&str>) -> Option<Vec<Text>> {
        let everything = br#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        let own = Arc::new(CompiledPolicy::compile("granted", PolicyKind::Identity, everything));
        let policies =
            Policies { identity: vec![own], resource: Some(Arc::clone(&self.policy)), ..Policies::default() };
        let mut context = context(identity);
        if let Some(key) = subject {
            context.set(key, [NO_SUBJECT]);
        }
        let action = Action::parse(action).ok()?;
        let request = Request {
            identity,
            action: &action,
            resource: &self.member.resource,
            resource_account: None,
            context: &context,
        };
        let decision = evaluate::decide(request, &policies);
        (decision.verdict == Verdict::Allowed).then_some(decision.conditional_on)
    }
}

//! The order in which policies decide.
//!
//! Sources: How AWS enforcement code logic evaluates requests to allow or deny access
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>),
//! Cross-account policy evaluation logic
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>), SCP
//! evaluation and RCP evaluation (AWS Organizations), Permissions boundaries, Session policies.
//!
//! 1. A deny in any policy that applies ends it.
//! 2. Every level of RCPs and of SCPs, and every endpoint policy, must allow.
//! 3. Within an account the resource's policy is enough if it names who asks; if it names the role or user behind a session,
//!    boundary and session policy must allow too. Otherwise an identity policy, boundary and session policy must all allow.
//!    Keys and roles must allow in any case, be it by handing over to the account.
//! 4. Across accounts the resource's policy and everything on the identity's side must allow.

use std::sync::Arc;

use super::PolicyKind;
use super::decision::Rule;
use super::identity::Form;
use super::named::Naming;
use super::policy::CompiledPolicy;
use super::request::{Policies, Request};
use super::special;
use crate::truth::{Doubts, Truth};

/// A request on its way through the policies.
#[derive(Clone, Copy)]
pub(super) struct Flow<'p> {
    pub(super) policies: &'p Policies,
    pub(super) request: Request<'p>,
    same_account: bool,
    outside: bool,
    own_policy_must_allow: bool,
}

/// Something that must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Rcps,
    Scps,
    Endpoints,
    /// The resource's policy, naming who asks at least so directly.
    Resource(Naming),
    Identity,
    Boundary,
    Session,
}

/// Something that grants if all of its needs are met.
type Way = (Rule, &'static [Need]);

const GUARDRAILS: &[Need] = &[Need::Rcps, Need::Scps, Need::Endpoints];
const FROM_OUTSIDE: &[Way] = &[(Rule::NamedByResource, &[Need::Resource(Naming::Itself)])];
const ACROSS: &[Way] =
    &[(Rule::BothAccounts, &[Need::Resource(Naming::Account), Need::Identity, Need::Boundary, Need::Session])];
const ROOT: &[Way] = &[(Rule::Root, &[])];
const NAMED: Way = (Rule::NamedByResource, &[Need::Resource(Naming::Itself)]);
const NAMED_BEHIND: Way = (Rule::NamedBehind, &[Need::Resource(Naming::Behind), Need::Boundary, Need::Session]);
const WITHIN: &[Way] = &[NAMED, NAMED_BEHIND, (Rule::Identity, &[Need::Identity, Need::Boundary, Need::Session])];
const WITHIN_BY_OWN_POLICY: &[Way] = &[
    NAMED,
    NAMED_BEHIND,
    (Rule::Delegated, &[Need::Resource(Naming::Account), Need::Identity, Need::Boundary, Need::Session]),
];

impl<'p> Flow<'p> {
    pub(super) fn new(request: Request<'p>, policies: &'p Policies) -> Self {
        Self {
            policies,
            request,
            same_account: request.is_same_account(),
            outside: request.is_outside(),
            own_policy_must_allow: special::own_policy_must_allow(request.action, request.resource),
        }
    }

    /// The kind of policy that denies for certain, and whether one may.
    pub(super) fn denied(&self, doubts: &mut Doubts<'p>) -> (Option<PolicyKind>, Truth) {
        let mut kind = None;
        let truth = doubts.any(self.applicable(), |policy, doubts| {
            let denies = policy.denies(self.request, doubts);
            if denies == Truth::True {
                kind = Some(policy.kind());
            }
            denies
        });
        (kind, truth)
    }

    /// The policies that deny and count, in the order of an explanation.
    pub(super) fn applicable(&self) -> impl Iterator<Item = &'p CompiledPolicy> + use<'p> {
        let flow = *self;
        flow.policies.iter().filter(move |policy| policy.has_deny() && flow.counts(policy.kind()))
    }

    fn counts(&self, kind: PolicyKind) -> bool {
        let Request { identity, action, resource, .. } = self.request;
        match kind {
            PolicyKind::Rcp => special::rcps_apply(action, resource, identity),
            PolicyKind::Scp => special::scps_apply(identity),
            PolicyKind::Endpoint => true,
            PolicyKind::Resource => {
                special::has_own_policy(action)
                    && !special::is_root_on_bucket_policy(action, identity, self.same_account)
            }
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => {
                !self.outside && identity.form() != Form::Root
            }
        }
    }

    /// The rule that allows or may allow, or the one that does not.
    pub(super) fn granted(&self, doubts: &mut Doubts<'p>) -> Rule {
        let from = doubts.mark();
        let mut rule = Rule::NeedsNone;
        let guarded = self.all_met(GUARDRAILS, &mut rule, doubts);
        doubts.then(guarded, from, |doubts| {
            let (by, truth) = self.one_way(doubts);
            rule = by;
            truth
        });
        rule
    }

    fn ways(&self) -> &'static [Way] {
        match (self.outside, self.same_account, self.own_policy_must_allow) {
            (true, ..) => FROM_OUTSIDE,
            (_, false, _) => ACROSS,
            (.., false) if self.request.identity.form() == Form::Root => ROOT,
            (.., false) => WITHIN,
            (.., true) => WITHIN_BY_OWN_POLICY,
        }
    }

    /// The first way that grants, or else the first that may; if none does, what the one that got farthest missed: kinds of
    /// policies are in the order in which they are asked.
    fn one_way(&self, doubts: &mut Doubts<'p>) -> (Rule, Truth) {
        let (mut rule, mut best) = (None, Truth::False);
        let truth = doubts.any(self.ways(), |(by, needs), doubts| {
            let mut missed = *by;
            let met = self.all_met(needs, &mut missed, doubts);
            match met {
                Truth::False if best == Truth::False => rule = rule.max(Some(missed)),
                _ if met > best => rule = Some(*by),
                _ => {}
            }
            best = best.max(met);
            met
        });
        (rule.unwrap_or(Rule::Root), truth)
    }

    fn all_met(&self, needs: &[Need], missed: &mut Rule, doubts: &mut Doubts<'p>) -> Truth {
        doubts.all(needs, |need, doubts| {
            let met = self.is_met(*need, doubts);
            if met == Truth::False {
                *missed = self.missing(*need);
            }
            met
        })
    }

    fn is_met(&self, need: Need, doubts: &mut Doubts<'p>) -> Truth {
        match need {
            Need::Rcps => self.rcps_allow(doubts),
            Need::Scps => self.scps_allow(doubts),
            Need::Endpoints => self.endpoints_allow(doubts),
            Need::Resource(least) => self.resource_allows(least, doubts),
            // The root user has no policies of its own and may do everything in its account.
            Need::Identity | Need::Boundary | Need::Session if self.request.identity.form() == Form::Root => {
                Truth::True
            }
            Need::Identity => self.one_allows(&self.policies.identity, doubts),
            Need::Boundary => self.boundary_allows(doubts),
            Need::Session => self.session_allows(doubts),
        }
    }

    fn missing(&self, need: Need) -> Rule {
        Rule::NotAllowed(match need {
            Need::Resource(_) if self.own_policy_must_allow => return Rule::NotAllowedByOwnPolicy,
            Need::Rcps => PolicyKind::Rcp,
            Need::Scps => PolicyKind::Scp,
            Need::Endpoints => PolicyKind::Endpoint,
            Need::Resource(_) => PolicyKind::Resource,
            Need::Identity => PolicyKind::Identity,
            Need::Boundary => PolicyKind::Boundary,
            Need::Session => PolicyKind::Session,
        })
    }

    /// RCPs can only deny: what allows is `RCPFullAWSAccess`, which is attached everywhere and cannot be detached (RCP
    /// evaluation). So a level in which no statement allows anything is taken to have it.
    fn rcps_allow(&self, doubts: &mut Doubts<'p>) -> Truth {
        let levels = &self.policies.rcps;
        if levels.is_empty() || !self.counts(PolicyKind::Rcp) {
            return Truth::True;
        }
        let levels = levels.iter().filter(|level| level.iter().any(|policy| policy.has_allow()));
        doubts.all(levels, |level, doubts| self.one_allows(level, doubts))
    }

    fn scps_allow(&self, doubts: &mut Doubts<'p>) -> Truth {
        if self.policies.scps.is_empty() || !self.counts(PolicyKind::Scp) {
            return Truth::True;
        }
        doubts.all(&self.policies.scps, |level, doubts| self.one_allows(level, doubts))
    }

    fn endpoints_allow(&self, doubts: &mut Doubts<'p>) -> Truth {
        doubts.all(&self.policies.endpoints, |policy, doubts| policy.allows(self.request, Naming::Account, doubts))
    }

    fn resource_allows(&self, least: Naming, doubts: &mut Doubts<'p>) -> Truth {
        match &self.policies.resource {
            Some(policy) if special::has_own_policy(self.request.action) => policy.allows(self.request, least, doubts),
            _ => Truth::False,
        }
    }

    fn boundary_allows(&self, doubts: &mut Doubts<'p>) -> Truth {
        match &self.policies.boundary {
            Some(policy) => policy.allows(self.request, Naming::Account, doubts),
            None => Truth::True,
        }
    }

    /// A federated user to whom no policy was passed has no permissions but those that name the session (AWS STS API
    /// reference: `GetFederationToken`).
    fn session_allows(&self, doubts: &mut Doubts<'p>) -> Truth {
        match (&self.policies.session, self.request.identity.form()) {
            (Some(policy), _) => policy.allows(self.request, Naming::Account, doubts),
            (None, Form::FederatedUser) => Truth::False,
            (None, _) => Truth::True,
        }
    }

    fn one_allows(&self, policies: &'p [Arc<CompiledPolicy>], doubts: &mut Doubts<'p>) -> Truth {
        doubts.any(policies, |policy, doubts| policy.allows(self.request, Naming::Account, doubts))
    }
}

//! Who may never hold which class of permission, where: one rule file for three clouds, evaluated on grants and, in CI,
//! on policy files.
//!
//! # Layout
//!
//! `file` reads the TOML, `rule` is what a checked rule says, `document` makes grants of a policy file. The rules that
//! come with Overgrant are `config/guardrails/default.toml`, [`Guardrails::bundled`]; [`control`] knows the titles of the controls that they name.
//!
//! **Invariant:** a checked rule names actions that exist in every cloud that it is for; what is left out of a breach is
//! counted.

mod control;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test should panic")]
mod defaults;
mod document;
mod file;
mod rule;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;
use schemas::{Id128, IdentityKind, Policy, Provider, Severity, Statement, Text, Time};
use smol_str::SmolStr;

use crate::catalogue::{ActionIdx, Catalogue};
use crate::grants::{Atom, GrantSet, Grants};

pub use control::{Control, control};
pub use document::PolicyBreach;
pub use file::GuardrailError;
pub use rule::{Exception, Rule};

static BUNDLED: &str = include_str!("../../config/guardrails/default.toml");

/// Actions, resources and sources that a breach lists.
const MAX_LISTED: usize = 20;

/// Who holds what is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The identity's id, as entitlements write it.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Its kind.
    pub kind: IdentityKind,
    /// The account in which it holds.
    pub account: String,
    /// The cloud.
    pub provider: Provider,
}

/// A rule that a holder breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The rule's id.
    pub rule: SmolStr,
    /// Its title.
    pub title: String,
    /// How soon somebody should look.
    pub severity: Severity,
    /// The controls that the rule serves.
    pub controls: Vec<String>,
    /// Why the rule is there.
    pub reason: String,
    /// The actions that are held against it, the most dangerous first; at most twenty.
    pub actions: Vec<SmolStr>,
    /// How many there are.
    pub n_actions: u64,
    /// The resource patterns on which they are held, `*` for the whole account; at most twenty.
    pub resources: Vec<SmolStr>,
    /// The policies and roles that grant them; at most twenty.
    pub sources: Vec<Text>,
    /// Whether they are held under conditions alone.
    pub conditional: bool,
}

/// The rules of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guardrails {
    rules: Vec<Rule>,
}

impl Guardrails {
    /// Reads a rule file.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key or word, or a rule that cannot be meant, with the place.
    pub fn parse(text: &str) -> Result<Self, GuardrailError> {
        Ok(Self { rules: file::rules(text)? })
    }

    /// The rules that come with Overgrant.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static RULES: OnceLock<Guardrails> = OnceLock::new();
        // A test reads them, so that they can be read.
        RULES.get_or_init(|| Self::parse(BUNDLED).unwrap_or_default())
    }

    /// The rules in the file's order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that a holder's grants break on a day.
    #[must_use]
    pub fn check(&self, holder: &Holder, set: &GrantSet, as_of: Time) -> Vec<Breach> {
        if set.provider() != holder.provider {
            return Vec::new();
        }
        let rules = self.rules.iter().filter(|rule| rule.is_about(holder, as_of));
        rules.filter_map(|rule| breach(rule, set)).collect()
    }

    /// The rules that the documents of a policy file break. `holder` says to whom they will be attached; without it, rules
    /// for certain kinds of identity are about nobody, except where the file itself names its holders (GCP bindings,
    /// public resource policies).
    ///
    /// # Errors
    /// When the file is not JSON or holds no policy or role.
    pub fn check_policy(
        &self,
        bytes: &[u8],
        holder: Option<&Holder>,
        as_of: Time,
    ) -> Result<Vec<PolicyBreach>, GuardrailError> {
        document::check(self, bytes, holder, as_of)
    }

    /// How many exceptions are over; between two days on which it is the same, the rules say the same.
    #[must_use]
    pub fn n_expired(&self, as_of: Time) -> usize {
        self.expired(as_of).count()
    }

    /// The exceptions that are over: rule, whom it excepted, its last day.
    pub fn expired(&self, as_of: Time) -> impl Iterator<Item = (&str, &str, &str)> {
        self.rules.iter().flat_map(move |rule| {
            let over = rule.exceptions().iter().filter(move |exception| exception.is_over(as_of));
            over.map(move |exception| (rule.id.as_str(), exception.who(), exception.until()))
        })
    }
}

/// Whether a set breaks a rule, and by what.
fn breach(rule: &Rule, set: &GrantSet) -> Option<Breach> {
    let never = rule.never(set.provider());
    let counts =
        |atom: &&Atom| (!rule.whole_only || atom.is_whole()) && (!rule.unconditional_only || !atom.is_conditional());
    let mut held = RoaringBitmap::new();
    let (mut resources, mut sources) = (BTreeSet::new(), BTreeSet::new());
    let (mut conditional, mut plain) = (false, false);
    for atom in set.atoms().iter().filter(counts) {
        let hit = &*atom.actions & &never.actions;
        if hit.is_empty() {
            continue;
        }
        held |= hit;
        resources.insert(SmolStr::from(atom.area.to_string()));
        sources.insert(atom.source.clone());
        conditional |= atom.is_conditional();
        plain |= !atom.is_conditional();
    }
    let broken = if never.all { never.actions.is_subset(&held) } else { !held.is_empty() };
    (broken && !held.is_empty()).then(|| Breach {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        severity: rule.severity,
        controls: rule.controls.clone(),
        reason: rule.reason.clone(),
        n_actions: held.len(),
        actions: worst_first(&held, set.provider()),
        // `*` sorts first, which is the widest.
        resources: resources.into_iter().take(MAX_LISTED).collect(),
        sources: sources.into_iter().take(MAX_LISTED).collect(),
        conditional: conditional && !plain,
    })
}

fn worst_first(actions: &RoaringBitmap, provider: Provider) -> Vec<SmolStr> {
    let catalogue = Catalogue::bundled().provider(provider);
    let mut infos: Vec<_> = actions.iter().filter_map(|idx| catalogue.get(ActionIdx(idx))).collect();
    infos.sort_by(|a, b| b.risk.cmp(&a.risk).then_with(|| a.name.cmp(&b.name)));
    infos.into_iter().take(MAX_LISTED).map(|info| info.name.clone()).collect()
}

/// The granted set of statements as one identity's policy, role assignment or binding over the whole account.
pub(crate) fn set_of_statements(provider: Provider, statements: Vec<Statement>, source: &str) -> Arc<GrantSet> {
    let policy = Policy::of(provider, statements, Vec::new(), Time::default());
    Grants::new().of_policy(&policy, source, Catalogue::bundled())
}

/// A stable id of a breach: rule, holder, account.
#[must_use]
pub fn breach_id(rule: &str, holder: &Holder) -> String {
    Id128::of_parts(&[rule.as_bytes(), holder.id.as_bytes(), holder.account.as_bytes()]).to_string()
}

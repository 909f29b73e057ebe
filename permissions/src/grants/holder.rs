//! Who holds a set: what of a request is known because of whom it comes from.

use schemas::{Entitlement, EntitlementKind, IdentityKind, identity};

use crate::aws::evaluate::{Context, Identity, Unnamed};

/// An AWS identity with the context keys that follow from it; all others are not known.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) identity: Option<Identity>,
    pub(super) context: Context,
    /// What tells it from others.
    pub(super) text: String,
}

impl Holder {
    /// Reads it from its rows. The row that says it exists has its ARN; without one, the path of its name and with it
    /// `aws:PrincipalArn` are not known.
    pub(super) fn of(rows: &[&Entitlement]) -> Self {
        let mut context = Context::new(Unnamed::Unknown);
        let arn = rows
            .iter()
            .filter(|row| row.kind == EntitlementKind::Identity)
            .find_map(|row| row.scopes.first().map(|scope| scope.as_str()))
            .filter(|scope| scope.starts_with("arn:"));
        // A set holds from when the last of its grants does.
        let grants = rows.iter().filter(|row| row.kind != EntitlementKind::Identity);
        let since = grants.map(|row| row.valid_from).max();
        if let Some(since) = since {
            context.set_not_before(since);
        }
        let Some(row) = rows.first() else { return Self { identity: None, context, text: String::new() } };
        if arn.is_none() {
            context.set_unknown("aws:PrincipalArn");
        }
        let made = arn.map(str::to_owned).or_else(|| identity::aws_arn(&row.identity_id));
        let asks = made.as_deref().and_then(|arn| Identity::parse(arn).ok());
        match &asks {
            Some(asks) => context.fill_in(asks),
            None => context.set("aws:PrincipalAccount", [row.account_id.as_str()]),
        }
        if let Some(org_id) = &row.org_id {
            context.set("aws:PrincipalOrgID", [org_id.as_str()]);
        }
        let generation = rows.iter().find_map(|row| row.identity_generation.as_ref());
        if let Some(generation) = generation.filter(|_| row.identity_kind == IdentityKind::User) {
            context.set("aws:userid", [generation.as_str()]);
        }
        let text =
            format!("{}\n{}\n{arn:?}\n{generation:?}\n{:?}\n{since:?}", row.identity_id, row.account_id, row.org_id);
        Self { identity: asks, context, text }
    }

    /// Whether SCPs and RCPs limit it: no service-linked role (AWS Organizations: Service control policies, «Tasks and
    /// entities not restricted by SCPs»).
    pub(super) fn is_limited(&self) -> bool {
        self.identity.as_ref().is_none_or(|identity| !identity.is_service_linked())
    }
}

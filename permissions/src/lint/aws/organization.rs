//! SCPs and RCPs, which limit and never grant.

use super::{Document, Statement};
use crate::lint::{Found, Kind, RuleId, short};

pub(super) fn check(document: &Document<'_>, found: &mut Found) {
    for statement in &document.statements {
        match document.kind {
            Kind::AwsScp => scp(statement, found),
            Kind::AwsRcp => rcp(statement, found),
            _ => {}
        }
    }
}

fn all(statement: &Statement<'_>) -> bool {
    statement.actions.iter().flatten().any(|spot| matches!(spot.text, "*" | "*:*"))
}

fn scp(statement: &Statement<'_>, found: &mut Found) {
    let whole = all(statement) && statement.on_everything();
    if !statement.allow && whole && statement.condition.is_none() {
        found.add(RuleId::AwsScpDeniesAll, statement.at(), "denies every action to everybody in the account");
    }
    if statement.allow && !(whole && statement.condition.is_none()) {
        let message = "what this does not allow is denied, unless another SCP of the same level allows it";
        found.add(RuleId::AwsScpAllowNarrow, statement.at(), message);
    }
}

/// "The effect of `Allow` is only supported for the `RCPFullAWSAccess` policy" (RCP syntax).
fn rcp(statement: &Statement<'_>, found: &mut Found) {
    if statement.allow {
        found.add(RuleId::AwsRcpAllow, statement.at(), "an RCP of one's own denies, and `Effect` is `Allow`");
    }
    if let Some(principal) = statement.principal.filter(|p| p.text() != Some("*")) {
        found.add(RuleId::AwsRcpPrincipal, principal.start, "`Principal` of an RCP is `*`");
    }
    if let Some(not) = statement.not_principal {
        found.add(RuleId::AwsRcpPrincipal, not.start, "an RCP has no `NotPrincipal`");
    }
    for spot in statement.actions.iter().flatten().filter(|spot| spot.text == "*") {
        found.add(RuleId::AwsRcpAction, spot.at, format!("`{}` names no service", short(spot.text)));
    }
}

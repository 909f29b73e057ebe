//! `overgrant permissions`: all that an identity, or a policy file, allows.

use std::collections::BTreeMap;
use std::io::Write;

use ::permissions::{ActionIdx, Catalogue, GrantSet, Grants};
use schemas::{RiskClass, Time};
use serde_json::{Value, json};
use sinks::format::Format;

use super::can::sets;
use super::held::Held;
use super::{block_on, print_rows, read_file};
use crate::args::PermissionsArgs;
use crate::{Exit, Mistake, show};

pub(super) fn run(args: &PermissionsArgs) -> anyhow::Result<Exit> {
    match (&args.identity, &args.policy) {
        (Some(identity), _) => of_identity(args, identity),
        (None, Some(path)) => of_policy(path),
        (None, None) => Err(Mistake("name an identity, or a file with --policy".to_owned()).into()),
    }
}

/// The catalogue's actions that a document allows, one a line.
fn of_policy(path: &std::path::Path) -> anyhow::Result<Exit> {
    let bytes = read_file(path)?;
    let policy = ::permissions::document::read(&bytes, Time(0))
        .map_err(|why| Mistake(format!("`{}`: {why}", path.display())))?;
    let set = Grants::new().of_policy(&policy, "policy", Catalogue::bundled());
    let catalogue = Catalogue::bundled().provider(policy.provider);
    let mut out = std::io::BufWriter::new(show::out());
    for idx in set.actions() {
        writeln!(out, "{}", catalogue.action(ActionIdx(idx)).name)?;
    }
    out.flush()?;
    for error in &policy.errors {
        anstream::eprintln!("{}{}{:#}", show::YELLOW, show::clean(error), show::YELLOW);
    }
    for pattern in set.unmatched() {
        anstream::eprintln!("{}`{}` names no known action{:#}", show::YELLOW, show::clean(pattern), show::YELLOW);
    }
    Ok(if policy.errors.is_empty() { Exit::Done } else { Exit::Rejected })
}

/// What an identity is granted, an action a line, or for people by service and risk.
fn of_identity(args: &PermissionsArgs, name: &str) -> anyhow::Result<Exit> {
    let (held, id) = block_on(Held::of_identity(&args.held, name, None))?;
    let mut rows = Vec::new();
    let is_summary = args.held.of.format.0 == Format::Table && !args.each;
    for (account, set) in sets(&mut Grants::new(), &held, &id) {
        rows.extend(if is_summary { summary(&account, &set) } else { each(&account, &set) });
        if is_summary && !set.ignored().is_empty() {
            anstream::eprintln!("{}{account}: {}{:#}", show::DIM, set.ignored().join(", "), show::DIM);
        }
    }
    let columns: &[&str] = if is_summary {
        &["account_id", "service", "risk", "n_actions", "on", "source", "conditional_on"]
    } else {
        &["account_id", "action", "risk", "on", "source", "conditional_on"]
    };
    print_rows(columns, &rows, args.held.of.format)?;
    Ok(Exit::Done)
}

fn each(account: &str, set: &GrantSet) -> Vec<Value> {
    let catalogue = Catalogue::bundled().provider(set.provider());
    let mut rows = Vec::new();
    for atom in set.atoms() {
        for idx in &*atom.actions {
            let action = catalogue.action(ActionIdx(idx));
            rows.push(json!({
                "account_id": account, "action": action.name, "risk": action.risk.as_str(), "on": atom.area.to_string(),
                "source": atom.source, "conditional_on": atom.conditional_on,
            }));
        }
    }
    rows
}

/// Counts by service and risk class, the riskiest first.
fn summary(account: &str, set: &GrantSet) -> Vec<Value> {
    let catalogue = Catalogue::bundled().provider(set.provider());
    let mut counts: BTreeMap<(std::cmp::Reverse<RiskClass>, String, usize), u64> = BTreeMap::new();
    for (at, atom) in set.atoms().iter().enumerate() {
        for idx in &*atom.actions {
            let action = catalogue.action(ActionIdx(idx));
            *counts.entry((std::cmp::Reverse(action.risk), action.service.to_string(), at)).or_default() += 1;
        }
    }
    let row = |((std::cmp::Reverse(risk), service, at), n): ((std::cmp::Reverse<RiskClass>, String, usize), u64)| {
        let atom = &set.atoms()[at];
        json!({
            "account_id": account, "service": service, "risk": risk.as_str(), "n_actions": n, "on": atom.area.to_string(),
            "source": atom.source, "conditional_on": atom.conditional_on,
        })
    };
    counts.into_iter().map(row).collect()
}

//! `overgrant guardrails`: which rules grants break, or policy files in CI.

use std::path::Path;

use ::permissions::Grants;
use ::permissions::guardrails::{Breach, Guardrails, Holder, control};
use schemas::Time;
use serde_json::{Value, json};
use stream::clock::Clock;

use super::can::sets;
use super::held::{Held, kind_of};
use super::{block_on, print_rows, read_file};
use crate::args::GuardrailsArgs;
use crate::{Exit, Mistake, show};

pub(super) fn run(args: &GuardrailsArgs) -> anyhow::Result<Exit> {
    let rules = match &args.rules {
        Some(path) => &read(path)?,
        None => Guardrails::bundled(),
    };
    let (mut rows, as_of) = if args.policies.is_empty() { of_store(args, rules)? } else { of_files(args, rules)? };
    for (rule, who, until) in rules.expired(as_of) {
        anstream::eprintln!(
            "{}rule `{rule}`: the exception of `{who}` ended on {until}{:#}",
            show::YELLOW,
            show::YELLOW
        );
    }
    let severity =
        |row: &Value| ["critical", "high", "medium", "low"].iter().position(|word| row["severity"] == **word);
    rows.sort_by_cached_key(|row| (severity(row), row["rule"].to_string(), row["who"].to_string()));
    let columns = ["severity", "rule", "who", "account_id", "actions", "on", "sources", "conditional", "controls"];
    print_rows(&columns, &rows, args.held.of.format)?;
    Ok(if rows.is_empty() { Exit::Done } else { Exit::Unexpected })
}

fn read(path: &Path) -> anyhow::Result<Guardrails> {
    let text =
        String::from_utf8(read_file(path)?).map_err(|_| Mistake(format!("`{}` is not UTF-8", path.display())))?;
    Ok(Guardrails::parse(&text).map_err(|error| Mistake(error.to_string()))?)
}

/// Every identity's grants in every account.
fn of_store(args: &GuardrailsArgs, rules: &Guardrails) -> anyhow::Result<(Vec<Value>, Time)> {
    let held = block_on(Held::all(&args.held))?;
    let (mut grants, mut rows) = (Grants::new(), Vec::new());
    for (id, of_identity) in held.identities() {
        for (account, set) in sets(&mut grants, &held, id) {
            let name = of_identity.iter().find_map(|row| row.identity_name.as_ref());
            let name = name.map(ToString::to_string).unwrap_or_default();
            let provider = of_identity[0].provider;
            let kind = kind_of(of_identity);
            let holder = Holder { id: id.to_string(), name, kind, account: account.as_str().into(), provider };
            rows.extend(rules.check(&holder, &set, held.at).iter().map(|breach| row(id, &account, breach)));
        }
    }
    Ok((rows, held.at))
}

fn of_files(args: &GuardrailsArgs, rules: &Guardrails) -> anyhow::Result<(Vec<Value>, Time)> {
    let now = Time(Clock::system().now());
    let mut rows = Vec::new();
    for path in &args.policies {
        let name = path.display().to_string();
        let found = rules.check_policy(&read_file(path)?, None, now);
        for one in found.map_err(|error| Mistake(format!("`{name}`: {error}")))? {
            let who = if one.holder.id.is_empty() { &one.document } else { &one.holder.id };
            rows.push(row(&format!("{name}: {who}"), "", &one.breach));
        }
    }
    Ok((rows, now))
}

fn row(who: &str, account: &str, breach: &Breach) -> Value {
    let titles: Vec<String> = breach
        .controls
        .iter()
        .map(|tag| control(tag).map_or_else(|| tag.to_string(), |control| format!("{tag}: {}", control.title)))
        .collect();
    json!({
        "severity": breach.severity.as_str(), "rule": breach.rule, "title": breach.title, "who": who, "account_id": account,
        "actions": breach.actions, "n_actions": breach.n_actions, "on": breach.resources, "sources": breach.sources,
        "conditional": breach.conditional, "controls": breach.controls, "control_titles": titles, "reason": breach.reason,
    })
}

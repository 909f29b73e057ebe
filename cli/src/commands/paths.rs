//! `overgrant paths`: who can become administrator, by which shortest chain, and what an identity reaches.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use ::permissions::escalation::{Became, Chain, Estate, Member, Outsider};
use ::permissions::exposure::Scale;
use ::permissions::question::Asker;
use ::permissions::{Catalogue, Grants, Reach, RiskModel};
use schemas::{AccountId, Entitlement, EntitlementKind, IdentityId, IdentityKind, PolicyHash, Provider, identity};
use serde_json::{Value, json};
use sinks::format::Format;

use super::can::sets;
use super::held::{Held, kind_of};
use super::{block_on, print_rows};
use crate::args::PathsArgs;
use crate::{Exit, Mistake, show};

/// Identities of a blast radius that are listed.
const MAX_LISTED: usize = 50;

pub(super) fn run(args: &PathsArgs) -> anyhow::Result<Exit> {
    let held = block_on(Held::all(&args.held))?;
    match &args.identity {
        Some(name) => of_identity(args, &held, name),
        None => of_everybody(args, &held),
    }
}

fn of_everybody(args: &PathsArgs, held: &Held) -> anyhow::Result<Exit> {
    let mut rows = Vec::new();
    for provider in Provider::ALL {
        let estate = estate(held, *provider);
        if estate.is_cut() {
            anstream::eprintln!(
                "{}{provider}: a bound was met, and chains may be missing{:#}",
                show::YELLOW,
                show::YELLOW
            );
        }
        for (id, chain) in estate.escalating() {
            rows.push(json!({
                "identity_id": id, "n_steps": chain.steps.len(), "certain": chain.is_certain(), "chain": words(&chain),
            }));
        }
    }
    rows.sort_by_cached_key(|row| (row["certain"] != true, row["n_steps"].as_u64(), row["identity_id"].to_string()));
    print_rows(&["identity_id", "n_steps", "certain", "chain"], &rows, args.held.of.format)?;
    Ok(Exit::Done)
}

fn of_identity(args: &PathsArgs, held: &Held, name: &str) -> anyhow::Result<Exit> {
    let id = held.find(name)?;
    let provider = held.rows_of(&id).first().map(|row| row.provider);
    let provider = provider.ok_or_else(|| Mistake(format!("nothing is known of `{name}` at {}", held.at)))?;
    let estate = estate(held, provider);
    let chain = estate.chain_to_administrator(&id);
    let radius = estate.blast_radius(&id).unwrap_or_default();
    let outside: Vec<Value> = estate
        .outside_trust()
        .into_iter()
        .filter(|trust| trust.role == id)
        .map(|trust| json!({ "whom": outsider(&trust.whom), "rests_on": trust.rests_on }))
        .collect();
    let by_risk: Vec<Value> = radius
        .by_risk(provider)
        .into_iter()
        .map(|(risk, n)| json!({ "risk": risk.as_str(), "n_actions": n }))
        .collect();
    let reached = radius.identities.iter().take(MAX_LISTED);
    let answer = json!({
        "identity_id": id,
        "as_of": held.at.to_string(),
        "chain_to_administrator": chain.as_ref().map(words),
        "certain": chain.as_ref().map(Chain::is_certain),
        "becomes": reached.map(|one| json!({ "identity_id": one.identity, "n_steps": one.n_steps, "certain": one.is_certain }))
            .collect::<Vec<_>>(),
        "n_becomes": radius.identities.len(),
        "administers": radius.administers.iter().map(|(account, certain)| json!({ "account_id": account, "certain": certain }))
            .collect::<Vec<_>>(),
        "n_actions": radius.actions.len(),
        "by_risk": by_risk,
        "trusted_from_outside": outside,
    });
    if args.held.of.format.0 == Format::Table {
        tell(&answer)?;
    } else {
        writeln!(show::out(), "{answer}")?;
    }
    Ok(Exit::Done)
}

fn tell(answer: &Value) -> anyhow::Result<()> {
    let mut out = show::out();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), show::clean);
    writeln!(out, "{}{}{:#}, as of {}", show::BOLD, text(&answer["identity_id"]), show::BOLD, text(&answer["as_of"]))?;
    let perhaps = |certain: &Value| if *certain == true { "" } else { " (perhaps)" };
    match answer["chain_to_administrator"].as_array() {
        None => writeln!(out, "  cannot become administrator")?,
        Some(steps) if steps.is_empty() => writeln!(out, "  {}is administrator{:#}", show::RED, show::RED)?,
        Some(steps) => {
            writeln!(out, "  {}can become administrator{:#}{}:", show::RED, show::RED, perhaps(&answer["certain"]))?;
            steps.iter().try_for_each(|step| writeln!(out, "    {}", text(step)))?;
        }
    }
    writeln!(out, "  becomes {} identities:", answer["n_becomes"])?;
    for one in answer["becomes"].as_array().into_iter().flatten() {
        writeln!(out, "    {} in {} steps{}", text(&one["identity_id"]), one["n_steps"], perhaps(&one["certain"]))?;
    }
    for one in answer["administers"].as_array().into_iter().flatten() {
        writeln!(out, "  administers {}{}", text(&one["account_id"]), perhaps(&one["certain"]))?;
    }
    writeln!(out, "  reaches {} actions:", answer["n_actions"])?;
    for one in answer["by_risk"].as_array().into_iter().flatten().filter(|one| one["n_actions"] != 0) {
        writeln!(out, "    {} {}", one["n_actions"], text(&one["risk"]))?;
    }
    for one in answer["trusted_from_outside"].as_array().into_iter().flatten() {
        writeln!(out, "  {}trusts{:#} {}, if {}", show::YELLOW, show::YELLOW, text(&one["whom"]), one["rests_on"])?;
    }
    Ok(())
}

/// A line for each step.
fn words(chain: &Chain) -> Vec<String> {
    let step = |step: &::permissions::escalation::Step| {
        let by =
            step.path.map_or_else(|| "as administrator".to_owned(), |path| format!("{} ({})", path.title, path.id));
        let became = match &step.became {
            Became::Identity(id) => format!("becomes {id}"),
            Became::Through(id) => format!("asks through {id}"),
            Became::Raised(id) => format!("makes {id} administrator"),
            Became::Administrator { account, by: None } => format!("is administrator of {account}"),
            Became::Administrator { account, by: Some(by) } => format!("is administrator of {account} as {by}"),
        };
        format!("{became}: {by}{}", if step.is_certain { "" } else { ", perhaps" })
    };
    chain.steps.iter().map(step).collect()
}

fn outsider(whom: &Outsider) -> String {
    match whom {
        Outsider::Anyone => "anyone".to_owned(),
        Outsider::Account { named, is_known: true, .. } => format!("{named}, of an account that is read too"),
        Outsider::Account { named, .. } => format!("{named}, of an account that is not read"),
        Outsider::IdentityProvider { provider, any_subject: true } => format!("{provider}, whatever the subject"),
        Outsider::IdentityProvider { provider, .. } => provider.to_string(),
    }
}

/// Everybody of a cloud.
fn estate(held: &Held, provider: Provider) -> Estate {
    let find = |hash: &PolicyHash| held.policy(hash);
    let mut asker = Asker::new(&find);
    let (mut grants, model) = (Grants::new(), RiskModel::default());
    let scale = Scale { catalogue: Catalogue::bundled(), model: &model, reach: &|_, _| Reach::UNKNOWN };
    let of_cloud = held.identities().filter(|(_, rows)| rows.iter().any(|row| row.provider == provider));
    let members = of_cloud.map(|(id, rows)| {
        let mut member = Member::new(id, &resource(id, rows), kind_of(rows), &account_of(id, rows));
        for (account, set) in sets(&mut grants, held, id) {
            if scale.is_super(&set) {
                member.administers.push(AccountId::from(account.as_str()));
            }
            member.grants.push((AccountId::from(account.as_str()), set));
        }
        if provider == Provider::Aws {
            member.policies = Some(Arc::new(asker.aws_policies(&held.holdings(id, "*"))));
        }
        let trust = rows.iter().find(|row| row.kind == EntitlementKind::Trust);
        member.trust = trust.and_then(|row| row.policy_hashes.first()).and_then(find);
        let groups: BTreeSet<IdentityId> = rows.iter().flat_map(|row| &row.groups).cloned().collect();
        member.groups = groups.into_iter().collect();
        let attached = rows.iter().filter_map(|row| row.source.split_once("attached:")).map(|(_, arn)| arn);
        member.attached = attached.filter(|arn| !arn.starts_with("arn:aws:iam::aws:")).map(Into::into).collect();
        member
    });
    // What runs as whom is in no snapshot.
    Estate::new(provider, members.collect(), None)
}

/// How grants name an identity.
fn resource(id: &IdentityId, rows: &[Entitlement]) -> String {
    let own = rows.iter().filter(|row| row.kind == EntitlementKind::Identity).find_map(|row| row.scopes.first());
    match rows.first().map(|row| (row.provider, row.identity_kind)) {
        Some((Provider::Aws, _)) => match own {
            Some(arn) => arn.to_string(),
            None => identity::aws_arn(id).unwrap_or_default(),
        },
        Some((Provider::Azure, _)) => format!("/{}", id.rsplit(':').next().unwrap_or_default()),
        Some((Provider::Gcp, IdentityKind::ServiceAccount)) => {
            let email = id.strip_prefix("gcp:").unwrap_or(id);
            format!("//iam.googleapis.com/projects/{}/serviceAccounts/{email}", project_of(email).unwrap_or("-"))
        }
        _ => String::new(),
    }
}

fn account_of(id: &IdentityId, rows: &[Entitlement]) -> String {
    let project = id.strip_prefix("gcp:").and_then(project_of);
    project.map_or_else(|| rows.first().map(|row| row.account_id.to_string()).unwrap_or_default(), str::to_owned)
}

/// The project of a service account's address.
fn project_of(email: &str) -> Option<&str> {
    email.split_once('@')?.1.strip_suffix(".iam.gserviceaccount.com")
}

//! `overgrant can` and `overgrant who-can`: may an identity do it, who may, and why.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use ::permissions::question::{Answer, Asker, Holdings, Question};
use ::permissions::{ActionIdx, Catalogue, GrantSet, Grants};
use schemas::{Entitlement, EntitlementKind, Granted, IdentityId, IdentityKind, PolicyHash, Provider};
use serde_json::json;
use sinks::format::Format;

use super::held::{Held, is_limit, kind_of};
use super::{block_on, print_rows};
use crate::args::{CanArgs, ExpectArg, HeldArgs, WhoCanArgs};
use crate::{Exit, Mistake, show};

/// `overgrant can`.
pub(super) fn can(args: &CanArgs) -> anyhow::Result<Exit> {
    let resource = args.what.resource.as_deref();
    let (held, id) = block_on(Held::of_identity(&args.held, &args.identity, resource))?;
    let find = |hash: &PolicyHash| held.policy(hash);
    let question = question(&args.what, &args.held, &held, provider_of(&held, &id)?)?;
    let said = if resource.is_some() {
        Said::Exactly(Asker::new(&find).ask(&held.holdings(&id, &question.resource), &question).map_err(Mistake)?)
    } else {
        on_anything(&held, &id, &question)?
    };
    tell(args, &held, &id, &question, &said)?;
    let granted = said.granted();
    Ok(match args.expect {
        Some(ExpectArg::Allowed) if granted != Granted::Yes => Exit::Unexpected,
        Some(ExpectArg::Denied) if granted != Granted::No => Exit::Unexpected,
        _ => Exit::Done,
    })
}

/// `overgrant who-can`.
pub(super) fn who_can(args: &WhoCanArgs) -> anyhow::Result<Exit> {
    let held = block_on(Held::all(&args.held))?;
    let find = |hash: &PolicyHash| held.policy(hash);
    let mut asker = Asker::new(&find);
    let provider = provider_of_action(&args.what.action)?;
    let question = question(&args.what, &args.held, &held, provider)?;
    let (mut grants, mut rows, mut not_asked) = (Grants::new(), Vec::new(), Vec::new());
    // Groups ask nothing; their members do.
    let can_ask =
        |of: &[Entitlement]| of.iter().any(|row| row.provider == provider) && kind_of(of) != IdentityKind::Group;
    for (id, of_identity) in held.identities().filter(|(_, rows)| can_ask(rows)) {
        let said = if args.what.resource.is_some() {
            match asker.ask(&held.holdings(id, &question.resource), &question) {
                Ok(answer) => Said::Exactly(answer),
                Err(why) => {
                    not_asked.push(why);
                    continue;
                }
            }
        } else {
            Said::Somewhere(somewhere(&mut grants, &held, id, &question)?)
        };
        rows.extend(said.row(&of_identity[0]));
    }
    if let Some(row) = anybody(&mut asker, &held, &question) {
        rows.push(row);
    }
    rows.sort_by_cached_key(|row| (row["granted"] != "yes", row["identity_id"].to_string()));
    rows.truncate(args.limit);
    if let Some(why) = not_asked.first() {
        let (n, why) = (not_asked.len(), show::clean(why));
        anstream::eprintln!("{}{n} identities could not be asked about: {why}{:#}", show::YELLOW, show::YELLOW);
    }
    let columns = ["granted", "identity_id", "kind", "account_id", "because", "conditional_on"];
    print_rows(&columns, &rows, args.held.of.format)?;
    Ok(Exit::Done)
}

/// The row of whoever asks without credentials, where the policy of an AWS resource may let them in.
fn anybody(asker: &mut Asker<'_>, held: &Held, question: &Question) -> Option<serde_json::Value> {
    let who = (IdentityId::from("aws:anonymous"), IdentityKind::Anonymous);
    let holdings = held.holdings(&who.0, &question.resource);
    let policy = holdings.of_resource.iter().find(|row| row.kind == EntitlementKind::ResourcePolicy)?;
    let account = policy.account_id.clone();
    let own =
        Entitlement::of(Provider::Aws, account, who, EntitlementKind::Identity, "identity".into(), policy.valid_from);
    let answer = asker.ask(&Holdings { own: vec![&own], ..holdings.clone() }, question).ok()?;
    Said::Exactly(answer).row(&own)
}

/// What is said of one identity.
enum Said {
    /// On the resource that was named.
    Exactly(Answer),
    /// On whatever resource: each area where it is granted.
    Somewhere(Vec<Somewhere>),
}

struct Somewhere {
    account: String,
    area: String,
    source: String,
    conditional_on: Vec<String>,
}

impl Said {
    fn granted(&self) -> Granted {
        match self {
            Self::Exactly(answer) => answer.granted(),
            Self::Somewhere(found) if found.is_empty() => Granted::No,
            Self::Somewhere(found) if found.iter().any(|one| one.conditional_on.is_empty()) => Granted::Yes,
            Self::Somewhere(_) => Granted::Unknown,
        }
    }

    /// As a row of `who-can`, where it is not denied.
    fn row(&self, of: &Entitlement) -> Option<serde_json::Value> {
        if self.granted() == Granted::No {
            return None;
        }
        let mut row = self.as_json();
        row["identity_id"] = of.identity_id.as_str().into();
        row["kind"] = of.identity_kind.as_str().into();
        row["account_id"] = of.account_id.as_str().into();
        Some(row)
    }

    fn as_json(&self) -> serde_json::Value {
        let granted = self.granted().as_str();
        match self {
            Self::Exactly(answer) => json!({
                "granted": granted,
                "verdict": answer.verdict,
                "rule": answer.rule,
                "because": because(answer),
                "statements": answer.statements,
                "conditional_on": answer.conditional_on,
                "could_activate": answer.could_activate,
                "outside": answer.outside,
                "errors": answer.errors,
                "not_read": answer.not_read,
            }),
            Self::Somewhere(found) => json!({
                "granted": granted,
                "because": found.first().map(|one| format!("{} on {}", one.source, one.area)),
                "where": found.iter().map(|one| json!({
                    "account_id": one.account, "on": one.area, "source": one.source,
                    "conditional_on": one.conditional_on,
                })).collect::<Vec<_>>(),
                "conditional_on": found.first().map(|one| one.conditional_on.clone()).unwrap_or_default(),
            }),
        }
    }
}

fn because(answer: &Answer) -> String {
    match answer.statements.first() {
        Some(first) => format!("{}: `{}`, statement `{}`", answer.rule, first.policy, first.statement),
        None => answer.rule.clone(),
    }
}

fn on_anything(held: &Held, id: &IdentityId, question: &Question) -> anyhow::Result<Said> {
    Ok(Said::Somewhere(somewhere(&mut Grants::new(), held, id, question)?))
}

/// The sets of an identity, one for each account that grants it something.
pub(super) fn sets(grants: &mut Grants, held: &Held, id: &IdentityId) -> BTreeMap<String, Arc<GrantSet>> {
    let find = |hash: &PolicyHash| held.policy(hash);
    let rows = held.rows_of(id);
    let mut sets = BTreeMap::new();
    for account in rows.iter().filter(|row| !is_limit(row)).map(|row| row.account_id.as_str()) {
        if sets.contains_key(account) {
            continue;
        }
        let own = rows.iter().filter(|row| !is_limit(row) && row.account_id == *account);
        let limits = held.limits(account).chain(held.denies_for_everybody(id, account));
        let set = grants.build(rows[0].provider, own.chain(limits), &find, Catalogue::bundled());
        sets.insert(account.to_owned(), set);
    }
    sets
}

fn somewhere(grants: &mut Grants, held: &Held, id: &IdentityId, question: &Question) -> anyhow::Result<Vec<Somewhere>> {
    let action = known_action(provider_of(held, id)?, &question.action)?;
    let mut found = Vec::new();
    for (account, set) in sets(grants, held, id) {
        for atom in set.granting(action) {
            found.push(Somewhere {
                account: account.clone(),
                area: atom.area.to_string(),
                source: atom.source.to_string(),
                conditional_on: atom.conditional_on.iter().map(ToString::to_string).collect(),
            });
        }
    }
    found.sort_by_key(|one| !one.conditional_on.is_empty());
    Ok(found)
}

fn known_action(provider: Provider, name: &str) -> Result<ActionIdx, Mistake> {
    let catalogue = Catalogue::bundled().provider(provider);
    catalogue
        .lookup(name)
        .ok_or_else(|| Mistake(format!("`{name}` is no known action; `overgrant catalog show` lists them")))
}

fn provider_of(held: &Held, id: &IdentityId) -> Result<Provider, Mistake> {
    let first = held.rows_of(id).iter().find(|row| !is_limit(row));
    first.map(|row| row.provider).ok_or_else(|| Mistake(format!("nothing is known of `{id}` at {}", held.at)))
}

/// The cloud whose spelling an action has.
fn provider_of_action(action: &str) -> Result<Provider, Mistake> {
    match action {
        _ if action.contains('/') => Ok(Provider::Azure),
        _ if action.contains(':') => Ok(Provider::Aws),
        _ if action.contains('.') => Ok(Provider::Gcp),
        _ => Err(Mistake(format!(
            "`{action}` is no action; some are `s3:GetObject`, `Microsoft.Compute/virtualMachines/read` and `storage.objects.get`"
        ))),
    }
}

fn question(
    what: &crate::args::WhatArgs,
    args: &HeldArgs,
    held: &Held,
    provider: Provider,
) -> Result<Question, Mistake> {
    let resource = what.resource.clone().unwrap_or_default();
    let ancestors =
        if what.ancestors.is_empty() { held.ancestors(provider, &resource) } else { Some(what.ancestors.clone()) };
    Ok(Question {
        action: what.action.clone(),
        resource,
        resource_account: what.resource_account.clone(),
        context: context(&what.context)?,
        ancestors,
        // The time of a question about now is that of the request, which nobody knows.
        at: args.at.is_some().then_some(held.at),
    })
}

/// `key=value`, a key again for another value of it; `key=` for a key that is not there.
fn context(given: &[String]) -> Result<Vec<(String, Vec<String>)>, Mistake> {
    let mut context: Vec<(String, Vec<String>)> = Vec::new();
    for text in given {
        let (key, value) = text
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| Mistake(format!("--context `{text}` is not KEY=VALUE")))?;
        let at = context.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            context.push((key.to_owned(), Vec::new()));
            context.len() - 1
        });
        if !value.is_empty() {
            context[at].1.push(value.to_owned());
        }
    }
    Ok(context)
}

fn tell(args: &CanArgs, held: &Held, id: &IdentityId, question: &Question, said: &Said) -> anyhow::Result<()> {
    let mut out = show::out();
    if args.held.of.format.0 != Format::Table {
        let mut row = said.as_json();
        row["identity_id"] = id.as_str().into();
        row["action"] = question.action.as_str().into();
        row["resource"] = question.resource.as_str().into();
        row["as_of"] = held.at.to_string().into();
        writeln!(out, "{row}")?;
        return Ok(());
    }
    let (word, colour) = match said.granted() {
        Granted::Yes => ("yes", show::GREEN),
        Granted::Unknown => ("perhaps", show::YELLOW),
        Granted::No => ("no", show::RED),
    };
    let on = if question.resource.is_empty() { "anything" } else { &question.resource };
    let (id, action, on) = (show::clean(id), show::clean(&question.action), show::clean(on));
    writeln!(out, "{colour}{word}{colour:#}: {id}, {action} on {on}, as of {}", held.at)?;
    match said {
        Said::Exactly(answer) => tell_exactly(&mut out, answer),
        Said::Somewhere(found) => tell_somewhere(&mut out, found),
    }
}

fn tell_exactly(out: &mut impl Write, answer: &Answer) -> anyhow::Result<()> {
    let dim = show::DIM;
    writeln!(out, "  {}", answer.rule)?;
    for one in &answer.statements {
        writeln!(out, "  by `{}`, statement `{}`", show::clean(&one.policy), show::clean(&one.statement))?;
    }
    for name in &answer.conditional_on {
        writeln!(out, "  if {}", show::clean(name))?;
    }
    for one in &answer.could_activate {
        writeln!(out, "  could activate `{}` ({})", show::clean(&one.policy), show::clean(&one.statement))?;
    }
    for one in &answer.outside {
        writeln!(out, "  holds besides: {} ({:?})", show::clean(&one.name), one.tier)?;
    }
    for error in &answer.errors {
        writeln!(out, "  cannot be read: {}", show::clean(error))?;
    }
    writeln!(out, "  {dim}not read: {}{dim:#}", answer.not_read.join(", "))?;
    Ok(())
}

fn tell_somewhere(out: &mut impl Write, found: &[Somewhere]) -> anyhow::Result<()> {
    for one in found {
        let conditions = if one.conditional_on.is_empty() {
            String::new()
        } else {
            format!(" if {}", one.conditional_on.join(", "))
        };
        let said = format!("on {} in {}, by `{}`{conditions}", one.area, one.account, one.source);
        writeln!(out, "  {}", show::clean(said))?;
    }
    Ok(())
}

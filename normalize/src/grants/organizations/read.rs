//! One answer of `aws organizations`: its pieces.

use std::collections::BTreeSet;

use permissions::aws::parse_policy;
use schemas::{AccountId, OrgId, Policy, Provider, Text};
use serde_json::Value;

use super::super::aws::Reader;
use super::super::facts::{Fact, Piece, items, required, text};
use super::super::read::Read;

/// Reads an answer; `about` is the policy, root, unit or account that it is about, where it does not say.
pub(in super::super) fn answer(
    kind: &str,
    about: &str,
    answer: &Value,
    reader: &mut Reader<'_>,
) -> Result<Read, String> {
    let mut read = Read::default();
    let about = || {
        if about.is_empty() {
            Err("nothing says what it is about: name the file by its id".to_owned())
        } else {
            Ok(about)
        }
    };
    match kind {
        "policy" => policy(answer, reader, &mut read)?,
        "summary" => {
            if !about()?.starts_with("p-") {
                return Err("field `Id` is missing or no policy's".to_owned());
            }
            read.facts.push(piece(named_policy(answer)?));
        }
        "attached" => attached(about()?, answer, &mut read)?,
        "targets" => {
            read.facts.push(piece(Piece::TargetsOf { policy: about()?.into() }));
            let about = about()?;
            each(answer, "Targets", &mut read, |target| {
                Ok(Piece::Attached { policy: about.into(), target: required(target, "TargetId")?.into() })
            });
            names(answer, "Targets", "TargetId", &mut read);
        }
        "parents" => {
            let about = about()?;
            each(answer, "Parents", &mut read, |parent| {
                Ok(Piece::Parent { child: about.into(), parent: required(parent, "Id")?.into() })
            });
        }
        "children" => {
            let about = about()?;
            each(answer, "Children", &mut read, |child| {
                Ok(Piece::Parent { child: required(child, "Id")?.into(), parent: about.into() })
            });
        }
        "accounts" | "units" => {
            let list = if kind == "units" { "OrganizationalUnits" } else { "Accounts" };
            if let Ok(parent) = about() {
                each(answer, list, &mut read, |child| {
                    Ok(Piece::Parent { child: required(child, "Id")?.into(), parent: parent.into() })
                });
            }
            names(answer, list, "Id", &mut read);
        }
        "roots" => {
            names(answer, "Roots", "Id", &mut read);
            each(answer, "Roots", &mut read, enabled);
        }
        "organization" => {
            let found = answer.get("Organization").unwrap_or(answer);
            let account = text(found, "MasterAccountId").or_else(|| text(found, "ManagementAccountId"));
            let account = account.ok_or("field `MasterAccountId` is missing or no text")?;
            read.facts.push(piece(Piece::Management { account: account.into() }));
            read.facts.push(piece(Piece::Of { id: account.into(), org: required(found, "Id")?.into() }));
        }
        other => return Err(format!("object kind `{other}` is unknown")),
    }
    Ok(read)
}

fn piece(piece: Piece) -> Fact {
    Fact::Organization(piece)
}

fn each(answer: &Value, list: &str, read: &mut Read, make: impl Fn(&Value) -> Result<Piece, String>) {
    for (at, entry) in items(answer, list).iter().enumerate() {
        read.take(&format!("`{list}[{at}]`"), make(entry).map(piece));
    }
}

/// Names, and what ARNs tell: of which organization an id is, and which account manages it.
fn names(answer: &Value, list: &str, id: &str, read: &mut Read) {
    let mut managers = BTreeSet::new();
    each(answer, list, read, |entry| {
        Ok(Piece::Named { id: required(entry, id)?.into(), name: text(entry, "Name").map(Text::from) })
    });
    for entry in items(answer, list) {
        if let (Some(id), Some((account, org))) = (text(entry, id), text(entry, "Arn").and_then(of_arn)) {
            read.facts.push(piece(Piece::Of { id: id.into(), org }));
            managers.insert(account);
        }
    }
    read.facts.extend(managers.into_iter().map(|account| piece(Piece::Management { account })));
}

/// The management account and the organization of `arn:aws:organizations::<account>:<kind>/o-…/…`. Ids in the
/// organizations of AWS's own policies have no account.
fn of_arn(arn: &str) -> Option<(AccountId, OrgId)> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, account, rest) = (parts.next()?, parts.nth(1)?, parts.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let org = rest.split('/').find(|part| part.starts_with("o-"))?;
    (service == "organizations" && is_account).then(|| (account.into(), org.into()))
}

fn enabled(root: &Value) -> Result<Piece, String> {
    let is_on = |kind: &&Value| text(kind, "Status") == Some("ENABLED");
    let kinds = items(root, "PolicyTypes").iter().filter(is_on).filter_map(|kind| text(kind, "Type")).map(Text::from);
    Ok(Piece::Enabled { root: required(root, "Id")?.into(), kinds: kinds.collect() })
}

fn named_policy(summary: &Value) -> Result<Piece, String> {
    Ok(Piece::Policy { id: required(summary, "Id")?.into(), kind: required(summary, "Type")?.into(), hash: None })
}

/// A policy that `list-policies-for-target` names for the target.
fn attached(target: &str, summary: &Value, read: &mut Read) -> Result<(), String> {
    let policy = named_policy(summary)?;
    if let Piece::Policy { id, kind, .. } = &policy {
        read.facts.push(piece(Piece::PoliciesAt { target: target.into(), kind: kind.clone() }));
        read.facts.push(piece(Piece::Attached { policy: id.clone(), target: target.into() }));
    }
    read.facts.push(piece(policy));
    Ok(())
}

/// A statement that cannot be read is an error of the policy, with its place.
fn policy(answer: &Value, reader: &mut Reader<'_>, read: &mut Read) -> Result<(), String> {
    let policy = answer.get("Policy").unwrap_or(answer);
    let summary = policy.get("PolicySummary").ok_or("field `PolicySummary` is missing")?;
    let mut found = named_policy(summary)?;
    let Piece::Policy { kind, hash, .. } = &mut found else { return Ok(()) };
    if matches!(kind.as_str(), super::hierarchy::SCP | super::hierarchy::RCP) {
        let content = required(policy, "Content")?;
        let parsed = parse_policy(content.as_bytes());
        let policy = Policy::of(Provider::Aws, parsed.statements, parsed.errors, reader.at);
        *hash = Some(reader.policies.put(policy, reader.out));
    }
    read.facts.push(piece(found));
    if let Some((account, org)) = text(summary, "Arn").and_then(of_arn) {
        read.facts.push(piece(Piece::Of { id: required(summary, "Id")?.into(), org }));
        read.facts.push(piece(Piece::Management { account }));
    }
    Ok(())
}

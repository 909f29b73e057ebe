//! AWS: when identities were made and used, as credential reports and last accesses tell.
//!
//! Sources: Get credential reports for your AWS account
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>), GetServiceLastAccessedDetails
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetails.html>).

use schemas::{IdentityKind, Time, identity};
use serde_json::Value;

use super::facts::{Fact, Life, items, text, time};
use super::read::Read;

/// Users of one report beyond which the rest is not read; AWS takes 5,000 per account.
const MAX_USERS: usize = 100_000;

/// Reads a credential report, decoded.
pub(super) fn report(text: &[u8]) -> Result<Read, String> {
    let text = std::str::from_utf8(text).map_err(|error| format!("no UTF-8 after byte {}", error.valid_up_to()))?;
    // A line that lacks cells is said and read past.
    let mut lines = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let bad = |error: csv::Error| format!("the report is no table: {error}");
    let head = lines.headers().map_err(bad)?.clone();
    let column = |name: &str| head.iter().position(|cell| cell == name);
    let (Some(user), Some(arn)) = (column("user"), column("arn")) else {
        return Err("the report has no columns `user` and `arn`".to_owned());
    };
    let created = column("user_creation_time");
    let used: Vec<usize> = ["password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date"]
        .into_iter()
        .filter_map(column)
        .collect();
    let mut read = Read::default();
    for (at, row) in lines.records().enumerate() {
        if at >= MAX_USERS {
            read.wrong(format!("more than {MAX_USERS} users"));
            break;
        }
        let row = row.map_err(bad)?;
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |column: usize| row.get(column).unwrap_or_default();
        let moment = |column: usize| Time::parse(cell(column)).ok();
        let is_root = cell(user) == "<root_account>";
        let Some(identity_id) = identity::aws_of_arn(cell(arn)).filter(|_| row.len() == head.len()) else {
            read.wrong(format!("line {line}: `{}` is no identity, or cells are missing", short(cell(arn))));
            continue;
        };
        read.facts.push(Fact::Life(Life {
            identity_id,
            kind: if is_root { IdentityKind::Root } else { IdentityKind::User },
            name: Some(cell(user).into()),
            generation: None,
            created_at: created.and_then(moment),
            last_used_at: used.iter().filter_map(|column| moment(*column)).max(),
        }));
    }
    Ok(read)
}

/// Reads when one identity last used any service. `entity` is an ARN, or `role/NAME` in the account.
pub(super) fn last_access(account: &str, entity: &str, answer: &Value) -> Result<Read, String> {
    let status = text(answer, "JobStatus").unwrap_or("COMPLETED");
    if status != "COMPLETED" {
        return Err(format!("`JobStatus` is `{}`: ask again when it is `COMPLETED`", short(status)));
    }
    let identity_id = match entity.split_once('/') {
        _ if entity.starts_with("arn:") => identity::aws_of_arn(entity),
        Some((kind @ ("user" | "role" | "group"), name)) => Some(identity::aws(account, kind, name)),
        _ => None,
    };
    let identity_id = identity_id
        .ok_or("nothing says whose access it is: name the file by the ARN, or put it into a folder `user` or `role`")?;
    let kind = match identity_id.split(':').nth(2).and_then(|rest| rest.split('/').next()) {
        Some("user") => IdentityKind::User,
        Some("role") => IdentityKind::Role,
        Some("group") => IdentityKind::Group,
        _ => IdentityKind::Unknown,
    };
    let mut read = Read::default();
    let mut last_used_at = None;
    for (at, service) in items(answer, "ServicesLastAccessed").iter().enumerate() {
        match (time(service, "LastAuthenticated"), text(service, "LastAuthenticated")) {
            (None, Some(wrong)) => {
                read.wrong(format!(
                    "`ServicesLastAccessed[{at}]`: `{}` in `LastAuthenticated` is no time",
                    short(wrong)
                ));
            }
            (found, _) => last_used_at = last_used_at.max(found),
        }
    }
    let name = identity_id.rsplit('/').next().map(Into::into);
    read.facts.push(Fact::Life(Life { identity_id, kind, name, generation: None, created_at: None, last_used_at }));
    Ok(read)
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

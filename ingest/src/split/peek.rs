//! A glance at a record for its account and its time, for order and progress only; normalization decides.

use schemas::{AccountId, Provider, Time};

use super::kind::{member_of, text_of};
use super::walker::{members, unquoted};

/// A longer account is none.
const MAX_ACCOUNT_BYTES: usize = 128;

/// What a glance shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peek {
    pub(crate) account_id: Option<AccountId>,
    pub(crate) time: Option<Time>,
}

/// Looks at a record.
pub(crate) fn peek(provider: Provider, record: &[u8]) -> Peek {
    match provider {
        Provider::Aws => aws(record),
        Provider::Azure => azure(record),
        Provider::Gcp => gcp(record),
    }
}

fn text(value: &[u8]) -> Option<&str> {
    unquoted(value).and_then(|text| std::str::from_utf8(text).ok()).filter(|text| !text.is_empty())
}

/// Some shippers write account ids as numbers.
fn number(value: &[u8]) -> Option<&str> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)
}

fn account(name: &str) -> Option<AccountId> {
    let plain = !name.is_empty() && name.len() <= MAX_ACCOUNT_BYTES && !name.contains('\\');
    plain.then(|| AccountId::from(name))
}

fn aws(record: &[u8]) -> Peek {
    let (mut time, mut recipient, mut caller) = (None, None, None);
    for (key, value) in members(record) {
        match key {
            b"eventTime" | b"digestEndTime" => time = text(value).and_then(parse_time),
            b"recipientAccountId" | b"awsAccountId" => {
                recipient = text(value).or_else(|| number(value)).and_then(account)
            }
            b"userIdentity" => caller = text_of(value, b"accountId").and_then(account),
            _ => {}
        }
    }
    Peek { account_id: recipient.or(caller), time }
}

fn azure(record: &[u8]) -> Peek {
    let (mut time, mut subscription, mut tenant) = (None, None, None);
    for (key, value) in members(record) {
        match key {
            b"time" | b"eventTimestamp" | b"event_timestamp" | b"createdDateTime" | b"activityDateTime"
            | b"TimeGenerated" => {
                time = time.or_else(|| number_or_text(value));
            }
            b"resourceId" | b"resource_id" | b"ResourceId" | b"_ResourceId" => {
                let path = text(value).unwrap_or_default();
                subscription = segment(path, "subscriptions").or(subscription);
                tenant = tenant.or_else(|| segment(path, "tenants"));
            }
            b"subscriptionId" | b"subscription_id" => subscription = subscription.or_else(|| lower(text(value)?)),
            b"tenantId" | b"tenant_id" | b"AADTenantId" => tenant = lower(text(value).unwrap_or_default()).or(tenant),
            _ => {}
        }
    }
    Peek { account_id: subscription.or(tenant), time }
}

fn gcp(record: &[u8]) -> Peek {
    let (mut time, mut received, mut project, mut scope) = (None, None, None, None);
    for (key, value) in members(record) {
        match key {
            b"timestamp" => time = text(value).and_then(parse_time),
            b"receiveTimestamp" | b"receivetimestamp" => received = text(value).and_then(parse_time),
            b"logName" | b"logname" | b"log_name" => scope = text(value).and_then(log_scope),
            b"resource" => {
                project = member_of(value, b"labels").and_then(|labels| account(text_of(labels, b"project_id")?))
            }
            _ => {}
        }
    }
    Peek { account_id: scope.or(project), time: time.or(received) }
}

/// The project of a log's name; the whole scope such as `organizations/123` for other logs.
fn log_scope(name: &str) -> Option<AccountId> {
    let (kind, rest) = name.split_once('/')?;
    let id = rest.split('/').next()?;
    match kind {
        "projects" => account(id),
        "organizations" | "folders" | "billingAccounts" => account(name.get(..kind.len() + 1 + id.len())?),
        _ => None,
    }
}

fn lower(name: &str) -> Option<AccountId> {
    account(&name.to_ascii_lowercase())
}

/// The segment behind a word of an Azure id, lower case.
pub(crate) fn segment(path: &str, word: &str) -> Option<AccountId> {
    let mut parts = path.split('/');
    parts.find(|part| part.eq_ignore_ascii_case(word))?;
    lower(parts.next()?)
}

fn number_or_text(value: &[u8]) -> Option<Time> {
    if let Some(text) = text(value) {
        return parse_time(text);
    }
    std::str::from_utf8(value).ok().and_then(epoch)
}

/// Seconds, or milliseconds beyond the year 5138.
fn epoch(digits: &str) -> Option<Time> {
    let number: f64 = digits.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)?;
    let seconds = if number >= 1e11 { number / 1000.0 } else { number };
    let stamp = jiff::Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?).ok()?;
    Some(Time(stamp.as_microsecond()))
}

/// Reads a time as the clouds write it: RFC 3339; without a zone, or with a space for the `T`, as UTC; and
/// `4/14/2025 11:17:05 AM`.
pub(crate) fn parse_time(text: &str) -> Option<Time> {
    if let Ok(time) = Time::parse(text) {
        return Some(time);
    }
    if text.contains('/') {
        let civil = jiff::civil::DateTime::strptime("%m/%d/%Y %I:%M:%S %p", text).ok()?;
        return utc(civil);
    }
    utc(text.parse().ok()?)
}

fn utc(civil: jiff::civil::DateTime) -> Option<Time> {
    Some(Time(jiff::tz::Offset::UTC.to_timestamp(civil).ok()?.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(provider: Provider, record: &str) -> String {
        let peek = peek(provider, record.as_bytes());
        let time = peek.time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        format!("{} {time}", peek.account_id.as_deref().unwrap_or("-"))
    }

    #[test]
    fn accounts_and_times_of_the_three_clouds() {
        let aws = r#"{"userIdentity":{"accountId":"1"},"eventTime":"2024-07-31T14:23:46Z","recipientAccountId":"2"}"#;
        assert_eq!(seen(Provider::Aws, aws), "2 2024-07-31T14:23:46Z");
        assert_eq!(seen(Provider::Aws, r#"{"userIdentity":{"accountId":"1"},"eventTime":"..."}"#), "1 -");
        let azure = r#"{"time":"4/14/2025 11:17:05 PM","resourceId":"/SUBSCRIPTIONS/AB/x","tenantId":"T"}"#;
        assert_eq!(seen(Provider::Azure, azure), "ab 2025-04-14T23:17:05Z");
        let entra = r#"{"time":"2025-01-15 08:15:23.456","resourceId":"/tenants/TeN/providers/x"}"#;
        assert_eq!(seen(Provider::Azure, entra), "ten 2025-01-15T08:15:23.456Z");
        assert_eq!(seen(Provider::Azure, r#"{"time":1736928923}"#), "- 2025-01-15T08:15:23Z");
        let gcp = r#"{"logName":"projects/p-1/logs/x","timestamp":"2021-10-19T02:57:47.834659236Z"}"#;
        assert_eq!(seen(Provider::Gcp, gcp), "p-1 2021-10-19T02:57:47.834659Z");
        let org = r#"{"logname":"organizations/12/logs/x","receiveTimestamp":"2023-04-10 18:36:30.838"}"#;
        assert_eq!(seen(Provider::Gcp, org), "organizations/12 2023-04-10T18:36:30.838Z");
        assert_eq!(seen(Provider::Gcp, r#"{"resource":{"labels":{"project_id":"q"}}}"#), "q -");
    }
}

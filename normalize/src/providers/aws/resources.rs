//! What a call touched: the record's own `resources`, then what its parameters name.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use schemas::{AccessEvent, AccountId, Resource, ResourceId, Text};

use super::operation::Operation;
use super::parameters::{Parameter, walk};
use super::record::Record;

/// How many resources of one event are kept; calls name up to a thousand instances at most, and nobody reads so many.
const MAX_RESOURCES: usize = 64;

/// Reads the resources: those of the record first, as logged, then those of the parameters, what the call is about
/// first.
pub(super) fn read(record: &Record<'_>, operation: &Operation, event: &AccessEvent) -> Vec<Resource> {
    let mut found = Vec::new();
    for entry in record.resources.0.iter().take(MAX_RESOURCES) {
        if let Some(arn) = entry.arn.get() {
            push(
                &mut found,
                Resource {
                    id: ResourceId::from(arn),
                    kind: entry.kind.text(),
                    account_id: entry.account_id.text_or_number(),
                },
            );
        }
    }
    let Some(parameters) = record.request_parameters.object() else { return found };
    if operation.service == "s3" {
        of_s3(&mut found, parameters, event);
    } else if !operation.parameters.is_empty() {
        of_parameters(&mut found, parameters, operation.parameters, event);
    }
    found
}

fn push(found: &mut Vec<Resource>, resource: Resource) {
    if found.len() < MAX_RESOURCES && found.iter().all(|known| known.id != resource.id) {
        found.push(resource);
    }
}

/// The partition of a region's ARNs.
pub(super) fn partition(region: Option<&str>) -> &'static str {
    match region.unwrap_or_default() {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.contains("-isob-") => "aws-iso-b",
        region if region.contains("-iso-") => "aws-iso",
        _ => "aws",
    }
}

/// The bucket or object of an S3 call, and the object it copies.
fn of_s3(found: &mut Vec<Resource>, parameters: &str, event: &AccessEvent) {
    let (mut bucket, mut key, mut source) = (None, None, None);
    walk(parameters, &mut |name, value| match name {
        "bucketName" if bucket.is_none() => bucket = Some(value.to_owned()),
        "key" if key.is_none() => key = Some(value.to_owned()),
        "x-amz-copy-source" if source.is_none() => source = Some(value.to_owned()),
        _ => {}
    });
    let partition = partition(event.region.as_deref());
    let arn = |path: &str| ResourceId::from(format!("arn:{partition}:s3:::{path}"));
    let Some(bucket) = bucket.filter(|bucket| !bucket.is_empty()) else { return };
    match key {
        Some(key) if !key.is_empty() && !bucket.starts_with("arn:") => {
            push(
                found,
                Resource { id: arn(&format!("{bucket}/{key}")), kind: Some(Text::from("s3:object")), account_id: None },
            );
        }
        _ if bucket.starts_with("arn:") => {
            push(found, Resource { id: ResourceId::from(bucket), kind: None, account_id: None })
        }
        _ => push(found, Resource { id: arn(&bucket), kind: Some(Text::from("s3:bucket")), account_id: None }),
    }
    if let Some(source) = source {
        let path = source.split('?').next().unwrap_or_default().trim_start_matches('/').to_owned();
        let path = percent_decode_str(&path).decode_utf8_lossy().into_owned();
        push(found, Resource { id: arn(&path), kind: Some(Text::from("s3:object")), account_id: None });
    }
}

fn of_parameters(found: &mut Vec<Resource>, json: &str, rows: &'static [Parameter], event: &AccessEvent) {
    let mut named: Vec<(usize, Resource)> = Vec::new();
    walk(json, &mut |key, value| {
        let Some(place) = rows.iter().position(|row| row.key == key) else { return };
        if named.len() < MAX_RESOURCES
            && let Some(resource) = resource(&rows[place], value, event)
        {
            named.push((place, resource));
        }
    });
    named.sort_by_key(|(place, _)| *place);
    for (_, resource) in named {
        push(found, resource);
    }
}

fn resource(row: &Parameter, value: &str, event: &AccessEvent) -> Option<Resource> {
    let value = decoded(value);
    let kind = Some(Text::from(row.kind));
    if value.starts_with("arn:") {
        let account_id = value.split(':').nth(4).filter(|account| is_account(account)).map(AccountId::from);
        return Some(Resource { id: ResourceId::from(value.as_ref()), kind, account_id });
    }
    let name = name_of(row, &value)?;
    let (region, account) = (event.region.as_deref(), event.account_id.as_str());
    let partition = partition(region);
    if row.key == "queueUrl" {
        return queue(partition, &value, kind);
    }
    if row.form.contains("{r}") && region.is_none() {
        return None;
    }
    // `alias/x` stands where a key's id does, `111122223333:function:x` where a function's name does.
    let form = match row.kind {
        "kms:key" if name.starts_with("alias/") => "kms:{r}:{a}:{}",
        "lambda:function" if name.contains(":function:") => "lambda:{r}:{}",
        _ => row.form,
    };
    let id = arn(partition, form, region.unwrap_or_default(), account, name);
    let account_id = form.contains("{a}").then(|| event.account_id.clone());
    Some(Resource { id, kind, account_id })
}

/// Fills in a form of the table.
fn arn(partition: &str, form: &str, region: &str, account: &str, name: &str) -> ResourceId {
    let mut id = String::with_capacity(form.len() + region.len() + account.len() + name.len() + 16);
    id.push_str("arn:");
    id.push_str(partition);
    id.push(':');
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('{') {
        id.push_str(before);
        let (slot, after) = after.split_once('}').unwrap_or((after, ""));
        id.push_str(match slot {
            "r" => region,
            "a" => account,
            _ => name,
        });
        rest = after;
    }
    id.push_str(rest);
    ResourceId::from(id)
}

/// The name within the ARN; `None` for a value that is no such name.
fn name_of<'v>(row: &Parameter, value: &'v str) -> Option<&'v str> {
    let name = if row.kind == "logs:log-group" { value } else { value.trim_start_matches('/') };
    // Systems Manager also manages machines elsewhere (`mi-…`), and its `target` may be something else.
    let no_instance = row.service == "ssm" && row.kind == "ec2:instance" && !name.starts_with("i-");
    (!name.is_empty() && !row.form.is_empty() && !no_instance).then_some(name)
}

/// A queue by its address, `https://sqs.<region>.amazonaws.com/<account>/<name>`, which may be another account's.
fn queue(partition: &str, url: &str, kind: Option<Text>) -> Option<Resource> {
    let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
    let (account, name) = path.split_once('/')?;
    let region = host.strip_prefix("sqs.").unwrap_or(host).split('.').next()?;
    let account_id = is_account(account).then(|| AccountId::from(account))?;
    Some(Resource {
        id: ResourceId::from(format!("arn:{partition}:sqs:{region}:{account}:{name}")),
        kind,
        account_id: Some(account_id),
    })
}

/// Some consoles write ARNs percent-encoded.
fn decoded(value: &str) -> Cow<'_, str> {
    if value.starts_with("arn%3") { percent_decode_str(value).decode_utf8_lossy() } else { Cow::Borrowed(value) }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_named_by_its_address() {
        let id = |url| queue("aws", url, None).map(|resource| resource.id.to_string());
        let expected = Some("arn:aws:sqs:eu-west-1:111122223333:jobs".to_owned());
        assert_eq!(id("https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"), expected);
        assert_eq!(id("https://eu-west-1.queue.amazonaws.com/111122223333/jobs"), expected);
        assert_eq!(id("jobs"), None);
        assert_eq!(id("https://sqs.eu-west-1.amazonaws.com/x/jobs"), None);
    }

    #[test]
    fn regions_belong_to_partitions() {
        for (region, expected) in [
            (Some("eu-west-1"), "aws"),
            (Some("cn-north-1"), "aws-cn"),
            (Some("us-gov-west-1"), "aws-us-gov"),
            (Some("us-iso-east-1"), "aws-iso"),
            (Some("us-isob-east-1"), "aws-iso-b"),
            (None, "aws"),
        ] {
            assert_eq!(partition(region), expected, "{region:?}");
        }
    }
}

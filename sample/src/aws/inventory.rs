//! `aws resourcegroupstaggingapi get-resources`, one file for each account.

use serde_json::{Value, json};

use crate::{
    aws::resources::{arn, name},
    error::SampleError,
    world::{Account, Cloud, Kind, accounts},
    writer::Writer,
};

const KINDS: [Kind; 18] = [
    Kind::Bucket,
    Kind::Function,
    Kind::Table,
    Kind::Instance,
    Kind::Volume,
    Kind::SecurityGroup,
    Kind::Secret,
    Kind::Key,
    Kind::Queue,
    Kind::LogGroup,
    Kind::Parameter,
    Kind::Repo,
    Kind::Stack,
    Kind::Workgroup,
    Kind::GlueDb,
    Kind::GlueJob,
    Kind::Db,
    Kind::Trail,
];

/// Writes the file of every account.
pub(crate) fn write(writer: &Writer) -> Result<(), SampleError> {
    for account in accounts(Cloud::Aws) {
        let mut list: Vec<Value> = Vec::new();
        for kind in KINDS {
            for idx in 0..kind.pool() {
                list.push(json!({
                    "ResourceARN": arn(kind, account, idx),
                    "Tags": [
                        { "Key": "Name", "Value": name(kind, account, idx) },
                        { "Key": "env", "Value": account.prefix },
                    ],
                }));
            }
        }
        let path = format!("aws/inventory/{}/resources.json", account.id);
        writer.pretty(&path, "resource inventory", &json!({ "ResourceTagMappingList": list }))?;
    }
    Ok(())
}

/// The ARN under which the inventory lists a resource.
pub(crate) fn id(kind: Kind, account: &Account, idx: u16) -> Option<String> {
    let kind = kind.container();
    KINDS.contains(&kind).then(|| arn(kind, account, idx))
}

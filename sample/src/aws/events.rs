//! CloudTrail: one file for each account, region and day, at most 2000 records in each, delivered roughly in order.

use std::collections::BTreeMap;

use crate::{
    aws::{extras, record::View},
    calls::{Call, Traffic},
    error::SampleError,
    ids::{civil, mix, mixed},
    ops::Ops,
    params::DAY_US,
    truth::RecordCounts,
    world::{AWS_ORG, Cloud, World, accounts},
    writer::{Writer, encode},
};

/// Records in one file, so that a reader never needs more than a few megabytes at once.
const RECORDS_A_FILE: usize = 2_000;
/// One record in so many is delivered twice.
const COPY_ONE_IN: u64 = 900;

/// Writes the trail files, the Insights files and the digests, and counts what it wrote.
pub(crate) fn write(
    world: &World,
    ops: &Ops,
    traffic: &Traffic,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    let Some(calls) = traffic.calls.get(&Cloud::Aws) else {
        return extras::write(world, writer, counts);
    };
    let mut from = 0;
    while from < calls.len() {
        let day = calls[from].at.div_euclid(DAY_US);
        let to = from + calls[from..].partition_point(|call| call.at.div_euclid(DAY_US) == day);
        write_day(world, ops, traffic, &calls[from..to], day * DAY_US, writer, counts)?;
        from = to;
    }
    extras::write(world, writer, counts)
}

type Files = BTreeMap<(usize, &'static str), Vec<(i64, Vec<u8>)>>;

fn write_day(
    world: &World,
    ops: &Ops,
    traffic: &Traffic,
    calls: &[Call],
    day: i64,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    let mut files = Files::new();
    let mut copies = Files::new();
    for call in calls {
        let session = &traffic.sessions[call.session as usize];
        let me = world.identity(session.who);
        let (op, account) = (ops.get(call.op), usize::from(call.account));
        let view = View { world, op, call, session, me, account: &accounts(Cloud::Aws)[account] };
        let region = view.region();
        let bytes = encode(&view.record(false))?;
        // Delivery is a little out of order: each record is late by up to a minute and a half.
        let arrived = call.at + (mix(call.noise, 31) % 90_000_000) as i64;
        if mix(call.noise, 32).is_multiple_of(COPY_ONE_IN) {
            copies.entry((account, region)).or_default().push((arrived, bytes.clone()));
            counts.n_copies += 1;
        }
        files.entry((account, region)).or_default().push((arrived, bytes));
        counts.n_events += 1;
        if let Some(owner) = view.other_account() {
            let bytes = encode(&view.record(true))?;
            files.entry((owner, region)).or_default().push((arrived, bytes));
            counts.n_events += 1;
            counts.n_second_views += 1;
        }
    }
    write_files(files, day, 23 * 60 + 55, writer, counts)?;
    write_files(copies, day, 24 * 60 - 1, writer, counts)
}

fn write_files(
    files: Files,
    day: i64,
    minute: i64,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    for ((account, region), mut records) in files {
        records.sort();
        let bytes: Vec<Vec<u8>> = records.into_iter().map(|(_, bytes)| bytes).collect();
        let id = accounts(Cloud::Aws)[account].id;
        for (part, chunk) in bytes.chunks(RECORDS_A_FILE).enumerate() {
            let noise = mix(mix(day as u64, account as u64), mix(part as u64, mix(region.len() as u64, minute as u64)));
            let path =
                trail_path(id, "CloudTrail", region, day, minute, &mixed(noise, u64::from(region.as_bytes()[3]), 16));
            writer.envelope(&path, "Records", chunk)?;
            counts.n_files += 1;
        }
    }
    Ok(())
}

pub(super) fn trail_path(account: &str, folder: &str, region: &str, day: i64, minute: i64, tail: &str) -> String {
    let t = civil(day);
    let (year, month, date) = (t.year(), t.month(), t.day());
    format!(
        "aws/AWSLogs/{AWS_ORG}/{account}/{folder}/{region}/{year:04}/{month:02}/{date:02}/\
         {account}_{folder}_{region}_{year:04}{month:02}{date:02}T{:02}{:02}Z_{tail}.json.gz",
        minute / 60,
        minute % 60
    )
}

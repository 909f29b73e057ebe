//! Azure's log files: a day a file for each subscription, vaults and storage accounts apart, Entra apart. The second
//! subscription's last week comes as one `az monitor activity-log list` file instead.

use std::collections::BTreeMap;

use crate::{
    azure::{extras::write_health, records::View},
    calls::{Call, Traffic},
    error::SampleError,
    ids::{civil, mix, uuid},
    ops::Ops,
    params::DAY_US,
    truth::RecordCounts,
    world::{Cloud, World, accounts},
    writer::{Writer, encode},
};

/// One record in so many is delivered twice.
const COPY_ONE_IN: u64 = 700;
/// Records in one file of the command line's form.
const LISTED_A_FILE: usize = 5_000;
/// Days of the second subscription that come in the command line's form.
const LISTED_DAYS: i64 = 7;

/// The `correlationId` that a call's records share.
pub(crate) fn correlation_id(call: &Call) -> String {
    uuid(call.noise, 0xc1)
}

/// Path of a file, and its records with their time of delivery.
type Files = BTreeMap<String, Vec<(i64, Vec<u8>)>>;

/// Writes every file and counts what it wrote.
pub(crate) fn write(
    world: &World,
    ops: &Ops,
    traffic: &Traffic,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    let mut listed: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut day_files = Files::new();
    let mut day = i64::MIN;
    for call in traffic.calls.get(&Cloud::Azure).into_iter().flatten() {
        let this = call.at.div_euclid(DAY_US) * DAY_US;
        if this != day {
            flush(&mut day_files, writer, counts)?;
            day = this;
        }
        let session = &traffic.sessions[call.session as usize];
        let me = world.identity(session.who);
        let op = ops.get(call.op);
        let view = View { op, call, session, me, account: &accounts(Cloud::Azure)[usize::from(call.account)] };
        counts.n_events += 1 + u64::from(op.pair);
        counts.n_second_records += u64::from(op.pair);
        if op.pair && call.account == 1 && call.at >= world.span.1 - LISTED_DAYS * DAY_US {
            listed.push((call.at, encode(&view.listed(false))?));
            listed.push((view.end_at(), encode(&view.listed(true))?));
            continue;
        }
        for (at, path, record) in records(&view, day) {
            let bytes = encode(&record)?;
            let file = day_files.entry(path).or_default();
            if mix(call.noise, at as u64).is_multiple_of(COPY_ONE_IN) {
                file.push((day + DAY_US, bytes.clone()));
                counts.n_copies += 1;
            }
            file.push((at, bytes));
        }
    }
    flush(&mut day_files, writer, counts)?;
    write_listed(listed, writer, counts)?;
    write_health(world, writer, counts)
}

fn records(view: &View<'_>, day: i64) -> Vec<(i64, String, serde_json::Value)> {
    let (call, account) = (view.call, view.account.id);
    match view.op.extra {
        "SignInLogs" => vec![(call.at, path("entra/signin", "", day), view.sign_in())],
        "AuditEvent" => vec![(call.at, path("keyvault", account, day), view.vault())],
        "StorageRead" | "StorageWrite" | "StorageDelete" => {
            vec![(call.at, path("storage", account, day), view.storage())]
        }
        _ => {
            let file = path("activity", account, day);
            vec![(call.at, file.clone(), view.activity(false)), (view.end_at(), file, view.activity(true))]
        }
    }
}

/// `azure/activity/<subscription>/y=2026/m=10/d=31/PT1H.json`.
pub(super) fn path(folder: &str, account: &str, day: i64) -> String {
    let t = civil(day);
    let account = if account.is_empty() { String::new() } else { format!("/{account}") };
    format!("azure/{folder}{account}/y={:04}/m={:02}/d={:02}/PT1H.json", t.year(), t.month(), t.day())
}

fn flush(files: &mut Files, writer: &Writer, counts: &mut RecordCounts) -> Result<(), SampleError> {
    for (path, mut records) in std::mem::take(files) {
        records.sort();
        let bytes: Vec<Vec<u8>> = records.into_iter().map(|(_, bytes)| bytes).collect();
        writer.envelope(&path, "records", &bytes)?;
        counts.n_files += 1;
    }
    Ok(())
}

fn write_listed(
    mut listed: Vec<(i64, Vec<u8>)>,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    if listed.is_empty() {
        return Ok(());
    }
    // The command prints the newest first.
    listed.sort_by(|a, b| b.cmp(a));
    let bytes: Vec<Vec<u8>> = listed.into_iter().map(|(_, bytes)| bytes).collect();
    let account = accounts(Cloud::Azure)[1].id;
    for (part, chunk) in bytes.chunks(LISTED_A_FILE).enumerate() {
        let tail = if part == 0 { String::new() } else { format!("-{}", part + 1) };
        writer.envelope(&format!("azure/activity/{account}/activity-log-list{tail}.json"), "", chunk)?;
        counts.n_files += 1;
    }
    Ok(())
}

//! The files a Cloud Storage log sink writes: an hour a file for each of the two audit logs, one entry a line.

use std::collections::BTreeMap;

use crate::{
    calls::{Outcome, Traffic},
    error::SampleError,
    gcp::records::View,
    ids::{civil, mix},
    ops::Ops,
    truth::RecordCounts,
    world::{Cloud, World, accounts},
    writer::{Writer, encode},
};

const HOUR_US: i64 = 3_600_000_000;
/// One entry in so many is delivered twice.
const COPY_ONE_IN: u64 = 800;

/// Log, hour, and the entries of that hour.
type Hours = BTreeMap<(i64, &'static str), Vec<(i64, Vec<u8>)>>;

/// Writes every file and counts what it wrote.
pub(crate) fn write(
    world: &World,
    ops: &Ops,
    traffic: &Traffic,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    let mut open = Hours::new();
    for call in traffic.calls.get(&Cloud::Gcp).into_iter().flatten() {
        let hour = call.at.div_euclid(HOUR_US);
        // An operation ends within a minute, so hours before the last one are complete.
        while let Some(entry) = open.first_entry().filter(|entry| entry.key().0 + 1 < hour) {
            let (key, records) = entry.remove_entry();
            flush(key, records, writer, counts)?;
        }
        let session = &traffic.sessions[call.session as usize];
        let me = world.identity(if call.who == session.who { call.who } else { session.who });
        let op = ops.get(call.op);
        let account = &accounts(Cloud::Gcp)[usize::from(call.account)];
        let view = View { world, op, call, session, me, account };
        let first = encode(&view.entry(false))?;
        if mix(call.noise, 32).is_multiple_of(COPY_ONE_IN) {
            open.entry((hour, view.log())).or_default().push((call.at + 1, first.clone()));
            counts.n_copies += 1;
        }
        open.entry((hour, view.log())).or_default().push((call.at, first));
        counts.n_events += 1;
        if op.pair && call.outcome == Outcome::Success {
            let at = view.end_at();
            open.entry((at.div_euclid(HOUR_US), view.log())).or_default().push((at, encode(&view.entry(true))?));
            counts.n_events += 1;
            counts.n_second_records += 1;
        }
    }
    for (key, records) in open {
        flush(key, records, writer, counts)?;
    }
    Ok(())
}

fn flush(
    (hour, log): (i64, &str),
    mut records: Vec<(i64, Vec<u8>)>,
    writer: &Writer,
    counts: &mut RecordCounts,
) -> Result<(), SampleError> {
    records.sort();
    let bytes: Vec<Vec<u8>> = records.into_iter().map(|(_, bytes)| bytes).collect();
    let t = civil(hour * HOUR_US);
    let path = format!(
        "gcp/cloudaudit.googleapis.com/{log}/{:04}/{:02}/{:02}/{:02}:00:00_{:02}:59:59_S0.json",
        t.year(),
        t.month(),
        t.day(),
        t.hour(),
        t.hour()
    );
    counts.n_files += 1;
    writer.lines(&path, &bytes)
}

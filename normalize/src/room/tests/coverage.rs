//! Every real record becomes an event, a copy, no access or a dead letter, and a golden file holds the counts.

use super::*;

/// The records of a file as the cloud delivers it: `{"Records":[…]}`, `{"records":[…]}` or a record a line.
fn split(bytes: &[u8]) -> Vec<String> {
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) { unpacked(bytes) } else { bytes.to_vec() };
    let text = String::from_utf8(bytes).unwrap();
    let whole: Result<BTreeMap<String, Box<RawValue>>, _> = serde_json::from_str(&text);
    let list =
        whole.ok().and_then(|object| object.get("Records").or(object.get("records")).map(|list| list.get().to_owned()));
    match list {
        Some(list) => {
            serde_json::from_str::<Vec<Box<RawValue>>>(&list).unwrap().iter().map(|raw| raw.get().to_owned()).collect()
        }
        None => text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect(),
    }
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

fn line(tally: &Tally) -> String {
    let Tally { n_read, n_events, n_copies, n_not_access, n_dead_letters, .. } = tally;
    assert_eq!(*n_read, n_events + n_copies + n_not_access + n_dead_letters);
    let kinds: Vec<String> = tally.not_access.iter().map(|count| format!("{} {}", count.n, count.kind)).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    format!(
        "{}\n  read {n_read} = events {n_events} + copies {n_copies} + not access {n_not_access}{kinds} + dead letters {n_dead_letters}\n  \
         actions: known {}, assumed {}, none needed {}, unknown {}; id collisions {}\n",
        tally.file, tally.n_known, tally.n_assumed, tally.n_none_needed, tally.n_unknown, tally.n_id_collisions
    )
}

/// Reads every file of a folder in one room, so that copies across files are copies. Returns what the golden file holds.
fn read_folder(folder: &Path, provider: Provider) -> String {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut room, mut text) = (normalizer(), String::new());
    for path in paths {
        let file = format!("{}/{}", folder.file_name().unwrap().display(), path.file_name().unwrap().display());
        let records = split(&std::fs::read(&path).unwrap());
        let records = records.into_iter().zip(0..).map(|(body, place)| raw(provider, &file, place, body));
        let mut out = Output::default();
        take(&mut room, Batch::of(0, 0, records), &mut out);
        for message in &out.emitted {
            if let Message::Tally(tally) = message {
                text.push_str(&line(tally));
            }
        }
        let mut reasons: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for message in &out.rejected {
            let Message::DeadLetter(letter) = message else { panic!("rejected {message:?}") };
            reasons.entry(&letter.reason).or_default().push(letter.origin.offset);
        }
        for (reason, places) in reasons {
            writeln!(text, "  dead: {reason}: records {places:?}").unwrap();
        }
    }
    text
}

fn check(folder: &str, provider: Provider, golden: &expect_test::ExpectFile) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/raw").join(folder);
    if path.exists() {
        golden.assert_eq(&read_folder(&path, provider));
    } else {
        eprintln!("`../shared/data/raw/{folder}` is absent: nothing was checked");
    }
}

#[test]
fn every_cloudtrail_record_is_accounted_for() {
    check("aws-cloudtrail", Provider::Aws, &expect_file!["../../../testdata/coverage/aws-cloudtrail.txt"]);
}

#[test]
fn every_azure_record_is_accounted_for() {
    check("azure-activity", Provider::Azure, &expect_file!["../../../testdata/coverage/azure-activity.txt"]);
    check("azure-entra", Provider::Azure, &expect_file!["../../../testdata/coverage/azure-entra.txt"]);
}

#[test]
fn every_gcp_record_is_accounted_for() {
    check("gcp-audit", Provider::Gcp, &expect_file!["../../../testdata/coverage/gcp-audit.txt"]);
}

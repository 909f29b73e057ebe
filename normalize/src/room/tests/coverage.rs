//! Every real record becomes an event, a copy, no access or a dead letter, and golden files hold the counts, and every
//! operation whose action is not known for certain.

use expect_test::ExpectFile;
use schemas::{AccessEvent, ActionKnown};

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

/// What was read of a folder.
#[derive(Default)]
struct Folder {
    /// What became of the records of each file.
    files: String,
    operations: Operations,
}

/// How sure the actions of events are, and the operations of those that are not.
#[derive(Default)]
struct Operations {
    n_by_known: BTreeMap<&'static str, usize>,
    unsure: BTreeMap<(&'static str, String, String), usize>,
}

impl Operations {
    fn note(&mut self, event: &AccessEvent) {
        let known = event.action_known.as_str();
        *self.n_by_known.entry(known).or_default() += 1;
        if matches!(event.action_known, ActionKnown::Unknown | ActionKnown::Assumed) {
            let call = (known, event.service.to_string(), event.operation.to_string());
            *self.unsure.entry(call).or_default() += 1;
        }
        let (action, none) = (event.action.is_some(), event.uses.is_empty());
        let needs_none = matches!(event.action_known, ActionKnown::NoneNeeded | ActionKnown::Unknown);
        assert_eq!((action, none), (!needs_none, needs_none), "{} {} is {known}", event.service, event.operation);
    }

    /// Unknown ones first, the most frequent first, each unknown one of AWS with its reason.
    fn report(&self, provider: Provider) -> String {
        let mut text = String::new();
        for (known, n) in &self.n_by_known {
            writeln!(text, "{n:4} events {known}").unwrap();
        }
        let mut rows: Vec<_> = self.unsure.iter().collect();
        rows.sort_by_key(|((known, ..), n)| (*known != "unknown", std::cmp::Reverse(**n)));
        for ((known, service, operation), n) in rows {
            let why = (provider == Provider::Aws).then(|| permissions::aws::why_unknown(service, operation)).flatten();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            writeln!(text, "{n:4} {known} {service} {operation}{why}").unwrap();
        }
        text
    }
}

/// Reads every file of a folder in one room, so that copies across files are copies. Returns what the golden files hold.
fn read_folder(folder: &Path, provider: Provider) -> Folder {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut room, mut read) = (normalizer(), Folder::default());
    for path in paths {
        let file = format!("{}/{}", folder.file_name().unwrap().display(), path.file_name().unwrap().display());
        let records = split(&std::fs::read(&path).unwrap());
        let records = records.into_iter().zip(0..).map(|(body, place)| raw(provider, &file, place, body));
        let mut out = Output::default();
        take(&mut room, Batch::of(0, 0, records), &mut out);
        for message in &out.emitted {
            match message {
                Message::Tally(tally) => read.files.push_str(&line(tally)),
                Message::AccessEvent(event) => read.operations.note(event),
                _ => {}
            }
        }
        let mut reasons: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for message in &out.rejected {
            let Message::DeadLetter(letter) = message else { panic!("rejected {message:?}") };
            reasons.entry(&letter.reason).or_default().push(letter.origin.offset);
        }
        for (reason, places) in reasons {
            writeln!(read.files, "  dead: {reason}: records {places:?}").unwrap();
        }
    }
    read
}

fn check(folder: &str, provider: Provider, files: &ExpectFile, operations: &ExpectFile) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/raw").join(folder);
    if path.exists() {
        let read = read_folder(&path, provider);
        files.assert_eq(&read.files);
        operations.assert_eq(&read.operations.report(provider));
    } else {
        eprintln!("`../shared/data/raw/{folder}` is absent: nothing was checked");
    }
}

macro_rules! check {
    ($folder:literal, $provider:expr) => {
        check(
            $folder,
            $provider,
            &expect_file![concat!("../../../testdata/coverage/", $folder, ".txt")],
            &expect_file![concat!("../../../testdata/coverage/", $folder, ".operations.txt")],
        )
    };
}

#[test]
fn every_cloudtrail_record_is_accounted_for() {
    check!("aws-cloudtrail", Provider::Aws);
}

#[test]
fn every_azure_record_is_accounted_for() {
    check!("azure-activity", Provider::Azure);
    check!("azure-entra", Provider::Azure);
}

#[test]
fn every_gcp_record_is_accounted_for() {
    check!("gcp-audit", Provider::Gcp);
}

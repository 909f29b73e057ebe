//! Records that failed, sent again after a fix: the rows are those of a run in which they never failed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::overgrant::{TABLES, count, done, final_rows, overgrant, query, run, sample};

/// Late records correct every window of the sample.
const LATE: &str = "[score]\nlate = \"90days\"\n[detect]\nlate = \"90days\"\n";

fn config(folder: &Path, name: &str, more: &str) -> PathBuf {
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, format!("{LATE}{more}")).unwrap();
    path
}

fn redrive(store: &Path, config: &Path, inputs: &[PathBuf], which: &[&str]) -> Output {
    let mut command: Command = overgrant();
    command.args(["dead-letters", "redrive", "--config"]).arg(config).arg("--store").arg(store).args(which);
    inputs.iter().for_each(|input| {
        command.arg("--input").arg(input);
    });
    command.output().unwrap()
}

fn open_letters(store: &Path) -> i64 {
    count(store, "SELECT count(*) FROM dead_letter_current")
}

/// All final rows, of dead letters those that stand.
fn all_rows(store: &Path) -> Vec<(&'static str, std::collections::BTreeSet<String>)> {
    let tables = TABLES.iter().map(|table| if *table == "dead_letter" { "dead_letter_current" } else { table });
    tables.map(|table| (table, final_rows(store, table))).collect()
}

/// What stands is the same. Of the time in which grants were incomplete two things stay behind: scores that were deleted
/// since, and statements that nobody holds, since policies are named by their content and never deleted.
fn same(found: &Path, expected: &Path) {
    let mut differences = Vec::new();
    for ((table, mut rows), (_, mut wanted)) in all_rows(found).into_iter().zip(all_rows(expected)) {
        match table {
            "pci" => {
                let stands = |row: &String| row.contains("\"deleted_at\":null");
                rows.retain(stands);
                wanted.retain(stands);
            }
            "policy" => rows.retain(|row| wanted.contains(row) || is_held(found, row)),
            _ => {}
        }
        if rows != wanted {
            let (extra, missing) = (rows.difference(&wanted).next(), wanted.difference(&rows).next());
            let (n, n_wanted) = (rows.len(), wanted.len());
            differences.push(format!("{table}: {n} rows and {n_wanted}; extra {extra:?}; missing {missing:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Whether some entitlement that stands names a policy.
fn is_held(store: &Path, policy: &str) -> bool {
    let row: serde_json::Value = serde_json::from_str(policy).unwrap();
    let hash = row["policy_hash"].as_str().unwrap();
    count(store, &format!("SELECT count(*) FROM entitlement_current WHERE array_has(policy_hashes, '{hash}')")) > 0
}

/// What the text of an output says; exit code 3 says that something was rejected again.
fn said(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

#[test]
fn a_redrive_after_a_fix_gives_the_rows_of_a_run_that_never_failed() {
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 4, 24, 1);
    let (calm, store) = (folder.path().join("calm"), folder.path().join("store"));
    let good = config(folder.path(), "good", "");
    // Each a bound that some records break and others do not, in two rooms.
    let bad = config(folder.path(), "bad", "[normalize]\nmax_record = \"1100 B\"\n[ingest]\nmax_record = \"1400 B\"\n");
    done(run(&inputs, &calm, Some(&good)));
    done(run(&inputs, &store, Some(&bad)));
    let of = |room: &str| count(&store, &format!("SELECT count(*) FROM dead_letter_current WHERE room = '{room}'"));
    let (n, n_ingest, n_normalize) = (open_letters(&store), of("ingest"), of("normalize"));
    println!("{n_ingest} dead letters of ingest, {n_normalize} of normalize");
    assert!(n_ingest > 10 && n_normalize > 10 && n == n_ingest + n_normalize);

    // As long as nothing was mended they stay, and nothing is counted twice.
    let before = all_rows(&store);
    let (code, text) = said(&redrive(&store, &bad, &inputs, &["--all"]));
    assert_eq!(code, Some(3), "{text}");
    assert_eq!(all_rows(&store), before, "{text}");

    // To say what would be done does nothing.
    let (code, text) = said(&redrive(&store, &good, &inputs, &["--all", "--dry-run"]));
    assert_eq!((code, text.contains(&format!("{n} dead letters would be sent again"))), (Some(0), true), "{text}");
    assert_eq!(open_letters(&store), n);

    // One by its id, one room, and the rest; what was sent is not sent again.
    let one = query(&store, "SELECT dead_letter_id FROM dead_letter_current WHERE room = 'normalize' LIMIT 1");
    let id = one[0]["dead_letter_id"].as_str().unwrap();
    let (code, text) = said(&redrive(&store, &good, &inputs, &[id]));
    assert_eq!((code, open_letters(&store)), (Some(0), n - 1), "{text}");
    let (code, text) = said(&redrive(&store, &good, &inputs, &["--room", "ingest"]));
    assert_eq!((code, open_letters(&store)), (Some(0), n_normalize - 1), "{text}");
    let (code, text) = said(&redrive(&store, &good, &inputs, &["--all"]));
    assert_eq!((code, open_letters(&store)), (Some(0), 0), "{text}");
    same(&store, &calm);
    let (code, text) = said(&redrive(&store, &good, &inputs, &["--all"]));
    assert_eq!(code, Some(0), "{text}");
    same(&store, &calm);

    // The files are not read anew by the run that follows.
    done(run(&inputs, &store, Some(&good)));
    same(&store, &calm);
}

#[test]
fn dead_letters_are_listed_by_reason_and_shown_with_their_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (input, store) = (folder.path().join("input"), folder.path().join("store"));
    std::fs::create_dir_all(&input).unwrap();
    let broken = r#"{"eventVersion":"1.08","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventTime":"never","password":"hunter2","eventID":"a","userIdentity":{"type":"Root","accountId":"111122223333"}}"#;
    std::fs::write(input.join("a.ndjson"), format!("{broken}\n{}\n", broken.replace("\"a\"", "\"b\""))).unwrap();
    done(run(std::slice::from_ref(&input), &store, None));
    assert_eq!(open_letters(&store), 2);
    let letters = |more: &[&str]| {
        let mut command = overgrant();
        command.args(["dead-letters"]).args(more).arg("--store").arg(&store);
        String::from_utf8(done(command).stdout).unwrap()
    };
    let text = letters(&["list"]);
    assert!(text.contains("2  normalize aws") && text.contains("2 dead letters"), "{text}");
    let rows = letters(&["list", "--format", "ndjson", "--reason", "eventTime"]);
    assert_eq!(rows.lines().count(), 2, "{rows}");
    assert_eq!(letters(&["list", "--format", "ndjson", "--reason", "event_ime"]), "", "no pattern");
    let row: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    let id = row["dead_letter_id"].as_str().unwrap();
    let text = letters(&["show", id]);
    for part in ["a.ndjson, record", "raw.aws.cloudtrail", "account_id: 111122223333", "REDACTED"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("hunter2"));
    let raw = letters(&["show", "--raw", id]);
    assert!(raw.starts_with("{\"eventVersion\"") && raw.contains("REDACTED"), "{raw}");

    // The store's bytes are redacted, so the file has to be named.
    let good = config(folder.path(), "good", "");
    let (code, text) = said(&redrive(&store, &good, &[], &["--all"]));
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("2 cannot be sent again") && text.contains("--input"), "{text}");
    std::fs::write(input.join("a.ndjson"), "{}\n").unwrap();
    let (_, text) = said(&redrive(&store, &good, std::slice::from_ref(&input), &["--all"]));
    assert!(text.contains("was replaced since"), "{text}");
    assert_eq!(open_letters(&store), 2);
}

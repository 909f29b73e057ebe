//! Killed at named steps and at random moments, a run still ends with the rows of an undisturbed one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rand::{Rng, SeedableRng};

use super::overgrant::{TABLES, done, final_rows, run, sample};

const PLACES: &[&str] = &["after_write", "mid_snapshot", "before_commit", "mid_manifest", "after_manifest"];
const N_KILLS: usize = 50;

fn small_commits(folder: &Path) -> PathBuf {
    let path = folder.join("config.toml");
    std::fs::write(&path, "[stream]\ncommit_records = 300\nbatch_records = 100\ncommit_every = \"50ms\"\n").unwrap();
    path
}

/// Kills one run; says where, or `None` when it came to its end first.
fn kill_once(
    n: usize,
    inputs: &[PathBuf],
    store: &Path,
    config: &Path,
    random: &mut rand::rngs::StdRng,
) -> Option<&'static str> {
    let mut command = run(inputs, store, Some(config));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let place = PLACES.get(n % (PLACES.len() + 1));
    if let Some(place) = place {
        let passes = random.gen_range(1..=if *place == "after_write" || *place == "mid_snapshot" { 12 } else { 3 });
        command.env("OVERGRANT_FAILPOINT", format!("{place}:{passes}"));
        let status = command.status().unwrap();
        return (!status.success()).then_some(*place);
    }
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(random.gen_range(20..600)));
    child.kill().unwrap();
    (!child.wait().unwrap().success()).then_some("random moment")
}

#[test]
fn fifty_kills_change_no_final_row() {
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 4, 24, 2);
    let config = small_commits(folder.path());
    let calm = folder.path().join("calm");
    done(run(&inputs, &calm, Some(&config)));
    let seed = 20_261_124;
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut hits: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut n_kills, mut n_stores) = (0, 0);
    while n_kills < N_KILLS {
        let store = folder.path().join(format!("killed-{n_stores}"));
        n_stores += 1;
        for n in 0..12 {
            if let Some(place) = kill_once(n + n_stores, &inputs, &store, &config, &mut random) {
                *hits.entry(place).or_default() += 1;
                n_kills += 1;
            }
        }
        done(run(&inputs, &store, Some(&config)));
        for table in TABLES {
            let (found, expected) = (final_rows(&store, table), final_rows(&calm, table));
            assert!(
                found == expected,
                "{table} differs after kills at {hits:?}: {}",
                first_difference(&found, &expected)
            );
        }
    }
    println!("seed {seed}, {n_stores} stores, kills: {hits:?}");
    let all = PLACES.iter().copied().chain(["random moment"]);
    all.for_each(|place| assert!(hits.get(place).is_some_and(|n| *n > 0), "nothing was killed at `{place}`: {hits:?}"));
}

fn first_difference(
    found: &std::collections::BTreeSet<String>,
    expected: &std::collections::BTreeSet<String>,
) -> String {
    let extra = found.difference(expected).next();
    let missing = expected.difference(found).next();
    format!("{} rows and {}; extra {extra:?}; missing {missing:?}", found.len(), expected.len())
}

/// With the manifest put in place before the sinks have stored, a kill loses rows: the test above can fail. The first
/// commits hold grants only, so it is killed late enough to lose events.
#[test]
fn without_store_before_commit_rows_are_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 3, 20, 0);
    let config = small_commits(folder.path());
    let (calm, broken) = (folder.path().join("calm"), folder.path().join("broken"));
    done(run(&inputs, &calm, Some(&config)));
    let mut command = run(&inputs, &broken, Some(&config));
    command.env("OVERGRANT_MUTATION", "manifest_before_store").env("OVERGRANT_FAILPOINT", "after_manifest:12");
    assert!(!command.output().unwrap().status.success());
    done(run(&inputs, &broken, Some(&config)));
    let (found, expected) = (final_rows(&broken, "access_event"), final_rows(&calm, "access_event"));
    println!("{} of {} events are left", found.len(), expected.len());
    assert!(found.len() < expected.len());
}

/// Every file delivered twice. With no memory of what was read, the same test finds another answer: it can fail.
#[test]
fn copies_change_no_final_row() {
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 4, 24, 1);
    let twice: Vec<PathBuf> =
        inputs.iter().map(|input| folder.path().join("twice").join(input.file_name().unwrap())).collect();
    inputs.iter().zip(&twice).for_each(|(from, to)| copy_folder(from, to));
    let both: Vec<PathBuf> = inputs.iter().chain(&twice).cloned().collect();
    let forgetful = folder.path().join("forgetful.toml");
    std::fs::write(&forgetful, "[normalize]\nmax_remembered_ids = 1\n").unwrap();
    let stores = ["once", "twice", "forgetful"].map(|name| folder.path().join(name).join("store"));
    done(run(&inputs, &stores[0], None));
    done(run(&both, &stores[1], None));
    done(run(&both, &stores[2], Some(&forgetful)));
    let logged = ["access_event", "session", "usage", "pci", "finding", "anomaly", "alert"];
    let differ = |store: &Path| {
        let is_other = |table: &&&str| final_rows(store, table) != final_rows(&stores[0], table);
        logged.iter().filter(is_other).copied().collect::<Vec<_>>()
    };
    assert_eq!(differ(&stores[1]), Vec::<&str>::new());
    let without = differ(&stores[2]);
    assert!(without.contains(&"usage"), "without dedup only {without:?} differ");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, copy) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() { copy_folder(&path, &copy) } else { std::fs::copy(&path, &copy).map(drop).unwrap() }
    }
}

#[test]
fn batch_cuts_change_no_final_row() {
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 4, 24, 1);
    let calm = folder.path().join("calm");
    done(run(&inputs, &calm, None));
    for (n_batch, n_commit) in [(1, 5_000), (37, 777), (10_000, 1_000_000)] {
        let config = folder.path().join(format!("{n_batch}.toml"));
        std::fs::write(&config, format!("[stream]\nbatch_records = {n_batch}\ncommit_records = {n_commit}\n")).unwrap();
        let store = folder.path().join(format!("cut-{n_batch}"));
        done(run(&inputs, &store, Some(&config)));
        for table in TABLES {
            let (found, expected) = (final_rows(&store, table), final_rows(&calm, table));
            assert!(found == expected, "{table}, batches of {n_batch}: {}", first_difference(&found, &expected));
        }
    }
}

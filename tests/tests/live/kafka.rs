//! The rooms on a real broker: the same final rows as in one process, whoever is killed on the way.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use stream::clock::Stopwatch;
use tests::servers::Kafka;

use super::settings;
use crate::overgrant::{TABLES, done, final_rows, overgrant, run, sample};

/// Tables whose rows name the partition or the topic that they were counted in.
const COUNTED: &[&str] = &["tally"];

fn config(folder: &Path, kafka: &Kafka, name: &str, n_partitions: u32) -> PathBuf {
    settings::write(folder, name, n_partitions, &settings::quick(kafka.bootstrap()), "")
}

fn same_rows(found: &Path, expected: &Path) {
    same_rows_but(found, expected, COUNTED);
}

/// Compares the final rows of all tables but some.
pub(super) fn same_rows_but(found: &Path, expected: &Path, but: &[&str]) {
    for table in TABLES.iter().filter(|table| !but.contains(table)) {
        let (found, expected) = (final_rows(found, table), final_rows(expected, table));
        let (extra, missing) = (found.difference(&expected).next(), expected.difference(&found).next());
        assert!(
            found == expected,
            "{table}: {} rows and {}; extra {extra:?}; missing {missing:?}",
            found.len(),
            expected.len()
        );
    }
}

#[test]
fn kafka_and_one_process_give_the_same_rows() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 4, 24, 1);
    let (calm, store) = (folder.path().join("calm"), folder.path().join("store"));
    done(run(&inputs, &calm, None));
    let config = config(folder.path(), &kafka, "same", 3);
    done(run(&inputs, &store, Some(&config)));
    same_rows(&store, &calm);
}

fn room(config: &Path, store: &Path, inputs: &[PathBuf], room: &str) -> Child {
    let mut command = overgrant();
    command.args(["run", "--once", "--plain", "--room", room, "--config"]).arg(config).arg("--store").arg(store);
    if room == "ingest" {
        inputs.iter().for_each(|input| {
            command.arg("--input").arg(input);
        });
    }
    command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// How long the rooms may take to come to their end once nobody kills them any more.
const PATIENCE: Duration = Duration::from_secs(240);

const ROOMS: &[&str] =
    &["ingest", "normalize", "grants", "accounts", "score", "scopes", "peers", "detect", "triage", "sinks"];

#[test]
fn rooms_killed_at_random_lose_nothing_and_count_nothing_twice() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 4, 24, 1);
    let (calm, store) = (folder.path().join("calm"), folder.path().join("store"));
    done(run(&inputs, &calm, None));
    let config = config(folder.path(), &kafka, "killed", 3);
    let seed = 20_261_124;
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut running: Vec<Child> = ROOMS.iter().map(|name| room(&config, &store, &inputs, name)).collect();
    let (begun, mut n_kills) = (Stopwatch::start(), 0);
    while begun.elapsed() < Duration::from_secs(25) {
        std::thread::sleep(Duration::from_millis(random.gen_range(100..900)));
        let place = random.gen_range(0..ROOMS.len());
        if running[place].try_wait().unwrap().is_none() {
            running[place].kill().unwrap();
            running[place].wait().unwrap();
            n_kills += 1;
            running[place] = room(&config, &store, &inputs, ROOMS[place]);
        }
    }
    come_to_their_end(ROOMS, &mut running);
    println!("seed {seed}: {n_kills} kills");
    assert!(n_kills > 5);
    same_rows(&store, &calm);
}

fn come_to_their_end(rooms: &[&str], running: &mut [Child]) {
    let waited = Stopwatch::start();
    for place in 0..rooms.len() {
        while running[place].try_wait().unwrap().is_none() {
            if waited.elapsed() > PATIENCE {
                running.iter_mut().for_each(|child| child.kill().unwrap_or_default());
                panic!("`{}` does not come to its end", rooms[place]);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let status = running[place].wait().unwrap();
        assert!(status.success(), "{}: {status}", rooms[place]);
    }
}

/// A source that is killed when its end is committed and started again finds nothing new. Were it to say its end once more,
/// rooms that are still to come would wait for others to hear it, and those are gone.
#[test]
fn a_source_that_finds_nothing_new_says_its_end_once() {
    let kafka = Kafka::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, inputs) = sample(&folder.path().join("input"), 4, 12, 1);
    let (calm, store) = (folder.path().join("calm"), folder.path().join("store"));
    done(run(&inputs, &calm, None));
    let config = config(folder.path(), &kafka, "again", 2);
    let (before, behind) = (["ingest", "normalize", "grants", "ingest"], &ROOMS[3..]);
    for name in before {
        come_to_their_end(&[name], &mut [room(&config, &store, &inputs, name)]);
    }
    let mut running: Vec<Child> = behind.iter().map(|name| room(&config, &store, &inputs, name)).collect();
    come_to_their_end(behind, &mut running);
    same_rows(&store, &calm);
}

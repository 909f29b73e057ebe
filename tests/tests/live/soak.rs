//! Three members of every room, twelve partitions, and somebody who kills, adds and removes them, restarts and kills the
//! broker and stops ClickHouse, while logs and grants go on coming. In the end every topic and both stores hold what one
//! process makes of the same files in one go.
//!
//! `OVERGRANT_SOAK_SECONDS` says for how long; without it a minute is run, and no guarantee is switched off to see the soak
//! fail. `OVERGRANT_SOAK_SEED` repeats a schedule.

mod members;
mod schedule;
mod topics;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stream::clock::Stopwatch;
use tests::servers::Kafka;

use self::members::Members;
use self::schedule::{Act, schedule};
use super::clickhouse::Database;
use super::waves::{Waves, settled_rows};
use crate::overgrant::{TABLES, done, query, run, sample};

const N_PARTITIONS: u32 = 12;
/// A file that comes a day late may be read behind all of that day's: its first record is two days late, and in time.
const INGEST: &str = "[ingest]\npoll_interval = \"500ms\"\nallowed_lateness = \"49h\"\n";
const SEED: u64 = 20_261_124;
/// How long the soak is when nobody says.
const SECONDS: u64 = 60;

/// What can be switched off, to see the soak fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guarantee {
    /// What is taken again while a state is brought up to date is not told again.
    MutedReplay,
    /// Copies of records count once.
    Dedup,
    /// A sink commits after its store has acknowledged.
    StoreBeforeCommit,
}

impl Guarantee {
    /// The switch in the environment of the processes.
    fn mutation(self) -> Option<&'static str> {
        match self {
            Self::MutedReplay => Some("unmuted_replay"),
            Self::Dedup => None,
            Self::StoreBeforeCommit => Some("commit_before_store"),
        }
    }

    /// The switch in their settings.
    fn settings(self) -> &'static str {
        if self == Self::Dedup { "[normalize]\nmax_remembered_ids = 1\n" } else { "" }
    }
}

/// What is not as it should be.
struct Wrong {
    /// Rows of the stores that differ from those of one process.
    differ: Vec<String>,
    /// Rows that stand more than once in a topic.
    double: Vec<String>,
}

struct Soak {
    folder: tempfile::TempDir,
    kafka: Kafka,
    database: Database,
    config: PathBuf,
    calm: PathBuf,
}

/// What a run showed besides that it came to its end.
struct Seen {
    n_killed: usize,
    /// The states that were stored of a room, by name.
    snapshots: BTreeSet<String>,
}

impl Soak {
    fn start(without: Option<Guarantee>) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (kafka, database) = (Kafka::start().unwrap(), runtime.block_on(Database::start()));
        let folder = tempfile::tempdir().unwrap();
        let (config, calm) = (folder.path().join("soak.toml"), folder.path().join("calm.toml"));
        // The longer a state is in use, the more is taken again, and the surer a replay that is told shows.
        let snapshot_every = if without.is_some() { "15s" } else { "1s" };
        let text = format!(
            "{INGEST}{}[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"soak.\"\ngroup_prefix = \"soak\"\n\
             n_partitions = {N_PARTITIONS}\nsnapshots = \"{}\"\nbodies = \"{}\"\nsnapshot_every = \"{snapshot_every}\"\ncommit_every = \"100ms\"\n\
             commit_records = 500\nsession_timeout = \"3s\"\n[stream]\nbatch_records = 200\n\
             [sinks.clickhouse]\nurl = \"{}\"\ndatabase = \"{}\"\nuser = \"{}\"\n\
             password_env = \"OVERGRANT_CLICKHOUSE_PASSWORD\"\nretry_for = \"5m\"\ntimeout = \"20s\"\n",
            without.map_or("", Guarantee::settings),
            kafka.bootstrap(),
            folder.path().join("snapshots").display(),
            folder.path().join("bodies").display(),
            database.server.url(),
            database.place.database(),
            database.server.user(),
        );
        std::fs::write(&config, text).unwrap();
        std::fs::write(&calm, INGEST).unwrap();
        Self { folder, kafka, database, config, calm }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the rooms through a schedule, then to their inputs' end.
    fn run(&mut self, seed: u64, length: Duration, without: Option<Guarantee>) -> Seen {
        let (n_days, n_identities) = if length > Duration::from_secs(120) { (30, 40) } else { (16, 24) };
        sample(&self.at("sample"), n_days, n_identities, 3);
        let waves = Waves::of(&self.at("sample"), &self.at("input"));
        let acts = schedule(seed, length, waves.len());
        println!("seed {seed}: {} acts in {length:?}", acts.len());
        let mutation = without.and_then(Guarantee::mutation);
        let mut members = Members::start(&self.config, &self.at("input"), self.folder.path(), mutation);
        let (begun, mut snapshots) = (Stopwatch::start(), BTreeSet::new());
        for (at, act) in acts {
            while begun.elapsed() < at {
                (0..N_PARTITIONS).for_each(|n| snapshots.extend(names_in(&self.at(&format!("snapshots/score/{n}")))));
                members.look_after();
                std::thread::sleep(Duration::from_millis(100));
            }
            println!("{:>6.1} s: {act:?}", begun.elapsed().as_secs_f64());
            self.act(&act, &waves, &mut members);
        }
        let n_killed = members.n_killed;
        members.leave();
        members.finish();
        println!("at its end after {:?}", begun.elapsed());
        Seen { n_killed, snapshots }
    }

    fn act(&mut self, act: &Act, waves: &Waves, members: &mut Members) {
        match act {
            Act::Wave(wave) => waves.put(*wave),
            Act::Kill(kind, member) => members.kill(*kind, *member),
            Act::Leave(kind, member) => members.leave_one(*kind, *member),
            Act::Join(kind) => members.join(*kind),
            Act::RestartBroker if self.kafka.is_ours() => self.kafka.restart().unwrap(),
            Act::KillBroker if self.kafka.is_ours() => {
                self.kafka.kill().unwrap();
                self.kafka.restart().unwrap();
            }
            Act::StopStore if self.database.server.is_ours() => self.database.server.kill().unwrap(),
            Act::StartStore if self.database.server.is_ours() => self.database.server.restart().unwrap(),
            act => println!("the environment names the server: no {act:?}"),
        }
    }

    /// The lake, ClickHouse and the topics against one process that reads the same files in one go.
    fn check(&self) -> Wrong {
        let (calm, lake) = (self.at("calm"), self.at("store"));
        done(run(&[self.at("input")], &calm, Some(&self.calm)));
        let (address, _) = self.database.address();
        let mut differ = Vec::new();
        for store in [lake.as_path(), Path::new(&address)] {
            for table in TABLES.iter().filter(|table| **table != "tally") {
                let (found, expected) = (settled_rows(store, table), settled_rows(&calm, table));
                for row in found.difference(&expected).take(3) {
                    differ.push(format!("{}: {table}: extra {row}", store.display()));
                }
                for row in expected.difference(&found).take(3) {
                    differ.push(format!("{}: {table}: missing {row}", store.display()));
                }
            }
            // Which of two copies came first, and so counts as the event, is for the order to say; the sums are not.
            let sums = "SELECT provider, sum(n_read) AS n, sum(n_events) AS events, sum(n_copies) AS copies, \
                        sum(n_not_access) AS other FROM tally GROUP BY provider ORDER BY provider";
            let (found, expected) = (query(store, sums), query(&calm, sums));
            if found != expected {
                differ.push(format!("{}: tally: {found:?} and not {expected:?}", store.display()));
            }
        }
        Wrong { differ, double: topics::check(self.kafka.bootstrap(), "soak.", N_PARTITIONS, &calm) }
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().display().to_string()).collect()
}

#[expect(clippy::disallowed_methods, reason = "a run of tests is told by its environment how long it is")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Runs the soak; what it saw, and what is wrong.
fn soak(seconds: u64, without: Option<Guarantee>) -> (Seen, Wrong) {
    let mut soak = Soak::start(without);
    let seen = soak.run(setting("OVERGRANT_SOAK_SEED", SEED), Duration::from_secs(seconds), without);
    println!("{} killed, {} states of one room", seen.n_killed, seen.snapshots.len());
    let wrong = soak.check();
    println!("{} rows differ, {} stand twice", wrong.differ.len(), wrong.double.len());
    (seen, wrong)
}

/// A minute of it, when somebody asks for a soak: that it fails without a guarantee.
fn soak_without(guarantee: Guarantee) -> Option<Wrong> {
    if setting("OVERGRANT_SOAK_SECONDS", 0) == 0 {
        println!("nobody asks for it with `OVERGRANT_SOAK_SECONDS`: not run");
        return None;
    }
    Some(soak(SECONDS, Some(guarantee)).1)
}

#[test]
fn nothing_is_lost_or_double_whoever_is_killed() {
    let (seen, wrong) = soak(setting("OVERGRANT_SOAK_SECONDS", SECONDS), None);
    assert!(wrong.differ.is_empty(), "{}", wrong.differ.join("\n"));
    assert_eq!(wrong.double, Vec::<String>::new());
    assert!(seen.n_killed >= 5, "{} killed", seen.n_killed);
    assert!(seen.snapshots.len() >= 20, "{} states", seen.snapshots.len());
}

/// The stores drop it, unless it is an event that is counted twice.
#[test]
fn without_a_muted_replay_rows_stand_twice() {
    let Some(wrong) = soak_without(Guarantee::MutedReplay) else { return };
    assert!(!wrong.double.is_empty());
}

#[test]
fn without_dedup_copies_count() {
    let Some(wrong) = soak_without(Guarantee::Dedup) else { return };
    assert!(wrong.differ.iter().any(|row| row.contains(": usage: ")), "{:?}", wrong.differ);
}

#[test]
fn with_a_commit_before_the_store_rows_are_missing() {
    let Some(wrong) = soak_without(Guarantee::StoreBeforeCommit) else { return };
    assert!(wrong.differ.iter().any(|row| row.contains(": missing ")), "{:?}", wrong.differ);
}

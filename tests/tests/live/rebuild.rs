//! Rooms that lost their states, or get more partitions: the rows are those of a run in which that never happened.

use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use tests::servers::{Kafka, signal};

use super::waves::{Waves, settled_rows};
use crate::overgrant::{TABLES, done, overgrant, run, sample};

/// Late records come up to two days late.
const INGEST: &str = "[ingest]\npoll_interval = \"200ms\"\nallowed_lateness = \"49h\"\n";
/// How many days the logs cover.
const N_DAYS: u32 = 6;

struct House {
    folder: tempfile::TempDir,
    kafka: Kafka,
    waves: Waves,
}

impl House {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        sample(&folder.path().join("sample"), N_DAYS, 24, 2);
        let waves = Waves::of(&folder.path().join("sample"), &folder.path().join("input"));
        let house = Self { folder, kafka: Kafka::start().unwrap(), waves };
        std::fs::write(house.at("calm.toml"), INGEST).unwrap();
        house.write_config(3);
        house
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_config(&self, n_partitions: u32) {
        let text = format!(
            "{INGEST}[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"anew.\"\ngroup_prefix = \"anew\"\n\
             n_partitions = {n_partitions}\nsnapshots = \"{}\"\nbodies = \"{}\"\nsnapshot_every = \"1s\"\n\
             commit_every = \"50ms\"\ncommit_records = 300\nsession_timeout = \"2s\"\n[stream]\nbatch_records = 100\n",
            self.kafka.bootstrap(),
            self.at("snapshots").display(),
            self.at("bodies").display(),
        );
        std::fs::write(self.at("kafka.toml"), text).unwrap();
    }

    /// Puts the waves in place.
    fn put(&self, waves: std::ops::Range<usize>) {
        waves.for_each(|wave| self.waves.put(wave));
    }

    /// Reads what is there on Kafka, to its end.
    fn read(&self) {
        done(run(&[self.at("input")], &self.at("store"), Some(&self.at("kafka.toml"))));
    }

    /// Reads what is there in one process, to its end.
    fn read_calmly(&self) {
        done(run(&[self.at("input")], &self.at("calm"), Some(&self.at("calm.toml"))));
    }

    fn run(&self, rooms: &[&str]) -> Child {
        let mut command = overgrant();
        command.args(["run", "--plain", "--config"]).arg(self.at("kafka.toml"));
        command.arg("--store").arg(self.at("store")).arg("--input").arg(self.at("input"));
        rooms.iter().for_each(|room| {
            command.args(["--room", room]);
        });
        command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = overgrant();
        command.args(arguments).arg("--config").arg(self.at("kafka.toml")).arg("--store").arg(self.at("store"));
        command.output().unwrap()
    }

    /// The rows are those of one process. Files and topics are counted by partition, and those may be others.
    fn check(&self) {
        self.read_calmly();
        for table in TABLES.iter().filter(|table| **table != "tally") {
            let (found, expected) = (settled_rows(&self.at("store"), table), settled_rows(&self.at("calm"), table));
            let (extra, missing) = (found.difference(&expected).next(), expected.difference(&found).next());
            assert!(found == expected, "{table}: extra {extra:?}; missing {missing:?}");
        }
    }

    /// Only where the source stands is left.
    fn lose_states(&self) {
        for entry in std::fs::read_dir(self.at("snapshots")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("ingest") {
                std::fs::remove_dir_all(path).unwrap();
            }
        }
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn is_done(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

fn fails_with(output: &Output, what: &str) {
    assert!(!output.status.success() && said(output).contains(what), "{}", said(output));
}

/// Killed somewhere in the middle, with no state left: what was read is in the store, and what was not is in the topics.
#[test]
fn a_state_made_anew_from_the_store_goes_on_as_if_it_had_not_been_lost() {
    let house = House::start();
    house.put(0..4);
    house.read();
    house.put(4..5);
    let mut rooms = house.run(&[]);
    std::thread::sleep(Duration::from_millis(3_500));
    rooms.kill().unwrap();
    rooms.wait().unwrap();
    house.lose_states();
    fails_with(&house.ask(&["rebuild-state"]), "stop every process");
    std::thread::sleep(Duration::from_secs(3));
    let mut sink = house.run(&["lake"]);
    std::thread::sleep(Duration::from_secs(4));
    fails_with(&house.ask(&["rebuild-state"]), "stop every process");
    signal(sink.id(), "TERM").unwrap();
    sink.wait().unwrap();
    let rebuilt = house.ask(&["rebuild-state"]);
    is_done(&rebuilt);
    println!("{}", said(&rebuilt));
    house.put(5..7);
    house.read();
    house.check();
}

#[test]
fn more_partitions_change_no_row() {
    let house = House::start();
    house.put(0..4);
    house.read();
    house.write_config(5);
    fails_with(&house.ask(&["run", "--once"]), "has 3 partitions");
    let done = house.ask(&["repartition"]);
    is_done(&done);
    println!("{}", said(&done));
    fails_with(&house.ask(&["rebuild-state", "--room", "nobody"]), "no room");
    is_done(&house.ask(&["repartition"]));
    house.put(4..7);
    house.read();
    house.check();
    house.write_config(2);
    fails_with(&house.ask(&["repartition"]), "2 are too few");
}

//! Raw topics that somebody else fills, with the provider's bytes alone: the same rows as from files, and windows that
//! close while records come.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::Provider;
use stream::clock::Stopwatch;
use tests::servers::{Kafka, signal};

use super::waves::day;
use crate::overgrant::{count, done, final_rows, overgrant, run, sample};

const N_PARTITIONS: i32 = 3;
/// How long a window may take to close.
const PATIENCE: Duration = Duration::from_secs(60);

struct House {
    folder: tempfile::TempDir,
    kafka: Kafka,
}

impl House {
    fn start() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), kafka: Kafka::start().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, name: &str, filled_by_others: &str) -> PathBuf {
        let path = self.at(&format!("{name}.toml"));
        let text = format!(
            "[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"{name}.\"\ngroup_prefix = \"{name}\"\n\
             n_partitions = {N_PARTITIONS}\nfilled_by_others = [{filled_by_others}]\nsnapshots = \"{}\"\n\
             bodies = \"{}\"\ncommit_every = \"50ms\"\nsession_timeout = \"2s\"\n[stream]\nbatch_records = 50\n",
            self.kafka.bootstrap(),
            self.at(&format!("{name}-snapshots")).display(),
            self.at(&format!("{name}-bodies")).display(),
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The rows of the topics are those of the files.
    fn check(&self) {
        for table in ["access_event", "usage", "session", "pci", "anomaly"] {
            let (found, expected) = (final_rows(&self.at("store"), table), final_rows(&self.at("calm"), table));
            let (extra, missing) = (found.difference(&expected).next(), expected.difference(&found).next());
            assert!(found == expected, "{table}: extra {extra:?}; missing {missing:?}");
        }
    }

    /// Writes the records of log files as any producer would: their bytes, with a key that copies have in common.
    fn produce(&self, prefix: &str, files: &[PathBuf]) -> usize {
        let producer: BaseProducer =
            ClientConfig::new().set("bootstrap.servers", self.kafka.bootstrap()).create().unwrap();
        let mut n = 0;
        for path in files {
            let items = ingest::split(File::open(path).unwrap(), None, &path.display().to_string());
            for item in items {
                let ingest::Item::Log(record) = item else { continue };
                let topic = match record.provider {
                    Provider::Aws => "raw.aws.cloudtrail",
                    Provider::Azure => "raw.azure.activity",
                    Provider::Gcp => "raw.gcp.audit",
                };
                let topic = format!("{prefix}.{topic}");
                let (key, body): (_, &[u8]) = (record.body.spread().to_le_bytes(), &record.body.0);
                let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&topic).key(&key[..]).payload(body);
                producer.send(record).map_err(|(error, _)| error).unwrap();
                n += 1;
            }
        }
        producer.flush(Duration::from_secs(30)).unwrap();
        n
    }
}

/// The log files below a folder, in order of their paths.
fn logs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(logs(&path));
        } else if !path.display().to_string().contains("entitlements") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn topics_that_others_fill_give_the_rows_of_files() {
    let house = House::start();
    let (_, folders) = sample(&house.at("sample"), 3, 16, 1);
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| logs(folder)).collect();
    done(run(&files, &house.at("calm"), None));
    let config = house.config("others", r#""raw.aws.cloudtrail", "raw.azure.activity", "raw.gcp.audit""#);
    // The first run makes the topics.
    done(run(&[], &house.at("store"), Some(&config)));
    assert!(house.produce("others", &files) > 500);
    done(run(&[], &house.at("store"), Some(&config)));
    house.check();
}

/// All rooms in one process, on topics: in two runs, the second going on where the first ended.
#[test]
fn rooms_in_one_process_read_topics() {
    let house = House::start();
    let (_, folders) = sample(&house.at("sample"), 3, 16, 1);
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| logs(folder)).collect();
    let config = house.config("fused", "");
    done(run(&[], &house.at("unused"), Some(&config)));
    let day_of = |path: &PathBuf| day(&path.strip_prefix(house.at("sample")).unwrap().display().to_string());
    let last = files.iter().filter_map(day_of).max();
    let (late, early): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(|path| day_of(path) == last);
    for some in [&early, &late] {
        house.produce("fused", some);
        let mut fused = run(&[], &house.at("store"), Some(&config));
        fused.arg("--fused");
        done(fused);
        done(run(some, &house.at("calm"), None));
    }
    house.check();
}

/// How many windows are closed once days of records have come, and how many when nobody says how far they have come.
#[test]
fn windows_close_while_others_fill_a_topic() {
    let house = House::start();
    let (_, folders) = sample(&house.at("sample"), 4, 8, 1);
    let files = logs(&folders[0]);
    let n_closed = |name: &str, filled: &str, patience: Duration| {
        let (config, store) = (house.config(name, filled), house.at(&format!("{name}-store")));
        done(run(&[], &store, Some(&config)));
        house.produce(name, &files);
        let mut command = overgrant();
        command.args(["run", "--plain", "--config"]).arg(&config).arg("--store").arg(&store);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
        let (waited, mut n) = (Stopwatch::start(), 0);
        while n == 0 && waited.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(500));
            n = count(&store, "SELECT count(*) FROM usage WHERE NOT provisional");
        }
        signal(child.id(), "TERM").unwrap();
        child.wait().unwrap();
        assert!(count(&store, "SELECT count(*) FROM access_event") > 0, "{name}: nothing arrived");
        n
    };
    assert!(n_closed("told", r#""raw.aws.cloudtrail""#, PATIENCE) > 0);
    assert_eq!(n_closed("untold", "", Duration::from_secs(8)), 0);
}

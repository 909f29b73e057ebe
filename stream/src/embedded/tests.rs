//! The belt as a whole, over toy rooms: what is lost or doubled when it is cut, split, killed and started again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::future::BoxFuture;
use rand::{Rng, SeedableRng};

use super::*;
use crate::{Batch, Output, Polled, Progress, Sink, SinkState, Source, StateError, Transform, Watermarks, Wiring};

const WINDOW: i64 = 10;

/// What flows in these tests.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    Seen { key: u32, time: i64 },
    Count { key: u32, window: i64, n: u64 },
}

fn wiring() -> Wiring<Item> {
    Wiring {
        topic: |item| match item {
            Item::Seen { .. } => "seen",
            Item::Count { .. } => "count",
        },
        key: |item, buffer| {
            let (Item::Seen { key, .. } | Item::Count { key, .. }) = item;
            buffer.extend_from_slice(&key.to_le_bytes());
            true
        },
        raise: |_, _| {},
    }
}

/// Hands out `seen` items in a fixed order; its cursor is how many.
struct Numbers {
    n: u64,
    end: u64,
}

impl Numbers {
    fn item(n: u64) -> Item {
        Item::Seen { key: (n.wrapping_mul(2_654_435_761) % 7) as u32, time: (n / 5) as i64 }
    }
}

impl Source<Item> for Numbers {
    fn poll(&mut self, max_records: usize) -> BoxFuture<'_, Result<Polled<Item>, Fault>> {
        let from = self.n;
        self.n = (from + max_records as u64).min(self.end);
        let time = (self.n / 5) as i64;
        let polled = if from == self.end {
            Polled::End(time)
        } else {
            let said = Progress { feed: "numbers".into(), account: "a".into(), through: time, idle: false };
            Polled::Records((from..self.n).map(Self::item).collect(), vec![said])
        };
        Box::pin(std::future::ready(Ok(polled)))
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        Ok(self.n.to_le_bytes().to_vec())
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.n = u64::from_le_bytes(bytes.try_into().map_err(|_| StateError::Damaged("length".into()))?);
        Ok(())
    }
}

/// Passes everything on: a second writer in front of the counting room.
struct Pass;

impl Transform<Item> for Pass {
    fn apply(&mut self, batch: Batch<Item>, out: &mut Output<Item>) {
        out.emitted.extend(batch.into_payloads());
    }
}

/// Counts each key in windows, and emits a window once event time has passed it.
#[derive(Default)]
struct Counter {
    open: BTreeMap<(i64, u32), u64>,
}

impl Counter {
    fn close(&mut self, until: i64, out: &mut Output<Item>) {
        let later = self.open.split_off(&(until.div_euclid(WINDOW) * WINDOW, 0));
        let closed = std::mem::replace(&mut self.open, later);
        out.emitted.extend(closed.into_iter().map(|((window, key), n)| Item::Count { key, window, n }));
    }
}

impl Transform<Item> for Counter {
    fn apply(&mut self, batch: Batch<Item>, _: &mut Output<Item>) {
        for item in batch.into_payloads() {
            let Item::Seen { key, time } = item else { continue };
            *self.open.entry((time.div_euclid(WINDOW) * WINDOW, key)).or_default() += 1;
        }
    }

    fn advance(&mut self, watermarks: &Watermarks, out: &mut Output<Item>) {
        self.close(watermarks.low().unwrap_or(i64::MIN), out);
    }

    fn finish(&mut self, as_of: i64, out: &mut Output<Item>) {
        self.close(as_of + 2 * WINDOW, out);
    }

    fn snapshot(&self) -> Result<Vec<u8>, StateError> {
        postcard::to_stdvec(&self.open).map_err(|error| StateError::Damaged(error.to_string()))
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.open = postcard::from_bytes(bytes).map_err(|error| StateError::Damaged(error.to_string()))?;
        Ok(())
    }
}

/// Appends lines to a file and remembers its length; breaks when told to.
struct Lines {
    path: PathBuf,
    text: String,
    breaks_after: Option<u64>,
}

impl Lines {
    fn boxed(folder: &Path, breaks_after: Option<u64>) -> Box<Self> {
        Box::new(Self { path: folder.join("lines"), text: String::new(), breaks_after })
    }
}

impl Sink<Item> for Lines {
    fn restore(&mut self, state: SinkState) -> BoxFuture<'_, Result<(), Fault>> {
        let length = state.as_u64().unwrap_or(0) as usize;
        self.text = std::fs::read_to_string(&self.path).unwrap_or_default();
        self.text.truncate(length);
        Box::pin(std::future::ready(Ok(())))
    }

    fn write(&mut self, batch: Batch<Item>) -> BoxFuture<'_, Result<(), Fault>> {
        for item in batch.into_payloads() {
            self.text.push_str(&format!("{item:?}\n"));
        }
        let is_broken = self.breaks_after.as_mut().is_some_and(|left| {
            *left = left.saturating_sub(1);
            *left == 0
        });
        let result = if is_broken { Err(Fault::edge("lines", "the disk is full")) } else { Ok(()) };
        Box::pin(std::future::ready(result))
    }

    fn commit(&mut self, _: u64) -> BoxFuture<'_, Result<SinkState, Fault>> {
        std::fs::write(&self.path, &self.text).unwrap();
        Box::pin(std::future::ready(Ok(SinkState::from(self.text.len()))))
    }
}

struct Setup {
    n_items: u64,
    n_partitions: u32,
    batch_records: usize,
    commit_records: u64,
    breaks_after: Option<u64>,
}

fn run_once(folder: &Path, setup: &Setup) -> Result<Manifest, Fault> {
    let topology = Topology::new(wiring(), "numbers", &["seen"], Box::new(Numbers { n: 0, end: setup.n_items }))
        .room("pass", &["seen"], &["seen"], setup.n_partitions, |_| Box::new(Pass))
        .room("counter", &["seen"], &["count"], setup.n_partitions, |_| Box::new(Counter::default()))
        .sink("lines", &["count"], Lines::boxed(folder, setup.breaks_after));
    assert_eq!(topology.unfed(), None);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let meters = Meters::of(topology.names());
    let options = Options {
        channel_batches: 2,
        batch_records: setup.batch_records,
        commit_records: setup.commit_records,
        ..Options::new(folder)
    };
    run(topology, &options, runtime.handle(), &Stop::default(), &meters)
}

/// Both the source and `pass` feed the counter, so every item counts twice: by inputs that race each other.
fn expected(n_items: u64) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for n in 0..n_items {
        let Item::Seen { key, time } = Numbers::item(n) else { continue };
        *counts.entry((time.div_euclid(WINDOW) * WINDOW, key)).or_insert(0u64) += 2;
    }
    let line = |((window, key), n)| format!("{:?}", Item::Count { key, window, n });
    let mut lines: Vec<_> = counts.into_iter().map(line).collect();
    lines.sort();
    lines
}

fn found(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("lines")).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn cuts_and_partitions_do_not_change_the_answer() {
    for (n_partitions, batch_records, commit_records) in [(1, 1_000, 1_000_000), (1, 7, 20), (3, 13, 100), (4, 1, 50)] {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup { n_items: 2_000, n_partitions, batch_records, commit_records, breaks_after: None };
        let manifest = run_once(folder.path(), &setup).unwrap();
        assert_eq!(found(folder.path()), expected(2_000), "{n_partitions} partitions, batches of {batch_records}");
        assert_eq!(manifest.as_of, Some(400));
    }
}

#[test]
fn a_broken_run_goes_on_where_it_was_committed() {
    let mut random = rand::rngs::StdRng::seed_from_u64(11);
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let mut setup =
            Setup { n_items: 2_000, n_partitions: 2, batch_records: 17, commit_records: 120, breaks_after: None };
        let mut n_broken = 0;
        loop {
            setup.breaks_after = (n_broken < 5).then(|| random.gen_range(1..25));
            match run_once(folder.path(), &setup) {
                Ok(_) => break,
                Err(fault) => assert!(matches!(fault, Fault::Edge { .. }), "{fault:?}"),
            }
            n_broken += 1;
        }
        assert_eq!(n_broken, 5);
        assert_eq!(found(folder.path()), expected(2_000));
    }
}

#[test]
fn a_finished_store_is_not_read_again_and_goes_on_with_new_input() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup =
        Setup { n_items: 1_000, n_partitions: 2, batch_records: 50, commit_records: 300, breaks_after: None };
    let first = run_once(folder.path(), &setup).unwrap();
    let second = run_once(folder.path(), &setup).unwrap();
    assert_eq!(found(folder.path()), expected(1_000));
    assert!(second.epoch > first.epoch && second.generation == first.generation + 1);
    setup.n_partitions = 3;
    assert!(matches!(run_once(folder.path(), &setup), Err(Fault::Shape { .. })));
}

//! How fast raw records become access events, on one core, beside `serde_json::Value` parsing the same bytes and
//! building nothing. `cargo bench -p benches --bench normalize`; the ratios are what counts.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench is run by hand and prints its result")]

use std::fs::File;
use std::path::{Path, PathBuf};

use ingest::Item;
use schemas::{Message, Noun, Provider};
use stream::clock::Stopwatch;
use stream::{Batch, Output, Transform};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_ROUNDS: usize = 7;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let params = sample::SampleParams { n_days: 10, n_identities: 120, ..sample::SampleParams::default() };
    sample::generate(&params, folder.path()).unwrap();
    println!(
        "{:<6} {:>8} {:>10} {:>12} {:>10} {:>22}",
        "cloud", "records", "bytes each", "events/s", "MB/s", "of serde_json::Value"
    );
    for provider in [Provider::Aws, Provider::Azure, Provider::Gcp] {
        let records = records(&folder.path().join(provider.as_str()), provider);
        let n_bytes: usize = records.iter().map(|record| body(record).len()).sum();
        let ours = median(|| normalize(&records));
        let value = median(|| parse(&records));
        let (n, mb) = (records.len() as f64, n_bytes as f64 / 1e6);
        println!(
            "{provider:<6} {:>8} {:>10.0} {:>12.0} {:>10.1} {:>21.2}x",
            records.len(),
            n_bytes as f64 / n,
            n / ours,
            mb / ours,
            value / ours
        );
    }
}

fn body(message: &Message) -> &[u8] {
    match message {
        Message::RawRecord(raw) => &raw.body.0,
        _ => &[],
    }
}

fn records(folder: &Path, provider: Provider) -> Vec<Message> {
    let mut files = Vec::new();
    walk(folder, &mut files);
    files.sort();
    let items = files.iter().flat_map(|path| ingest::split(File::open(path).unwrap(), Some(provider), "bench"));
    items.filter_map(|item| if let Item::Log(raw) = item { Some(raw.into_message()) } else { None }).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

fn normalize(records: &[Message]) -> usize {
    let mut room = normalize::Normalizer::new(normalize::Config::default().validate().unwrap());
    let mut n_events = 0;
    for batch in records.chunks(1_000) {
        let mut output = Output::default();
        room.apply(Batch::of(0, 0, batch.iter().cloned()), &mut output);
        n_events += output.emitted.len();
    }
    n_events
}

fn parse(records: &[Message]) -> usize {
    records.iter().filter(|record| serde_json::from_slice::<serde_json::Value>(body(record)).is_ok()).count()
}

fn median(mut work: impl FnMut() -> usize) -> f64 {
    let mut times: Vec<f64> = (0..N_ROUNDS)
        .map(|_| {
            let watch = Stopwatch::start();
            std::hint::black_box(work());
            watch.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[N_ROUNDS / 2]
}

//! Readers take turns over the same records; what counts is the ratio of two turns of one round.

use std::hint::black_box;

use stream::clock::Stopwatch;

use crate::corpus::{BenchError, Corpus};

/// How often each reader has its turn. Odd, so that the median is one of them.
const N_ROUNDS: usize = 15;

/// Something that reads all records of a corpus.
pub trait Reader {
    /// What the table calls it.
    fn name(&self) -> &str;

    /// Gets ready for one round; its time does not count.
    ///
    /// # Errors
    /// When it cannot read such records at all.
    fn prepare(&mut self, _corpus: &Corpus) -> Result<(), BenchError> {
        Ok(())
    }

    /// Reads every record and returns how many results there are, so that none can be left out.
    fn read(&mut self, corpus: &Corpus) -> usize;
}

/// Lets the readers take turns on this thread and prints for each the median speed, and how many times as fast the
/// first one is: the median over the rounds with the least and the most, since a busy machine slows both turns of a
/// round.
///
/// # Errors
/// When a reader cannot read such records.
pub fn compare(corpus: &Corpus, readers: &mut [&mut dyn Reader]) -> Result<(), BenchError> {
    let mut seconds = vec![Vec::with_capacity(N_ROUNDS); readers.len()];
    // The first round warms caches and allocator and does not count.
    for round in 0..=N_ROUNDS {
        for (reader, seconds) in readers.iter_mut().zip(&mut seconds) {
            reader.prepare(corpus)?;
            let start = Moment::now();
            let n_results = black_box(reader.read(corpus));
            let elapsed = start.elapsed_s();
            if n_results == 0 {
                return Err(format!("`{}` read nothing", reader.name()).into());
            }
            if round > 0 {
                seconds.push(elapsed);
            }
        }
    }
    let (n, megabytes) = (corpus.records.len() as f64, corpus.n_bytes as f64 / 1e6);
    println!("{}: {n} records of {:.0} bytes", corpus.provider, megabytes * 1e6 / n);
    for (reader, theirs) in readers.iter().zip(&seconds) {
        let typical = sorted(theirs.iter().copied())[N_ROUNDS / 2];
        let ratios = sorted(seconds[0].iter().zip(theirs).map(|(ours, theirs)| theirs / ours));
        println!(
            "  {:<32} {:>9.0} records/s {:>7.0} MB/s {:>7.0} ns {:>7.2}x ({:.2} to {:.2})",
            reader.name(),
            n / typical,
            megabytes / typical,
            typical / n * 1e9,
            ratios[N_ROUNDS / 2],
            ratios[0],
            ratios[N_ROUNDS - 1],
        );
    }
    Ok(())
}

/// When a turn began.
#[derive(Debug)]
pub struct Moment {
    watch: Stopwatch,
    on_cpu_ns: Option<u64>,
}

impl Moment {
    /// Begins one.
    #[must_use]
    pub fn now() -> Self {
        Self { watch: Stopwatch::start(), on_cpu_ns: on_cpu_ns() }
    }

    /// Seconds that this thread ran since, so that others' work does not count; without Linux, seconds that went by.
    #[must_use]
    pub fn elapsed_s(&self) -> f64 {
        match (self.on_cpu_ns, on_cpu_ns()) {
            (Some(start), Some(end)) if end > start => (end - start) as f64 / 1e9,
            _ => self.watch.elapsed().as_secs_f64(),
        }
    }
}

/// How long this thread has run; up to a tick of the scheduler behind, some milliseconds.
fn on_cpu_ns() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

//! Patterns of actions to the actions that they name. First anew, each pattern once after a catalogue that remembers none;
//! then remembered, as identities that share policies find them.

use std::hint::black_box;

use benches::{BenchError, Moment};
use permissions::{ActionIdx, Catalogue, ProviderCatalogue};
use schemas::Provider;

/// How many catalogues are asked.
const N_ROUNDS: usize = 40;

pub(crate) fn run(patterns: &str, out: &str) -> Result<(), BenchError> {
    let text = std::fs::read_to_string(patterns)?;
    let patterns: Vec<&str> = text.lines().collect();
    let bundled = Catalogue::bundled().provider(Provider::Aws);
    std::fs::write(out, patterns.iter().map(|pattern| named(bundled, pattern)).collect::<String>())?;
    // A clone remembers nothing.
    let catalogues: Vec<ProviderCatalogue> = (0..N_ROUNDS).map(|_| bundled.clone()).collect();
    let ns = |catalogues: &[ProviderCatalogue]| {
        let start = Moment::now();
        for catalogue in catalogues {
            for pattern in &patterns {
                black_box(catalogue.expand(black_box(pattern)));
            }
        }
        start.elapsed_s() * 1e9 / (catalogues.len() * patterns.len()) as f64
    };
    let (anew, remembered) = (ns(&catalogues), ns(&catalogues));
    println!("{anew} {remembered}");
    Ok(())
}

/// The names, sorted, in one line.
fn named(catalogue: &ProviderCatalogue, pattern: &str) -> String {
    let name = |idx| catalogue.action(ActionIdx(idx)).name.to_ascii_lowercase();
    let mut names: Vec<String> = catalogue.expand(pattern).iter().map(name).collect();
    names.sort_unstable();
    names.join(" ") + "\n"
}

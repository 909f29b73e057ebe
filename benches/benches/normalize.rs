//! How fast raw records become access events, on one core, beside `serde_json::Value` parsing the same bytes and
//! building nothing: `cargo bench -p benches`. `-- FOLDER` reads the logs of a folder instead of a sample's. The
//! ratios are what counts; `peers` has more of them.

use std::path::Path;

use benches::{BenchError, Corpus, JsonTree, Ours, compare};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), BenchError> {
    // Cargo adds `--bench`.
    let corpora = match std::env::args().skip(1).find(|arg| !arg.starts_with("--")) {
        Some(folder) => Corpus::of_folder(Path::new(&folder))?,
        None => Corpus::of_sample()?,
    };
    for corpus in corpora {
        compare(&corpus, &mut [&mut Ours::new()?, &mut JsonTree])?;
    }
    Ok(())
}

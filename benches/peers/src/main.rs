//! Our room beside its peers, in one run over the same records: `serde_json::Value`, which only parses, and the `vrl`
//! crate (the language of Vector's `remap`), which does the same mapping by the programs in `programs/`.
//!
//! `cargo run --release -- [FOLDER]` reads the logs of a folder; without one, those of a generated sample.

use std::path::Path;
use std::process::ExitCode;

use benches::{BenchError, Corpus, JsonTree, Ours, compare};

mod agreement;
mod mapping;

use mapping::Mapping;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), BenchError> {
    let corpora = match std::env::args().nth(1) {
        Some(folder) => Corpus::of_folder(Path::new(&folder))?,
        None => Corpus::of_sample()?,
    };
    for corpus in corpora {
        let mut mapping = Mapping::of(corpus.provider)?;
        compare(&corpus, &mut [&mut Ours::new()?, &mut JsonTree, &mut mapping])?;
        agreement::show(&corpus, &mut mapping)?;
    }
    Ok(())
}

//! The side of ours in `benches/permissions/run.sh`, whose peers are programs of other languages. Each command prints
//! nanoseconds of processor time, and writes its answers to be compared.
//!
//! `permissions decide REQUESTS OUT`, `permissions expand PATTERNS OUT`, `permissions hold REQUESTS N`

#![expect(clippy::print_stdout, reason = "a bench is run by hand and prints its result")]

mod decide;
mod expand;
mod hold;
mod requests;

use benches::BenchError;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), BenchError> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["decide", requests, out] => decide::run(requests, out),
        ["expand", patterns, out] => expand::run(patterns, out),
        ["hold", requests, n] => hold::run(requests, n.parse()?),
        _ => Err("permissions decide REQUESTS OUT | expand PATTERNS OUT | hold REQUESTS N".into()),
    }
}

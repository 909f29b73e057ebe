//! Kafka clients beside each other, in one run over the same topics: a C loop over librdkafka's batch calls,
//! `StreamConsumer`, `BaseConsumer`, `FutureProducer`, and ours.
//!
//! `kafka-bench BROKERS [TURNS [TITLE]]` makes topics, fills them, lets everybody take turns, and prints medians; of all
//! contests, or of those whose titles hold a word. Each turn is a process of its own, so that
//! its processor time is all of its threads' and nobody finds another's memory warm.

use std::process::ExitCode;
use std::time::Instant;

mod c;
mod contest;
mod load;
mod read;
mod write;

use load::{Load, READER, Sum, WRITER};
use write::How;

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["turn", who, brokers, topic, n, size] => turn(who, brokers, topic, n, size),
        [brokers] => contest::run(brokers, 5, ""),
        [brokers, turns] => number(turns).and_then(|n| contest::run(brokers, n, "")),
        [brokers, turns, title] => number(turns).and_then(|n| contest::run(brokers, n, title)),
        _ => Err("usage: kafka-bench BROKERS [TURNS [TITLE]]".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

/// One turn; prints what it took: wall time, processor time of the process and of this thread, and what was read.
fn turn(who: &str, brokers: &str, topic: &str, n: &str, size: &str) -> Result<(), String> {
    let (n, size) = (number(n)?, number(size)?);
    let load =
        Load { brokers: brokers.to_owned(), topic: topic.to_owned(), n_partitions: contest::N_PARTITIONS, n, size };
    let (wall, cpu, own) = (Instant::now(), c::cpu_us(), c::thread_cpu_us());
    let written = |n_commits| Sum { n, n_bytes: n_commits, check: 0 };
    let sum = match who {
        "read-c" => c::consume(&load, READER, false)?,
        "read-c-headers" => c::consume(&load, READER, true)?,
        "read-ours" => read::ours(&load, false)?,
        "read-ours-headers" => read::ours(&load, true)?,
        "read-poll" => read::polled(&load, false)?,
        "read-poll-headers" => read::polled(&load, true)?,
        "read-stream" => read::streamed(&load, false)?,
        "read-stream-headers" => read::streamed(&load, true)?,
        "write-c" => c::produce(&load, WRITER, false).map(|()| written(0))?,
        "write-c-headers" => c::produce(&load, WRITER, true).map(|()| written(0))?,
        "write-plain" => write::ours(&load, How::default()).map(written)?,
        "write-headers" => write::ours(&load, How { has_headers: true, ..How::default() }).map(written)?,
        "write-ours" => {
            write::ours(&load, How { has_headers: true, has_transactions: true, ..How::default() }).map(written)?
        }
        "write-flushed" => {
            write::ours(&load, How { has_headers: true, is_flushed: true, ..How::default() }).map(written)?
        }
        "write-future" => write::future(&load).map(|()| written(0))?,
        who => return Err(format!("nobody is called `{who}`")),
    };
    let (wall, cpu, own) = (wall.elapsed().as_micros(), c::cpu_us() - cpu, c::thread_cpu_us() - own);
    println!("{wall} {cpu} {own} {} {} {}", sum.n, sum.n_bytes, sum.check);
    Ok(())
}

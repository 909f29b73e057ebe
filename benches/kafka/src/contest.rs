//! Turns, medians, ratios.

use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::load::Load;
use crate::write::{self, How, JOURNAL};

/// Of every topic here.
pub(crate) const N_PARTITIONS: i32 = 3;

/// Sizes of values, and how many records of each: some seconds for each turn.
const LOADS: &[(usize, u64)] = &[(1024, 400_000), (300, 1_000_000)];

struct Contest {
    title: &'static str,
    /// The first is what the others are measured against.
    who: &'static [(&'static str, &'static str)],
    reads: bool,
}

const CONTESTS: &[Contest] = &[
    Contest {
        title: "read: key and value",
        reads: true,
        who: &[
            ("read-c", "C loop, `rd_kafka_consume_batch_queue`"),
            ("read-ours", "ours (`batch`)"),
            ("read-poll", "`BaseConsumer::poll`"),
            ("read-stream", "`StreamConsumer`"),
        ],
    },
    Contest {
        title: "read: key, value and six headers",
        reads: true,
        who: &[
            ("read-c-headers", "C loop, `rd_kafka_consume_batch_queue`"),
            ("read-ours-headers", "ours (`batch`)"),
            ("read-poll-headers", "`BaseConsumer::poll`"),
            ("read-stream-headers", "`StreamConsumer`"),
        ],
    },
    Contest {
        title: "write: key and value",
        reads: false,
        who: &[
            ("write-c", "C loop, `rd_kafka_produce_batch`"),
            ("write-plain", "ours without headers and transactions"),
        ],
    },
    Contest {
        title: "write: key, value and six headers",
        reads: false,
        who: &[
            ("write-c-headers", "C loop, `rd_kafka_producev`"),
            ("write-headers", "ours without transactions"),
            ("write-ours", "ours"),
            ("write-future", "`FutureProducer`"),
        ],
    },
    Contest {
        title: "exactly once: key, value and six headers",
        reads: false,
        who: &[
            ("write-flushed", "idempotent, flushed where a transaction would end"),
            ("write-ours", "ours: a transaction for 20,000 records or 200 ms"),
        ],
    },
];

/// What a turn took.
#[derive(Clone, Debug)]
struct Took {
    wall_us: f64,
    cpu_us: f64,
    own_us: f64,
    /// What was read, or how many transactions were written.
    sum: String,
}

/// Makes and fills topics, and runs every contest whose title holds a word.
pub(crate) fn run(brokers: &str, n_turns: usize, title: &str) -> Result<(), String> {
    println!("{}", rdkafka::util::get_rdkafka_version().1);
    for (size, n) in LOADS {
        let of =
            |topic: String| Load { brokers: brokers.to_owned(), topic, n_partitions: N_PARTITIONS, n: *n, size: *size };
        let stamp = std::process::id();
        let (input, output) = (of(format!("bench.in.{size}.{stamp}")), of(format!("bench.out.{size}.{stamp}")));
        create(&[&input.topic, &output.topic, JOURNAL], brokers)?;
        write::ours(&input, How { has_headers: true, has_transactions: true, ..How::default() })?;
        for contest in CONTESTS.iter().filter(|contest| contest.title.contains(title)) {
            let load = if contest.reads { &input } else { &output };
            let took = take_turns(contest, load, n_turns)?;
            show(contest, load, &took);
        }
    }
    Ok(())
}

fn create(topics: &[&str], brokers: &str) -> Result<(), String> {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().map_err(|error| error.to_string())?;
    let topics: Vec<NewTopic<'_>> =
        topics.iter().map(|name| NewTopic::new(name, N_PARTITIONS, TopicReplication::Fixed(1))).collect();
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    // A topic that is there already, such as the journal the second time, is what was wanted.
    crate::runtime()?.block_on(admin.create_topics(&topics, &options)).map(drop).map_err(|error| error.to_string())
}

/// For each client its turns. The first round warms the broker and does not count; each round begins with another client.
fn take_turns(contest: &Contest, load: &Load, n_turns: usize) -> Result<Vec<Vec<Took>>, String> {
    let n = contest.who.len();
    let mut took = vec![Vec::new(); n];
    for round in 0..=n_turns {
        for at in 0..n {
            let idx = (at + round) % n;
            let one = turn(contest.who[idx].0, load)?;
            if round > 0 {
                took[idx].push(one);
            }
        }
        let mut last = took.iter().filter_map(|turns: &Vec<Took>| turns.last()).map(|turn| &turn.sum);
        let first = last.next();
        if contest.reads && last.any(|sum| Some(sum) != first) {
            return Err("not everybody has read the same".to_owned());
        }
    }
    Ok(took)
}

fn turn(who: &str, load: &Load) -> Result<Took, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(["turn", who, &load.brokers, &load.topic, &load.n.to_string(), &load.size.to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = said.split_whitespace().collect();
    let number = |idx: usize| words.get(idx).and_then(|word: &&str| word.parse::<f64>().ok());
    match (number(0), number(1), number(2)) {
        (Some(wall_us), Some(cpu_us), Some(own_us)) if output.status.success() => {
            Ok(Took { wall_us, cpu_us, own_us, sum: words[3..].join(" ") })
        }
        _ => Err(format!("`{who}` failed: {}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// Prints medians, and the first client's processor time as a part of each other's: 1 is as good, less is dearer.
fn show(contest: &Contest, load: &Load, took: &[Vec<Took>]) {
    let n = load.n as f64;
    println!("\n{}; {} records of {} bytes, {} turns", contest.title, load.n, load.size, took[0].len());
    println!(
        "| | records per second of processor | ns per record | of it on the caller's thread | wall, records/s | of the first (least to most) |"
    );
    println!("|---|---|---|---|---|---|");
    let typical = median(took[0].iter().map(|turn| turn.cpu_us)).1;
    for ((_, name), turns) in contest.who.iter().zip(took) {
        let cpu = median(turns.iter().map(|turn| turn.cpu_us)).1;
        let own = median(turns.iter().map(|turn| turn.own_us)).1;
        let wall = median(turns.iter().map(|turn| turn.wall_us)).1;
        let (least, _, most) = median(took[0].iter().zip(turns).map(|(first, turn)| first.cpu_us / turn.cpu_us));
        println!(
            "| {name} | {:.0} | {:.0} | {:.0} | {:.0} | {:.3} ({least:.2}–{most:.2}) |",
            n / cpu * 1e6,
            cpu * 1e3 / n,
            own * 1e3 / n,
            n / wall * 1e6,
            typical / cpu,
        );
    }
}

/// The least, the middle and the most.
fn median(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}

//! Reading by the batch from a real broker: transactions, of which some are undone, and pauses in the middle.

use std::collections::BTreeMap;
use std::time::Duration;

use batch::Reader;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::DefaultConsumerContext;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use stream::clock::Stopwatch;
use tests::servers::Kafka;

const TOPIC: &str = "things";
const N_PARTITIONS: i32 = 3;
const PATIENCE: Duration = Duration::from_secs(60);

fn make_topic(bootstrap: &str) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let topic = NewTopic::new(TOPIC, N_PARTITIONS, TopicReplication::Fixed(1));
    let made = futures::executor::block_on(admin.create_topics(&[topic], &AdminOptions::new())).unwrap();
    assert!(made.iter().all(Result::is_ok), "{made:?}");
}

/// Writes transactions of a few records each, of which some are undone; gives the committed values by partition.
fn write(bootstrap: &str, random: &mut StdRng, n_transactions: u32) -> BTreeMap<i32, Vec<String>> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("transactional.id", "writer")
        .set("compression.type", "lz4")
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    let mut committed: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for transaction in 0..n_transactions {
        producer.begin_transaction().unwrap();
        let is_kept = random.gen_bool(0.7);
        for idx in 0..random.gen_range(1..200) {
            let (partition, value) = (random.gen_range(0..N_PARTITIONS), format!("{transaction}.{idx}"));
            let headers = OwnedHeaders::new().insert(Header { key: "n", value: Some(&value) });
            producer
                .send(BaseRecord::<(), str>::to(TOPIC).partition(partition).payload(&value).headers(headers))
                .unwrap();
            if is_kept {
                committed.entry(partition).or_default().push(value);
            }
        }
        // Undoing a transaction of which nothing was written yet is fatal on this broker.
        producer.flush(PATIENCE).unwrap();
        if is_kept { producer.commit_transaction(PATIENCE) } else { producer.abort_transaction(PATIENCE) }.unwrap();
    }
    committed
}

fn places(partitions: impl IntoIterator<Item = i32>) -> TopicPartitionList {
    let mut places = TopicPartitionList::new();
    for partition in partitions {
        places.add_partition_offset(TOPIC, partition, Offset::Beginning).unwrap();
    }
    places
}

/// The end of a partition is told as well, which is trouble in the middle, see the page of `batch`.
fn read(bootstrap: &str, random: &mut StdRng, n: usize) -> BTreeMap<i32, Vec<String>> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "reader")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "error")
        .set("fetch.wait.max.ms", "10")
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false");
    let mut reader = Reader::open(&config, DefaultConsumerContext, &places(0..N_PARTITIONS)).unwrap();
    let mut seen: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    let (mut n_seen, watch) = (0, Stopwatch::start());
    while n_seen < n && watch.elapsed() < PATIENCE {
        let mut batch = reader.pull(Duration::from_millis(50), random.gen_range(1..300)).unwrap();
        while let Some(record) = batch.next_record() {
            let Ok(record) = record else { continue };
            let value = String::from_utf8(record.value().unwrap().to_vec()).unwrap();
            assert!(record.headers().map(|it| it.value.unwrap().to_vec()).eq([value.clone().into_bytes()]));
            seen.entry(record.partition()).or_default().push(value);
            n_seen += 1;
        }
        drop(batch);
        if random.gen_bool(0.2) {
            let some = places([random.gen_range(0..N_PARTITIONS)]);
            reader.pause(&some).unwrap();
            reader.resume(&some).unwrap();
        }
    }
    let mut rest = reader.pull(Duration::from_millis(300), 100).unwrap();
    while let Some(record) = rest.next_record() {
        assert!(record.is_err(), "one record more");
    }
    seen
}

#[test]
fn committed_records_come_once_and_in_order_by_the_batch() {
    let kafka = Kafka::start().unwrap();
    make_topic(kafka.bootstrap());
    let seed = rand::thread_rng().r#gen();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let committed = write(kafka.bootstrap(), &mut random, 60);
    let n = committed.values().map(Vec::len).sum();
    assert_eq!(read(kafka.bootstrap(), &mut random, n), committed);
}

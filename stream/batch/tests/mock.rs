//! Against librdkafka's own mock of a cluster. What was sent, and what `BaseConsumer::poll` makes of it, are the oracles.

#![allow(clippy::unwrap_used, reason = "a failed test should panic")]
#![expect(clippy::disallowed_methods, reason = "tests measure how long a call waits")]
#![expect(unsafe_code, reason = "header names that are not UTF-8 can be sent through the C interface alone")]

use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use batch::{Reader, Record};
use proptest::prelude::*;
use rdkafka::bindings as rd;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, DefaultConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

type Cluster = MockCluster<'static, DefaultProducerContext>;

const SOON: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    partition: i32,
    offset: i64,
    time: Option<i64>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Seen {
    fn of(record: &Record<'_>) -> Self {
        let headers = record.headers().map(|it| (it.name.to_vec(), it.value.map(<[u8]>::to_vec)));
        Self {
            partition: record.partition(),
            offset: record.offset(),
            time: record.timestamp_ms(),
            key: record.key().map(<[u8]>::to_vec),
            value: record.value().map(<[u8]>::to_vec),
            headers: headers.collect(),
        }
    }

    fn polled(message: &impl Message) -> Self {
        let headers = message.headers().into_iter().flat_map(Headers::iter);
        Self {
            partition: message.partition(),
            offset: message.offset(),
            time: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.map(|it| (it.key.as_bytes().to_vec(), it.value.map(<[u8]>::to_vec))).collect(),
        }
    }
}

fn cluster(n_partitions: i32) -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("things", n_partitions, 1).unwrap();
    cluster
}

fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("group.id", "test")
        .set("fetch.wait.max.ms", "10")
        .set("fetch.error.backoff.ms", "10")
        .set("auto.offset.reset", "error")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false");
    config
}

fn places(n_partitions: i32, from: Offset) -> TopicPartitionList {
    let mut places = TopicPartitionList::new();
    for partition in 0..n_partitions {
        places.add_partition_offset("things", partition, from).unwrap();
    }
    places
}

fn reader(cluster: &Cluster, n_partitions: i32) -> Reader<DefaultConsumerContext> {
    let config = config(&cluster.bootstrap_servers());
    Reader::open(&config, DefaultConsumerContext, &places(n_partitions, Offset::Beginning)).unwrap()
}

fn send(cluster: &Cluster, records: &[Seen]) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("linger.ms", "1")
        .create()
        .unwrap();
    for record in records {
        let mut headers = OwnedHeaders::new();
        for (name, value) in &record.headers {
            headers = headers.insert(Header { key: std::str::from_utf8(name).unwrap(), value: value.as_ref() });
        }
        let mut to = BaseRecord::<[u8], [u8]>::to("things").partition(record.partition).headers(headers);
        (to.key, to.payload, to.timestamp) = (record.key.as_deref(), record.value.as_deref(), record.time);
        producer.send(to).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

fn plain(partition: i32, value: &str) -> Seen {
    let value = Some(value.as_bytes().to_vec());
    Seen { partition, offset: 0, time: Some(1_700_000_000_000), key: None, value, headers: Vec::new() }
}

/// Pulls until so many records have come.
fn pull_all<C: ConsumerContext>(reader: &mut Reader<C>, n: usize, max: usize) -> Vec<Seen> {
    let (mut seen, start) = (Vec::new(), Instant::now());
    while seen.len() < n && start.elapsed() < PATIENCE {
        let mut batch = reader.pull(SOON, max).unwrap();
        assert!(batch.len() <= max);
        while let Some(record) = batch.next_record() {
            match record {
                Ok(record) => {
                    assert_eq!(record.topic(), "things");
                    seen.push(Seen::of(&record));
                }
                Err(KafkaError::PartitionEOF(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    seen
}

fn poll_all(cluster: &Cluster, n_partitions: i32, n: usize) -> Vec<Seen> {
    let consumer: BaseConsumer = config(&cluster.bootstrap_servers()).create().unwrap();
    consumer.assign(&places(n_partitions, Offset::Beginning)).unwrap();
    let start = Instant::now();
    let mut seen = Vec::new();
    while seen.len() < n && start.elapsed() < PATIENCE {
        let Some(message) = consumer.poll(SOON) else { continue };
        seen.push(Seen::polled(&message.unwrap()));
    }
    seen
}

/// What was sent, with the offsets it must have come by: the order of each partition.
fn by_partition(records: &[Seen]) -> BTreeMap<i32, Vec<Seen>> {
    let mut all: BTreeMap<i32, Vec<Seen>> = BTreeMap::new();
    for record in records {
        let of = all.entry(record.partition).or_default();
        of.push(record.clone());
    }
    all
}

fn numbered(records: &[Seen]) -> BTreeMap<i32, Vec<Seen>> {
    let mut all = by_partition(records);
    for (offset, record) in all.values_mut().flat_map(|of| (0..).zip(of)) {
        record.offset = offset;
    }
    all
}

fn some_bytes(max: usize) -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![Just(None), Just(Some(Vec::new())), proptest::collection::vec(any::<u8>(), 1..max).prop_map(Some)]
}

fn some_record() -> impl Strategy<Value = Seen> {
    let name = prop_oneof![Just(String::new()), "[a-z]{1,9}", "\\PC{1,5}", Just("x".repeat(3000))];
    let headers = proptest::collection::vec((name.prop_map(String::into_bytes), some_bytes(200)), 0..6);
    (0..3, some_bytes(50), some_bytes(2000), headers, 1..i64::from(i32::MAX)).prop_map(
        |(partition, key, value, headers, time)| Seen { partition, offset: 0, time: Some(time), key, value, headers },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_come_as_they_were_sent_and_as_poll_sees_them(
        records in proptest::collection::vec(some_record(), 0..400),
        max in prop_oneof![Just(1_usize), 2..20_usize, 100..1000_usize],
    ) {
        let cluster = cluster(3);
        send(&cluster, &records);
        let seen = pull_all(&mut reader(&cluster, 3), records.len(), max);
        prop_assert_eq!(by_partition(&seen), numbered(&records));
        prop_assert_eq!(by_partition(&seen), by_partition(&poll_all(&cluster, 3, records.len())));
    }
}

/// Each takes some 50 ms. `PROPTEST_CASES` asks for more.
#[expect(clippy::disallowed_methods, reason = "a test may be told to try harder")]
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(12)
}

/// Sends a record with headers that `rdkafka` would not send.
fn send_raw(producer: &BaseProducer, headers: &[(&[u8], Option<&[u8]>)]) {
    let client = producer.client().native_ptr();
    let name = CString::new("things").unwrap();
    // SAFETY: every pointer lives through its call, lengths are those of the slices, librdkafka copies what it is given
    // and takes the headers over when it takes the record.
    unsafe {
        let list = rd::rd_kafka_headers_new(headers.len());
        for (name, value) in headers {
            let (start, len) =
                value.map_or((std::ptr::null(), 0), |it| (it.as_ptr(), isize::try_from(it.len()).unwrap()));
            rd::rd_kafka_header_add(
                list,
                name.as_ptr().cast(),
                isize::try_from(name.len()).unwrap(),
                start.cast(),
                len,
            );
        }
        let error = rd::rd_kafka_producev(
            client,
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_TOPIC,
            name.as_ptr(),
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_PARTITION,
            0_i32,
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_HEADERS,
            list,
            rd::rd_kafka_vtype_t::RD_KAFKA_VTYPE_END,
        );
        assert_eq!(error, rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
    }
}

#[test]
fn header_names_may_be_any_bytes() {
    let cluster = cluster(1);
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", cluster.bootstrap_servers()).create().unwrap();
    let sent: &[(&[u8], Option<&[u8]>)] = &[(b"\xff\xfe", Some(b"\x00")), (b"", None), (b"a", Some(b"")), (b"a", None)];
    send_raw(&producer, sent);
    send_raw(&producer, &[(b"cut\x00off", Some(b"1"))]);
    producer.flush(PATIENCE).unwrap();
    let seen = pull_all(&mut reader(&cluster, 1), 2, 10);
    let sent: Vec<_> = sent.iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect();
    assert_eq!(seen[0].headers, sent);
    assert_eq!(seen[1].headers, vec![(b"cut".to_vec(), Some(b"1".to_vec()))]);
}

#[test]
fn a_polled_record_is_viewed_alike() {
    let cluster = cluster(1);
    let records = [plain(0, "first"), Seen { headers: vec![(b"a".to_vec(), None)], ..plain(0, "second") }];
    send(&cluster, &records);
    let consumer: BaseConsumer = config(&cluster.bootstrap_servers()).create().unwrap();
    consumer.assign(&places(1, Offset::Beginning)).unwrap();
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let Some(message) = consumer.poll(PATIENCE) else { panic!("nothing came") };
        let mut message = message.unwrap();
        let record = Record::of(&mut message);
        assert_eq!(record.topic(), "things");
        seen.push(Seen::of(&record));
    }
    assert_eq!(by_partition(&seen), numbered(&records));
}

#[test]
fn it_waits_for_the_first_record_and_not_for_company() {
    let cluster = cluster(1);
    let mut reader = reader(&cluster, 1);
    let start = Instant::now();
    assert!(reader.pull(SOON, 10).unwrap().is_empty());
    assert!(start.elapsed() >= SOON);
    assert!(reader.pull(SOON, 0).unwrap().is_empty());
    send(&cluster, &[plain(0, "one")]);
    let start = Instant::now();
    assert_eq!(reader.pull(PATIENCE, 10).unwrap().len(), 1);
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
}

/// librdkafka moves the position one record too far for an error, see the crate's page. The end of a partition is such an
/// error, and the one that a test can have when it wants.
#[test]
fn trouble_before_a_pause_loses_no_record() {
    let cluster = cluster(2);
    send(&cluster, &[plain(0, "a"), plain(1, "b")]);
    let mut config = config(&cluster.bootstrap_servers());
    config.set("enable.partition.eof", "true");
    let mut reader = Reader::open(&config, DefaultConsumerContext, &places(2, Offset::Beginning)).unwrap();
    let (mut ends, mut seen) = (0, Vec::new());
    while ends < 2 {
        let mut batch = reader.pull(SOON, 10).unwrap();
        while let Some(record) = batch.next_record() {
            match record {
                Ok(record) => seen.push(Seen::of(&record)),
                Err(KafkaError::PartitionEOF(_)) => ends += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    let all = places(2, Offset::Invalid);
    reader.pause(&all).unwrap();
    let rest = [plain(0, "c"), plain(0, "d"), plain(1, "e")];
    send(&cluster, &rest);
    assert!(pull_all(&mut reader, 0, 10).is_empty());
    reader.resume(&all).unwrap();
    seen.extend(pull_all(&mut reader, 3, 10));
    assert_eq!(by_partition(&seen), numbered(&[&[plain(0, "a"), plain(1, "b")], &rest[..]].concat()));
}

#[test]
fn a_paused_partition_is_silent_and_goes_on_behind_its_last_record() {
    let cluster = cluster(1);
    let records: Vec<Seen> = (0..500).map(|n| plain(0, &n.to_string())).collect();
    send(&cluster, &records);
    let mut reader = reader(&cluster, 1);
    let all = places(1, Offset::Invalid);
    let mut seen = Vec::new();
    while seen.len() < records.len() {
        let before = seen.len();
        seen.extend(pull_all(&mut reader, 1, 40));
        assert!(seen.len() > before, "no record within {PATIENCE:?}");
        reader.pause(&all).unwrap();
        assert!(reader.pull(Duration::from_millis(20), 40).unwrap().is_empty());
        reader.resume(&all).unwrap();
    }
    assert_eq!(by_partition(&seen), numbered(&records));
}

#[test]
fn an_offset_that_is_gone_is_trouble_of_the_batch() {
    let cluster = cluster(1);
    send(&cluster, &[plain(0, "one")]);
    let config = config(&cluster.bootstrap_servers());
    let mut reader = Reader::open(&config, DefaultConsumerContext, &places(1, Offset::Offset(1000))).unwrap();
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE);
        let mut batch = reader.pull(SOON, 10).unwrap();
        match batch.next_record() {
            Some(Err(KafkaError::MessageConsumption(code))) => {
                assert_eq!(code, RDKafkaErrorCode::AutoOffsetReset);
                return;
            }
            Some(Err(error)) => panic!("{error}"),
            Some(Ok(record)) => panic!("offset {}", record.offset()),
            None => {}
        }
    }
}

#[derive(Default)]
struct Heard {
    logs: AtomicUsize,
    errors: AtomicUsize,
    statistics: AtomicUsize,
}

#[derive(Clone, Default)]
struct Ear(Arc<Heard>);

impl ClientContext for Ear {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {
        self.0.logs.fetch_add(1, Ordering::Relaxed);
    }

    fn stats_raw(&self, _: &[u8]) {
        self.0.statistics.fetch_add(1, Ordering::Relaxed);
    }

    fn error(&self, _: KafkaError, _: &str) {
        self.0.errors.fetch_add(1, Ordering::Relaxed);
    }
}

impl ConsumerContext for Ear {}

#[test]
fn what_is_not_a_record_reaches_the_context_as_by_poll() {
    let cluster = cluster(1);
    let records: Vec<Seen> = (0..100).map(|n| plain(0, &n.to_string())).collect();
    send(&cluster, &records);
    let mut config = config(&cluster.bootstrap_servers());
    config.set("statistics.interval.ms", "20").set("debug", "fetch").set_log_level(RDKafkaLogLevel::Debug);
    let ear = Ear::default();
    let mut reader = Reader::open(&config, ear.clone(), &places(1, Offset::Beginning)).unwrap();
    assert_eq!(by_partition(&pull_all(&mut reader, 100, 7)), numbered(&records));
    let start = Instant::now();
    while ear.0.statistics.load(Ordering::Relaxed) < 3 && start.elapsed() < PATIENCE {
        drop(reader.pull(SOON, 10).unwrap());
    }
    assert!(ear.0.statistics.load(Ordering::Relaxed) >= 3);
    assert!(ear.0.logs.load(Ordering::Relaxed) > 0);
    assert_eq!(ear.0.errors.load(Ordering::Relaxed), 0);

    cluster.broker_down(1).unwrap();
    let start = Instant::now();
    let error = loop {
        assert!(start.elapsed() < PATIENCE);
        match reader.pull(SOON, 10) {
            Ok(mut batch) => assert!(batch.next_record().is_none()),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, KafkaError::MessageConsumption(_)), "{error:?}");
    assert!(ear.0.errors.load(Ordering::Relaxed) > 0);
    cluster.broker_up(1).unwrap();
    send(&cluster, &[plain(0, "after")]);
    let start = Instant::now();
    let offset = loop {
        assert!(start.elapsed() < PATIENCE);
        let Ok(mut batch) = reader.pull(SOON, 10) else { continue };
        if let Some(Ok(record)) = batch.next_record() {
            break record.offset();
        }
    };
    assert_eq!(offset, 100);
}

/// What was taken with a batch that was dropped half-way is freed, what waits in the queue too, on whichever thread.
#[test]
fn dropping_in_the_middle_frees_and_ends() {
    let cluster = cluster(2);
    let records: Vec<Seen> = (0..1000).map(|n| plain(n % 2, &n.to_string())).collect();
    send(&cluster, &records);
    let mut reader = reader(&cluster, 2);
    let start = Instant::now();
    let n = loop {
        assert!(start.elapsed() < PATIENCE);
        let mut batch = reader.pull(SOON, 100).unwrap();
        let n = batch.len();
        if n > 1 {
            assert!(batch.next_record().unwrap().is_ok());
            assert_eq!(batch.len(), n - 1);
            break n;
        }
    };
    assert!(n <= 100);
    std::thread::spawn(move || drop(reader)).join().unwrap();
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn a_reader_without_a_group_id_is_refused() {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", "127.0.0.1:1");
    let refused = Reader::open(&config, DefaultConsumerContext, &places(1, Offset::Beginning)).err().unwrap();
    assert!(refused.to_string().contains("`group.id` is missing"), "{refused}");
}

#[test]
fn an_unknown_host_is_told() {
    let mut reader =
        Reader::open(&config("127.0.0.1:1"), DefaultConsumerContext, &places(1, Offset::Beginning)).unwrap();
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Err(KafkaError::MessageConsumption(code)) = reader.pull(SOON, 10).map(drop) {
            let expected = [RDKafkaErrorCode::BrokerTransportFailure, RDKafkaErrorCode::AllBrokersDown];
            assert!(expected.contains(&code), "{code:?}");
            return;
        }
    }
    panic!("no error within {PATIENCE:?}");
}

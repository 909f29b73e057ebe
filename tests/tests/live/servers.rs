//! The servers start, answer, and keep what they have answered for when they are killed.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clickhouse::Row;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::servers::{ClickHouse, Kafka, Registry};

const N_PARTITIONS: i32 = 3;
const N_RECORDS: usize = 3000;
const N_ROWS: u64 = 10_000;

/// Names that a server which outlives this run has not seen.
fn fresh(name: &str) -> String {
    format!("{name}_{}_{:x}", std::process::id(), rand::random::<u32>())
}

#[test]
fn a_killed_process_leaves_no_server_behind() {
    let here = std::env::current_exe().unwrap();
    let built = here.parent().and_then(Path::parent).unwrap();
    let mut process = Command::new(built.join("examples/server"))
        .env_remove("OVERGRANT_TEST_CLICKHOUSE")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(process.stdout.take().unwrap());
    let line = told.lines().map(Result::unwrap).find(|line| line.contains("http://")).unwrap();
    let (_, place) = line.split_once("http://").unwrap();
    let is_open = || TcpStream::connect(place).is_ok();
    assert!(is_open(), "nothing listens at `{place}`");
    process.kill().unwrap();
    process.wait().unwrap();
    let closed = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        !is_open()
    });
    assert!(closed, "a server still listens at `{place}`");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

// --- kafka ---

fn client(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap()).set("reconnect.backoff.max.ms", "200");
    config
}

fn create_topic(config: &ClientConfig, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let wanted = NewTopic::new(topic, N_PARTITIONS, TopicReplication::Fixed(1));
    let answers = runtime().block_on(admin.create_topics([&wanted], &AdminOptions::new())).unwrap();
    assert_eq!(answers, [Ok(topic.to_owned())]);
}

/// Writes numbered records in one transaction, and leaves another open behind it.
fn produce(config: &ClientConfig, topic: &str) {
    let mut config = config.clone();
    let producer: BaseProducer = config.set("transactional.id", topic).create().unwrap();
    let send = |n: usize| {
        let (key, value) = (format!("key {n}"), n.to_string());
        while producer.send(BaseRecord::to(topic).key(&key).payload(&value)).is_err() {
            producer.poll(Duration::from_millis(10));
        }
    };
    producer.init_transactions(Duration::from_secs(30)).unwrap();
    producer.begin_transaction().unwrap();
    (0..N_RECORDS).for_each(send);
    producer.commit_transaction(Duration::from_secs(30)).unwrap();
    producer.begin_transaction().unwrap();
    (N_RECORDS..N_RECORDS + 500).for_each(send);
    producer.flush(Duration::from_secs(30)).unwrap();
}

/// Every committed value of a topic, in the order of numbers. Reads `n_expected`, then a second more.
fn consume(config: &ClientConfig, topic: &str, n_expected: usize) -> Vec<usize> {
    let mut config = config.clone();
    let consumer: BaseConsumer =
        config.set("group.id", "none").set("isolation.level", "read_committed").create().unwrap();
    let mut assigned = TopicPartitionList::new();
    for partition in 0..N_PARTITIONS {
        assigned.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&assigned).unwrap();
    let mut values = Vec::new();
    let mut n_silent = 0;
    while n_silent < if values.len() < n_expected { 300 } else { 10 } {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                values.push(std::str::from_utf8(message.payload().unwrap()).unwrap().parse().unwrap());
                n_silent = 0;
            }
            // A broker that is coming up is told of as an error; the client goes on by itself.
            Some(Err(_)) | None => n_silent += 1,
        }
    }
    values.sort_unstable();
    values
}

#[test]
fn a_killed_broker_has_what_was_committed_and_nothing_else() {
    let mut kafka = Kafka::start().unwrap();
    let config = client(&kafka);
    let topic = fresh("numbers");
    create_topic(&config, &topic);
    produce(&config, &topic);
    if kafka.is_ours() {
        kafka.kill().unwrap();
        assert_eq!(kafka.pid(), None);
        kafka.restart().unwrap();
    }
    let values = consume(&config, &topic, N_RECORDS);
    assert!(values == (0..N_RECORDS).collect::<Vec<_>>(), "{} of {N_RECORDS}: {:?}", values.len(), values.last());
    if kafka.is_ours() {
        // An orderly stop, a pause.
        kafka.stop().unwrap();
        kafka.restart().unwrap();
        kafka.pause().unwrap();
        kafka.resume().unwrap();
        assert_eq!(consume(&config, &topic, N_RECORDS).len(), N_RECORDS);
    }
}

#[test]
fn the_second_listener_asks_who_comes() {
    let kafka = Kafka::start().unwrap();
    let Some(doors) = kafka.doors() else {
        println!("the environment names the broker, whose users are unknown: nothing to see");
        return;
    };
    let comes_in = |settings: &[(&str, &str)]| {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &doors.sasl).set("security.protocol", "sasl_plaintext");
        config.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let consumer: BaseConsumer = config.create().unwrap();
        // Events are what a token is fetched by.
        (0..30).any(|_| {
            consumer.poll(Duration::ZERO);
            consumer.fetch_metadata(None, Duration::from_millis(200)).is_ok()
        })
    };
    let with = |mechanism, password| {
        [("sasl.mechanism", mechanism), ("sasl.username", Kafka::USER), ("sasl.password", password)]
    };
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        assert!(comes_in(&with(mechanism, Kafka::PASSWORD)), "{mechanism}");
    }
    assert!(!comes_in(&with("SCRAM-SHA-256", "wrong")));
    let unsigned = ("enable.sasl.oauthbearer.unsecure.jwt", "true");
    assert!(comes_in(&[
        ("sasl.mechanism", "OAUTHBEARER"),
        unsigned,
        ("sasl.oauthbearer.config", "principal=overgrant")
    ]));
}

// --- schema registry ---

fn agent() -> ureq::Agent {
    ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build())
}

/// Status and body of an answer.
fn told(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let mut answer = answer.unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&body).unwrap())
}

/// Registers a schema under a subject.
fn register(registry: &Registry, subject: &str, schema: &str) -> (u16, Value) {
    let url = format!("{}/subjects/{subject}/versions", registry.url());
    let body = json!({ "schema": schema }).to_string();
    told(agent().post(&url).content_type("application/vnd.schemaregistry.v1+json").send(&body))
}

fn committed_schema(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/avro").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// A schema with one more field, which may have a default.
fn with_field(schema: &str, default: Option<&str>) -> String {
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    let mut field = json!({ "name": "a_new_field", "type": "string" });
    if let Some(default) = default {
        field["default"] = json!(default);
    }
    schema["fields"].as_array_mut().unwrap().push(field);
    schema.to_string()
}

#[test]
fn a_registry_gives_one_schema_one_id_and_refuses_what_breaks_readers() {
    let mut registry = Registry::start().unwrap();
    let subject = fresh("access_event.v1-value");
    let schema = committed_schema("access_event.v1.avsc");
    let (status, first) = register(&registry, &subject, &schema);
    assert_eq!(status, 200, "{first}");
    assert_eq!(register(&registry, &subject, &schema), (200, first.clone()));

    let config = format!("{}/config/{subject}", registry.url());
    let level = json!({ "compatibility": "FULL_TRANSITIVE" });
    let (status, answer) = told(agent().put(&config).content_type("application/json").send(level.to_string()));
    assert_eq!(status, 200, "{answer}");
    if registry.is_ours() {
        registry.kill().unwrap();
        registry.restart().unwrap();
    }
    let kept = told(agent().get(format!("{}/schemas/ids/{}", registry.url(), first["id"])).call());
    let kept: Value = serde_json::from_str(kept.1["schema"].as_str().unwrap()).unwrap();
    assert_eq!(kept, serde_json::from_str::<Value>(&schema).unwrap());
    let (status, refusal) = register(&registry, &subject, &with_field(&schema, None));
    assert_eq!(status, 409, "{refusal}");
    let (status, second) = register(&registry, &subject, &with_field(&schema, Some("")));
    assert_eq!(status, 200, "{second}");
    assert_ne!(second, first);
}

// --- clickhouse ---

#[derive(Row, Serialize, Deserialize, Debug, PartialEq)]
struct Number {
    n: u64,
    name: String,
    of: Option<i32>,
    tags: Vec<String>,
}

fn numbers() -> Vec<Number> {
    let number = |n: u64| Number {
        n,
        name: format!("number {n} → \"\\\0"),
        of: n.is_multiple_of(3).then(|| i32::try_from(n).unwrap() - 5000),
        tags: (0..n % 4).map(|tag| format!("tag {tag}")).collect(),
    };
    (0..N_ROWS).map(number).collect()
}

fn connect(server: &ClickHouse) -> clickhouse::Client {
    clickhouse::Client::default().with_url(server.url()).with_user(server.user()).with_password(server.password())
}

/// What the server has to say against a query.
fn refusal(client: &clickhouse::Client, sql: &str) -> String {
    runtime().block_on(client.query(sql).execute()).unwrap_err().to_string()
}

async fn insert_numbers(client: &clickhouse::Client, table: &str) {
    let create = format!(
        "CREATE TABLE {table} (n UInt64, name String, of Nullable(Int32), tags Array(LowCardinality(String))) \
         ENGINE = MergeTree ORDER BY n"
    );
    client.query(&create).execute().await.unwrap();
    let mut insert = client.insert::<Number>(table).await.unwrap();
    for number in numbers() {
        insert.write(&number).await.unwrap();
    }
    insert.end().await.unwrap();
}

async fn select_numbers(client: &clickhouse::Client, table: &str) -> Vec<Number> {
    client.query(&format!("SELECT ?fields FROM {table} ORDER BY n")).fetch_all().await.unwrap()
}

#[test]
fn a_killed_clickhouse_has_every_row_that_it_took() {
    let mut server = ClickHouse::start().unwrap();
    let (client, table) = (connect(&server), fresh("numbers"));
    runtime().block_on(insert_numbers(&client, &table));
    if server.is_ours() {
        server.kill().unwrap();
        server.restart().unwrap();
    }
    let rows = runtime().block_on(select_numbers(&client, &table));
    assert!(rows == numbers(), "{} of {N_ROWS} rows, the last {:?}", rows.len(), rows.last());
    if server.is_ours() {
        server.restart().unwrap();
        assert_eq!(runtime().block_on(select_numbers(&client, &table)).len(), rows.len());
    }
    assert_eq!(
        refusal(&client, &format!("DROP TABLE {table}_other")).split('.').next(),
        Some("bad response: Code: 60")
    );
    runtime().block_on(client.query(&format!("DROP TABLE {table}")).execute()).unwrap();
}

#[test]
fn an_insertion_that_breaks_off_stores_nothing() {
    let server = ClickHouse::start().unwrap();
    let (client, table) = (connect(&server), fresh("broken"));
    let count = format!("SELECT count() FROM {table} WHERE n >= {{least:UInt64}}");
    let n_rows = runtime().block_on(async {
        insert_numbers(&client, &table).await;
        let mut insert = client.insert::<Number>(&table).await.unwrap();
        for _ in 0..20 {
            for number in numbers() {
                insert.write(&number).await.unwrap();
            }
        }
        // Without its end.
        drop(insert);
        client.query(&count).param("least", N_ROWS / 2).fetch_one::<u64>().await.unwrap()
    });
    assert_eq!(n_rows, N_ROWS / 2);
}

#[test]
fn clickhouse_says_by_its_codes_what_is_wrong() {
    let server = ClickHouse::start().unwrap();
    let client = connect(&server);
    let code = |client: &clickhouse::Client, sql: &str| {
        let refusal = refusal(client, sql);
        let code = refusal.split("Code: ").nth(1).and_then(|rest| rest.split('.').next());
        code.unwrap_or_else(|| panic!("no code in `{refusal}`")).to_owned()
    };
    let (syntax, unknown_table, unknown_setting, readonly, authentication) = ("62", "60", "115", "164", "516");
    assert_eq!(code(&client, "SELECT FROM WHERE"), syntax);
    assert_eq!(code(&client, "SELECT * FROM nowhere"), unknown_table);
    assert_eq!(code(&client.clone().with_setting("no_such_setting", "1"), "SELECT 1"), unknown_setting);
    assert_eq!(code(&client.clone().with_password("wrong"), "SELECT 1"), authentication);
    let reader = client.clone().with_user(ClickHouse::READER).with_password(ClickHouse::READER_PASSWORD);
    if server.is_ours() {
        assert_eq!(runtime().block_on(reader.query("SELECT 1 + 1").fetch_one::<u16>()).unwrap(), 2);
        assert_eq!(code(&reader, "CREATE TABLE t (a Int8) ENGINE = Memory"), readonly);
        assert_eq!(code(&reader.clone().with_setting("max_threads", "1"), "SELECT 1"), readonly);
    }
}

//! Who reads.

use std::time::Duration;

use batch::Reader;
use rdkafka::consumer::{BaseConsumer, Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::load::{Load, READER, Sum};

const WAIT: Duration = Duration::from_millis(100);

fn places(load: &Load) -> Result<TopicPartitionList, String> {
    let mut places = TopicPartitionList::new();
    for partition in 0..load.n_partitions {
        places.add_partition_offset(&load.topic, partition, Offset::Beginning).map_err(|error| error.to_string())?;
    }
    Ok(places)
}

/// Ours: `batch`, as `stream::kafka` pulls its inputs.
pub(crate) fn ours(load: &Load, reads_headers: bool) -> Result<Sum, String> {
    let config = load.config(READER);
    let mut reader =
        Reader::open(&config, DefaultConsumerContext, &places(load)?).map_err(|error| error.to_string())?;
    let mut sum = Sum::default();
    while sum.n < load.n {
        let mut batch = reader.pull(WAIT, 1000).map_err(|error| error.to_string())?;
        while let Some(record) = batch.next_record() {
            let record = record.map_err(|error| error.to_string())?;
            sum.add(record.partition(), record.offset(), record.key(), record.value());
            if reads_headers {
                record.headers().for_each(|header| sum.add_header(header.name, header.value));
            }
        }
    }
    Ok(sum)
}

fn add(sum: &mut Sum, message: &BorrowedMessage<'_>, reads_headers: bool) {
    sum.add(message.partition(), message.offset(), message.key(), message.payload());
    if reads_headers && let Some(headers) = message.headers() {
        headers.iter().for_each(|header| sum.add_header(header.key.as_bytes(), header.value));
    }
}

/// `BaseConsumer::poll`.
pub(crate) fn polled(load: &Load, reads_headers: bool) -> Result<Sum, String> {
    let consumer: BaseConsumer = load.config(READER).create().map_err(|error| error.to_string())?;
    consumer.assign(&places(load)?).map_err(|error| error.to_string())?;
    let mut sum = Sum::default();
    while sum.n < load.n {
        if let Some(message) = consumer.poll(WAIT) {
            add(&mut sum, &message.map_err(|error| error.to_string())?, reads_headers);
        }
    }
    Ok(sum)
}

/// `StreamConsumer::recv`.
pub(crate) fn streamed(load: &Load, reads_headers: bool) -> Result<Sum, String> {
    crate::runtime()?.block_on(async {
        let consumer: StreamConsumer = load.config(READER).create().map_err(|error| error.to_string())?;
        consumer.assign(&places(load)?).map_err(|error| error.to_string())?;
        let mut sum = Sum::default();
        while sum.n < load.n {
            let message = consumer.recv().await.map_err(|error| error.to_string())?;
            add(&mut sum, &message, reads_headers);
        }
        Ok(sum)
    })
}

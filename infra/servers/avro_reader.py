"""Reads one topic from its start to its end with Confluent's own client, and prints what it decoded: a JSON object a line.

For tests. It knows of us only what any subscriber knows: the broker, the topic, the registry. Times come out as
microseconds since 1970, since JSON has no type for them. Records without a value (tombstones, and the marks that rooms
leave for each other) are passed over.

    python avro_reader.py BROKERS REGISTRY TOPIC
"""

import datetime
import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

# For the connection and the first records; what comes after them comes at once.
PATIENCE_SECONDS = 30
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value):
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    raise TypeError(f"no JSON for {value!r}")


def records(brokers, topic):
    """Every committed record up to the end of each partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "avro-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    partitions = consumer.list_topics(topic, timeout=PATIENCE_SECONDS).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    n_ended = 0
    while n_ended < len(partitions):
        message = consumer.poll(PATIENCE_SECONDS)
        if message is None:
            raise TimeoutError(f"the end of {topic} does not come")
        if message.error() is None:
            yield message
        elif message.error().code() == KafkaError._PARTITION_EOF:
            n_ended += 1
        else:
            raise KafkaException(message.error())
    consumer.close()


def main():
    brokers, registry, topic = sys.argv[1:]
    decode = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    for message in records(brokers, topic):
        if message.value() is None:
            continue
        row = decode(message.value(), SerializationContext(topic, MessageField.VALUE))
        print(json.dumps({"key": message.key().decode(), "row": row}, default=plain))


if __name__ == "__main__":
    main()

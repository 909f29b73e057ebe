/* What a careful C program does: take records by the batch, write them by the batch. No more than the others do. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "rdkafka.h"

#define BATCH 1000

struct sum {
    uint64_t n;
    uint64_t n_bytes;
    uint64_t check;
};

struct header {
    const char *name;
    const char *value;
};

/* User and system time of all threads. */
int64_t c_cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* Of the calling thread alone. */
int64_t c_thread_cpu_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static int n_failed;

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    (void)opaque;
    n_failed += message->err != 0;
}

static rd_kafka_t *client_of(rd_kafka_type_t type, const char *const *settings, size_t n_settings) {
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (size_t i = 0; i < n_settings; i++) {
        if (rd_kafka_conf_set(conf, settings[2 * i], settings[2 * i + 1], why, sizeof(why)) != RD_KAFKA_CONF_OK) {
            fprintf(stderr, "%s\n", why);
            return NULL;
        }
    }
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof(why));
    if (!client)
        fprintf(stderr, "%s\n", why);
    return client;
}

static void add_headers(struct sum *sum, const rd_kafka_message_t *message) {
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers))
        return;
    const char *name;
    const void *value;
    size_t len;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len); i++)
        sum->check += strlen(name) + len;
}

static void add(struct sum *sum, const rd_kafka_message_t *message) {
    const unsigned char *value = message->payload;
    sum->n += 1;
    sum->n_bytes += message->len;
    sum->check += message->offset + message->partition + message->key_len + value[0] + value[message->len - 1];
}

/* Takes so many records off all partitions of a topic. */
int c_consume(const char *const *settings, size_t n_settings, const char *topic, int32_t n_partitions, uint64_t n,
              int reads_headers, struct sum *sum) {
    rd_kafka_t *client = client_of(RD_KAFKA_CONSUMER, settings, n_settings);
    if (!client)
        return 1;
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *places = rd_kafka_topic_partition_list_new(n_partitions);
    for (int32_t i = 0; i < n_partitions; i++)
        rd_kafka_topic_partition_list_add(places, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(client, places);
    rd_kafka_topic_partition_list_destroy(places);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
    rd_kafka_message_t *messages[BATCH];
    int is_wrong = 0;
    while (sum->n < n && !is_wrong) {
        ssize_t n_taken = rd_kafka_consume_batch_queue(queue, 100, messages, BATCH);
        for (ssize_t i = 0; i < n_taken; i++) {
            if (messages[i]->err) {
                fprintf(stderr, "%s\n", rd_kafka_message_errstr(messages[i]));
                is_wrong = 1;
            } else {
                add(sum, messages[i]);
                if (reads_headers)
                    add_headers(sum, messages[i]);
            }
            rd_kafka_message_destroy(messages[i]);
        }
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return is_wrong;
}

static int write_batches(rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t n_partitions, uint64_t n,
                         const char *const *values, size_t n_values, size_t len, const char *key) {
    rd_kafka_message_t messages[BATCH];
    for (uint64_t at = 0; at < n;) {
        int n_open = n - at < BATCH ? (int)(n - at) : BATCH;
        for (int i = 0; i < n_open; i++) {
            memset(&messages[i], 0, sizeof(messages[i]));
            messages[i].payload = (void *)values[(at + i) % n_values];
            messages[i].len = len;
            messages[i].key = (void *)key;
            messages[i].key_len = strlen(key);
            messages[i].partition = (at + i) % n_partitions;
        }
        at += n_open;
        rd_kafka_poll(client, 0);
        while (n_open > 0) {
            int n_taken = rd_kafka_produce_batch(topic, RD_KAFKA_PARTITION_UA,
                                                 RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_PARTITION, messages, n_open);
            if (n_taken == n_open)
                break;
            int n_left = 0;
            for (int i = 0; i < n_open; i++) {
                if (messages[i].err && messages[i].err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
                    return 1;
                if (messages[i].err)
                    messages[n_left++] = messages[i];
            }
            n_open = n_left;
            rd_kafka_poll(client, 50);
        }
    }
    return 0;
}

static int write_one(rd_kafka_t *client, const char *topic, int32_t partition, const char *value, size_t len,
                     const char *key, const struct header *headers, size_t n_headers) {
    for (;;) {
        rd_kafka_headers_t *list = rd_kafka_headers_new(n_headers);
        for (size_t i = 0; i < n_headers; i++)
            rd_kafka_header_add(list, headers[i].name, -1, headers[i].value, -1);
        rd_kafka_resp_err_t error = rd_kafka_producev(
            client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_VALUE((void *)value, len), RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END);
        if (!error)
            return 0;
        rd_kafka_headers_destroy(list);
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return 1;
        rd_kafka_poll(client, 50);
    }
}

/* Writes so many records, without headers by the batch, with headers one by one: the batch call takes none. */
int c_produce(const char *const *settings, size_t n_settings, const char *topic, int32_t n_partitions, uint64_t n,
              const char *const *values, size_t n_values, size_t len, const char *key, const struct header *headers,
              size_t n_headers) {
    rd_kafka_t *client = client_of(RD_KAFKA_PRODUCER, settings, n_settings);
    if (!client)
        return 1;
    int is_wrong = 0;
    if (n_headers == 0) {
        rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
        is_wrong = write_batches(client, handle, n_partitions, n, values, n_values, len, key);
        is_wrong |= rd_kafka_flush(client, 60000) != 0;
        rd_kafka_topic_destroy(handle);
    } else {
        for (uint64_t i = 0; i < n && !is_wrong; i++) {
            is_wrong = write_one(client, topic, i % n_partitions, values[i % n_values], len, key, headers, n_headers);
            if (i % BATCH == 0)
                rd_kafka_poll(client, 0);
        }
        is_wrong |= rd_kafka_flush(client, 60000) != 0;
    }
    rd_kafka_destroy(client);
    return is_wrong || n_failed;
}

-- A source whose content changes has a row for each content, so the sorting key ends in the time from which it holds. A key
-- cannot be changed, so the rows move to a table of the new one.
DROP TABLE IF EXISTS entitlement_before;
DROP TABLE IF EXISTS entitlement_history;
CREATE TABLE IF NOT EXISTS entitlement_history
(
    `identity_id` String CODEC(ZSTD(1)) COMMENT 'Who holds it.',
    `account_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The account that grants it.',
    `source` String CODEC(ZSTD(1)) COMMENT 'The source within the account: `identity`, `attached:<arn>`, `inline:<name>`, `group:<name>/attached:<arn>`, `assignment:<id>`, `binding:<resource>#<role>#<condition hash>`.',
    `kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What kind of source.',
    `source_name` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The policy\'s or role\'s name for people.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `org_id` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The organization or tenant.',
    `identity_kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What kind of identity.',
    `identity_name` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Its name for people.',
    `identity_generation` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Its unique id.',
    `identity_created_at` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'When the identity was created, when the snapshot says.',
    `identity_last_used_at` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'When the cloud says it was last used.',
    `policy_hashes` Array(String) CODEC(ZSTD(1)) COMMENT 'The policies, by content hash.',
    `groups` Array(String) CODEC(ZSTD(1)) COMMENT 'The groups through which it is held; empty when held directly.',
    `scopes` Array(String) CODEC(ZSTD(1)) COMMENT 'The scopes at which it is granted (Azure scope, GCP resource); empty for AWS, whose policies say.',
    `condition` Nullable(String) CODEC(ZSTD(1)) COMMENT 'A condition on the whole grant, as the cloud writes it.',
    `valid_from` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'From when it holds: the grant\'s own creation time, else the snapshot\'s.',
    `valid_until` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'Until when, for grants with an end.',
    `deleted_at` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'When a complete snapshot no longer named it.',
    `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Counts up with each change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.',
    INDEX by_policy policy_hashes TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_group groups TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision, _is_deleted)
ORDER BY (identity_id, account_id, source, valid_from)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'What one source grants one identity in one account.';

INSERT INTO entitlement_history SELECT * FROM entitlement FINAL;
RENAME TABLE entitlement TO entitlement_before, entitlement_history TO entitlement;
DROP TABLE IF EXISTS entitlement_before;

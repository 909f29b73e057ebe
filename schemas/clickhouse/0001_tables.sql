-- One table per noun. Written by `cargo run -p schemas --example clickhouse_ddl -- tables`; see schemas/src/clickhouse.rs.
CREATE TABLE IF NOT EXISTS raw_record
(
    `record_id` String CODEC(ZSTD(1)) COMMENT 'The hash of the origin: file or topic, partition, offset.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud whose log it is.',
    `origin` Tuple(`topic` LowCardinality(String), `partition` Int32, `offset` Int64, `file` Nullable(String)) CODEC(ZSTD(1)) COMMENT 'Where it stood.',
    `account_id` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The account that ingest saw in it, for partitioning and progress only; normalization decides.',
    `time` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'The time that ingest saw in it, for ordering only; normalization decides.',
    `ingested_at` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When we read it.',
    `body` String CODEC(ZSTD(3)) COMMENT 'The bytes.',
    `n_redacted` Int32 CODEC(T64, ZSTD(1)) COMMENT 'How many values the redaction list replaced before it was stored.',
    `_revision` UInt64 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Its rows never change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.',
    INDEX by_record record_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_account account_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_revision, _is_deleted)
PARTITION BY toDate(ifNull(time, toDateTime64(0, 6, 'UTC')))
ORDER BY (provider, ifNull(time, toDateTime64(0, 6, 'UTC')), record_id)
TTL _inserted_at + toIntervalDay(90)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'One raw log record. Stored after the redaction list was applied; until then byte for byte what the cloud wrote.';

CREATE TABLE IF NOT EXISTS access_event
(
    `event_id` String CODEC(ZSTD(1)) COMMENT 'The hash of the provider\'s own id and the record\'s canonical bytes.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it happened.',
    `ingested_at` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When we read it.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `account_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The account in which it happened (the recipient\'s, for CloudTrail).',
    `org_id` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The organization or tenant.',
    `region` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The region, zone or location.',
    `category` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Which of the cloud\'s logs it comes from.',
    `identity_id` String CODEC(ZSTD(1)) COMMENT 'Who acted: the very id that entitlements use.',
    `identity_kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What kind of identity.',
    `identity_name` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Its name for people.',
    `identity_account` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The account that the identity belongs to; differs from `account_id` for cross-account calls.',
    `identity_generation` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Its unique id (`AROA…`), so that one re-created under the same name is told apart.',
    `session_name` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The session\'s name, never an identity.',
    `on_behalf_of` Array(String) CODEC(ZSTD(1)) COMMENT 'For whom it acted, first the first; only what this record proves.',
    `credential_id` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The access key id, token id or key name that signed it.',
    `mfa` Nullable(Bool) CODEC(ZSTD(1)) COMMENT 'Whether a second factor was used.',
    `service` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The service: the part before the colon of AWS actions, an Azure resource provider, a GCP service host.',
    `operation` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The API call as logged.',
    `action` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The permission: the first of `uses`.',
    `action_known` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'How sure that is.',
    `access_level` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'What the action does.',
    `uses` Array(Tuple(`action` LowCardinality(String), `resource_id` Nullable(String), `resource_account` LowCardinality(Nullable(String)), `granted` LowCardinality(String), `how` LowCardinality(String))) CODEC(ZSTD(1)) COMMENT 'Every permission the call used.',
    `resources` Array(Tuple(`id` String, `kind` LowCardinality(Nullable(String)), `account_id` LowCardinality(Nullable(String)))) CODEC(ZSTD(1)) COMMENT 'Every resource it touched.',
    `outcome` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'How it ended.',
    `error_code` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The provider\'s code of a denial or error.',
    `counts_as_use` Bool CODEC(ZSTD(1)) COMMENT 'Whether this record counts as use: not denied, not failed before authorization, not the second record of a call, not the owner\'s view of a call whose caller\'s view we have.',
    `source_ip` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The caller\'s address; absent when the record has a name there.',
    `source_service` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The cloud service that called on the identity\'s behalf, or the name that stands where an address belongs.',
    `user_agent` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The user agent as logged.',
    `tool` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The tool the user agent tells of: `aws-cli`, `console`, `terraform`, `boto3`, `gcloud`, `az-cli` …',
    `call_id` Nullable(String) CODEC(ZSTD(1)) COMMENT 'What ties the records of one call together.',
    `vantage` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Whose view this is.',
    `provider_event_id` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The provider\'s own id of the record, not unique.',
    `origin` Tuple(`topic` LowCardinality(String), `partition` Int32, `offset` Int64, `file` Nullable(String)) CODEC(ZSTD(1)) COMMENT 'Where the raw record stood.',
    `_revision` UInt64 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Its rows never change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.',
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_action uses.action TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_main_action action TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_resource resources.id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_credential credential_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_address source_ip TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_call call_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(_revision, _is_deleted)
PARTITION BY toDate(time)
ORDER BY (identity_id, time, event_id)
TTL _inserted_at + toIntervalDay(400)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'One access event; OCSF API Activity (6003) names where there is one, flat for columns.';

CREATE TABLE IF NOT EXISTS session
(
    `credential_id` String CODEC(ZSTD(1)) COMMENT 'The temporary credential\'s id.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `account_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The account of the assumed identity.',
    `identity_id` String CODEC(ZSTD(1)) COMMENT 'The identity that was assumed.',
    `session_name` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The session\'s name.',
    `assumed_by` String CODEC(ZSTD(1)) COMMENT 'Who assumed it.',
    `chain` Array(String) CODEC(ZSTD(1)) COMMENT 'The chain so far, the first one first; its last is `assumed_by`.',
    `parent_credential_id` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The credential that assumed it.',
    `issued_at` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was issued.',
    `expires_at` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'When it ends, when known.',
    `event_id` String CODEC(ZSTD(1)) COMMENT 'The event that issued it.',
    `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Counts up with each change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.',
    INDEX by_identity identity_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_origin chain TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision, _is_deleted)
ORDER BY (credential_id)
TTL _inserted_at + toIntervalDay(400)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'One session: a temporary credential, its identity and who stands behind it.';

CREATE TABLE IF NOT EXISTS policy
(
    `policy_hash` String CODEC(ZSTD(1)) COMMENT 'The hash of cloud and statements.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `statements` Array(Tuple(`sid` Nullable(String), `effect` LowCardinality(String), `actions` Array(String), `not_actions` Array(String), `data_actions` Array(String), `not_data_actions` Array(String), `role` LowCardinality(Nullable(String)), `resources` Array(String), `not_resources` Array(String), `identities` Array(String), `not_identities` Array(String), `condition` Nullable(String))) CODEC(ZSTD(1)) COMMENT 'The statements.',
    `errors` Array(String) CODEC(ZSTD(1)) COMMENT 'What could not be read, each with its place; such a statement grants nothing here and the score says so.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was first seen.',
    `_revision` UInt64 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Its rows never change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree(_revision, _is_deleted)
ORDER BY (policy_hash)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'A policy\'s statements.';

CREATE TABLE IF NOT EXISTS entitlement
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
ORDER BY (identity_id, account_id, source)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'What one source grants one identity in one account.';

CREATE TABLE IF NOT EXISTS inventory
(
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `account_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The account.',
    `kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The resource type in the cloud\'s own words: `s3:bucket`, `Microsoft.Storage/storageAccounts`, `storage.googleapis.com/Bucket`.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the snapshot was taken.',
    `n_resources` Int64 CODEC(T64, ZSTD(1)) COMMENT 'How many there are.',
    `resource_ids` Array(String) CODEC(ZSTD(1)) COMMENT 'Their ids in order, cut at the bound of the config.',
    `deleted_at` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'When a complete snapshot no longer had any.',
    `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Counts up with each change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree(revision, _is_deleted)
ORDER BY (provider, account_id, kind)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'The known resources of one type in one account, from an inventory snapshot and never from the event stream.';

CREATE TABLE IF NOT EXISTS usage
(
    `identity_id` String CODEC(ZSTD(1)) COMMENT 'Who.',
    `identity_kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What kind of identity.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `account_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The account in which it was used.',
    `action` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The action; `other` for what overflowed the bound of actions per identity.',
    `access_level` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'What the action does.',
    `risk_class` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'How dangerous it is.',
    `resource_id` String CODEC(ZSTD(1)) COMMENT 'The grantable container (bucket, table, key, function), empty when unknown, `other` for what overflowed.',
    `window_start` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'The window\'s start.',
    `window_us` Int64 CODEC(T64, ZSTD(1)) COMMENT 'The window\'s width in microseconds: an hour or a day.',
    `n_uses` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Uses: successes and errors after authorization.',
    `n_denied` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Denials, which are no use.',
    `n_errors` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Errors among the uses.',
    `first_at` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'The first of them in the window.',
    `last_at` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'The last of them in the window.',
    `provisional` Bool CODEC(ZSTD(1)) COMMENT 'Whether the window may still change.',
    `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Counts up with each change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.',
    INDEX by_action action TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_resource resource_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision, _is_deleted)
PARTITION BY toDate(window_start)
ORDER BY (identity_id, action, resource_id, account_id, window_start, window_us)
TTL _inserted_at + toIntervalDay(400)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'The uses of one action on one grantable resource by one identity in one tumbling window.';

CREATE TABLE IF NOT EXISTS pci
(
    `scope_kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What is scored.',
    `scope_id` String CODEC(ZSTD(1)) COMMENT 'Which one.',
    `account_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'In which account; empty for scopes above accounts.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `scope_name` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Its name for people.',
    `identity_kind` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'What kind of identity, for identities.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'The end of the window of use.',
    `score` Float64 CODEC(ZSTD(1)) COMMENT 'The index, 0 to 100, two decimals: `hi`, with unknowable use counted as unused.',
    `score_lo` Float64 CODEC(ZSTD(1)) COMMENT 'The same with unknowable use counted as used.',
    `bucket` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Where it stands.',
    `exposure` Int64 CODEC(T64, ZSTD(1)) COMMENT 'The sum behind `score`, in millionths of a weight.',
    `exposure_lo` Int64 CODEC(T64, ZSTD(1)) COMMENT 'The sum behind `score_lo`.',
    `capacity` Int64 CODEC(T64, ZSTD(1)) COMMENT 'A full administrator\'s sum.',
    `n_granted` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Granted actions.',
    `n_used` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Those used in the window.',
    `n_unused` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Those known to be unused.',
    `n_unknowable` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Those whose use cannot be known from what is ingested.',
    `contributions` Array(Tuple(`label` String, `service` LowCardinality(String), `risk_class` LowCardinality(String), `resource` String, `source` String, `n_actions` Int64, `exposure` Int64)) CODEC(ZSTD(1)) COMMENT 'The largest parts, the largest first.',
    `escalation` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The path to administrator that is held and unused, when there is one.',
    `ignored` Array(String) CODEC(ZSTD(1)) COMMENT 'What the score did not take into account: `condition`, `scp`, `boundary`, `unreadable statement` …',
    `cause` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Why it changed.',
    `change` Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'By how much, against the score before.',
    `last_used_at` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'The last use of anything, within what is remembered.',
    `young` Bool CODEC(ZSTD(1)) COMMENT 'Whether less than a window of the account\'s log, or of the identity\'s life, is known.',
    `window_us` Int64 CODEC(T64, ZSTD(1)) COMMENT 'The window of use in microseconds.',
    `model_version` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The risk model\'s version.',
    `catalogue_version` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The catalogue\'s version.',
    `provisional` Bool CODEC(ZSTD(1)) COMMENT 'Whether it may still change.',
    `deleted_at` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'When the scope was deleted.',
    `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Counts up with each change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree(revision, _is_deleted)
PARTITION BY toDate(time)
ORDER BY (scope_kind, scope_id, account_id, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'The index of one scope in one account at one time.';

CREATE TABLE IF NOT EXISTS finding
(
    `finding_id` String CODEC(ZSTD(1)) COMMENT 'The hash of kind, scope and account.',
    `kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What kind of risk.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `account_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'In which account.',
    `scope_kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What it is about.',
    `scope_id` String CODEC(ZSTD(1)) COMMENT 'Which one.',
    `scope_name` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Its name for people.',
    `identity_kind` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'What kind of identity, for identities.',
    `severity` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'How soon somebody should look.',
    `title` String CODEC(ZSTD(1)) COMMENT 'One line for people.',
    `evidence` Array(String) CODEC(ZSTD(1)) COMMENT 'What it rests on.',
    `advice` String CODEC(ZSTD(1)) COMMENT 'What to do.',
    `first_seen_at` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was first true, by event time.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was last found true.',
    `deleted_at` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'When it stopped being true.',
    `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Counts up with each change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.',
    INDEX by_scope scope_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision, _is_deleted)
ORDER BY (account_id, finding_id)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'A standing risk of one scope.';

CREATE TABLE IF NOT EXISTS anomaly
(
    `anomaly_id` String CODEC(ZSTD(1)) COMMENT 'The hash of detector, event or window, and identity.',
    `detector` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The detector.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'The event time.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `account_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'In which account.',
    `org_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The organization or tenant, for triage; the account where there is none.',
    `identity_id` String CODEC(ZSTD(1)) COMMENT 'Who.',
    `identity_kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What kind of identity.',
    `identity_name` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Its name for people.',
    `action` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The action, when it is about one.',
    `risk_class` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'How dangerous that action is.',
    `resource_id` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The resource, when it is about one.',
    `source_ip` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The caller\'s address.',
    `tool` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The tool.',
    `p_value` Float64 CODEC(ZSTD(1)) COMMENT 'The probability of something at least as unlikely under the model.',
    `n_tested` Int64 CODEC(T64, ZSTD(1)) COMMENT 'How many were tested to find it, for false-discovery control.',
    `reasons` Array(Tuple(`channel` LowCardinality(String), `nats` Float64, `text` String)) CODEC(ZSTD(1)) COMMENT 'Why, the heaviest first.',
    `event_ids` Array(String) CODEC(ZSTD(1)) COMMENT 'The events behind it, the first ones up to the bound of the config.',
    `model_id` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The peer model it was scored with.',
    `provisional` Bool CODEC(ZSTD(1)) COMMENT 'Whether it may still change.',
    `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Counts up with each change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.',
    INDEX by_anomaly anomaly_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_event event_ids TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision, _is_deleted)
PARTITION BY toDate(time)
ORDER BY (identity_id, toStartOfHour(time), anomaly_id)
TTL _inserted_at + toIntervalDay(400)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'One candidate of one detector.';

CREATE TABLE IF NOT EXISTS alert
(
    `alert_id` String CODEC(ZSTD(1)) COMMENT 'The hash of identity, account and the start of its group.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was raised, by event time.',
    `first_at` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'The first event of the group.',
    `last_at` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'The last event of the group so far.',
    `provider` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The cloud.',
    `account_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'In which account.',
    `org_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The organization or tenant.',
    `identity_id` String CODEC(ZSTD(1)) COMMENT 'Who.',
    `identity_kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What kind of identity.',
    `identity_name` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Its name for people.',
    `severity` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'How soon somebody should look.',
    `title` String CODEC(ZSTD(1)) COMMENT 'One line for people.',
    `nats` Float64 CODEC(ZSTD(1)) COMMENT 'The fused surprise in nats.',
    `reasons` Array(Tuple(`channel` LowCardinality(String), `nats` Float64, `text` String)) CODEC(ZSTD(1)) COMMENT 'Why, the heaviest first.',
    `actions` Array(String) CODEC(ZSTD(1)) COMMENT 'What was done.',
    `resources` Array(String) CODEC(ZSTD(1)) COMMENT 'To what.',
    `source_ips` Array(String) CODEC(ZSTD(1)) COMMENT 'From where.',
    `could` Nullable(String) CODEC(ZSTD(1)) COMMENT 'What the identity could do, in a sentence.',
    `technique` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The MITRE ATT&CK technique its actions are known for.',
    `event_ids` Array(String) CODEC(ZSTD(1)) COMMENT 'The events behind it, the first ones up to the bound of the config; `overgrant raw` shows each.',
    `n_events` Int64 CODEC(T64, ZSTD(1)) COMMENT 'How many events there were in all.',
    `anomaly_ids` Array(String) CODEC(ZSTD(1)) COMMENT 'The candidates it was fused from.',
    `suppressed` Nullable(String) CODEC(ZSTD(1)) COMMENT 'Why it is held back, when it is.',
    `provisional` Bool CODEC(ZSTD(1)) COMMENT 'Whether it may still change.',
    `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Counts up with each change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.',
    INDEX by_event event_ids TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision, _is_deleted)
ORDER BY (identity_id, alert_id)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'One alert: who, what, where, when, why, and what the identity could do.';

CREATE TABLE IF NOT EXISTS model
(
    `model_id` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Its kind and the window it was learned up to.',
    `kind` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'What it is: `peers`.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'The end of what it was learned from.',
    `effective_from` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'From which event time on it is used: a window boundary later than `time`.',
    `format` Int32 CODEC(T64, ZSTD(1)) COMMENT 'The format of `body`.',
    `body` String CODEC(ZSTD(3)) COMMENT 'The model as JSON.',
    `_revision` UInt64 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Its rows never change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree(_revision, _is_deleted)
ORDER BY (model_id)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'One published model.';

CREATE TABLE IF NOT EXISTS dead_letter
(
    `dead_letter_id` String CODEC(ZSTD(1)) COMMENT 'The hash of room and origin.',
    `room` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The room that rejected it.',
    `reason` String CODEC(ZSTD(1)) COMMENT 'Why, for people, with what to do when it is ours to say.',
    `provider` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The cloud, when it is known.',
    `origin` Tuple(`topic` LowCardinality(String), `partition` Int32, `offset` Int64, `file` Nullable(String)) CODEC(ZSTD(1)) COMMENT 'Where the record stood.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When we read it.',
    `n_bytes` Int64 CODEC(T64, ZSTD(1)) COMMENT 'How many bytes it had.',
    `body` String CODEC(ZSTD(3)) COMMENT 'The bytes, after the redaction list; cut at the bound of the config, `n_bytes` tells.',
    `body_hash` String CODEC(ZSTD(1)) COMMENT 'The hash of all its bytes.',
    `_revision` UInt64 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Its rows never change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree(_revision, _is_deleted)
ORDER BY (room, dead_letter_id)
TTL _inserted_at + toIntervalDay(90)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'One rejected record.';

CREATE TABLE IF NOT EXISTS tally
(
    `room` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The room that counted.',
    `partition` Int32 CODEC(T64, ZSTD(1)) COMMENT 'The partition of the room.',
    `provider` LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'The cloud, when known.',
    `topic` LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'The raw topic.',
    `file` String CODEC(ZSTD(1)) COMMENT 'The file; empty for topics.',
    `n_read` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Records read.',
    `n_events` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Access events emitted.',
    `n_copies` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Copies: the same provider id and the same canonical bytes as an earlier one.',
    `n_not_access` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Records that are no access.',
    `n_dead_letters` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Records rejected.',
    `n_id_collisions` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Records with an earlier one\'s provider id and other bytes; counted among the events.',
    `n_known` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Events whose action the record names or a table maps.',
    `n_assumed` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Events whose action is assumed from the operation\'s name.',
    `n_none_needed` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Events that need no permission.',
    `n_unknown` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Events whose action is unknown.',
    `not_access` Array(Tuple(`kind` LowCardinality(String), `n` Int64)) CODEC(ZSTD(1)) COMMENT 'The kinds of `n_not_access`, in order.',
    `time` DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'The highest event time among them.',
    `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Counts up with each change.',
    `_is_deleted` UInt8 MATERIALIZED 0 CODEC(ZSTD(1)) COMMENT 'Whether it is a tombstone.',
    `_inserted_at` DateTime('UTC') MATERIALIZED now('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'When it was stored; retention counts from here.'
)
ENGINE = ReplacingMergeTree(revision, _is_deleted)
ORDER BY (room, partition, ifNull(provider, ''), topic, file)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'The records of one file or topic that one partition of a room read: `n_read = n_events + n_copies + n_not_access + n_dead_letters`.';

-- Dead letters with key and headers, a pointer to large bodies, and a redrive that closes them. The engine's version column
-- is named for good, so it becomes a copy of the revision.
ALTER TABLE dead_letter ADD COLUMN IF NOT EXISTS `key` Nullable(String) CODEC(ZSTD(3)) COMMENT 'The record\'s key, where it came over a topic.' AFTER `body_hash`;
ALTER TABLE dead_letter ADD COLUMN IF NOT EXISTS `headers` Array(Tuple(`name` String, `value` String)) CODEC(ZSTD(1)) COMMENT 'The record\'s headers, and what ingest saw in it; cut at the bound of the config.' AFTER `key`;
ALTER TABLE dead_letter ADD COLUMN IF NOT EXISTS `body_object` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The object that holds all of its bytes, where the body is cut.' AFTER `headers`;
ALTER TABLE dead_letter ADD COLUMN IF NOT EXISTS `deleted_at` Nullable(DateTime64(6, 'UTC')) CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was redriven and is a dead letter no more.' AFTER `body_object`;
ALTER TABLE dead_letter ADD COLUMN IF NOT EXISTS `revision` Int64 CODEC(T64, ZSTD(1)) COMMENT 'Goes up with each redrive, by its time.' AFTER `deleted_at`;
ALTER TABLE dead_letter MODIFY COLUMN `_revision` UInt64 MATERIALIZED toUInt64(greatest(revision, 0)) CODEC(ZSTD(1)) COMMENT 'The revision.';
CREATE OR REPLACE VIEW dead_letter_current AS
SELECT
    `dead_letter_id`,
    `room`,
    `reason`,
    `provider`,
    `origin`,
    `time`,
    `n_bytes`,
    `body`,
    `body_hash`,
    `key`,
    `headers`,
    `body_object`,
    `deleted_at`,
    `revision`
FROM dead_letter FINAL
WHERE deleted_at IS NULL
COMMENT 'What stands now.';

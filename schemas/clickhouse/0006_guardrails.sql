-- Guardrails that are broken are findings: which rule, and the controls that it serves.
ALTER TABLE finding ADD COLUMN IF NOT EXISTS `rule` Nullable(String) CODEC(ZSTD(1)) COMMENT 'The guardrail that is broken, by its id.' AFTER `account_id`;
ALTER TABLE finding ADD COLUMN IF NOT EXISTS `controls` Array(String) CODEC(ZSTD(1)) COMMENT 'The controls that the guardrail serves: CIS and NIST by catalogue, version and number, or the rule file\'s own.' AFTER `advice`;
CREATE OR REPLACE VIEW finding_current AS
SELECT
    `finding_id`,
    `kind`,
    `provider`,
    `account_id`,
    `rule`,
    `scope_kind`,
    `scope_id`,
    `scope_name`,
    `identity_kind`,
    `severity`,
    `title`,
    `evidence`,
    `advice`,
    `controls`,
    `first_seen_at`,
    `time`,
    `deleted_at`,
    `revision`
FROM finding FINAL
WHERE deleted_at IS NULL
COMMENT 'What stands now.';

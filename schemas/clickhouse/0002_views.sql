-- What stands, and flat views of lists. Written by `cargo run -p schemas --example clickhouse_ddl -- views`.
CREATE OR REPLACE VIEW access_event_use AS
SELECT
    `event_id`,
    `time`,
    `ingested_at`,
    `provider`,
    `account_id`,
    `org_id`,
    `region`,
    `category`,
    `identity_id`,
    `identity_kind`,
    `identity_name`,
    `identity_account`,
    `identity_generation`,
    `session_name`,
    `on_behalf_of`,
    `credential_id`,
    `mfa`,
    `service`,
    `operation`,
    if(empty(uses), NULL, element.action) AS action,
    `action_known`,
    `access_level`,
    if(empty(uses), NULL, element.resource_id) AS resource_id,
    if(empty(uses), NULL, element.resource_account) AS resource_account,
    if(empty(uses), NULL, element.granted) AS granted,
    if(empty(uses), NULL, element.how) AS how,
    `outcome`,
    `error_code`,
    `counts_as_use`,
    `source_ip`,
    `source_service`,
    `user_agent`,
    `tool`,
    `call_id`,
    `vantage`,
    `provider_event_id`,
    `origin`
FROM access_event FINAL
LEFT ARRAY JOIN uses AS element
COMMENT 'One row per permission that an event used, and one with NULL for an event without any.';

CREATE OR REPLACE VIEW access_event_resource AS
SELECT
    access_event.`event_id` AS `event_id`,
    access_event.`time` AS `time`,
    access_event.`ingested_at` AS `ingested_at`,
    access_event.`provider` AS `provider`,
    access_event.`account_id` AS `account_id`,
    access_event.`org_id` AS `org_id`,
    access_event.`region` AS `region`,
    access_event.`category` AS `category`,
    access_event.`identity_id` AS `identity_id`,
    access_event.`identity_kind` AS `identity_kind`,
    access_event.`identity_name` AS `identity_name`,
    access_event.`identity_account` AS `identity_account`,
    access_event.`identity_generation` AS `identity_generation`,
    access_event.`session_name` AS `session_name`,
    access_event.`on_behalf_of` AS `on_behalf_of`,
    access_event.`credential_id` AS `credential_id`,
    access_event.`mfa` AS `mfa`,
    access_event.`service` AS `service`,
    access_event.`operation` AS `operation`,
    access_event.`action` AS `action`,
    access_event.`action_known` AS `action_known`,
    access_event.`access_level` AS `access_level`,
    if(empty(resources), NULL, element.id) AS resource_id,
    if(empty(resources), NULL, element.kind) AS resource_kind,
    if(empty(resources), NULL, element.account_id) AS resource_account,
    access_event.`outcome` AS `outcome`,
    access_event.`error_code` AS `error_code`,
    access_event.`counts_as_use` AS `counts_as_use`,
    access_event.`source_ip` AS `source_ip`,
    access_event.`source_service` AS `source_service`,
    access_event.`user_agent` AS `user_agent`,
    access_event.`tool` AS `tool`,
    access_event.`call_id` AS `call_id`,
    access_event.`vantage` AS `vantage`,
    access_event.`provider_event_id` AS `provider_event_id`,
    access_event.`origin` AS `origin`
FROM access_event FINAL
LEFT ARRAY JOIN resources AS element
COMMENT 'One row per resource that an event touched, and one with NULL for an event without any.';

CREATE OR REPLACE VIEW entitlement_current AS
SELECT
    `identity_id`,
    `account_id`,
    `source`,
    `kind`,
    `source_name`,
    `provider`,
    `org_id`,
    `identity_kind`,
    `identity_name`,
    `identity_generation`,
    `identity_created_at`,
    `identity_last_used_at`,
    `policy_hashes`,
    `groups`,
    `scopes`,
    `condition`,
    `valid_from`,
    `valid_until`,
    `deleted_at`,
    `revision`
FROM entitlement FINAL
WHERE deleted_at IS NULL
COMMENT 'What stands now.';

CREATE OR REPLACE VIEW inventory_current AS
SELECT
    `provider`,
    `account_id`,
    `kind`,
    `time`,
    `n_resources`,
    `resource_ids`,
    `deleted_at`,
    `revision`
FROM inventory FINAL
WHERE deleted_at IS NULL
COMMENT 'What stands now.';

CREATE OR REPLACE VIEW pci_current AS
SELECT
    `scope_kind`,
    `scope_id`,
    `account_id`,
    `provider`,
    `scope_name`,
    `identity_kind`,
    `time`,
    `score`,
    `score_lo`,
    `bucket`,
    `exposure`,
    `exposure_lo`,
    `capacity`,
    `n_granted`,
    `n_used`,
    `n_unused`,
    `n_unknowable`,
    `contributions`,
    `escalation`,
    `ignored`,
    `cause`,
    `change`,
    `last_used_at`,
    `young`,
    `window_us`,
    `model_version`,
    `catalogue_version`,
    `provisional`,
    `deleted_at`,
    `revision`
FROM (SELECT * FROM pci FINAL ORDER BY time DESC LIMIT 1 BY scope_kind, scope_id, account_id)
WHERE deleted_at IS NULL
COMMENT 'What stands now.';

CREATE OR REPLACE VIEW finding_current AS
SELECT
    `finding_id`,
    `kind`,
    `provider`,
    `account_id`,
    `scope_kind`,
    `scope_id`,
    `scope_name`,
    `identity_kind`,
    `severity`,
    `title`,
    `evidence`,
    `advice`,
    `first_seen_at`,
    `time`,
    `deleted_at`,
    `revision`
FROM finding FINAL
WHERE deleted_at IS NULL
COMMENT 'What stands now.';

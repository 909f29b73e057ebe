-- What could an identity do at a time, and by which grants?
-- identity: the identity's id
-- at = 0d: the time, or a span before the store's own
SELECT account_id, kind, source, source_name, condition, valid_from, valid_until, deleted_at
FROM entitlement
WHERE identity_id = {identity:String} AND kind <> 'identity' AND valid_from <= {at:Time}
  AND (valid_until IS NULL OR valid_until > {at:Time}) AND (deleted_at IS NULL OR deleted_at > {at:Time})
ORDER BY account_id, kind, source
LIMIT 1000

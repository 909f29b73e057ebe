-- What did an identity do, on what, from where, and how did it end?
-- identity: the identity's id
-- since = 7d: from when, a time or a span before the store's own
-- until = 0d: until when
SELECT time, account_id, operation, action, resource_id, outcome, error_code, granted, source_ip, tool, event_id
FROM access_event_use
WHERE identity_id = {identity:String} AND time >= {since:Time} AND time <= {until:Time}
ORDER BY time, event_id, action NULLS LAST, resource_id NULLS LAST
LIMIT 1000

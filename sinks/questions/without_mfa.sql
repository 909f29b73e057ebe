-- Which people changed permissions without a second factor?
-- since = 90d: from when, a time or a span before the store's own
SELECT time, provider, account_id, identity_id, identity_kind, operation, outcome, source_ip, tool, event_id
FROM access_event
WHERE access_level = 'permissions' AND identity_kind IN ('user', 'root', 'workforce')
  AND coalesce(mfa, false) = false AND time >= {since:Time}
ORDER BY time DESC, event_id
LIMIT 1000

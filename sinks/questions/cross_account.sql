-- Who acts in accounts that are not their own?
-- since = 90d: from when, a time or a span before the store's own
SELECT identity_id, identity_kind, identity_account, account_id, count(*) AS n_events,
       count(DISTINCT operation) AS n_operations, count(*) FILTER (WHERE outcome = 'denied') AS n_denied,
       min(time) AS first_at, max(time) AS last_at
FROM access_event
WHERE identity_account <> account_id AND time >= {since:Time}
GROUP BY identity_id, identity_kind, identity_account, account_id
ORDER BY n_events DESC, identity_id, identity_account, account_id
LIMIT 1000

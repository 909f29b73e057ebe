-- Which calls are of an action that is unknown or merely assumed, the most frequent first?
-- since = 30d: from when, a time or a span before the store's own
SELECT provider, service, operation, action_known, count(*) AS n_events, count(DISTINCT identity_id) AS n_identities,
       count(*) FILTER (WHERE counts_as_use) AS n_uses, min(time) AS first_at, max(time) AS last_at
FROM access_event
WHERE action_known IN ('unknown', 'assumed') AND time >= {since:Time}
GROUP BY provider, service, operation, action_known
ORDER BY n_events DESC, provider, service, operation, action_known
LIMIT 1000

-- Who was denied what, how often, and when last?
-- since = 30d: from when, a time or a span before the store's own
SELECT identity_id, identity_kind, account_id, operation, error_code, count(*) AS n_denied,
       min(time) AS first_at, max(time) AS last_at
FROM access_event
WHERE outcome = 'denied' AND time >= {since:Time}
GROUP BY identity_id, identity_kind, account_id, operation, error_code
ORDER BY n_denied DESC, identity_id, account_id, operation, error_code NULLS LAST
LIMIT 1000

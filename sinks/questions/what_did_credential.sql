-- What was done with a credential, by whom, and from where?
-- credential: the access key, token or key id
-- since = 90d: from when, a time or a span before the store's own
SELECT identity_id, identity_kind, account_id, service, operation, source_ip, count(*) AS n_events,
       count(*) FILTER (WHERE outcome = 'success') AS n_successes, min(time) AS first_at, max(time) AS last_at
FROM access_event
WHERE credential_id = {credential:String} AND time >= {since:Time}
GROUP BY identity_id, identity_kind, account_id, service, operation, source_ip
ORDER BY first_at, identity_id, account_id, service, operation, source_ip NULLS LAST
LIMIT 1000

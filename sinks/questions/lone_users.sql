-- Which services of an account does a single identity use?
-- since = 90d: from when, a time or a span before the store's own
SELECT provider, account_id, service, min(identity_id) AS identity_id, count(*) AS n_events, min(time) AS first_at,
       max(time) AS last_at
FROM access_event
WHERE counts_as_use AND time >= {since:Time}
GROUP BY provider, account_id, service
HAVING count(DISTINCT identity_id) = 1
ORDER BY provider, account_id, service
LIMIT 1000

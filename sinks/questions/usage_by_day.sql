-- How much happens per day and cloud, and how much of it is denied?
-- since = 30d: from when, a time or a span before the store's own
SELECT date_trunc('day', time) AS day, provider, count(*) AS n_events, count(DISTINCT identity_id) AS n_identities,
       count(DISTINCT action) AS n_actions, count(*) FILTER (WHERE outcome = 'denied') AS n_denied,
       count(*) FILTER (WHERE outcome = 'error') AS n_errors, count(*) FILTER (WHERE counts_as_use) AS n_uses
FROM access_event
WHERE time >= {since:Time}
GROUP BY date_trunc('day', time), provider
ORDER BY day, provider

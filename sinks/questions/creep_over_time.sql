-- How do the scores of identities move from day to day?
-- since = 90d: from when, a time or a span before the store's own
SELECT date_trunc('day', time) AS day, provider, count(DISTINCT scope_id) AS n_identities, max(score) AS highest,
       count(DISTINCT scope_id) FILTER (WHERE bucket = 'high') AS n_high,
       count(DISTINCT scope_id) FILTER (WHERE bucket = 'medium') AS n_medium, sum(n_unused) AS n_unused
FROM pci
WHERE scope_kind = 'identity' AND deleted_at IS NULL AND time >= {since:Time}
GROUP BY date_trunc('day', time), provider
ORDER BY day, provider

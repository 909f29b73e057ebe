-- How many events have an action that is known, assumed or unknown, or need none, by cloud and service?
-- since = 30d: from when, a time or a span before the store's own
SELECT provider, service, count(*) AS n_events,
       count(*) FILTER (WHERE action_known IN ('logged', 'mapped')) AS n_known,
       count(*) FILTER (WHERE action_known = 'none_needed') AS n_none_needed,
       count(*) FILTER (WHERE action_known = 'assumed') AS n_assumed,
       count(*) FILTER (WHERE action_known = 'unknown') AS n_unknown
FROM access_event
WHERE time >= {since:Time}
GROUP BY provider, service
ORDER BY n_unknown DESC, n_assumed DESC, provider, service
LIMIT 1000

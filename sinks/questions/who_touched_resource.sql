-- Who touched a resource, how often, and when first and last?
-- resource: the resource's id; % stands for anything
-- since = 90d: from when, a time or a span before the store's own
-- until = 0d: until when
SELECT identity_id, identity_kind, account_id, count(*) AS n_events,
       count(*) FILTER (WHERE outcome = 'denied') AS n_denied, count(DISTINCT operation) AS n_operations,
       min(time) AS first_at, max(time) AS last_at
FROM access_event_resource
WHERE resource_id LIKE {resource:String} AND time >= {since:Time} AND time <= {until:Time}
GROUP BY identity_id, identity_kind, account_id
ORDER BY n_events DESC, identity_id, identity_kind, account_id
LIMIT 1000

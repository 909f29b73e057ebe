-- Who used a permission, on what, from where, and was it granted?
-- action: the permission in the cloud's own spelling, such as s3:GetObject
-- since = 90d: from when, a time or a span before the store's own
-- until = 0d: until when
SELECT time, identity_id, identity_name, account_id, resource_id, outcome, granted, source_ip, tool, event_id
FROM access_event_use
WHERE action = {action:String} AND time >= {since:Time} AND time <= {until:Time}
ORDER BY time, event_id, resource_id NULLS LAST
LIMIT 1000

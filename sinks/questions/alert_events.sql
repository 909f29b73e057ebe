-- What happened around an alert, and was it granted?
-- alert: the alert's id
SELECT u.time AS time, u.operation AS operation, u.action AS action, u.resource_id AS resource_id,
       u.outcome AS outcome, u.granted AS granted, u.source_ip AS source_ip, u.tool AS tool, u.event_id AS event_id
FROM access_event_use u JOIN alert a ON u.identity_id = a.identity_id AND u.account_id = a.account_id
WHERE a.alert_id = {alert:String} AND u.time >= a.first_at AND u.time <= a.last_at
ORDER BY time, event_id, action NULLS LAST, resource_id NULLS LAST
LIMIT 1000

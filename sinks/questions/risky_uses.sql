-- Who uses the most dangerous permissions, and on what?
-- since = 30d: from when, a time or a span before the store's own
SELECT identity_id, identity_kind, account_id, risk_class, action, count(DISTINCT resource_id) AS n_resources,
       sum(n_uses) AS n_used, sum(n_denied) AS n_refused, min(first_at) AS first_used_at, max(last_at) AS last_used_at
FROM usage
WHERE risk_class IN ('escalation', 'credential_access', 'permissions_management') AND window_start >= {since:Time}
GROUP BY identity_id, identity_kind, account_id, risk_class, action
ORDER BY n_used DESC, identity_id, account_id, action
LIMIT 1000

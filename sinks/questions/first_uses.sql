-- Which permissions were used for the first time by an identity that was active before?
-- since = 7d: from when a use counts as new, a time or a span before the store's own
WITH used AS (
    SELECT identity_id, account_id, action, min(first_at) AS first_at, sum(n_uses) AS n_uses
    FROM usage WHERE n_uses > 0 GROUP BY identity_id, account_id, action),
known AS (
    SELECT identity_id, account_id, min(first_at) AS active_from FROM usage WHERE n_uses > 0
    GROUP BY identity_id, account_id)
SELECT u.identity_id AS identity_id, u.account_id AS account_id, u.action AS action, u.first_at AS first_at,
       u.n_uses AS n_uses, k.active_from AS active_from
FROM used u JOIN known k ON u.identity_id = k.identity_id AND u.account_id = k.account_id
WHERE u.first_at >= {since:Time} AND k.active_from < {since:Time}
ORDER BY first_at, identity_id, account_id, action
LIMIT 1000

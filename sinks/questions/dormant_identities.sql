-- Which identities hold grants and have used nothing for a long time?
-- since = 60d: since when, a time or a span before the store's own
SELECT provider, account_id, scope_id, scope_name, identity_kind, score, n_granted, last_used_at, young
FROM pci_current
WHERE scope_kind = 'identity' AND n_granted > 0 AND (last_used_at IS NULL OR last_used_at < {since:Time})
ORDER BY score DESC, scope_id, account_id
LIMIT 1000

-- Which identities hold the most dangerous grants that they do not use?
-- bucket = high: low, medium or high
SELECT score, provider, account_id, scope_id, scope_name, identity_kind, n_granted, n_used, n_unused, n_unknowable,
       escalation, last_used_at
FROM pci_current
WHERE scope_kind = 'identity' AND bucket = {bucket:String} AND n_unused > 0
ORDER BY score DESC, exposure DESC, scope_id, account_id
LIMIT 1000

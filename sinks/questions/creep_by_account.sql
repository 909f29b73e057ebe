-- Which accounts have the most over-provisioned identities?
SELECT provider, account_id, count(*) AS n_identities, count(*) FILTER (WHERE bucket = 'high') AS n_high,
       count(*) FILTER (WHERE bucket = 'medium') AS n_medium, count(*) FILTER (WHERE bucket = 'low') AS n_low,
       count(*) FILTER (WHERE escalation IS NOT NULL) AS n_escalating, max(score) AS highest,
       sum(n_granted) AS n_granted, sum(n_used) AS n_used, sum(n_unused) AS n_unused
FROM pci_current
WHERE scope_kind = 'identity'
GROUP BY provider, account_id
ORDER BY n_high DESC, n_medium DESC, provider, account_id

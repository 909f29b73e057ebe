-- Which guardrails are broken, by how many identities, and since when?
-- provider = %: `aws`, `azure`, `gcp`, or `%` for all
SELECT rule, severity, provider, account_id, count(*) AS n_identities, min(first_seen_at) AS since
FROM finding_current
WHERE kind = 'guardrail' AND provider LIKE {provider:String}
GROUP BY rule, severity, provider, account_id
ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 ELSE 4 END,
         rule, provider, account_id

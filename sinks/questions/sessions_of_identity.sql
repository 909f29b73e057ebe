-- Who stands behind the sessions of an identity?
-- identity: the id of the identity that was assumed
-- since = 30d: from when, a time or a span before the store's own
SELECT issued_at, expires_at, session_name, assumed_by, parent_credential_id, credential_id, event_id
FROM session
WHERE identity_id = {identity:String} AND issued_at >= {since:Time}
ORDER BY issued_at, credential_id
LIMIT 1000

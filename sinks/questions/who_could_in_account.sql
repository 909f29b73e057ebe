-- Who holds a policy or role in an account, and since when?
-- account: the account's id
-- policy = %: the policy's or role's name; % stands for anything
SELECT identity_id, identity_kind, identity_name, kind, source_name, source, valid_from, valid_until
FROM entitlement_current
WHERE account_id = {account:String} AND kind <> 'identity' AND coalesce(source_name, '') LIKE {policy:String}
ORDER BY identity_id, kind, source
LIMIT 1000

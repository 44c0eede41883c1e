-- drop_old_keys --
-- The user's own, at the next use of a key, so that the table does not grow for ever.
DELETE FROM identity.idempotency
WHERE tenant_id = :tenant_id AND user_id = :user_id AND created_at <= :before;

-- claim_key --
-- A concurrent use of the key is waited for.
INSERT INTO identity.idempotency (tenant_id, user_id, key, made_id, created_at)
VALUES (:tenant_id, :user_id, :key, :made_id, :now)
ON CONFLICT (tenant_id, user_id, key) DO NOTHING
RETURNING key;

-- made_under_key --
SELECT made_id FROM identity.idempotency
WHERE tenant_id = :tenant_id AND user_id = :user_id AND key = :key;

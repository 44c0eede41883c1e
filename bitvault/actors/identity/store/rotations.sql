-- family, across tenants --
-- Nobody is known yet.
SELECT c.tenant_id, c.created_at,
    (
        SELECT jsonb_agg(to_jsonb(p)) FROM identity.policy AS p WHERE p.tenant_id = c.tenant_id
    )::text AS policies
FROM identity.credential AS c
JOIN identity.account AS a ON a.tenant_id = c.tenant_id AND a.user_id = c.user_id
JOIN identity.tenant AS t ON t.tenant_id = c.tenant_id
WHERE c.family_hash = :family_hash AND a.disabled_at IS NULL AND a.deleted_at IS NULL
    AND t.closed_at IS NULL AND c.expires_at > :now
    AND (c.idle_expires_at IS NULL OR c.idle_expires_at > :now);

-- hold_family --
-- One statement, one table: who waited for the lock reads what the one before wrote.
SELECT user_id, credential_id, name, user_agent, address, expires_at, secret_expires_at,
    refresh_digest, previous_refresh_digest, salt, refreshed_at
FROM identity.credential
WHERE tenant_id = :tenant_id AND family_hash = :family_hash AND expires_at > :now
FOR NO KEY UPDATE;

-- rotate --
UPDATE identity.credential
SET previous_secret_hash = secret_hash,
    previous_until = least(secret_expires_at, :previous_until::timestamptz),
    secret_hash = :secret_hash, prefix = :prefix, secret_expires_at = :secret_expires_at,
    previous_refresh_digest = refresh_digest, refresh_digest = :refresh_digest, salt = :salt,
    refreshed_at = :now, last_used_at = :now, idle_expires_at = :idle_expires_at
WHERE tenant_id = :tenant_id AND family_hash = :family_hash;

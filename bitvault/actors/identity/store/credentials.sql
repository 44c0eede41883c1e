-- insert_credential --
INSERT INTO identity.credential (
    tenant_id, user_id, credential_id, kind, name, prefix, secret_hash, created_at, expires_at,
    idle_expires_at, address, user_agent, scope, confined_to, secret_expires_at, family_hash,
    refresh_digest
)
VALUES (
    :tenant_id, :user_id, :credential_id, :kind, :name, :prefix, :secret_hash, :now, :expires_at,
    :idle_expires_at, :address, :user_agent, :scope, :confined_to, :secret_expires_at, :family_hash,
    :refresh_digest
);

-- principal_by_secret, across tenants --
-- Each half by an index of its own: as one condition with OR, all credentials of a user were read.
SELECT c.tenant_id, c.user_id, c.credential_id, c.kind, c.scope, c.confined_to, c.created_at,
    c.last_used_at, a.login, a.is_admin, a.is_operator, t.suspended_at IS NOT NULL AS is_suspended,
    t.rate, t.burst,
    (
        SELECT jsonb_agg(to_jsonb(p)) FROM identity.policy AS p WHERE p.tenant_id = c.tenant_id
    )::text AS policies,
    ARRAY(
        SELECT m.group_id FROM identity.membership AS m
        WHERE m.tenant_id = c.tenant_id AND m.user_id = c.user_id
        ORDER BY m.group_id
    ) AS groups
FROM (
    SELECT * FROM identity.credential
    WHERE secret_hash = :secret_hash AND (secret_expires_at IS NULL OR secret_expires_at > :now)
    UNION ALL
    SELECT * FROM identity.credential
    WHERE previous_secret_hash = :secret_hash AND previous_until > :now
) AS c
JOIN identity.account AS a ON a.tenant_id = c.tenant_id AND a.user_id = c.user_id
JOIN identity.tenant AS t ON t.tenant_id = c.tenant_id
WHERE a.disabled_at IS NULL AND a.deleted_at IS NULL AND t.closed_at IS NULL
    AND (c.expires_at IS NULL OR c.expires_at > :now)
    AND (c.idle_expires_at IS NULL OR c.idle_expires_at > :now);

-- touch_credential --
UPDATE identity.credential
SET last_used_at = :now,
    idle_expires_at = CASE WHEN idle_expires_at IS NULL THEN NULL ELSE :idle_expires_at::timestamptz END
WHERE tenant_id = :tenant_id AND credential_id = :credential_id;

-- credentials_of_user --
SELECT credential_id, kind, name, prefix, created_at, expires_at, last_used_at, address, user_agent,
    scope, confined_to
FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND kind = :kind
    AND (expires_at IS NULL OR expires_at > :now)
    AND (idle_expires_at IS NULL OR idle_expires_at > :now)
ORDER BY credential_id DESC
LIMIT 1000;

-- credential_by_id --
SELECT credential_id, kind, name, prefix, created_at, expires_at, last_used_at, address, user_agent,
    scope, confined_to
FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND credential_id = :credential_id
FOR UPDATE;

-- credential_of --
SELECT credential_id, kind, name, prefix, created_at, expires_at, last_used_at, address, user_agent,
    scope, confined_to
FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND credential_id = :credential_id;

-- replace_secret --
UPDATE identity.credential SET prefix = :prefix, secret_hash = :secret_hash
WHERE tenant_id = :tenant_id AND credential_id = :credential_id;

-- delete_credential --
DELETE FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND credential_id = :credential_id
RETURNING kind;

-- delete_other_sessions --
DELETE FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND kind = 'session'
    AND credential_id <> :credential_id
RETURNING credential_id;

-- delete_expired_sessions --
-- A login clears the user's own dead sessions, so that the table does not grow for ever.
DELETE FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND kind = 'session'
    AND (expires_at <= :now OR idle_expires_at <= :now);

-- delete_sessions --
DELETE FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND kind = 'session';

-- delete_credentials --
DELETE FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id;

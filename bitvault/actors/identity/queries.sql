-- tenant_by_key --
SELECT tenant_id, name FROM identity.tenant WHERE name_key = :name_key;

-- insert_tenant --
INSERT INTO identity.tenant (tenant_id, name, name_key, created_at)
VALUES (:tenant_id, :name, :name_key, :now)
ON CONFLICT (name_key) DO NOTHING
RETURNING tenant_id;

-- insert_account --
INSERT INTO identity.account (
    tenant_id, user_id, login, login_key, display_name, password_hash, is_admin, created_at
)
VALUES (
    :tenant_id, :user_id, :login, :login_key, :display_name, :password_hash, :is_admin, :now
)
ON CONFLICT (tenant_id, login_key) DO NOTHING
RETURNING user_id;

-- account_by_login --
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE t.name_key = :tenant_key AND a.login_key = :login_key;

-- account_by_id --
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id AND a.user_id = :user_id;

-- accounts_after --
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id AND a.login_key > :after
ORDER BY a.login_key
LIMIT :most;

-- set_password --
-- Only over the hash that was verified: a login that rehashes must not undo a change.
UPDATE identity.account SET password_hash = :password_hash
WHERE tenant_id = :tenant_id AND user_id = :user_id AND password_hash = :verified
RETURNING user_id;

-- hold_password --
-- A change of the password waits for this login, and then ends its session too.
SELECT user_id FROM identity.account
WHERE tenant_id = :tenant_id AND user_id = :user_id AND password_hash = :verified
FOR SHARE;

-- insert_credential --
INSERT INTO identity.credential (
    tenant_id, user_id, credential_id, kind, name, prefix, secret_hash, created_at, expires_at,
    idle_expires_at, address, user_agent
)
VALUES (
    :tenant_id, :user_id, :credential_id, :kind, :name, :prefix, :secret_hash, :now, :expires_at,
    :idle_expires_at, :address, :user_agent
);

-- principal_by_secret --
SELECT c.tenant_id, c.user_id, c.credential_id, c.kind, c.last_used_at, a.login, a.is_admin
FROM identity.credential AS c
JOIN identity.account AS a ON a.tenant_id = c.tenant_id AND a.user_id = c.user_id
WHERE c.secret_hash = :secret_hash
    AND (c.expires_at IS NULL OR c.expires_at > :now)
    AND (c.idle_expires_at IS NULL OR c.idle_expires_at > :now);

-- touch_credential --
UPDATE identity.credential
SET last_used_at = :now,
    idle_expires_at = CASE WHEN idle_expires_at IS NULL THEN NULL ELSE :idle_expires_at::timestamptz END
WHERE tenant_id = :tenant_id AND credential_id = :credential_id;

-- credentials_of_user --
SELECT credential_id, kind, name, prefix, created_at, expires_at, last_used_at, address, user_agent
FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND kind = :kind
    AND (expires_at IS NULL OR expires_at > :now)
    AND (idle_expires_at IS NULL OR idle_expires_at > :now)
ORDER BY credential_id DESC
LIMIT 1000;

-- delete_credential --
DELETE FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND credential_id = :credential_id
RETURNING credential_id;

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

-- accounts_named --
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id
    AND (a.user_id = ANY(:user_ids::uuid[]) OR a.login_key = ANY(:login_keys::text[]))
ORDER BY a.login_key;

-- claim_key --
-- A concurrent use of the key is waited for.
INSERT INTO identity.idempotency (tenant_id, user_id, key, made_id, created_at)
VALUES (:tenant_id, :user_id, :key, :made_id, :now)
ON CONFLICT (tenant_id, user_id, key) DO NOTHING
RETURNING key;

-- made_under_key --
SELECT made_id FROM identity.idempotency
WHERE tenant_id = :tenant_id AND user_id = :user_id AND key = :key;

-- drop_old_keys --
-- The user's own, at the next use of a key, so that the table does not grow for ever.
DELETE FROM identity.idempotency
WHERE tenant_id = :tenant_id AND user_id = :user_id AND created_at <= :before;

-- credential_by_id --
SELECT credential_id, kind, name, prefix, created_at, expires_at, last_used_at, address, user_agent
FROM identity.credential
WHERE tenant_id = :tenant_id AND user_id = :user_id AND credential_id = :credential_id
FOR UPDATE;

-- replace_secret --
UPDATE identity.credential SET prefix = :prefix, secret_hash = :secret_hash
WHERE tenant_id = :tenant_id AND credential_id = :credential_id;

-- insert_account --
INSERT INTO identity.account (
    tenant_id, user_id, login, login_key, display_name, password_hash, is_admin, is_operator, kind,
    created_at
)
VALUES (
    :tenant_id, :user_id, :login, :login_key, :display_name, :password_hash, :is_admin,
    :is_operator, :kind, :now
)
ON CONFLICT (tenant_id, login_key) WHERE deleted_at IS NULL DO NOTHING
RETURNING user_id;

-- account_by_login, across tenants --
-- Who is disabled cannot be told from who is not there.
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE t.name_key = :tenant_key AND a.login_key = :login_key
    AND a.disabled_at IS NULL AND a.deleted_at IS NULL AND t.closed_at IS NULL;

-- account_by_id --
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id AND a.user_id = :user_id
    AND a.disabled_at IS NULL AND a.deleted_at IS NULL;

-- accounts_after --
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id AND a.login_key > :after AND a.deleted_at IS NULL
ORDER BY a.login_key
LIMIT :most;

-- accounts_named --
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id
    AND (
        a.user_id = ANY(:user_ids::uuid[]) AND (a.deleted_at IS NULL OR :deleted::boolean)
        OR a.login_key = ANY(:login_keys::text[]) AND a.deleted_at IS NULL
    )
ORDER BY a.login_key;

-- standings --
SELECT a.user_id,
    a.disabled_at IS NULL AND a.deleted_at IS NULL AND t.closed_at IS NULL AS is_active,
    t.suspended_at IS NOT NULL AS is_suspended, t.rate, t.burst,
    (
        SELECT jsonb_agg(to_jsonb(p)) FROM identity.policy AS p WHERE p.tenant_id = a.tenant_id
    )::text AS policies,
    ARRAY(
        SELECT m.group_id FROM identity.membership AS m
        WHERE m.tenant_id = a.tenant_id AND m.user_id = a.user_id
        ORDER BY m.group_id
    ) AS groups
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id AND a.user_id = ANY(:user_ids::uuid[]);

-- set_password --
-- Only over the hash that was verified: a login that rehashes must not undo a change.
UPDATE identity.account SET password_hash = :password_hash
WHERE tenant_id = :tenant_id AND user_id = :user_id AND password_hash = :verified
RETURNING user_id;

-- hold_password --
-- Who changes the password or disables the user waits for this login, and ends its session too.
SELECT user_id FROM identity.account
WHERE tenant_id = :tenant_id AND user_id = :user_id AND password_hash = :verified
    AND disabled_at IS NULL AND deleted_at IS NULL
FOR SHARE;

-- hold_account --
-- Whoever changes what depends on the user waits until the end.
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id AND a.user_id = :user_id AND a.deleted_at IS NULL
FOR NO KEY UPDATE OF a;

-- hold_active --
-- Who disables the user waits for what is made for them, and ends it too.
SELECT user_id FROM identity.account
WHERE tenant_id = :tenant_id AND user_id = :user_id
    AND disabled_at IS NULL AND deleted_at IS NULL
FOR SHARE;

-- other_admin --
-- One who can log in.
SELECT user_id FROM identity.account
WHERE tenant_id = :tenant_id AND user_id <> :user_id
    AND is_admin AND kind = 'person' AND disabled_at IS NULL AND deleted_at IS NULL
LIMIT 1;

-- other_operator --
SELECT user_id FROM identity.account
WHERE tenant_id = :tenant_id AND user_id <> :user_id
    AND is_operator AND kind = 'person' AND disabled_at IS NULL AND deleted_at IS NULL
LIMIT 1;

-- update_account --
UPDATE identity.account
SET display_name = :display_name, is_admin = :is_admin, is_operator = :is_operator,
    disabled_at = CASE WHEN :is_disabled::boolean THEN coalesce(disabled_at, :now) END
WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- bury_account --
-- Only the name stays, for the trail.
UPDATE identity.account
SET deleted_at = :now, password_hash = NULL, is_admin = false, is_operator = false
WHERE tenant_id = :tenant_id AND user_id = :user_id;

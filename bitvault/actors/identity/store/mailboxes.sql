-- mailbox --
SELECT email, proposed, muted FROM identity.mailbox
WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- set_email --
INSERT INTO identity.mailbox (tenant_id, user_id, email, verified_at)
VALUES (:tenant_id, :user_id, :email, :now)
ON CONFLICT (tenant_id, user_id) DO UPDATE
SET email = excluded.email, verified_at = excluded.verified_at, proposed = NULL,
    proposed_hash = NULL, proposed_until = NULL;

-- forget_email --
UPDATE identity.mailbox
SET email = NULL, verified_at = NULL, proposed = NULL, proposed_hash = NULL, proposed_until = NULL
WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- keep_former --
-- Nothing, where there is no address that could be told.
INSERT INTO identity.former_address (tenant_id, former_id, user_id, email, until)
SELECT tenant_id, :former_id, user_id, email, :until FROM identity.mailbox
WHERE tenant_id = :tenant_id AND user_id = :user_id AND email IS NOT NULL
RETURNING former_id;

-- former_tenant, across tenants --
-- Who has one that is not needed any more.
SELECT tenant_id FROM identity.former_address WHERE until <= :now ORDER BY until LIMIT 1;

-- forget_former --
DELETE FROM identity.former_address
WHERE tenant_id = :tenant_id AND former_id IN (
    SELECT f.former_id FROM identity.former_address AS f
    WHERE f.tenant_id = :tenant_id AND f.until <= :now
    LIMIT 100
);

-- propose_email --
INSERT INTO identity.mailbox (tenant_id, user_id, proposed)
VALUES (:tenant_id, :user_id, :email)
ON CONFLICT (tenant_id, user_id) DO UPDATE
SET proposed = excluded.proposed, proposed_hash = NULL, proposed_until = NULL;

-- mute --
INSERT INTO identity.mailbox (tenant_id, user_id, muted)
VALUES (:tenant_id, :user_id, :muted::text[])
ON CONFLICT (tenant_id, user_id) DO UPDATE SET muted = excluded.muted;

-- mint_confirmation --
UPDATE identity.mailbox AS m SET proposed_hash = :secret_hash, proposed_until = :expires_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE m.tenant_id = :tenant_id AND m.user_id = :user_id AND m.proposed IS NOT NULL
    AND a.tenant_id = m.tenant_id AND a.user_id = m.user_id
    AND a.disabled_at IS NULL AND a.deleted_at IS NULL
RETURNING m.proposed AS email, a.display_name AS name, t.name AS tenant_name, a.login,
    m.proposed_until AS expires_at;

-- confirm_email --
UPDATE identity.mailbox
SET email = proposed, verified_at = :now, proposed = NULL, proposed_hash = NULL,
    proposed_until = NULL
WHERE tenant_id = :tenant_id AND user_id = :user_id AND proposed_hash = :secret_hash
    AND proposed_until > :now
RETURNING email;

-- recipient --
SELECT a.login, a.display_name, t.name AS tenant_name, m.email, m.muted, t.suspended_at IS NOT NULL AS is_suspended,
    ARRAY(
        SELECT g.group_id FROM identity.membership AS g
        WHERE g.tenant_id = a.tenant_id AND g.user_id = a.user_id
        ORDER BY g.group_id
    ) AS groups
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
JOIN identity.mailbox AS m ON m.tenant_id = a.tenant_id AND m.user_id = a.user_id
WHERE a.tenant_id = :tenant_id AND a.user_id = :user_id AND m.email IS NOT NULL
    AND a.disabled_at IS NULL AND a.deleted_at IS NULL;

-- former_recipient --
SELECT a.login, a.display_name, t.name AS tenant_name, f.email, '{}'::text[] AS muted,
    t.suspended_at IS NOT NULL AS is_suspended, '{}'::uuid[] AS groups
FROM identity.former_address AS f
JOIN identity.account AS a ON a.tenant_id = f.tenant_id AND a.user_id = f.user_id
JOIN identity.tenant AS t ON t.tenant_id = f.tenant_id
WHERE f.tenant_id = :tenant_id AND f.user_id = :user_id AND f.former_id = :former_id
    AND f.until > :now AND a.disabled_at IS NULL AND a.deleted_at IS NULL;

-- can_reset --
-- A person who logs in with a password of ours, and gets mail.
SELECT a.user_id
FROM identity.account AS a
JOIN identity.mailbox AS m ON m.tenant_id = a.tenant_id AND m.user_id = a.user_id
WHERE a.tenant_id = :tenant_id AND a.user_id = :user_id AND m.email IS NOT NULL
    AND a.kind = 'person' AND a.password_hash IS NOT NULL
    AND a.disabled_at IS NULL AND a.deleted_at IS NULL;

-- mint_reset --
INSERT INTO identity.reset AS r (tenant_id, user_id, secret_hash, expires_at)
SELECT a.tenant_id, a.user_id, :secret_hash, :expires_at
FROM identity.account AS a
JOIN identity.mailbox AS m ON m.tenant_id = a.tenant_id AND m.user_id = a.user_id
WHERE a.tenant_id = :tenant_id AND a.user_id = :user_id AND m.email IS NOT NULL
    AND a.kind = 'person' AND a.password_hash IS NOT NULL
    AND a.disabled_at IS NULL AND a.deleted_at IS NULL
ON CONFLICT (tenant_id, user_id) DO UPDATE
SET secret_hash = excluded.secret_hash, expires_at = excluded.expires_at
RETURNING r.expires_at;

-- letter_of --
SELECT m.email, a.display_name AS name, t.name AS tenant_name, a.login
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
JOIN identity.mailbox AS m ON m.tenant_id = a.tenant_id AND m.user_id = a.user_id
WHERE a.tenant_id = :tenant_id AND a.user_id = :user_id;

-- reset_by_secret, across tenants --
-- Nobody is known yet.
SELECT tenant_id, user_id FROM identity.reset WHERE secret_hash = :secret_hash AND expires_at > :now;

-- take_reset --
-- Once, also by two who use it at the same time.
DELETE FROM identity.reset
WHERE tenant_id = :tenant_id AND secret_hash = :secret_hash AND expires_at > :now
RETURNING user_id;

-- reset_password --
UPDATE identity.account SET password_hash = :password_hash
WHERE tenant_id = :tenant_id AND user_id = :user_id AND kind = 'person'
    AND password_hash IS NOT NULL AND disabled_at IS NULL AND deleted_at IS NULL
RETURNING login;

-- drop_reset --
DELETE FROM identity.reset WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- drop_mailbox --
DELETE FROM identity.mailbox WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- drop_former --
DELETE FROM identity.former_address WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- drop_expired_invitation --
DELETE FROM identity.invitation
WHERE tenant_id = :tenant_id AND login_key = :login_key AND expires_at <= :now;

-- insert_invitation --
INSERT INTO identity.invitation (
    tenant_id, invitation_id, email, login, login_key, display_name, is_admin, group_ids,
    invited_by, created_at, expires_at
)
VALUES (
    :tenant_id, :invitation_id, :email, :login, :login_key, :display_name, :is_admin,
    :group_ids::uuid[], :invited_by, :now, :expires_at
)
ON CONFLICT (tenant_id, login_key) DO NOTHING
RETURNING invitation_id;

-- login_exists --
SELECT user_id FROM identity.account
WHERE tenant_id = :tenant_id AND login_key = :login_key AND deleted_at IS NULL;

-- invitations_after --
SELECT invitation_id, email, login, display_name, is_admin, group_ids, invited_by, created_at,
    expires_at
FROM identity.invitation
WHERE tenant_id = :tenant_id AND invitation_id > :after
ORDER BY invitation_id
LIMIT :most;

-- invitation_by_id --
SELECT invitation_id, email, login, display_name, is_admin, group_ids, invited_by, created_at,
    expires_at
FROM identity.invitation
WHERE tenant_id = :tenant_id AND invitation_id = :invitation_id;

-- renew_invitation --
-- The secret of the mail before is not good any more; whoever sends it again answers for it.
UPDATE identity.invitation
SET expires_at = :expires_at, secret_hash = NULL, invited_by = :invited_by
WHERE tenant_id = :tenant_id AND invitation_id = :invitation_id
RETURNING invitation_id, email, login, display_name, is_admin, group_ids, invited_by, created_at,
    expires_at;

-- delete_invitation --
DELETE FROM identity.invitation
WHERE tenant_id = :tenant_id AND invitation_id = :invitation_id
RETURNING login;

-- invitation_by_secret, across tenants --
-- Nobody is known yet.
SELECT i.tenant_id, t.name AS tenant_name, i.login, i.display_name, i.email, i.expires_at
FROM identity.invitation AS i
JOIN identity.tenant AS t ON t.tenant_id = i.tenant_id
JOIN identity.account AS a ON a.tenant_id = i.tenant_id AND a.user_id = i.invited_by
WHERE i.secret_hash = :secret_hash AND i.expires_at > :now
    AND a.is_admin AND a.disabled_at IS NULL AND a.deleted_at IS NULL;

-- take_invitation --
-- Whoever accepts at the same time finds it gone; it is worth what its inviter may do now.
DELETE FROM identity.invitation
WHERE tenant_id = :tenant_id AND secret_hash = :secret_hash AND expires_at > :now
    AND EXISTS (
        SELECT FROM identity.account AS a
        WHERE a.tenant_id = :tenant_id AND a.user_id = invitation.invited_by
            AND a.is_admin AND a.disabled_at IS NULL AND a.deleted_at IS NULL
    )
RETURNING invitation_id, email, login, display_name, is_admin, group_ids, invited_by, created_at,
    expires_at;

-- mint_invitation --
UPDATE identity.invitation AS i SET secret_hash = :secret_hash
FROM identity.tenant AS t, identity.account AS a
WHERE i.tenant_id = :tenant_id AND i.invitation_id = :invitation_id AND i.expires_at > :now
    AND t.tenant_id = i.tenant_id
    AND a.tenant_id = i.tenant_id AND a.user_id = i.invited_by
    AND a.is_admin AND a.disabled_at IS NULL AND a.deleted_at IS NULL
RETURNING t.name AS tenant_name, i.login, i.display_name, i.email, i.expires_at,
    a.display_name AS inviter;

-- tenant_is_suspended --
SELECT tenant_id FROM identity.tenant WHERE tenant_id = :tenant_id AND suspended_at IS NOT NULL;

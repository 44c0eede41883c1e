-- insert_group --
INSERT INTO identity.user_group (tenant_id, group_id, name, name_key, created_at)
VALUES (:tenant_id, :group_id, :name, :name_key, :now)
ON CONFLICT (tenant_id, name_key) DO NOTHING
RETURNING group_id;

-- group_named --
SELECT group_id, name, created_at FROM identity.user_group
WHERE tenant_id = :tenant_id AND name_key = :name_key;

-- rename_group --
UPDATE identity.user_group SET name = :name, name_key = :name_key
WHERE tenant_id = :tenant_id AND group_id = :group_id
RETURNING group_id, name, created_at;

-- delete_group --
-- Its memberships go with it.
DELETE FROM identity.user_group
WHERE tenant_id = :tenant_id AND group_id = :group_id
RETURNING group_id;

-- groups_after --
SELECT group_id, name, name_key, created_at FROM identity.user_group
WHERE tenant_id = :tenant_id AND name_key > :after COLLATE "C"
ORDER BY name_key
LIMIT :most;

-- groups_found --
SELECT group_id, name, created_at FROM identity.user_group
WHERE tenant_id = :tenant_id
    AND (group_id = ANY(:group_ids::uuid[]) OR name_key = ANY(:name_keys::text[]))
ORDER BY name_key;

-- hold_group --
-- It cannot be deleted while somebody is put in.
SELECT group_id FROM identity.user_group
WHERE tenant_id = :tenant_id AND group_id = :group_id
FOR KEY SHARE;

-- insert_membership --
-- What an admin did stays an admin's; an admin makes theirs what another source gave.
INSERT INTO identity.membership (tenant_id, group_id, user_id, source)
SELECT :tenant_id, :group_id, :user_id, :source
WHERE (
    SELECT count(*) FROM identity.membership AS m
    WHERE m.tenant_id = :tenant_id AND m.user_id = :user_id AND m.group_id <> :group_id
) < :most
ON CONFLICT (tenant_id, group_id, user_id) DO UPDATE
SET source = CASE WHEN excluded.source = 'local' THEN 'local' ELSE membership.source END
RETURNING user_id;

-- delete_membership --
DELETE FROM identity.membership
WHERE tenant_id = :tenant_id AND group_id = :group_id AND user_id = :user_id
RETURNING user_id;

-- members_after --
-- By id, which the key is ordered by: a large group costs no sort.
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.is_admin,
    a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at
FROM identity.membership AS m
JOIN identity.account AS a ON a.tenant_id = m.tenant_id AND a.user_id = m.user_id
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE m.tenant_id = :tenant_id AND m.group_id = :group_id AND m.user_id > :after
ORDER BY m.user_id
LIMIT :most;

-- leave_groups --
DELETE FROM identity.membership
WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- groups_given --
SELECT g.group_id, g.name, g.created_at
FROM identity.membership AS m
JOIN identity.user_group AS g ON g.tenant_id = m.tenant_id AND g.group_id = m.group_id
WHERE m.tenant_id = :tenant_id AND m.user_id = :user_id AND m.source = :source
ORDER BY g.group_id;

-- groups_of --
SELECT g.group_id, g.name, g.created_at
FROM identity.membership AS m
JOIN identity.user_group AS g ON g.tenant_id = m.tenant_id AND g.group_id = m.group_id
WHERE m.tenant_id = :tenant_id AND m.user_id = :user_id
ORDER BY g.group_id;

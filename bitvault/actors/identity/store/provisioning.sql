-- login_owner --
SELECT user_id FROM identity.account
WHERE tenant_id = :tenant_id AND login_key = :login_key AND deleted_at IS NULL;

-- set_login --
UPDATE identity.account SET login = :login, login_key = :login_key
WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- external_user --
SELECT user_id FROM identity.account
WHERE tenant_id = :tenant_id AND external_id = :external_id AND deleted_at IS NULL;

-- set_external_user --
UPDATE identity.account SET external_id = nullif(:external_id, '')
WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- external_group --
SELECT group_id FROM identity.user_group
WHERE tenant_id = :tenant_id AND external_id = :external_id;

-- set_external_group --
UPDATE identity.user_group SET external_id = nullif(:external_id, '')
WHERE tenant_id = :tenant_id AND group_id = :group_id;

-- count_users --
SELECT count(*) AS total FROM identity.account
WHERE tenant_id = :tenant_id AND kind = 'person' AND deleted_at IS NULL;

-- users_page --
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.is_admin,
    a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at,
    coalesce(a.external_id, '') AS external_id
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id AND a.kind = 'person' AND a.deleted_at IS NULL
ORDER BY a.user_id
LIMIT :most OFFSET :after;

-- users_fitting --
-- Each thing that is given is looked up in its own index, and then has to fit as well.
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.is_admin,
    a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at,
    coalesce(a.external_id, '') AS external_id
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id AND a.kind = 'person' AND a.deleted_at IS NULL
    AND a.user_id IN (
        SELECT :user_id::uuid
        UNION
        SELECT user_id FROM identity.account
        WHERE tenant_id = :tenant_id AND login_key = :login_key::text AND deleted_at IS NULL
        UNION
        SELECT user_id FROM identity.account
        WHERE tenant_id = :tenant_id AND external_id = :external_id::text AND deleted_at IS NULL
    )
    AND a.user_id = coalesce(:user_id::uuid, a.user_id)
    AND a.login_key = coalesce(:login_key::text, a.login_key)
    AND (:external_id::text IS NULL OR a.external_id = :external_id::text)
ORDER BY a.user_id;

-- groups_of --
SELECT m.user_id, g.group_id, g.name, g.created_at
FROM identity.membership AS m
JOIN identity.user_group AS g ON g.tenant_id = m.tenant_id AND g.group_id = m.group_id
WHERE m.tenant_id = :tenant_id AND m.user_id = ANY(:user_ids::uuid[])
ORDER BY m.user_id, g.group_id;

-- count_groups --
SELECT count(*) AS total FROM identity.user_group WHERE tenant_id = :tenant_id;

-- groups_page --
SELECT group_id, name, created_at, coalesce(external_id, '') AS external_id
FROM identity.user_group
WHERE tenant_id = :tenant_id
ORDER BY group_id
LIMIT :most OFFSET :after;

-- groups_fitting --
SELECT g.group_id, g.name, g.created_at, coalesce(g.external_id, '') AS external_id
FROM identity.user_group AS g
WHERE g.tenant_id = :tenant_id
    AND g.group_id IN (
        SELECT :group_id::uuid
        UNION
        SELECT group_id FROM identity.user_group
        WHERE tenant_id = :tenant_id AND name_key = :name_key::text
        UNION
        SELECT group_id FROM identity.user_group
        WHERE tenant_id = :tenant_id AND external_id = :external_id::text
        UNION
        SELECT group_id FROM identity.membership
        WHERE tenant_id = :tenant_id AND user_id = :member::uuid
    )
    AND g.group_id = coalesce(:group_id::uuid, g.group_id)
    AND g.name_key = coalesce(:name_key::text, g.name_key)
    AND (:external_id::text IS NULL OR g.external_id = :external_id::text)
    AND (:member::uuid IS NULL OR EXISTS (
        SELECT FROM identity.membership AS m
        WHERE m.tenant_id = g.tenant_id AND m.group_id = g.group_id AND m.user_id = :member::uuid
    ))
ORDER BY g.group_id;

-- members_of --
SELECT m.group_id, a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name,
    a.is_admin, a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at
FROM identity.membership AS m
JOIN identity.account AS a ON a.tenant_id = m.tenant_id AND a.user_id = m.user_id
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE m.tenant_id = :tenant_id AND m.group_id = ANY(:group_ids::uuid[])
ORDER BY m.group_id, m.user_id
LIMIT :most::integer;

-- hold_accounts --
-- In the order of their ids, so that two who put the same users in groups take turns.
SELECT user_id FROM identity.account
WHERE tenant_id = :tenant_id AND user_id = ANY(:user_ids::uuid[]) AND deleted_at IS NULL
ORDER BY user_id
FOR NO KEY UPDATE;

-- join_all --
INSERT INTO identity.membership (tenant_id, group_id, user_id, source)
SELECT :tenant_id, :group_id, joining, 'scim'
FROM unnest(:user_ids::uuid[]) AS joining
ON CONFLICT (tenant_id, group_id, user_id) DO NOTHING
RETURNING user_id;

-- overfull --
SELECT user_id FROM identity.membership
WHERE tenant_id = :tenant_id AND user_id = ANY(:user_ids::uuid[])
GROUP BY user_id
HAVING count(*) > :most
LIMIT 1;

-- leave_all --
DELETE FROM identity.membership
WHERE tenant_id = :tenant_id AND group_id = :group_id AND user_id = ANY(:user_ids::uuid[])
RETURNING user_id;

-- leave_all_but --
-- Whom somebody else put in stays.
DELETE FROM identity.membership
WHERE tenant_id = :tenant_id AND group_id = :group_id AND source = 'scim'
    AND user_id <> ALL(:user_ids::uuid[])
RETURNING user_id;

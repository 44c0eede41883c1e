-- user --
-- Deleted ones too: their names stand for what they did.
SELECT user_id, login, display_name, kind, is_admin, disabled_at, deleted_at, created_at
FROM identity.account
WHERE tenant_id = :tenant AND user_id > :user_id
ORDER BY user_id LIMIT :limit;

-- group --
SELECT group_id, name, created_at FROM identity.user_group
WHERE tenant_id = :tenant AND group_id > :group_id
ORDER BY group_id LIMIT :limit;

-- membership --
SELECT group_id, user_id FROM identity.membership
WHERE tenant_id = :tenant AND (group_id, user_id) > (:group_id, :user_id)
ORDER BY group_id, user_id LIMIT :limit;

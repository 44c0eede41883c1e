-- tenant_by_key, across tenants --
SELECT tenant_id, name FROM identity.tenant WHERE name_key = :name_key;

-- hold_tenant --
-- What is unique in a tenant, and must stay so through an UPDATE, is changed one at a time.
SELECT tenant_id FROM identity.tenant WHERE tenant_id = :tenant_id FOR NO KEY UPDATE;

-- insert_tenant --
INSERT INTO identity.tenant (tenant_id, name, name_key, created_at)
VALUES (:tenant_id, :name, :name_key, :now)
ON CONFLICT (name_key) DO NOTHING
RETURNING tenant_id;

-- tenants_after, across tenants --
-- For the operators of the platform.
SELECT tenant_id, name, name_key, created_at, suspended_at IS NOT NULL AS is_suspended, max_users,
    rate, burst
FROM identity.tenant
WHERE name_key > :after
ORDER BY name_key
LIMIT :most;

-- tenant --
SELECT tenant_id, name, created_at, suspended_at IS NOT NULL AS is_suspended, max_users,
    rate, burst
FROM identity.tenant
WHERE tenant_id = :tenant_id;

-- tenants_found, across tenants --
SELECT tenant_id, name, created_at, suspended_at IS NOT NULL AS is_suspended, max_users,
    rate, burst
FROM identity.tenant
WHERE tenant_id = ANY(:tenant_ids::uuid[]) OR name_key = ANY(:name_keys::text[])
ORDER BY name_key;

-- update_tenant --
UPDATE identity.tenant
SET suspended_at = CASE WHEN :is_suspended::boolean THEN coalesce(suspended_at, :now) END,
    max_users = :max_users, rate = :rate, burst = :burst
WHERE tenant_id = :tenant_id;

-- suspend --
UPDATE identity.tenant SET suspended_at = coalesce(suspended_at, :now)
WHERE tenant_id = :tenant_id;

-- leaving, across tenants --
-- Whether operators let this one go.
SELECT erased_id FROM identity.erasure WHERE erased_id = :tenant_id;

-- room_for_user --
-- Counts no further than the limit. Whoever makes users holds the tenant, or has no limit.
SELECT t.max_users
FROM identity.tenant AS t
WHERE t.tenant_id = :tenant_id
    AND t.max_users <= (
        SELECT count(*) FROM (
            SELECT 1 FROM identity.account AS a
            WHERE a.tenant_id = t.tenant_id AND a.deleted_at IS NULL
            LIMIT t.max_users
        ) AS counted
    );

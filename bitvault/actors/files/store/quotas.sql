-- tenant_usage --
SELECT quota, space_quota, used, reserved, revision FROM files.usage
 WHERE tenant_id = :tenant AND holder_id = :tenant;

-- lock_tenant_usage --
-- Who reserves bytes at this moment is waited for, and sees the new quota if it comes later.
SELECT quota, space_quota, used, reserved, revision FROM files.usage
 WHERE tenant_id = :tenant AND holder_id = :tenant FOR NO KEY UPDATE;

-- insert_tenant_usage --
INSERT INTO files.usage (tenant_id, holder_id, quota, space_quota)
VALUES (:tenant, :tenant, :quota, :space_quota)
ON CONFLICT DO NOTHING;

-- update_tenant_quota --
UPDATE files.usage SET quota = :quota, space_quota = :space_quota, revision = revision + 1
 WHERE tenant_id = :tenant AND holder_id = :tenant;

-- personal_usage --
SELECT s.space_id, s.name, s.revision, u.used, u.reserved, u.follows, u.source,
       CASE WHEN u.follows
            THEN (SELECT t.space_quota FROM files.usage t
                   WHERE t.tenant_id = :tenant AND t.holder_id = :tenant)
            ELSE u.quota END AS quota
  FROM files.space s
  JOIN files.usage u ON u.tenant_id = s.tenant_id AND u.holder_id = s.space_id
 WHERE s.tenant_id = :tenant AND s.owner_id = :owner_id AND s.kind = 'personal';

-- hold_personal --
SELECT space_id FROM files.space
 WHERE tenant_id = :tenant AND owner_id = :owner_id AND kind = 'personal' FOR NO KEY UPDATE;

-- touch_space --
-- A quota is none of the space's own row, but a change that If-Match must see.
UPDATE files.space SET revision = revision + 1 WHERE tenant_id = :tenant AND space_id = :space_id;

-- hold_given --
-- The space's row first, as whoever changes one quota does.
SELECT s.space_id
  FROM files.usage u
  JOIN files.space s ON s.tenant_id = u.tenant_id AND s.space_id = u.holder_id
 WHERE u.tenant_id = :tenant AND u.source = :source
 ORDER BY s.space_id LIMIT :limit FOR NO KEY UPDATE OF s;

-- hold_usages --
-- In the order in which uploads that touch two spaces hold them.
SELECT holder_id FROM files.usage
 WHERE tenant_id = :tenant AND holder_id = ANY(:space_ids::uuid[])
 ORDER BY holder_id FOR NO KEY UPDATE;

-- take_back --
-- Not what an admin has set while the space was waited for.
UPDATE files.usage SET quota = NULL, follows = TRUE, source = NULL
 WHERE tenant_id = :tenant AND holder_id = ANY(:space_ids::uuid[]) AND source = :source
RETURNING holder_id;

-- touch_spaces --
UPDATE files.space SET revision = revision + 1
 WHERE tenant_id = :tenant AND space_id = ANY(:space_ids::uuid[])
RETURNING space_id, name, revision;

-- names_lock --
-- Team spaces get their names one after the other, so that looking for a free one means something.
SELECT pg_advisory_xact_lock(hashtextextended('spaces/' || :tenant::uuid::text, 0));

-- insert_space --
-- No row: somebody made it first (personal), or the name is taken (team).
INSERT INTO files.space (tenant_id, space_id, kind, owner_id, name, name_key, root_id, created_at)
VALUES (:tenant, :space_id, :kind, :owner_id, :name, :name_key, :root_id, :now)
ON CONFLICT DO NOTHING RETURNING space_id;

-- insert_root --
-- The root folder of a new space.
INSERT INTO files.node (tenant_id, node_id, space_id, kind, name, name_key,
                        created_at, modified_at, modified_by)
VALUES (:tenant, :root_id, :space_id, 'folder', :name, :name_key, :now, :now, :user_id);

-- insert_usage --
-- The quota rows of a new space, and the tenant's with its first space.
INSERT INTO files.usage (tenant_id, holder_id, quota, follows, space_quota)
SELECT :tenant, h.holder_id, h.quota, h.follows, h.space_quota
  FROM unnest(:holders::uuid[], :quotas::bigint[], :follows::boolean[], :space_quotas::bigint[])
    AS h (holder_id, quota, follows, space_quota)
ON CONFLICT DO NOTHING;

-- put_member --
-- Join a space, or change role.
WITH before AS (
    SELECT role FROM files.member
     WHERE tenant_id = :tenant AND space_id = :space_id AND user_id = :user_id)
INSERT INTO files.member (tenant_id, space_id, user_id, role)
VALUES (:tenant, :space_id, :user_id, :role)
ON CONFLICT (tenant_id, space_id, user_id) DO UPDATE SET role = excluded.role
RETURNING (SELECT role FROM before) AS previous;

-- remove_member --
-- Leave a space.
DELETE FROM files.member
 WHERE tenant_id = :tenant AND space_id = :space_id AND user_id = :user_id
RETURNING role;

-- managers --
-- Whether a user manages a space, and whether somebody else does.
SELECT count(*) FILTER (WHERE user_id = :user_id) > 0 AS is_one,
       count(*) FILTER (WHERE user_id <> :user_id) > 0 AS others
  FROM files.member
 WHERE tenant_id = :tenant AND space_id = :space_id AND role = 'manager';

-- holds --
-- Whether anything hangs from a root, trash too.
SELECT EXISTS (SELECT FROM files.node
                WHERE tenant_id = :tenant AND parent_id = :root_id) AS anything;

-- drop_members --
DELETE FROM files.member WHERE tenant_id = :tenant AND space_id = :space_id;

-- drop_usage --
DELETE FROM files.usage WHERE tenant_id = :tenant AND holder_id = :space_id;

-- drop_root --
DELETE FROM files.node WHERE tenant_id = :tenant AND node_id = :root_id;

-- drop_space --
DELETE FROM files.space WHERE tenant_id = :tenant AND space_id = :space_id;

-- members --
-- Who is in a space: one page by user id.
SELECT user_id, role FROM files.member
 WHERE tenant_id = :tenant AND space_id = :space_id AND user_id > :after
 ORDER BY user_id LIMIT :limit;

-- managers_of --
-- Who decides in it: all of them, for what they may do is never left out.
SELECT user_id FROM files.member
 WHERE tenant_id = :tenant AND space_id = :space_id AND role = 'manager' ORDER BY user_id;

-- lock_space --
-- One space, held while it changes.
SELECT s.*, m.role AS member_role, u.used, u.reserved, u.follows,
       CASE WHEN u.follows
            THEN (SELECT t.space_quota FROM files.usage t
                   WHERE t.tenant_id = :tenant AND t.holder_id = :tenant)
            ELSE u.quota END AS quota
  FROM files.space s
  LEFT JOIN files.member m
    ON m.tenant_id = :tenant AND m.space_id = s.space_id AND m.user_id = :user_id
  JOIN files.usage u ON u.tenant_id = :tenant AND u.holder_id = s.space_id
 WHERE s.tenant_id = :tenant AND s.space_id = :space_id FOR UPDATE OF s;

-- name_owner --
-- Which team space has a name.
SELECT space_id FROM files.space
 WHERE tenant_id = :tenant AND name_key = :name_key AND kind = 'team';

-- update_space --
-- Rename.
UPDATE files.space SET name = :name, name_key = :name_key, revision = revision + 1
 WHERE tenant_id = :tenant AND space_id = :space_id;

-- update_quota --
-- Null is without limit, unless it follows the tenant's.
UPDATE files.usage SET quota = :quota, follows = :follows, source = :source
 WHERE tenant_id = :tenant AND holder_id = :space_id;

-- list_spaces --
-- Personal first ('personal' sorts before 'team'), then by name.
WITH mine AS (
    SELECT space_id, NULL AS role FROM files.space
     WHERE tenant_id = :tenant AND owner_id = :user_id AND kind = 'personal'
    UNION ALL
    SELECT space_id, role FROM files.member WHERE tenant_id = :tenant AND user_id = :user_id
)
SELECT s.*, mine.role AS member_role, u.used, u.reserved, u.quota, u.follows
  FROM mine
 CROSS JOIN LATERAL (
    SELECT * FROM files.space a
     WHERE a.tenant_id = :tenant AND a.space_id = mine.space_id LIMIT 1) s
 CROSS JOIN LATERAL (
    SELECT used, reserved, follows,
           CASE WHEN follows
                THEN (SELECT t.space_quota FROM files.usage t
                       WHERE t.tenant_id = :tenant AND t.holder_id = :tenant)
                ELSE quota END AS quota
      FROM files.usage
     WHERE tenant_id = :tenant AND holder_id = s.space_id LIMIT 1) u
 WHERE (s.kind COLLATE "C", s.name_key) > (:after_kind COLLATE "C", :after_key COLLATE "C")
 ORDER BY s.kind COLLATE "C", s.name_key LIMIT :limit;

-- list_team_spaces --
-- Every team space of the tenant, by name, with the caller's role where there is one.
SELECT s.*, m.role AS member_role, u.used, u.reserved, u.quota, u.follows
  FROM (SELECT * FROM files.space
         WHERE tenant_id = :tenant AND kind = 'team' AND name_key > :after_key
         ORDER BY name_key LIMIT :limit) s
  LEFT JOIN files.member m
    ON m.tenant_id = :tenant AND m.space_id = s.space_id AND m.user_id = :user_id
 CROSS JOIN LATERAL (
    SELECT used, reserved, follows,
           CASE WHEN follows
                THEN (SELECT t.space_quota FROM files.usage t
                       WHERE t.tenant_id = :tenant AND t.holder_id = :tenant)
                ELSE quota END AS quota
      FROM files.usage
     WHERE tenant_id = :tenant AND holder_id = s.space_id LIMIT 1) u
 ORDER BY s.name_key;

-- walk_up --
-- From each node to its root: where it is, in which space, and whether anything above is trashed.
WITH RECURSIVE up AS (
    SELECT n.node_id AS start, n.node_id, n.parent_id, n.space_id, n.name, n.entry_id, 0 AS depth
      FROM files.node n
     WHERE n.tenant_id = :tenant AND n.node_id = ANY(:ids::uuid[])
    UNION ALL
    SELECT up.start, p.node_id, p.parent_id, p.space_id, p.name, p.entry_id, up.depth + 1
      FROM up JOIN files.node p ON p.tenant_id = :tenant AND p.node_id = up.parent_id
     WHERE up.depth < 1001
), chain AS (
    SELECT start,
           array_agg(node_id ORDER BY depth DESC) AS ids,
           array_agg(name ORDER BY depth DESC) FILTER (WHERE parent_id IS NOT NULL) AS names,
           (array_agg(space_id ORDER BY depth DESC))[1] AS root_space_id,
           bool_or(entry_id IS NOT NULL) AS trashed
      FROM up GROUP BY start
)
SELECT chain.ids, chain.names, chain.root_space_id, chain.trashed, n.*
  FROM chain JOIN files.node n ON n.tenant_id = :tenant AND n.node_id = chain.start;

-- walk_down --
-- From each start along its name keys ('/'-joined) as far as live nodes reach.
WITH RECURSIVE asked AS (
    SELECT ord, start, string_to_array(keys, '/') AS keys
      FROM unnest(:ords::int[], :starts::uuid[], :keys::text[]) AS a (ord, start, keys)
), down AS (
    SELECT ord, start AS node_id, keys, 0 AS depth, ARRAY[start] AS ids, ARRAY[]::text[] AS names
      FROM asked
    UNION ALL
    SELECT d.ord, n.node_id, d.keys, d.depth + 1, d.ids || n.node_id, d.names || n.name
      FROM down d
      JOIN files.node n ON n.tenant_id = :tenant AND n.parent_id = d.node_id
       AND n.name_key = d.keys[d.depth + 1] COLLATE "C" AND n.entry_id IS NULL
     WHERE d.depth < cardinality(d.keys)
), deepest AS (
    SELECT DISTINCT ON (ord) ord, node_id, depth, ids, names FROM down ORDER BY ord, depth DESC
)
SELECT deepest.ord, deepest.depth, deepest.ids, deepest.names, n.*
  FROM deepest JOIN files.node n ON n.tenant_id = :tenant AND n.node_id = deepest.node_id
 ORDER BY deepest.ord;

-- spaces --
-- The caller's personal space and those asked for by id or name, each with the caller's role.
SELECT s.*, m.role AS member_role, u.used, u.reserved, u.quota
  FROM files.space s
  LEFT JOIN files.member m
    ON m.tenant_id = :tenant AND m.space_id = s.space_id AND m.user_id = :user_id
  JOIN files.usage u ON u.tenant_id = :tenant AND u.holder_id = s.space_id
 WHERE s.tenant_id = :tenant
   AND (s.owner_id = :user_id OR s.space_id = ANY(:ids::uuid[])
        OR (s.kind = 'team' AND s.name_key = ANY(:keys::text[])))
 LIMIT 4000;

-- children_named --
-- Which of these (parent, key) places are taken, and by what; locked, so that they stay so.
SELECT n.*
  FROM unnest(:parents::uuid[], :keys::text[]) AS w (parent_id, name_key)
  JOIN files.node n ON n.tenant_id = :tenant AND n.parent_id = w.parent_id
   AND n.name_key = w.name_key COLLATE "C" AND n.entry_id IS NULL
 ORDER BY n.node_id;

-- tree_lock_shared --
SELECT pg_advisory_xact_lock_shared(hashtextextended('files/' || :tenant::uuid::text, 0));

-- tree_lock --
SELECT pg_advisory_xact_lock(hashtextextended('files/' || :tenant::uuid::text, 0));

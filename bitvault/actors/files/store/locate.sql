-- Every lookup by key stands in a LATERAL that cannot be flattened (LIMIT, OFFSET 0): left the
-- choice, the planner reads a whole tenant as soon as it takes it for a small one, which it does
-- while the statistics are young, and for the largest tenants always (test_growth.py). An array in
-- a (SELECT ...) has no length that the planner could see, so that it keeps one plan instead of
-- making one for each call.
--
-- What is said of everyone is read for all, and masked: guests have none of the rights, but a
-- restricted folder holds them as well.

-- walk_up --
-- From each node to its root: where it is, in which space, what was granted to the caller on each
-- node of the way (ADR-0018), and whether anything above is trashed.
WITH RECURSIVE up AS (
    SELECT n.node_id AS start, n.node_id, n.parent_id, n.space_id, n.name, n.entry_id, 0 AS depth
      FROM files.node n
     WHERE n.tenant_id = :tenant AND n.node_id = ANY(:ids::uuid[])
    UNION ALL
    SELECT up.start, p.node_id, p.parent_id, p.space_id, p.name, p.entry_id, up.depth + 1
      FROM up
     CROSS JOIN LATERAL (
        SELECT * FROM files.node a
         WHERE a.tenant_id = :tenant AND a.node_id = up.parent_id LIMIT 1) p
     WHERE up.depth < 1001
), chain AS (
    SELECT start,
           array_agg(node_id ORDER BY depth DESC) AS ids,
           array_agg(name ORDER BY depth DESC) FILTER (WHERE parent_id IS NOT NULL) AS names,
           (array_agg(space_id ORDER BY depth DESC))[1] AS root_space_id,
           array_agg(granted ORDER BY depth DESC) AS granted,
           bool_or(entry_id IS NOT NULL) AS trashed
      FROM up
     CROSS JOIN LATERAL (
        SELECT coalesce(bit_or(g.rights & CASE g.grantee_kind
                   WHEN 'everyone' THEN :of_everyone::int ELSE -1 END), 0) AS granted
          FROM sharing.granted g
         WHERE g.tenant_id = :tenant AND g.node_id = up.node_id
           AND g.grantee_id = ANY((SELECT :grantees::uuid[])::uuid[])) said
     GROUP BY start
)
SELECT chain.ids, chain.names, chain.root_space_id, chain.granted, chain.trashed, n.*
  FROM chain
 CROSS JOIN LATERAL (
    SELECT * FROM files.node s
     WHERE s.tenant_id = :tenant AND s.node_id = chain.start LIMIT 1) n;

-- walk_down --
-- From each start along its name keys ('/'-joined) as far as live nodes reach, and what was granted
-- on each of them.
WITH RECURSIVE asked AS (
    SELECT ord, start, string_to_array(keys, '/') AS keys
      FROM unnest((SELECT :ords::int[]), (SELECT :starts::uuid[]), (SELECT :keys::text[]))
        AS a (ord, start, keys)
), down AS (
    SELECT ord, start AS node_id, keys, 0 AS depth, ARRAY[start] AS ids, ARRAY[]::text[] AS names
      FROM asked
    UNION ALL
    SELECT d.ord, n.node_id, d.keys, d.depth + 1, d.ids || n.node_id, d.names || n.name
      FROM down d
     CROSS JOIN LATERAL (
        SELECT c.node_id, c.name FROM files.node c
         WHERE c.tenant_id = :tenant AND c.parent_id = d.node_id AND c.entry_id IS NULL
           AND c.name_key = d.keys[d.depth + 1] LIMIT 1) n
     WHERE d.depth < cardinality(d.keys)
), deepest AS (
    SELECT DISTINCT ON (ord) ord, node_id, depth, ids, names FROM down ORDER BY ord, depth DESC
)
SELECT deepest.ord, deepest.depth, deepest.ids, deepest.names, said.granted, n.*
  FROM deepest
 CROSS JOIN LATERAL (
    SELECT array_agg(coalesce(bits.granted, 0) ORDER BY i.at) AS granted
      FROM unnest(deepest.ids) WITH ORDINALITY AS i (node_id, at)
     CROSS JOIN LATERAL (
        SELECT bit_or(g.rights & CASE g.grantee_kind
                   WHEN 'everyone' THEN :of_everyone::int ELSE -1 END) AS granted
          FROM sharing.granted g
         WHERE g.tenant_id = :tenant AND g.node_id = i.node_id
           AND g.grantee_id = ANY((SELECT :grantees::uuid[])::uuid[])) bits) said
 CROSS JOIN LATERAL (
    SELECT * FROM files.node s
     WHERE s.tenant_id = :tenant AND s.node_id = deepest.node_id LIMIT 1) n
 ORDER BY deepest.ord;

-- granted_on --
-- What was granted to the caller on each of these nodes, where anything was.
SELECT node_id,
       bit_or(rights & CASE grantee_kind WHEN 'everyone' THEN :of_everyone::int ELSE -1 END)
         AS granted
  FROM sharing.granted
 WHERE tenant_id = :tenant AND node_id = ANY(:ids::uuid[]) AND grantee_id = ANY(:grantees::uuid[])
 GROUP BY node_id;

-- spaces --
-- Spaces by id and team spaces by name, and the caller's own when asked for, each with the caller's
-- role. A space that is asked for in two ways is there twice.
SELECT s.*, m.role AS member_role, u.used, u.reserved, u.quota, u.follows
  FROM (
    SELECT a.* FROM unnest((SELECT :ids::uuid[])) AS i (space_id)
     CROSS JOIN LATERAL (
        SELECT * FROM files.space
         WHERE tenant_id = :tenant AND space_id = i.space_id LIMIT 1) a
    UNION ALL
    SELECT a.* FROM unnest((SELECT :keys::text[])) AS k (name_key)
     CROSS JOIN LATERAL (
        SELECT * FROM files.space
         WHERE tenant_id = :tenant AND kind = 'team' AND name_key = k.name_key LIMIT 1) a
    UNION ALL
    SELECT a.* FROM (SELECT :user_id::uuid WHERE :own::boolean) AS o (owner_id)
     CROSS JOIN LATERAL (
        SELECT * FROM files.space
         WHERE tenant_id = :tenant AND kind = 'personal' AND owner_id = o.owner_id LIMIT 1) a) s
  LEFT JOIN LATERAL (
    SELECT role FROM files.member
     WHERE tenant_id = :tenant AND space_id = s.space_id AND user_id = :user_id LIMIT 1) m ON TRUE
 CROSS JOIN LATERAL (
    SELECT used, reserved, follows,
           CASE WHEN follows
                THEN (SELECT t.space_quota FROM files.usage t
                       WHERE t.tenant_id = :tenant AND t.holder_id = :tenant)
                ELSE quota END AS quota
      FROM files.usage
     WHERE tenant_id = :tenant AND holder_id = s.space_id LIMIT 1) u;

-- children_named --
-- Which of these (parent, key) places are taken, and by what; and what was granted on that.
SELECT n.*, said.granted
  FROM unnest(:parents::uuid[], :keys::text[]) AS w (parent_id, name_key)
 CROSS JOIN LATERAL (
    SELECT * FROM files.node c
     WHERE c.tenant_id = :tenant AND c.parent_id = w.parent_id AND c.entry_id IS NULL
       AND c.name_key = w.name_key LIMIT 1) n
 CROSS JOIN LATERAL (
    SELECT coalesce(bit_or(g.rights & CASE g.grantee_kind
               WHEN 'everyone' THEN :of_everyone::int ELSE -1 END), 0) AS granted
      FROM sharing.granted g
     WHERE g.tenant_id = :tenant AND g.node_id = n.node_id
       AND g.grantee_id = ANY((SELECT :grantees::uuid[])::uuid[])) said;

-- tree_lock_shared --
SELECT pg_advisory_xact_lock_shared(hashtextextended('files/' || :tenant::uuid::text, 0));

-- tree_lock --
SELECT pg_advisory_xact_lock(hashtextextended('files/' || :tenant::uuid::text, 0));

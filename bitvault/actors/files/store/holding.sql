-- restricted --
-- Restricted folders of the tenant, no more than the limit.
SELECT node_id FROM sharing.granted
 WHERE tenant_id = :tenant AND grantee_id = '00000000-0000-0000-0000-000000000000'
   AND (rights & 16384) <> 0
 ORDER BY node_id LIMIT :limit;

-- restricted_below --
-- Restricted folders at and below a live one, by a walk through its live folders, no more of them
-- than the limit; and how many were walked through.
WITH RECURSIVE down AS (
    SELECT :node_id::uuid AS node_id
    UNION ALL
    SELECT n.node_id FROM down d
     CROSS JOIN LATERAL (
        SELECT c.node_id FROM files.node c
         WHERE c.tenant_id = :tenant AND c.parent_id = d.node_id AND c.kind = 'folder'
           AND c.entry_id IS NULL OFFSET 0) n
), walked AS (
    SELECT node_id FROM down LIMIT :limit
)
SELECT count(*) AS folders,
       coalesce(array_agg(walked.node_id) FILTER (WHERE g.found), '{}') AS restricted
  FROM walked
  LEFT JOIN LATERAL (
    SELECT TRUE AS found FROM sharing.granted a
     WHERE a.tenant_id = :tenant AND a.node_id = walked.node_id
       AND a.grantee_id = '00000000-0000-0000-0000-000000000000' AND (a.rights & 16384) <> 0
     LIMIT 1) g ON TRUE;

-- restricted_among --
-- Whether one of some folders, not live any more, is restricted.
WITH RECURSIVE hidden AS (
    SELECT n.node_id, n.parent_id FROM files.node n
     WHERE n.tenant_id = :tenant AND n.node_id = ANY(:node_ids::uuid[]) AND n.entry_id IS NOT NULL
    UNION
    SELECT c.node_id, c.parent_id FROM hidden h
      JOIN files.node c ON c.tenant_id = :tenant AND c.parent_id = h.node_id
                       AND c.node_id = ANY(:node_ids::uuid[])
)
SELECT 1 AS found
  FROM hidden
 CROSS JOIN LATERAL (
    SELECT FROM sharing.granted a
     WHERE a.tenant_id = :tenant AND a.node_id = hidden.node_id
       AND a.grantee_id = '00000000-0000-0000-0000-000000000000' AND (a.rights & 16384) <> 0
     LIMIT 1) g
 LIMIT 1;

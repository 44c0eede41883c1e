-- lock_nodes --
-- In id order, so that two batches cannot deadlock; the rows as they are after the wait.
SELECT * FROM files.node
 WHERE tenant_id = :tenant AND node_id = ANY(:ids::uuid[])
 ORDER BY node_id FOR UPDATE;

-- insert_nodes --
-- Fewer rows than asked for: a concurrent commit took a name first, and the plan is made again.
INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, revision, version,
                        size, hash, content_type, content_modified_at,
                        created_at, modified_at, modified_by)
SELECT :tenant, n.node_id, n.parent_id, n.kind, n.name, n.name_key, n.revision, n.version,
       n.size, n.hash, n.content_type, n.content_modified_at, :now, :now, :user_id
  FROM unnest(:node_ids::uuid[], :parent_ids::uuid[], :kinds::text[], :names::text[],
              :keys::text[], :revisions::bigint[], :versions::int[], :sizes::bigint[],
              :hashes::text[], :types::text[], :modified::timestamptz[])
    AS n (node_id, parent_id, kind, name, name_key, revision, version, size, hash,
          content_type, content_modified_at)
ON CONFLICT DO NOTHING;

-- update_files --
-- The new current version, repeated in the node's row.
UPDATE files.node f
   SET revision = n.revision, version = n.version, size = n.size, hash = n.hash,
       content_type = n.content_type, content_modified_at = n.content_modified_at,
       modified_at = :now, modified_by = :user_id
  FROM unnest(:node_ids::uuid[], :revisions::bigint[], :versions::int[], :sizes::bigint[],
              :hashes::text[], :types::text[], :modified::timestamptz[])
    AS n (node_id, revision, version, size, hash, content_type, content_modified_at)
 WHERE f.tenant_id = :tenant AND f.node_id = n.node_id AND f.node_id = ANY(:node_ids::uuid[]);

-- insert_versions --
-- Immutable from here on.
INSERT INTO files.version (tenant_id, node_id, version, size, hash, content_type,
                           content_modified_at, created_at, created_by)
SELECT :tenant, v.node_id, v.version, v.size, v.hash, v.content_type, v.modified, :now, :user_id
  FROM unnest(:node_ids::uuid[], :versions::int[], :sizes::bigint[], :hashes::text[],
              :types::text[], :modified::timestamptz[])
    AS v (node_id, version, size, hash, content_type, modified);

-- take_blobs --
-- Reliability §4.5: a live blob keeps its key, a condemned one is taken over with the new key.
INSERT INTO files.blob AS b (tenant_id, hash, object_key, size, refs, state)
SELECT :tenant, n.hash, n.object_key, n.size, n.refs, 'live'
  FROM unnest(:hashes::text[], :object_keys::text[], :sizes::bigint[], :refs::bigint[])
    AS n (hash, object_key, size, refs)
 ORDER BY n.hash
ON CONFLICT (tenant_id, hash) DO UPDATE
   SET refs = CASE WHEN b.state = 'live' THEN b.refs + excluded.refs ELSE excluded.refs END,
       object_key = CASE WHEN b.state = 'live' THEN b.object_key ELSE excluded.object_key END,
       state = 'live', zero_since = NULL
RETURNING b.hash, b.object_key;

-- reuse_blobs --
-- More references to content that is there; fewer rows than asked for: some of it is condemned.
UPDATE files.blob b
   SET refs = b.refs + n.refs, zero_since = NULL
  FROM (SELECT l.hash FROM files.blob l
         WHERE l.tenant_id = :tenant AND l.hash = ANY(:hashes::text[]) AND l.state = 'live'
         ORDER BY l.hash FOR UPDATE) held
  JOIN unnest(:hashes::text[], :refs::bigint[]) AS n (hash, refs) USING (hash)
 WHERE b.tenant_id = :tenant AND b.hash = held.hash AND b.hash = ANY(:hashes::text[]);

-- readers_of --
-- Files whose current or older version has this content: where a caller may already read it.
SELECT b.hash, b.size, v.node_id
  FROM unnest((SELECT :hashes::text[])) AS w (hash)
 CROSS JOIN LATERAL (
    SELECT l.hash, l.size FROM files.blob l
     WHERE l.tenant_id = :tenant AND l.hash = w.hash AND l.state = 'live' LIMIT 1) b
 CROSS JOIN LATERAL (
    SELECT node_id FROM files.version
     WHERE tenant_id = :tenant AND hash = w.hash LIMIT 16) v;

-- lock_usage --
-- The quota rows of the tenant and of some spaces, locked in one order for everybody; and whether
-- the caller, who may be in a space by a grant alone, is told what is left.
SELECT u.holder_id, u.used, u.reserved, u.quota, u.follows, u.space_quota, coalesce(
          (SELECT TRUE FROM files.member m
            WHERE m.tenant_id = :tenant AND m.space_id = u.holder_id AND m.user_id = :user_id
            LIMIT 1),
          (SELECT s.owner_id = :user_id FROM files.space s
            WHERE s.tenant_id = :tenant AND s.space_id = u.holder_id LIMIT 1),
          FALSE) AS is_told
  FROM files.usage u
 WHERE u.tenant_id = :tenant AND u.holder_id = ANY(:holders::uuid[])
 ORDER BY u.holder_id FOR UPDATE;

-- usage --
-- The quota rows of the tenant and of some spaces as they are now, held by nobody; who may be told
-- of them is not looked at.
SELECT u.holder_id, u.used, u.reserved, u.quota, u.follows, u.space_quota, FALSE AS is_told
  FROM files.usage u
 WHERE u.tenant_id = :tenant AND u.holder_id = ANY(:holders::uuid[]);

-- reserve --
-- Bytes gained by each holder, if they fit in every quota. Fewer rows than asked for: they do not.
-- A row that was waited for is checked as it is after the wait; the tenant's is among them, and
-- has what a space may hold that follows it.
WITH asked AS (
    SELECT * FROM unnest(:holders::uuid[], :used::bigint[], :reserved::bigint[])
        AS d (holder_id, used, reserved)
), held AS (
    SELECT holder_id, used + reserved AS taken, quota, follows, space_quota FROM files.usage
     WHERE tenant_id = :tenant AND holder_id = ANY(:holders::uuid[])
     ORDER BY holder_id FOR UPDATE
), room AS (
    SELECT bool_and(coalesce(
               h.taken + d.used + d.reserved
                   <= CASE WHEN h.follows THEN t.space_quota ELSE h.quota END, TRUE)) AS is_enough
      FROM held h JOIN asked d USING (holder_id) LEFT JOIN held t ON t.holder_id = :tenant
)
UPDATE files.usage u SET used = u.used + d.used, reserved = u.reserved + d.reserved
  FROM asked d CROSS JOIN room
 WHERE u.tenant_id = :tenant AND u.holder_id = d.holder_id
   AND u.holder_id = ANY(:holders::uuid[]) AND room.is_enough;

-- add_usage --
-- Bytes gained (or, negative, lost) by each holder. The rows are locked in one order for all,
-- because two commits that lock a space and its tenant in different orders would deadlock.
WITH held AS (
    SELECT holder_id FROM files.usage
     WHERE tenant_id = :tenant AND holder_id = ANY(:holders::uuid[])
     ORDER BY holder_id FOR UPDATE
)
UPDATE files.usage u SET used = u.used + d.used, reserved = u.reserved + d.reserved
  FROM held
  JOIN unnest(:holders::uuid[], :used::bigint[], :reserved::bigint[])
    AS d (holder_id, used, reserved) USING (holder_id)
 WHERE u.tenant_id = :tenant AND u.holder_id = held.holder_id
   AND u.holder_id = ANY(:holders::uuid[]);

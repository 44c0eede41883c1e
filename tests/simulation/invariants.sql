-- Each query answers what breaks its invariant (reliability §2); no row is the right answer.

-- always I4 the journal has a gap --
SELECT s.tenant_id::text
  FROM outbox.tenant_seq s
  LEFT JOIN LATERAL (SELECT count(*) AS events, coalesce(max(seq), 0) AS most
                       FROM outbox.event e WHERE e.tenant_id = s.tenant_id) e ON true
 WHERE e.events <> s.last OR e.most <> s.last

-- always I7 the audit trail differs from what its cursor says --
SELECT coalesce(e.tenant_id, a.tenant_id)::text || ' ' || coalesce(e.seq, a.seq)
  FROM (SELECT e.*, e.seq <= coalesce(c.applied, 0) AS due
          FROM outbox.event e LEFT JOIN outbox.consumer_cursor c
            ON c.consumer = 'audit' AND c.tenant_id = e.tenant_id) e
  FULL JOIN audit.entry a ON a.tenant_id = e.tenant_id AND a.seq = e.seq
 WHERE e.due IS DISTINCT FROM (a.seq IS NOT NULL)
    OR (e.due AND (a.event_id, a.kind, a.aggregate_id, a.user_id, a.at, a.detail,
                   a.request_id, a.address, a.user_agent)
                  IS DISTINCT FROM
                  (e.event_id, e.kind, e.aggregate_id, e.user_id, e.recorded_at, e.payload,
                   coalesce(e.origin ->> 'request_id', ''), coalesce(e.origin ->> 'address', ''),
                   coalesce(e.origin ->> 'user_agent', '')))
    OR (e.due AND (a.credential_id::text, a.by_operator, a.node_id::text)
                  IS DISTINCT FROM
                  (e.origin ->> 'credential_id', coalesce(e.origin ->> 'by', '') = 'operator',
                   CASE WHEN e.kind LIKE 'share.%' THEN e.payload ->> 'node_id' END))

-- always I8 an event went to the dead letters --
SELECT consumer || ' ' || seq || ' ' || error FROM outbox.dead_letter

-- always I9 a chain of versions has a gap --
SELECT n.node_id::text || ' ' || n.version
  FROM files.node n
  LEFT JOIN LATERAL (SELECT count(*) AS versions, max(version) AS most FROM files.version v
                      WHERE v.tenant_id = n.tenant_id AND v.node_id = n.node_id) v ON true
 WHERE n.kind = 'file' AND (v.versions <> n.version OR v.most <> n.version)

-- always I9 a file is not as its current version --
SELECT n.node_id::text FROM files.node n
  JOIN files.version v USING (tenant_id, node_id, version)
 WHERE (n.size, n.hash, n.content_type, n.content_modified_at)
       IS DISTINCT FROM (v.size, v.hash, v.content_type, v.content_modified_at)

-- always I9 a version and its event name different authors --
SELECT v.node_id::text || ' ' || v.created_by FROM files.version v
  JOIN outbox.event e ON e.tenant_id = v.tenant_id AND e.aggregate_id = v.node_id
   AND e.kind = 'node.committed' AND (e.payload ->> 'version')::int = v.version
 WHERE e.user_id IS DISTINCT FROM v.created_by

-- always I9 a version belongs to no file --
SELECT v.node_id::text FROM files.version v
  LEFT JOIN files.node n USING (tenant_id, node_id)
 WHERE n.kind IS DISTINCT FROM 'file' AND NOT EXISTS (
    SELECT FROM files.purge p WHERE p.tenant_id = v.tenant_id AND p.node_id = v.node_id)

-- always I12 a node does not reach its root --
SELECT n.node_id::text || ' ' || n.name FROM files.node n
 WHERE NOT EXISTS (
    WITH RECURSIVE down AS (
        SELECT r.node_id FROM files.node r WHERE r.tenant_id = n.tenant_id AND r.parent_id IS NULL
        UNION
        SELECT p.node_id FROM files.purge p WHERE p.tenant_id = n.tenant_id
        UNION
        SELECT c.node_id FROM down JOIN files.node c
            ON c.tenant_id = n.tenant_id AND c.parent_id = down.node_id
    ) SELECT FROM down WHERE down.node_id = n.node_id)

-- always I12 something is in a file --
SELECT n.node_id::text FROM files.node n
  JOIN files.node p ON p.tenant_id = n.tenant_id AND p.node_id = n.parent_id AND p.kind = 'file'

-- always I12 what is in the trash has no entry, and leads to nothing that has --
SELECT coalesce(n.node_id, e.node_id)::text
  FROM (SELECT * FROM files.node WHERE entry_id IS NOT NULL) n
  FULL JOIN files.trash_entry e
    ON e.tenant_id = n.tenant_id AND e.entry_id = n.entry_id AND e.node_id = n.node_id
 WHERE n.node_id IS NULL
    OR (e.node_id IS NULL AND NOT EXISTS (
        SELECT FROM files.node c
         WHERE c.tenant_id = n.tenant_id AND c.parent_id = n.node_id AND c.entry_id IS NOT NULL)
        AND NOT EXISTS (
        SELECT FROM files.purge q WHERE q.tenant_id = n.tenant_id AND q.node_id = n.node_id))

-- always I14 an entry is out of reach --
SELECT e.entry_id::text FROM files.trash_entry e
 WHERE NOT EXISTS (
    WITH RECURSIVE up AS (
        SELECT n.parent_id FROM files.node n
         WHERE n.tenant_id = e.tenant_id AND n.node_id = e.node_id
        UNION ALL
        SELECT p.parent_id FROM up JOIN files.node p
            ON p.tenant_id = e.tenant_id AND p.node_id = up.parent_id
    ) SELECT FROM up WHERE up.parent_id IS NULL)

-- always I15 the references of a blob are not its versions --
SELECT b.hash || ' ' || b.refs
  FROM files.blob b
 WHERE b.refs <> (SELECT count(*) FROM files.version v
                   WHERE v.tenant_id = b.tenant_id AND v.hash = b.hash)

-- always I1 a version has no blob --
SELECT v.node_id::text FROM files.version v LEFT JOIN files.blob b USING (tenant_id, hash)
 WHERE b.state IS DISTINCT FROM 'live' OR b.size <> v.size

-- always I19 the bytes used are not the sizes of the versions --
SELECT u.holder_id::text || ' ' || u.used
  FROM files.usage u
 WHERE u.used <> (
    WITH RECURSIVE down AS (
        SELECT r.node_id FROM files.node r
         WHERE r.tenant_id = u.tenant_id AND r.parent_id IS NULL
           AND u.holder_id IN (r.tenant_id, r.space_id)
        UNION ALL
        SELECT p.node_id FROM files.purge p
         WHERE p.tenant_id = u.tenant_id AND u.holder_id IN (p.tenant_id, p.space_id)
           AND NOT EXISTS (SELECT FROM files.node k
                            WHERE k.tenant_id = p.tenant_id AND k.node_id = p.node_id)
        UNION ALL
        SELECT c.node_id FROM down JOIN files.node c
            ON c.tenant_id = u.tenant_id AND c.parent_id = down.node_id
    ) SELECT coalesce(sum(v.size), 0) FROM down JOIN files.version v
          ON v.tenant_id = u.tenant_id AND v.node_id = down.node_id)

-- always I19 the bytes reserved are not those of the open uploads --
SELECT u.holder_id::text || ' ' || u.reserved
  FROM files.usage u
 WHERE u.reserved <> (SELECT coalesce(sum(size), 0) FROM files.upload o
                       WHERE o.tenant_id = u.tenant_id AND o.state = 'open'
                         AND u.holder_id IN (o.tenant_id, o.space_id))

-- always I19 more is used and reserved than the quota allows --
SELECT u.holder_id::text FROM files.usage u
  JOIN files.usage t ON t.tenant_id = u.tenant_id AND t.holder_id = u.tenant_id
 WHERE u.used + u.reserved > CASE WHEN u.follows THEN t.space_quota ELSE u.quota END

-- always I19 a space has no tenant whose quota it could follow --
SELECT u.holder_id::text FROM files.usage u
  LEFT JOIN files.usage t ON t.tenant_id = u.tenant_id AND t.holder_id = u.tenant_id
 WHERE t.holder_id IS NULL

-- quiet I8 a consumer is behind --
SELECT w.consumer || ' ' || s.tenant_id
  FROM (VALUES ('relay'), ('audit'), ('sharing')) AS w (consumer) CROSS JOIN outbox.tenant_seq s
  LEFT JOIN outbox.consumer_cursor c ON c.consumer = w.consumer AND c.tenant_id = s.tenant_id
 WHERE c.applied IS DISTINCT FROM s.last

-- end I19 an upload is open past its lifetime --
SELECT upload_id::text FROM files.upload WHERE state = 'open'

-- end I15c a purge never ends --
SELECT node_id::text FROM files.purge

-- clean content that nothing refers to --
SELECT hash FROM files.blob WHERE refs = 0

-- clean a key that was condemned --
SELECT object_key FROM files.condemned

-- clean an object that no blob names --
SELECT o.key || ' ' || o.state
  FROM storage.object o
 WHERE NOT EXISTS (SELECT FROM files.blob b WHERE b.tenant_id = o.tenant_id
                      AND b.object_key IN (o.key, o.sealed_key))

-- insert_link --
INSERT INTO sharing.link (tenant_id, link_id, node_id, token_digest, role, label, password_hash,
                          password_is_nfc, expires_at, max_downloads, message, max_files, max_size,
                          extensions, created_by, created_at, set_at)
VALUES (:tenant, :link_id, :node_id, :token_digest, :role, :label, :password_hash, TRUE,
        :expires_at, :max_downloads, :message, :max_files, :max_size, :extensions, :user_id, :now,
        :now)
RETURNING *;

-- link_under_key --
SELECT * FROM sharing.link
 WHERE tenant_id = :tenant AND link_id BETWEEN :first AND :last AND created_at > :since
 ORDER BY created_at DESC LIMIT 1;

-- renew_token --
-- The token of before ends. Whoever has another one made answers for the link.
UPDATE sharing.link
   SET token_digest = :token_digest, sponsor_id = :user_id, revision = revision + 1
 WHERE tenant_id = :tenant AND link_id = :link_id
RETURNING *;

-- links_on --
SELECT count(*) AS count FROM sharing.link WHERE tenant_id = :tenant AND node_id = :node_id;

-- links_of_node --
SELECT * FROM sharing.link
 WHERE tenant_id = :tenant AND node_id = :node_id AND link_id > :after
 ORDER BY link_id LIMIT :limit;

-- links_of_maker --
SELECT * FROM sharing.link
 WHERE tenant_id = :tenant AND created_by = :user_id AND link_id > :after
 ORDER BY link_id LIMIT :limit;

-- link --
SELECT * FROM sharing.link WHERE tenant_id = :tenant AND link_id = :link_id;

-- lock_link --
SELECT * FROM sharing.link WHERE tenant_id = :tenant AND link_id = :link_id FOR UPDATE;

-- update_link --
-- A hash that is another than before was made now.
UPDATE sharing.link
   SET role = :role, label = :label, password_hash = :password_hash,
       password_is_nfc = password_is_nfc OR password_hash IS DISTINCT FROM :password_hash,
       expires_at = :expires_at,
       max_downloads = :max_downloads, message = :message, max_files = :max_files,
       max_size = :max_size, extensions = :extensions, is_revoked = :is_revoked, set_at = :now,
       revision = revision + 1
 WHERE tenant_id = :tenant AND link_id = :link_id
RETURNING *;

-- answer_for --
UPDATE sharing.link SET sponsor_id = :user_id WHERE tenant_id = :tenant AND link_id = :link_id;

-- links_among --
SELECT l.*
  FROM unnest((SELECT :link_ids::uuid[])) AS w (link_id)
 CROSS JOIN LATERAL (
    SELECT * FROM sharing.link a
     WHERE a.tenant_id = :tenant AND a.link_id = w.link_id LIMIT 1) l;

-- delete_link --
DELETE FROM sharing.link WHERE tenant_id = :tenant AND link_id = :link_id;

-- link_by_token, across tenants --
-- Nobody is known yet.
SELECT * FROM sharing.link WHERE token_digest = :token_digest;

-- count_downloads --
-- No row: the link allows no more of them, or is not good any more.
UPDATE sharing.link SET downloads = downloads + :count
 WHERE tenant_id = :tenant AND link_id = :link_id AND NOT is_revoked
   AND (expires_at IS NULL OR expires_at > :now)
   AND (max_downloads IS NULL OR downloads + :count <= max_downloads)
RETURNING link_id;

-- count_received --
-- Files came in by file requests; other links, and users, have no such row.
UPDATE sharing.link l SET files = l.files + r.files, bytes = l.bytes + r.bytes
  FROM unnest(:link_ids::uuid[], :files::bigint[], :bytes::bigint[]) AS r (link_id, files, bytes)
 WHERE l.tenant_id = :tenant AND l.link_id = r.link_id AND l.link_id = ANY(:link_ids::uuid[])
   AND l.role = 'uploader';

-- forget_links --
DELETE FROM sharing.link WHERE tenant_id = :tenant AND node_id = :node_id;

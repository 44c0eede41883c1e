-- insert_link --
INSERT INTO sharing.link (tenant_id, link_id, node_id, token_digest, role, label, password_hash,
                          expires_at, max_downloads, created_by, created_at)
VALUES (:tenant, :link_id, :node_id, :token_digest, :role, :label, :password_hash, :expires_at,
        :max_downloads, :user_id, :now)
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
UPDATE sharing.link
   SET role = :role, label = :label, password_hash = :password_hash, expires_at = :expires_at,
       max_downloads = :max_downloads, is_revoked = :is_revoked, revision = revision + 1
 WHERE tenant_id = :tenant AND link_id = :link_id
RETURNING *;

-- delete_link --
DELETE FROM sharing.link WHERE tenant_id = :tenant AND link_id = :link_id;

-- link_by_token --
-- Across tenants: nobody is known yet.
SELECT * FROM sharing.link WHERE token_digest = :token_digest;

-- count_downloads --
-- No row: the link allows no more of them, or is not good any more.
UPDATE sharing.link SET downloads = downloads + :count
 WHERE tenant_id = :tenant AND link_id = :link_id AND NOT is_revoked
   AND (expires_at IS NULL OR expires_at > :now)
   AND (max_downloads IS NULL OR downloads + :count <= max_downloads)
RETURNING link_id;

-- forget_links --
DELETE FROM sharing.link WHERE tenant_id = :tenant AND node_id = :node_id;
